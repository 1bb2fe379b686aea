"""The lines room as a person uses it, from nothing to the files that they take away."""

import base64
import io
import json
import re
import shlex
import zipfile

import numpy as np
import pytest
from PIL import Image

from chainrule.glyphs.lines import load_line_fonts, render_line
from chainrule.reader.front_door import load_reader
from chainrule.reader.trace import beam, trace
from lab_browser import until
from lab_processes import descendants, needs_processes, until_gone

STEP = "document.querySelector('.step')?.dataset.kept"
FONT = "lato"


@pytest.fixture(scope="module")
def reader():
    return load_reader()


@pytest.fixture(scope="module")
def lato():
    """The style of the family that the room draws."""
    fonts = [font for font in load_line_fonts() if font.family == FONT]
    return next(font for font in fonts if font.name.endswith("-normal"))


def sheet(tab):
    """A new, empty sheet."""
    until(tab, "room.sheet && room.state !== 'loading'")
    before = until(tab, "room.sheet")
    tab.get_by_role("button", name="New sheet").click()
    until(tab, f"room.sheet !== '{before}' && room.state === 'empty'")


def type_line(tab, text):
    count = int(until(tab, "room.lines"))
    before = tab.evaluate("document.querySelector('.shown')?.dataset.line")
    tab.get_by_label("Text", exact=True).fill(text)
    tab.get_by_role("button", name="Read it").click()
    until(tab, f"room.lines === '{count + 1}'")
    until(tab, f"(document.querySelector('.shown')?.dataset.line ?? '{before}') !== '{before}'")
    until(tab, STEP)


def give(tab, *files):
    tab.get_by_label("Open files").set_input_files(files)
    until(tab, f"document.querySelector('.give')?.dataset.sent === '{len(files)}'")
    until(tab, "document.querySelector('.give')?.dataset.sending === 'false'")


def save(tab, name, folder):
    with tab.expect_download() as found:
        tab.get_by_role("link", name=name).click()
    found.value.save_as(folder / name)
    return folder / name


def numbers(tab, selector, *names):
    return [
        [float(one.get_attribute(f"data-{name}")) for name in names]
        for one in tab.locator(selector).all()
    ]


def pixels(tab):
    """The score map's canvas as it is drawn."""
    url = tab.evaluate("document.querySelector('.steps-map canvas').toDataURL()")
    picture = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    return np.asarray(picture.convert("RGB")).astype(int)


def test_a_typed_line_is_taken_apart_with_the_librarys_numbers(tabs, lab, reader, lato):
    tab = tabs.open(lab, "/#lines")
    sheet(tab)
    type_line(tab, "burn the modern rn")
    drawn = render_line(lato, "burn the modern rn")
    ours = trace(reader, drawn.image)
    shown = tab.locator(".shown")
    assert shown.get_attribute("data-read") == ours.read.text
    assert float(shown.get_attribute("data-confidence")) == pytest.approx(
        ours.read.confidence, abs=1e-6
    )
    one = ours.readers[ours.kept]
    (line,) = one.lines
    boxes = [b.get_attribute("data-box") for b in tab.locator(".framed rect").all()]
    assert boxes == [" ".join(map(str, c.box)) for c in ours.read.characters]
    for place in (0, 5, len(line.characters) - 1):  # a character that is clicked
        character = line.characters[place]
        tab.locator(f"[data-character='{place}']").click()
        until(tab, f"document.querySelector('.step')?.dataset.step === '{character.surest}'")
        until(tab, STEP)
        chosen = tab.locator(".chosen")
        assert chosen.get_attribute("data-from") == str(character.frames[0])
        assert chosen.get_attribute("data-to") == str(character.frames[1])
        assert numbers(tab, ".chosen .bars li", "p") == pytest.approx(
            np.array([[p] for _, p in character.best]), abs=1e-6
        )
        kept = beam(one.reader, line, character.surest)
        texts = [e.get_attribute("data-text") for e in tab.locator(".beam li").all()]
        assert texts == [text for text, _ in kept]
        assert numbers(tab, ".beam li", "score", "seen") == pytest.approx(
            np.array([[p.score, p.log_probability] for _, p in kept]), abs=1e-5
        )
    readings = numbers(tab, "[data-reading]", "seen")
    assert readings == pytest.approx(np.array([[r.seen] for r in line.readings]), abs=1e-5)


def test_the_score_map_is_aligned_under_the_line(tabs, lab, reader, lato):
    text = "clean corner"
    tab = tabs.open(lab, "/#lines")
    sheet(tab)
    type_line(tab, text)
    drawn = render_line(lato, text)
    found = trace(reader, drawn.image)
    (line,) = found.readers[found.kept].lines
    width = int(tab.locator(".steps-map").get_attribute("data-width"))
    until(tab, f"document.querySelector('canvas')?.dataset.drawn?.startsWith('{text}')")
    page = pixels(tab)
    paper, high = page[2, -1], 16 * width
    assert page.shape[1] == width * line.log_p.shape[1]
    labels = [e.inner_text() for e in tab.locator(".labels span").all()][1:-2]
    for place, character in enumerate(line.characters):
        if character.character == " " or place < 2:
            continue  # the first is chosen: its frame is drawn over it
        # the column above the step is inside of the character that the font drew
        middle = 2 * character.surest + 1
        left, _, right, _ = drawn.boxes[place]
        at = line.crop.left + middle / line.crop.scale_x
        assert left - 6 <= at <= right + 6, character  # the loss leaves where in it
        # and below it, in the row of its class, is its probability
        row = high + 20 * labels.index(character.character) + 10
        cell = page[row, character.surest * width + width // 2]
        p = np.exp(line.log_p[:, character.surest]).max()
        full = np.array([0x00, 0x68, 0xA3])  # the palette's first colour
        assert np.abs(cell - (p * full + (1 - p) * paper)).max() <= 2
        ink = line.crop.values[:, middle - 3 : middle + 3].clip(0).sum()
        above = np.abs(page[:high, (middle - 3) * width // 2 : (middle + 3) * width // 2] - paper)
        assert (ink > 1) == (above.max() > 60), character
    tab.locator(".steps-map canvas").click(position={"x": 7.5 * width, "y": high + 5})
    until(tab, "document.querySelector('.step')?.dataset.step === '7'")
    tab.get_by_role("slider", name="Step of the network along the line").press("ArrowRight")
    until(tab, "document.querySelector('.step')?.dataset.step === '8'")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, lato):
    """Lines as pictures, some with their text beside them, and what people's folders have too."""
    folder = tmp_path_factory.mktemp("lines")
    texts = ["near the mill", "clean corner", "burnt modern", "turn learner", "inner manner"]
    for number, text in enumerate(texts):
        Image.fromarray(render_line(lato, text).image).save(folder / f"{number}.png")
        if number != 2:
            (folder / f"{number}.gt.txt").write_text(text + "\n")
    (folder / "cut off.png").write_bytes((folder / "0.png").read_bytes()[:200])
    (folder / "program.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>")
    (folder / "9.gt.txt").write_text("two\nlines\n")
    Image.fromarray(np.full((40, 90), 200, np.uint8)).save(folder / "nothing.png")
    return folder


def test_dropped_lines_are_read_as_by_the_command_and_corrected(
    tabs, lab, pictures, tmp_path, command
):
    tab = tabs.open(lab, "/#lines")
    sheet(tab)
    give(tab, *sorted(pictures.iterdir()))
    until(tab, "document.querySelectorAll('.line').length === 6")
    said = until(tab, "document.querySelector('.broken')?.innerText")
    assert "program.svg: an SVG" in said
    assert "cut off.png" in said
    assert "9.gt.txt: its text cannot be used" in tab.locator(".give").inner_text()
    tab.locator(".line", has_text="burnt modern").click()
    until(tab, "document.querySelector('.shown .name')?.textContent.startsWith('2.png')")
    until(tab, STEP)
    assert tab.locator(".correct").get_attribute("data-truth") is None
    tab.get_by_label("What it really says").fill("burnt modem")
    tab.get_by_role("button", name="Say so").click()
    until(tab, "document.querySelector('.correct')?.dataset.truth === 'burnt modem'")
    assert "It is read wrong." in tab.locator(".correct").inner_text()
    tab.locator(".line", has_text="no text").click()
    until(tab, "document.querySelector('.shown')?.dataset.by")
    assert "its shades are all alike" in tab.locator(".answer").inner_text()
    read = json.loads(save(tab, "read.json", tmp_path).read_text())["images"]
    with zipfile.ZipFile(save(tab, "lines.zip", tmp_path)) as archive:
        archive.extractall(tmp_path)
    assert (tmp_path / "lines" / "2.gt.txt").read_text() == "burnt modem\n"
    files = [f"lines/{one['file']}" for one in read]
    shown = tab.locator("[data-command='read']").inner_text()
    assert shown == "chainrule reader read new/*.png --json"
    result = command("reader", "read", *files, "--json", cwd=tmp_path)
    theirs = json.loads(result.stdout)["images"]
    assert [{**one, "file": f"lines/{one['file']}"} for one in read] == theirs
    tab.get_by_label(re.compile("^Reader")).select_option("large")
    command_said = "document.querySelector('[data-command=read]').textContent"
    until(tab, f"{command_said}.includes('--model large')")
    until(tab, "document.querySelector('.turns li')?.dataset.turn === 'large'")
    assert tab.locator(".turns li").count() == 1


@needs_processes
def test_a_reader_is_trained_on_them_and_taken_away(tabs, lab, pictures, tmp_path, command):
    tab = tabs.open(lab, "/#lines")
    sheet(tab)
    give(tab, *[path for path in sorted(pictures.iterdir()) if re.match(r"[0-4]\.", path.name)])
    until(tab, "document.querySelectorAll('.line').length === 5")
    until(tab, STEP)
    epochs = tab.get_by_label("Epochs", exact=True)
    epochs.fill("1000")  # so many that it is cancelled before they are over
    before = descendants(lab.process.pid)
    train = "document.querySelector('.train').dataset"
    tab.get_by_role("button", name="Train", exact=True).click()
    until(tab, f"{train}.training === 'running' && Number({train}.epochs) > 0")
    started = descendants(lab.process.pid) - before
    assert started
    tab.get_by_role("button", name="Cancel").click()
    until(tab, f"{train}.training === 'cancelled'")
    until_gone(tab, started)
    kept = int(until(tab, f"Number({train}.epochs) > 0 && {train}.epochs"))  # its curves stay
    assert kept < 1000
    tab.get_by_role("button", name="Go on").click()  # they go on where they were
    until(tab, f"{train}.training === 'running' && {train}.epochs > {kept}")
    numbers = tab.locator(".train tbody td:first-child").all_text_contents()
    assert numbers == [str(k + 1) for k in range(len(numbers))]
    tab.get_by_role("button", name="Cancel").click()
    until(tab, f"{train}.training === 'cancelled'")
    epochs.fill("1")
    tab.get_by_role("button", name="Train", exact=True).click()
    until(tab, f"{train}.training === 'finished' && {train}.after && {train}.epochs === '1'")
    assert "held out" in tab.locator(".outcome").inner_text()
    tab.get_by_label(re.compile("^Reader")).select_option("yours")
    until(tab, "document.querySelector('.turns')?.innerText.includes('trained here')")
    figures = json.loads(save(tab, "trained.json", tmp_path).read_text())
    assert (figures["pictures"], figures["held_out"]) == (3, 1)
    assert tab.locator(".train").get_attribute("data-after") == f"{figures['after']:g}"
    model = save(tab, "model.safetensors", tmp_path)
    with zipfile.ZipFile(save(tab, "lines.zip", tmp_path)) as archive:
        archive.extractall(tmp_path / "there")
    words = shlex.split(save(tab, "train.sh", tmp_path).read_text())
    assert words[0] == "chainrule"
    result = command(*words[1:], "--json", cwd=tmp_path / "there")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["character_error_before"] == figures["before"]
    assert (found["pictures"], found["held_out"]) == (3, 1)
    ours, theirs = (
        load_reader(model, words=None),
        load_reader(tmp_path / "there" / "model.safetensors", words=None),
    )
    assert ours.alphabet == theirs.alphabet
    for name, value in ours.parameters.items():
        np.testing.assert_allclose(value, theirs.parameters[name], rtol=0.05, atol=0.02)


def test_a_font_of_ones_own_is_typed_in_and_learned(tabs, lab, fonts_folder):
    tab = tabs.open(lab, "/#lines")
    sheet(tab)
    give(tab, fonts_folder / "DejaVuSansMono-Bold.ttf")
    until(tab, "document.querySelector('.fonts')")
    tab.get_by_label(re.compile("^Font")).fill("DejaVuSansMono-Bold.ttf")
    type_line(tab, "gauge 40")
    assert tab.locator(".shown").get_attribute("data-read") == "gauge 40"
    tab.get_by_label(re.compile("^Font")).fill("no such font")
    tab.get_by_label("Text", exact=True).fill("x")
    tabs.allowed.add(422)
    tab.get_by_role("button", name="Read it").click()
    said = until(tab, "document.querySelector('.typed-line [role=alert]')?.innerText")
    assert "found 'no such font'" in said
    tab.get_by_label(re.compile("^Learn")).select_option("fonts")
    tab.get_by_role("combobox", name="Characters").fill("x")
    tab.get_by_role("button", name="Train", exact=True).click()
    said = until(tab, "document.querySelector('.train [role=alert]')?.innerText")
    assert "at least 2 to tell apart" in said
