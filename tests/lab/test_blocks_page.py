"""The blocks room as a person uses it, from nothing to the files that they take away."""

import base64
import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from chainrule import Chain, blocks
from chainrule.chain import load_chain, save_chain
from chainrule.io.pictures import read_picture
from chainrule.practical.on_picture import as_tensor
from lab_browser import until

BUSY = "room.busy === 'false'"
DRAWN = "document.querySelector('.maps .sheet')?.dataset.drawn"


def open_board(tabs, lab, preset=None):
    """A new board, its first layer drawn."""
    tab = tabs.open(lab, "/#blocks")
    before = until(tab, "room.state !== 'loading' && room.board")
    tab.get_by_role("button", name="New board").click()
    until(tab, f"room.state === 'ready' && room.board !== '{before}'")
    until(tab, f"{DRAWN}?.split(':')[1] === room.revision")
    if preset is not None:
        changing(tab, lambda: tab.get_by_label("Begin with").first.select_option(preset))
    return tab


def changing(tab, act):
    """Do something that changes the board; wait until what comes out is drawn anew."""
    before = int(until(tab, "room.revision"))
    act()
    until(tab, f"Number(room.revision) > {before} && {BUSY}")
    until(tab, f"{DRAWN}?.split(':')[1] === room.revision")


def files_of(tab, folder, *names):
    """Take files away; a folder with them."""
    for name in names:
        with tab.expect_download() as waited:
            tab.locator(f"a[download='{name}']").click()
        waited.value.save_as(folder / name)


def board_of(tab, folder):
    """The chain, its parameters and the picture, as the files that are taken away hold them."""
    files_of(tab, folder, "chain.safetensors", "picture.png")
    chain, params, _ = load_chain(folder / "chain.safetensors")
    return chain, params, as_tensor(read_picture(folder / "picture.png")).double()


def choose(tab, row, column, height, width):
    """Click a pixel of what comes out; give the channel, row and column that were taken."""
    sheet = tab.locator(".maps .sheet").first
    box = sheet.bounding_box()
    at = {"x": (column + 0.5) / width * box["width"], "y": (row + 0.5) / height * box["height"]}
    sheet.click(position=at)
    place = until(tab, "document.querySelector('.entry')?.dataset.pinned === 'true' && "
                       "document.querySelector('.entry').dataset.entry")  # fmt: skip
    return tuple(map(int, place.split(",")))


def products_of(tab, where):
    """The values and the slopes that stand in a table, in their order."""
    found = tab.evaluate(
        f"[...document.querySelectorAll('{where} [data-value]')].map("
        "e => [Number(e.dataset.value), Number(e.dataset.slope)])"
    )
    return np.array(found).T


def test_window_sum_and_derivative_are_the_chains(tabs, lab, tmp_path):
    tab = open_board(tabs, lab)
    assert "Point at a pixel" in tab.locator(".lead").inner_text()
    chain, params, x = board_of(tab, tmp_path)
    _, height, width = chain.until("conv1").apply(x, params)[0].shape
    box = tab.locator(".maps .sheet").first.bounding_box()
    at = {"x": 0.4 * box["width"], "y": 0.4 * box["height"]}
    tab.locator(".maps .sheet").first.hover(position=at)
    until(tab, "document.querySelector('.entry')?.dataset.total")  # a pointer is enough
    c, i, j = choose(tab, 20, 30, height, width)
    assert (c, i, j) == (0, 20, 30)
    y = chain.until("conv1").apply(x, params)
    total = float(tab.locator(".entry").get_attribute("data-total"))
    assert total == pytest.approx(float(y[0, c, i, j]), abs=1e-12)
    values, slopes = products_of(tab, ".entry")
    np.testing.assert_array_equal(values, x[0, :, i : i + 3, j : j + 3].flatten())
    np.testing.assert_array_equal(slopes, params["conv1.weight"][c].flatten())
    rest = float(tab.locator(".entry").get_attribute("data-rest"))
    assert values @ slopes + rest == pytest.approx(total, abs=1e-12)

    tab.get_by_role("button", name="conv2").click()  # and through the chain, back to the picture
    until(tab, f"{DRAWN}?.startsWith('4:')")
    place = choose(tab, 12, 20, *chain.apply(x, params).shape[2:])
    until(tab, "document.querySelector('[data-slopes]')")
    module, given = chain.to_torch(params), x.clone().requires_grad_()
    (whole,) = torch.autograd.grad(module(given)[(0, *place)], given)
    slopes_said = int(tab.locator("[data-slopes]").get_attribute("data-slopes"))
    assert slopes_said == int((whole[0] != 0).any(0).sum())
    tab.get_by_role("button", name="Take the strongest apart").click()
    entry = until(tab, "document.querySelector('.back')?.dataset.back").removeprefix("0:")
    strongest = tuple(map(int, entry.split(",")))
    assert abs(whole[(0, *strongest)]) == whole.abs().max()
    tab.locator(".back").get_by_role("button", name="All").click()
    values, slopes = products_of(tab, ".back")
    by_hand = float(tab.locator(".back").get_attribute("data-total"))
    assert by_hand == pytest.approx(float(whole[(0, *strongest)]), rel=1e-10)
    assert values @ slopes == pytest.approx(by_hand, rel=1e-10)
    by_differences = float(tab.locator(".back").get_attribute("data-numeric"))
    assert by_differences == pytest.approx(by_hand, rel=1e-6)
    tab.locator(".back").get_by_role("button", name="apart").first.click()  # one layer further
    until(tab, "document.querySelector('.back')?.dataset.back?.startsWith('1:')")
    values, slopes = products_of(tab, ".back")
    assert values @ slopes == pytest.approx(
        float(tab.locator(".back").get_attribute("data-total")), rel=1e-10, abs=1e-12
    )
    again = tabs.open(lab, tab.url.removeprefix(lab.origin), context=tab.context)
    until(
        again, f"document.querySelector('.entry')?.dataset.entry === '{','.join(map(str, place))}'"
    )


def shown(tab):
    """The pixels that the large picture of a channel shows."""
    url = tab.evaluate("document.querySelector('.maps .sheet').toDataURL()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("L"))


def test_a_changed_filter_is_painted_and_taken_away_as_code(tabs, lab, tmp_path):
    tab = open_board(tabs, lab)
    digest = until(tab, "document.querySelector('[data-digest]')?.dataset.digest")
    weight = tab.get_by_label("conv1.weight 1, 2, 3, 1", exact=True)
    weight.fill("-2.5")
    changing(tab, lambda: weight.press("Enter"))
    chain, params, x = board_of(tab, tmp_path)
    assert float(params["conv1.weight"][0, 1, 2, 0]) == -2.5
    y = chain.until("conv1").apply(x, params)[0]
    expected = ((y[0] - y.min()) / (y.max() - y.min()) * 255).numpy()
    pixels = shown(tab)
    scale = pixels.shape[0] // expected.shape[0]
    found = pixels[scale // 2 :: scale, scale // 2 :: scale][: len(expected)]
    assert np.abs(found - expected).max() <= 0.5 + 1e-6
    files_of(tab, tmp_path, "chain.py", "output.npy")
    changed = until(tab, f"(d => d && d !== '{digest}' && d)"
                         "(document.querySelector('[data-digest]')?.dataset.digest)")  # fmt: skip
    program = [sys.executable, "chain.py"]
    said = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == changed
    output = np.load(tmp_path / "output.npy", allow_pickle=False)
    np.testing.assert_allclose(output, chain.apply(x, params).numpy(), rtol=0, atol=1e-12)
    changing(tab, lambda: tab.get_by_role("button", name="Undo").click())
    until(tab, f"document.querySelector('[data-digest]')?.dataset.digest === '{digest}'")


def test_the_check_says_right_and_a_wrong_layer_by_its_kind(tabs, lab, tmp_path):
    tab = open_board(tabs, lab)
    until(tab, "document.querySelector('.check')?.dataset.verdict === 'right'")
    own = "document.querySelector('.own-layer')?.dataset.verdict"
    until(tab, f"{own} === 'wrong'")
    assert "one over N H W = 48" in tab.locator(".own-layer .mistakes").inner_text()
    tab.get_by_label("dw =").fill("sum(dy * x)")
    until(tab, f"{own} === 'right'")
    tab.get_by_label("dx =").fill("-w * dy")
    until(
        tab,
        f"{own} === 'wrong' && document.querySelector('.mistakes').textContent.includes('sign')",
    )
    files_of(tab, tmp_path, "layer.py")
    program = [sys.executable, "layer.py"]
    said = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "likely sign" in said
    tabs.allowed.add(422)
    tab.get_by_label("dx =").fill("open('/etc/passwd')")
    until(tab, "document.querySelector('.own-layer [role=alert]')?.textContent"
               ".includes('dx: found the function')")  # fmt: skip


def test_an_own_picture_and_an_own_chain_by_keys(tabs, lab, tmp_path):
    tabs.allowed.add(422)
    tab = open_board(tabs, lab)
    grey = (np.add.outer(np.arange(20), 3 * np.arange(30)) % 256).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / "ramp.png")
    layers = [("conv", blocks.Convolution(1, 2, 5)), ("pool", blocks.MaxPooling(3))]
    layers += [("flat", blocks.Flatten()), ("full", blocks.FullyConnected(2 * 5 * 8, 3))]
    chain = Chain(layers)
    params = chain.initial_parameters(torch.Generator().manual_seed(2))
    save_chain(tmp_path / "own.safetensors", chain, params)
    (tmp_path / "none.safetensors").write_bytes(b"no chain")
    (tmp_path / "none.png").write_bytes(b"no picture")
    for label, name, said in (
        ("Open a picture", "none.png", "none.png is not a picture"),
        ("Open a chain", "none.safetensors", "is no file of chainrule"),
        ("Open a chain", "own.safetensors", "FullyConnected"),  # the picture is another one yet
    ):
        tab.get_by_label(label).set_input_files(tmp_path / name)
        until(
            tab, f'document.querySelector(".room > [role=alert]")?.textContent.includes("{said}")'
        )
    picture = tab.get_by_label("Open a picture")
    changing(tab, lambda: picture.set_input_files(tmp_path / "ramp.png"))
    opener = tab.get_by_label("Open a chain")
    changing(tab, lambda: opener.set_input_files(tmp_path / "own.safetensors"))
    sheet = tab.get_by_role("application", name="Channel 1 of conv")
    sheet.focus()
    for key in ("ArrowDown", "ArrowRight", "Shift+ArrowRight"):
        sheet.press(key)
    until(tab, "document.querySelector('.entry')?.dataset.entry === '0,1,11'")
    x = torch.from_numpy(grey / np.float32(255))[None, None].double()
    params = {name: value.double() for name, value in params.items()}
    y = chain.until("conv").apply(x, params)
    total = float(tab.locator(".entry").get_attribute("data-total"))
    assert total == pytest.approx(float(y[0, 0, 1, 11]), abs=1e-12)
    tab.get_by_role("button", name="full").click()
    until(tab, "document.querySelectorAll('.numbers button').length === 3")
    tab.locator(".numbers button").nth(1).click()
    until(tab, "document.querySelector('.entry')?.dataset.entry === '1'")
    total = float(tab.locator(".entry").get_attribute("data-total"))
    assert total == pytest.approx(float(chain.apply(x, params)[0, 1]), abs=1e-12)
    tab.locator(".layers select").first.select_option("Softmax")
    before = int(until(tab, "room.revision"))
    tab.get_by_role("button", name="Add after full").click()
    until(tab, f"Number(room.revision) > {before} && {BUSY}")
    assert tab.locator(".layer").count() == 5
    tab.locator("[data-layer=conv]").click()
    kernel = tab.get_by_label("kernel size")
    kernel.fill("99")
    tab.get_by_role("button", name="Use", exact=True).click()
    until(
        tab, "document.querySelector('.room > [role=alert]')?.textContent.includes('window spans')"
    )
    tab.locator("[data-layer=flat]").click()  # what goes in must stay what the next layer takes
    tab.get_by_role("button", name="Remove", exact=True).click()
    until(tab, "document.querySelector('.room > [role=alert]')?.textContent.includes('layer')")
    assert tab.locator(".layer").count() == 5


def test_an_empty_chain_says_what_to_do(tabs, lab):
    tabs.allowed.add(422)  # of a layer that is removed while it is checked
    tab = open_board(tabs, lab, "relu")
    for name in ("relu", "filter"):
        tab.locator(f"[data-layer={name}]").click()
        before = int(until(tab, "room.revision"))
        tab.get_by_role("button", name="Remove", exact=True).click()
        until(tab, f"Number(room.revision) > {before} && {BUSY}")
    until(tab, "room.state === 'empty'")
    assert "Add a block" in tab.locator(".layers").inner_text()
    changing(tab, lambda: tab.get_by_role("button", name="Add", exact=True).click())
    until(tab, "room.state === 'ready'")
