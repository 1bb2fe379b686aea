"""The photographs room as a person uses it, from nothing to the files that they take away."""

import base64
import csv
import io
import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file

from chainrule.images import load_network, read_collection
from chainrule.io.pictures import read_picture, sample_files
from lab_browser import until
from lab_textures import CLASSES, cuts, new_album

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
    until(tab, "document.querySelector('.give')?.dataset.sending === 'false'")


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
    until(tab, f"document.querySelector('.decided canvas')?.dataset.drawn === '{drawn}'")
    url = tab.evaluate("document.querySelector('.decided canvas').toDataURL()")
    picture = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    return np.asarray(picture.convert("RGB")).astype(int)


def test_a_picture_its_five_best_and_what_decided_on_any_class(lab_alone, tabs, network):
    lab = lab_alone  # where no other test has made an album yet
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
    until(tab, f"location.hash.includes('class={other}')")
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
    new_album(tab)
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


# holds the first upload back until a test has done what it does meanwhile
HELD = """
  const ask = window.fetch;
  window.held = new Promise((go) => (window.go = go));
  window.fetch = async (address, options) => {
    if (String(address).endsWith("/bundle")) await window.held;
    return ask(address, options);
  };
"""


def test_a_picture_that_is_gone_before_it_is_sent_is_named_and_the_others_are_taken(
    tabs, lab, tmp_path
):
    files = [tmp_path / f"{name}.png" for name in CLASSES]
    for name, file in zip(CLASSES, files, strict=True):
        cuts(name)[0].save(file)
    tab = tabs.open(lab, "/#photographs")
    new_album(tab)
    tabs.listening = False  # the browser says that an upload failed
    tab.evaluate(HELD)
    tab.get_by_label("Open pictures").set_input_files(files)
    until(tab, "document.querySelector('.give')?.dataset.sending === 'true'")
    files[1].unlink()
    tab.evaluate("window.go()")
    until(tab, "document.querySelector('.give')?.dataset.sending === 'false'")
    said = tab.locator(".give").inner_text()
    assert "Took 2 of 3 files." in said
    assert "grass.png: it cannot be read" in said
    until(tab, "document.querySelectorAll('.gallery .small li').length === 2")


def test_an_album_of_many_pictures_is_looked_through_page_by_page(tabs, lab, tmp_path):
    files = [tmp_path / f"{k:02}.png" for k in range(60)]
    for k, file in enumerate(files):
        Image.new("RGB", (16, 16), (4 * k, 0, 0)).save(file)
    names = [file.name for file in reversed(files)]  # the newest first
    tab = tabs.open(lab, "/#photographs")
    new_album(tab)
    give(tab, *files)
    shown = "[...document.querySelectorAll('.gallery img')].map(i => i.alt).join()"
    until(tab, f"{shown} === '{','.join(names[:48])}'")
    tab.get_by_role("button", name="Older pictures").click()
    until(tab, f"{shown} === '{','.join(names[48:])}'")
    assert tab.get_by_role("button", name="Older pictures").is_disabled()
    tab.get_by_label("Page", exact=True).fill("-3")
    tab.get_by_label("Page", exact=True).press("Enter")
    until(tab, f"{shown} === '{','.join(names[:48])}'")
    assert tab.get_by_label("Page", exact=True).input_value() == "1"


def same_bits(command, folder, name, taken):
    """Run a command that was taken away where the folder lies; whether it gives the same model."""
    words = shlex.split(taken.read_text())
    assert words[0] == "chainrule"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        result = command(*words[1:], "--json", cwd=folder)
    assert result.returncode == 0, result.stderr
    ours, theirs = (load_file(path) for path in (name, folder / "model.safetensors"))
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        np.testing.assert_allclose(value, theirs[key], rtol=1e-3, atol=1e-4)
    return json.loads(result.stdout)


def save(tab, name, folder):
    with tab.expect_download() as found:
        tab.get_by_role("link", name=name).click()
    found.value.save_as(folder / name)
    return folder / name


def test_a_folder_becomes_a_classifier_that_is_taken_away(tabs, lab, trained, tmp_path, command):
    tab = tabs.open(lab, trained.place)
    until(tab, "document.querySelector('.classifier')?.dataset.judged")
    model = save(tab, "model.safetensors", tmp_path)
    expected = same_bits(command, trained.folder.parent, model, save(tab, "train.sh", tmp_path))
    assert expected["classes"] == ["brick", "grass", "gravel"]
    assert tab.locator(".error").get_attribute("data-wrong") == str(
        round(expected["error"] * expected["pictures"])
    )
    for t, name in enumerate(expected["classes"]):  # each cell opens its pictures
        recall = f"{100 * expected['recall'][name]:.2f} %"
        assert recall in tab.locator(f"[data-recall='{t}']").inner_text()
        for a, count in enumerate(expected["confusion"][t]):
            cell = tab.locator(f"[data-cell='{t} {a}']")
            assert cell.count() == bool(count)
            if count:
                cell.click()
                until(tab, f"document.querySelector('[data-opened]')?.dataset.opened === '{t} {a}'")
                names = [i.get_attribute("alt") for i in tab.locator(".opened img").all()]
                assert len(set(names)) == count
                assert all(n.startswith(f"stones/{name}/") for n in names)
    cell = tab.locator("[data-cell='1 0']")  # the brick in the wrong folder
    cell.click()
    tab.locator(".opened button[data-picture]").first.click()
    until(tab, "document.querySelector('.shows .name')?.textContent.startsWith('stones/grass/')")
    found = tab.locator(".findings").inner_text()
    assert "grass; rather brick?" in found
    assert "stones/brick/copy.png: the same picture as stones/brick/brick 0.png" in found
    assert found.count("stones/brick/cut off.png is damaged") == 1
    groups = [
        {button.get_attribute("title") for button in group.locator("button").all()}
        for group in tab.locator(".groups > li").all()
    ]
    assert {"stones/gravel/gravel 0.png", "stones/gravel/smaller.jpg"} in groups
    listed = read_collection(_beside(save(tab, "pictures.csv", tmp_path), trained.folder.parent))
    there = read_collection(trained.folder)
    broken = trained.folder / "brick" / "cut off.png"
    assert {*listed.files, broken} == set(there.files)
    assert listed.classes == there.classes


def _beside(path, folder):
    target = folder / path.name
    target.write_bytes(path.read_bytes())
    return target


def test_new_pictures_are_answered_as_by_the_command(tabs, lab, trained, tmp_path, command):
    tab = tabs.open(lab, trained.place)
    until(tab, "document.querySelector('.classifier')?.dataset.judged")
    files = [tmp_path / f"{name}.png" for name in CLASSES]
    for name, file in zip(CLASSES, files, strict=True):
        cuts(name)[12].save(file)
    tab.get_by_label("Unsure under a margin of").fill("0.5")
    unsure = int(tab.locator(".judged").get_attribute("data-unsure"))
    give(tab, *files)
    model = save(tab, "model.safetensors", tmp_path)
    result = command(
        "images", "predict", model, *files, "--top", "5", "--unknown", "--unsure", "0.50", "--json"
    )
    rows = {Path(row["file"]).name: row for row in json.loads(result.stdout)["images"]}
    for file in files:
        choose(tab, file.name)
        until(tab, "document.querySelector('.best.own')")
        row = rows[file.name]
        assert tab.locator("[data-own]").get_attribute("data-own") == row["class"]
        shown = [
            (b.locator("span").first.inner_text(), float(b.get_attribute("data-probability")))
            for b in tab.locator(".best.own button").all()
        ]
        assert dict(shown) == pytest.approx(
            {guess["class"]: guess["probability"] for guess in row["best"]}, abs=1e-3
        )
    tab.locator(".best.own button").nth(2).click()  # what decided on the class that it is not
    until(tab, LOOKED + ".startsWith('own ')")
    until(tab, "location.hash.includes('own=')")
    answers = list(csv.DictReader(save(tab, "answers.csv", tmp_path).read_text().splitlines()))
    assert {row["file"]: row["class"] for row in answers if "/" not in row["file"]} == {
        name: row["class"] for name, row in rows.items()
    }
    margins = [float(r["probability_1"]) - float(r["probability_2"]) for r in answers]
    assert all((m < 0.5) <= (r["class"] in ("unsure", "unknown"))
               for m, r in zip(margins, answers, strict=True))  # fmt: skip
    assert 0 <= unsure < len(answers)
    for file in files:  # the album as it was
        choose(tab, file.name)
        tab.get_by_role("button", name="Remove", exact=True).first.click()
        until(
            tab,
            f"![...document.querySelectorAll('.gallery img')].some(i => i.alt === '{file.name}')",
        )
