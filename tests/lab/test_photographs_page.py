"""The photographs room as a person uses it, from nothing to the files that they take away."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from chainrule.images import load_network
from chainrule.io.pictures import read_picture, sample_files
from lab_browser import until

LOOKED = "document.querySelector('.shows')?.dataset.decided"


@pytest.fixture(scope="module")
def network():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # as the lab has it for one picture
    yield load_network()
    torch.set_num_threads(before)


def give(tab, *files):
    """Open pictures with the button; wait until they are taken."""
    tab.get_by_label("Open pictures").set_input_files(files)
    until(tab, "document.querySelector('.give').dataset.sending === 'false'")


def choose(tab, name):
    """Look at a picture; wait for what decided on its best class."""
    tab.get_by_role("button", name=name, exact=True).first.click()
    until(tab, f"document.querySelector('.shows .name')?.textContent.startsWith('{name}')")
    until(tab, LOOKED)


def best_of(tab):
    until(tab, LOOKED + " && document.querySelector('.best')")
    bars = tab.locator(".best button").all()
    return {int(b.get_attribute("data-index")): float(b.get_attribute("data-probability"))
            for b in bars}  # fmt: skip


def canvas_of(tab, drawn):
    until(tab, f"document.querySelector('.decided canvas').dataset.drawn === '{drawn}'")
    url = tab.evaluate("document.querySelector('.decided canvas').toDataURL()")
    picture = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    return np.asarray(picture.convert("RGB")).astype(int)


def test_a_picture_its_five_best_and_what_decided_on_any_class(tabs, lab, network):
    tab = tabs.open(lab, "/#photographs")
    until(tab, LOOKED)
    assert "Drop a picture" in tab.locator(".lead").inner_text()
    for file in sample_files():
        choose(tab, file.name)
        expected = {g.index: g.probability for g in network.classify(file)}
        assert best_of(tab) == pytest.approx(expected, abs=1e-6)
    picture = read_picture(file, network.preprocessing.at_least)
    square = network.preprocessing.square(picture).astype(int)
    best = next(iter(expected))
    ours = network.explain(picture, best)
    light = 0.12 + 0.88 * ours.grad_cam[..., None]
    assert np.abs(canvas_of(tab, f"{best}:cam") - square * light).max() <= 2
    tab.get_by_label("what the network saw").check()
    assert np.abs(canvas_of(tab, f"{best}:square") - square).max() == 0
    tab.get_by_label("where a change matters most").check()
    shades = 255 * np.sqrt(ours.derivative)
    assert np.abs(canvas_of(tab, f"{best}:derivative")[..., 0] - shades).max() <= 16  # of sqrt(1)
    tab.get_by_label("Another class").fill("espresso maker")
    tab.get_by_role("button", name="Show", exact=True).click()
    other = network.classes.index("espresso maker")
    until(tab, f"{LOOKED} === '{other}'")
    shades = 255 * np.sqrt(network.explain(picture, other).derivative)
    assert np.abs(canvas_of(tab, f"{other}:derivative")[..., 0] - shades).max() <= 16
    assert f"class={other}" in tab.url
    again = tabs.open(lab, tab.url.removeprefix(lab.origin), context=tab.context)
    until(again, f"{LOOKED} === '{other}'")  # the address leads back to it
    tab.get_by_label("Another class").fill("no such thing")
    tab.get_by_role("button", name="Show", exact=True).click()
    until(tab, "document.querySelector('.shows [role=alert]')")


def encoded(picture, kind, **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def test_pictures_as_people_have_them_and_what_is_none(tabs, lab, network, tmp_path):
    picture = read_picture(sample_files()[0])
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    contents = {
        "turned.jpg": encoded(picture.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif),
        "a.webp": encoded(picture, "WEBP"),
        "b.tiff": encoded(picture, "TIFF"),
        "cut off.png": encoded(picture, "PNG")[:2000],
        "<b>bold</b>.gif": b"GIF89a" + bytes(30),
        "program.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
        "text.jpg": b"no picture at all",
        "notes.txt": b"notes",
        "empty.png": b"",
    }
    files = []
    for name, content in contents.items():
        path = tmp_path / name.replace("/", "")
        path.write_bytes(content)
        files.append(path)
    tab = tabs.open(lab, "/#photographs")
    tab.get_by_role("button", name="New album").click()
    until(tab, "room.state === 'empty'")
    give(tab, *files)
    until(tab, "document.querySelectorAll('.gallery .small li').length === 3")
    broken = until(tab, "document.querySelector('.broken')?.innerText")
    assert "program.svg: an SVG" in broken
    assert "notes.txt: not a picture by its name" in broken
    assert "empty.png: empty" in broken
    assert "<b>bold<b>.gif" in broken
    assert "cut off.png is damaged" in broken
    assert "text.jpg is not a picture that can be read" in broken
    expected = {g.index: g.probability for g in network.classify(tmp_path / "turned.jpg")}
    choose(tab, "turned.jpg")
    assert best_of(tab) == pytest.approx(expected, abs=1e-6)
    said = tab.locator(".shows .name").inner_text()
    assert f"{picture.width} × {picture.height} pixels" in said
    choose(tab, "b.tiff")
    tab.get_by_role("button", name="Remove", exact=True).first.click()
    until(tab, "document.querySelectorAll('.gallery .small li').length === 2")
