"""Lines composed from glyphs, held against Pillow's own setting of the same text."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, features

from chainrule.errors import FileError, InputError
from chainrule.glyphs.alphabet import NAMED
from chainrule.glyphs.degrade import CONDITIONS, Degradation, degrade, random_degradation
from chainrule.glyphs.fonts import lato, open_font
from chainrule.glyphs.lines import (
    build_line_fonts,
    line_font,
    load_line_fonts,
    render_line,
    restrict,
    save_line_fonts,
)
from chainrule.glyphs.manifest import read_manifest

ASCII = NAMED["ascii"]


@pytest.fixture(scope="module")
def fonts():
    return load_line_fonts()


@pytest.mark.skipif(not features.check("raqm"), reason="Pillow without Raqm has no kerning")
@pytest.mark.parametrize("name", ["DejaVuSans", "DejaVuSerif-Italic", "DejaVuSansMono"])
def test_a_line_is_as_long_as_pillow_sets_it_and_looks_like_it(fonts_folder, name):
    file = open_font(fonts_folder / f"{name}.ttf")
    font = line_font(file, ASCII)
    text = "AVATAR: Type (with) 12 kerned To. Wa, ve!"
    line = render_line(font, text)
    face = file.at(font.size, shaped=True)
    plain = ["-liga", "-clig", "-dlig", "-calt"]
    canvas = Image.new("L", (line.image.shape[1], 32), 255)
    pen = line.boxes[0, 0] - font.left[font.index["A"]]
    ImageDraw.Draw(canvas).text((pen, font.baseline), text, 0, face, anchor="ls", features=plain)
    length = face.getlength(text, features=plain)
    assert abs(line.image.shape[1] - 8 - length) <= 4
    ours, theirs = 255.0 - line.image, 255.0 - np.asarray(canvas)
    # each glyph is placed on whole pixels: the two differ by less than one sideways
    assert abs(ours.sum() / theirs.sum() - 1) < 0.03
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.8


def test_each_box_is_its_characters_ink(fonts):
    rng = random.Random(5)
    for font in rng.sample(fonts, 40):
        line = render_line(font, "a b-c.D|9g,", tracking=30)
        for character, (left, top, right, bottom) in zip(line.text, line.boxes, strict=True):
            ink = line.image[top:bottom, left:right]
            if character == " ":
                assert ink.min() == 255
            else:
                np.testing.assert_array_equal(ink, font.inks[font.index[character]])
        dark = np.argwhere(line.image < 255)
        drawn = line.boxes[[c != " " for c in line.text]]
        assert dark[:, 1].min() == drawn[:, 0].min()
        assert dark[:, 1].max() == drawn[:, 2].max() - 1


@given(data=st.data())
def test_any_text_of_the_alphabet_fits_its_line(fonts, data):
    font = data.draw(st.sampled_from(fonts))
    text = data.draw(st.text(st.sampled_from(font.alphabet), min_size=1, max_size=30))
    line = render_line(font, text)
    assert line.image.shape[0] == 32
    assert (line.boxes[:, :2] >= 0).all()
    assert (line.boxes[:, 2] <= line.image.shape[1]).all()
    assert (line.boxes[:, 3] <= 32).all()
    assert (line.image[:, :1] == 255).all()
    assert (line.image[:, -1:] == 255).all()


def test_the_fonts_in_the_package(fonts):
    assert {font.alphabet for font in fonts} == {ASCII}
    assert len({font.family for font in fonts}) >= 500
    sets = {font.family: font.validation for font in fonts}
    assert all(sets[font.family] == font.validation for font in fonts)
    pinned = {font.family: font.set == "validation" for font in read_manifest(use="lines")}
    assert all(pinned[name] == held for name, held in sets.items())
    assert sets["lato"], "the report's sentence is in a font that no training saw"


def test_saved_fonts_come_back(fonts_folder, make_font, tmp_path):
    files = [open_font(fonts_folder / f"{name}.ttf") for name in ("DejaVuSans", "STIXGeneral")]
    made, dropped = build_line_fonts(files, "ab 1", validation_families={"STIXGeneral"})
    assert dropped == []
    save_line_fonts(tmp_path / "x.safetensors", made)
    again = load_line_fonts(tmp_path / "x.safetensors")
    for one, other in zip(made, again, strict=True):
        line, same = render_line(one, "ab 1 ba"), render_line(other, "ab 1 ba")
        np.testing.assert_array_equal(line.image, same.image)
        np.testing.assert_array_equal(line.boxes, same.boxes)
        assert (one.name, one.family, one.validation) == (
            other.name,
            other.family,
            other.validation,
        )
    # the baseline of a font whose letters hang high lies below its lines
    high = line_font(open_font(make_font("high", {"a": (0, 800, 300, 1300), " ": None})), "a ")
    assert high.baseline > high.height
    save_line_fonts(tmp_path / "high.safetensors", [high])
    assert load_line_fonts(tmp_path / "high.safetensors")[0].baseline == high.baseline
    whole = (tmp_path / "x.safetensors").read_bytes()
    for length in range(0, len(whole), 29):
        (tmp_path / "cut.safetensors").write_bytes(whole[:length])
        with pytest.raises(FileError):
            load_line_fonts(tmp_path / "cut.safetensors")
    for rise in (-99, 99):
        save_line_fonts(tmp_path / "high.safetensors", [replace(one, top=one.top + rise)])
        with pytest.raises(FileError, match="draws outside of its lines"):
            load_line_fonts(tmp_path / "high.safetensors")


def test_fonts_at_other_heights_and_alphabets(fonts_folder, make_font):
    file = open_font(fonts_folder / "DejaVuSans.ttf")
    for height in (16, 48, 64):
        font = line_font(file, "0123456789", height=height)
        image = render_line(font, "0123456789").image
        rows = np.flatnonzero(image.min(axis=1) < 255)
        assert image.shape[0] == height
        assert 0.7 * height < len(rows) <= height * 13 / 16
        assert abs(rows[0] - (height - 1 - rows[-1])) <= 1
    with pytest.raises(InputError, match="no glyph for '漢'"):
        line_font(file, "a漢")
    boxes = open_font(make_font("boxes", {"a": (0, 0, 300, 500), "b": None}))
    with pytest.raises(InputError, match="no ink for 'b'"):
        line_font(boxes, "ab")
    symbols = open_font(make_font("symbols", {"a": (0, 0, 300, 500), " ": (0, 0, 300, 2000)}))
    with pytest.raises(InputError, match="symbols draws ink for ' '"):
        line_font(symbols, "a ")


def test_a_restricted_font_sets_the_same_line(fonts):
    font = restrict(fonts[0], "halo w")
    np.testing.assert_array_equal(
        render_line(font, "hallo wall").image, render_line(fonts[0], "hallo wall").image
    )
    with pytest.raises(InputError, match="has no 'é'"):
        restrict(fonts[0], "é")


def test_lato_in_the_package_sets_the_sentence_as_its_glyphs_do(fonts):
    shipped = next(font for font in fonts if font.name == "lato-latin-400-normal")
    text = "the rat the cat the dog chased killed ate the malt"
    np.testing.assert_array_equal(
        render_line(line_font(lato(), ASCII), text).image, render_line(shipped, text).image
    )


def test_texts_that_cannot_be_set_are_refused(fonts):
    with pytest.raises(InputError, match="is empty"):
        render_line(fonts[0], "")
    with pytest.raises(InputError, match="has no 'é'"):
        render_line(fonts[0], "café")


def test_each_condition_changes_the_line_as_it_says(fonts):
    lato = next(font for font in fonts if font.name == "lato-latin-400-normal")
    clean = render_line(lato, "the rat the cat the dog chased").image
    rng = np.random.default_rng(0)
    worse = {name: degrade(clean, strengths, rng) for name, strengths in CONDITIONS.items()}
    assert worse["clean"] is clean
    assert np.std(worse["noise"].astype(float)[:, :4]) > 0
    grey = worse["low contrast"].astype(int)
    assert np.ptp(grey) == pytest.approx(0.2 * 255, abs=1)
    assert grey.min() + grey.max() == pytest.approx(255, abs=1)
    assert worse["blur"].mean() == pytest.approx(clean.mean(), abs=0.5)
    assert worse["blur"].astype(float).std() < clean.astype(float).std()
    assert worse["rotation"].shape[0] > 32
    expected = 32 + clean.shape[1] * np.sin(np.deg2rad(2))
    assert worse["rotation"].shape[0] == pytest.approx(expected, abs=2)
    assert worse["compression"].shape == clean.shape
    assert 1 < np.abs(worse["compression"].astype(int) - clean).mean() < 30


def test_noise_has_the_stated_strength_and_the_seed_means_it():
    grey = np.full((200, 500), 128, np.uint8)
    noisy = degrade(grey, Degradation(noise=20), np.random.default_rng(1))
    assert noisy.std() == pytest.approx(20, rel=0.02)
    assert noisy.mean() == pytest.approx(128, abs=0.3)
    again = degrade(grey, Degradation(noise=20), np.random.default_rng(1))
    np.testing.assert_array_equal(noisy, again)
    inverted = degrade(grey - 28, Degradation(inverted=True), np.random.default_rng(1))
    assert (inverted == 155).all()


@given(seed=st.integers(0, 2**32 - 1))
def test_random_strengths_are_in_range(fonts, seed):
    rng = np.random.default_rng(seed)
    image = degrade(render_line(fonts[0], "abc").image, random_degradation(rng), rng)
    assert image.dtype == np.uint8
    assert image.shape[0] >= 32


@pytest.mark.parametrize(
    "bad",
    [
        {"contrast": 0},
        {"contrast": 2},
        {"blur": -1},
        {"noise": -1},
        {"rotation": 90},
        {"quality": 0},
    ],
)
def test_strengths_out_of_range_are_refused(bad):
    with pytest.raises(InputError, match="expected"):
        degrade(np.zeros((32, 40), np.uint8), Degradation(**bad), np.random.default_rng(0))


def test_build_lines_command(command, fonts_folder, tmp_path):
    out = tmp_path / "lines.safetensors"
    fonts = [fonts_folder / f"{name}.ttf" for name in ("DejaVuSans", "STIXSizOneSymReg")]
    result = command("glyphs", "build", *fonts, "--for-lines", "--alphabet", "ascii", "--out", out)
    assert result.returncode == 0, result.stderr
    assert "dropped: STIXSizOneSymReg" in result.stdout
    assert [font.name for font in load_line_fonts(out)] == ["DejaVuSans"]


def test_fonts_whose_small_letters_are_capitals_are_known():
    capitals = {font.family for font in load_line_fonts() if font.capitals_only}
    for name in ("bebas", "staatliches", "silkscreen", "bangers"):
        assert any(name in family.lower() for family in capitals), name
    for name in ("lato", "roboto", "inconsolata", "open", "noto"):
        assert not any(family.lower().startswith(name) for family in capitals), name
