"""Rendering letters, the drop rule, the split, and the data set in the package."""

import importlib.resources
import json
from dataclasses import fields

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from chainrule.errors import FileError, InputError
from chainrule.glyphs.alphabet import NAMED, parse_alphabet
from chainrule.glyphs.fonts import find_fonts, open_font
from chainrule.glyphs.letters import (
    build_letters,
    draws_capitals,
    fault,
    held_out,
    load_letters,
    render_letters,
    save_letters,
)
from chainrule.glyphs.manifest import read_manifest

LOWERCASE = NAMED["lowercase"]


def test_a_letter_is_pillows_own_drawing_centred(fonts_folder):
    path = fonts_folder / "DejaVuSerif.ttf"
    pictures, size = render_letters(open_font(path), "gq")
    assert size == 26
    face = ImageFont.truetype(path, 26, layout_engine=ImageFont.Layout.BASIC)
    for picture, letter in zip(pictures, "gq", strict=True):
        canvas = Image.new("L", (80, 80), 255)
        ImageDraw.Draw(canvas).text((30, 20), letter, 0, face)
        drawn = np.asarray(canvas)
        assert (picture < 255).sum() == (drawn < 255).sum()
        inside = np.argwhere(picture < 255)
        outside = np.argwhere(drawn < 255)
        np.testing.assert_array_equal(picture[tuple(inside.T)], drawn[tuple(outside.T)])
        top, left = inside.min(0)
        bottom, right = 31 - inside.max(0)
        assert bottom - top in (0, 1)
        assert right - left in (0, 1)


def test_a_font_with_a_letter_too_wide_is_drawn_smaller(make_font):
    path = make_font("wide", {"a": (0, 0, 2000, 700), "b": (0, 0, 100, 500)}, advance=2100)
    pictures, size = render_letters(open_font(path), "ab")
    assert size == 16  # 2 em wide: 32 px
    assert (pictures[0].min(axis=0) < 128).sum() == 32


def test_the_same_font_as_woff2_draws_the_same(make_font):
    boxes = {"a": (50, 0, 300, 500), "b": (50, 0, 400, 700)}
    plain, _ = render_letters(open_font(make_font("boxes", boxes)), "ab")
    packed, _ = render_letters(open_font(make_font("boxes", boxes, suffix=".woff2")), "ab")
    np.testing.assert_array_equal(plain, packed)


def test_the_rule_that_drops_a_font(fonts_folder, make_font):
    def why(path, alphabet):
        font = open_font(path)
        return fault(font, render_letters(font, alphabet)[0], alphabet)

    assert why(fonts_folder / "DejaVuSans.ttf", NAMED["ascii"][1:]) is None
    assert "no glyph for 'a' (U+0061)" in why(fonts_folder / "STIXSizOneSymReg.ttf", LOWERCASE)
    last = fonts_folder / "LastResortHE-Regular.ttf"
    if last.exists():  # Unicode's, with Matplotlib 3.11: it draws one box for all of Basic Latin
        assert "the same picture" in why(last, LOWERCASE)
    empty = make_font("empty", {"a": (50, 0, 300, 500), "b": None})
    assert why(empty, "ab") == "draws no ink for 'b' (U+0062)"
    same = make_font("same", dict.fromkeys("xyX1lI", (50, 0, 300, 500)))
    assert "'x' (U+0078), 'y' (U+0079)" in why(same, "xy")
    assert why(same, "xX") is None, "a capital may look like its small letter"
    assert why(same, "1lI") is None


def test_a_build_keeps_the_first_of_twins_and_says_so(fonts_folder, make_font):
    boxes = {"a": (50, 0, 300, 500), "b": (50, 0, 400, 700)}
    paths = [make_font("one", boxes), make_font("two", boxes), make_font("bad", {"a": None})]
    letters, report = build_letters([open_font(path) for path in paths], "ab")
    assert letters.font_names == ("one",)
    assert report.dropped == (
        ("two", "draws the same pictures as one"),
        ("bad", "has no glyph for 'b' (U+0062)"),
    )


def test_capitals_in_place_of_small_letters_are_counted(make_font, fonts_folder):
    # each letter has a shape of its own, and the small one is the capital at 0.8 of its size
    capitals = {letter: (50, 0, 200 + 40 * n, 700) for n, letter in enumerate("ABDEGHNQRT")}
    small = {
        letter.lower(): tuple(round(0.8 * side) for side in box) for letter, box in capitals.items()
    }
    unicase = open_font(make_font("caps", capitals | small))
    assert draws_capitals(unicase, LOWERCASE)
    for name in ("DejaVuSans", "DejaVuSerif-Italic", "STIXGeneral", "cmtt10"):
        assert not draws_capitals(open_font(fonts_folder / f"{name}.ttf"), LOWERCASE)


def test_a_build_is_repeatable_to_the_byte(fonts_folder, tmp_path):
    def built(path):
        fonts = [open_font(file) for file in sorted(fonts_folder.glob("DejaVuS*.ttf"))]
        save_letters(path, build_letters(fonts, NAMED["digits"])[0])
        return path.read_bytes()

    first = built(tmp_path / "a.safetensors")
    assert all(first == built(tmp_path / f"{n}.safetensors") for n in range(3))


def test_saved_letters_come_back(fonts_folder, tmp_path):
    fonts = [open_font(fonts_folder / f"{name}.ttf") for name in ("DejaVuSans", "STIXGeneral")]
    letters, _ = build_letters(fonts, "äß∞x")
    save_letters(tmp_path / "x.safetensors", letters)
    again = load_letters(tmp_path / "x.safetensors")
    assert (again.alphabet, again.font_names) == ("äß∞x", ("DejaVuSans", "STIXGeneral"))
    np.testing.assert_array_equal(again.images, letters.images)
    np.testing.assert_array_equal(again.validation, letters.validation)


def test_no_cut_or_flipped_file_is_loaded_in_silence(fonts_folder, tmp_path):
    letters, _ = build_letters([open_font(fonts_folder / "DejaVuSans.ttf")], "abc")
    path = tmp_path / "x.safetensors"
    save_letters(path, letters)
    whole = path.read_bytes()
    broken = tmp_path / "broken.safetensors"
    for length in range(0, len(whole), 7):
        broken.write_bytes(whole[:length])
        with pytest.raises(FileError):
            load_letters(broken)
    for place in range(len(whole)):
        broken.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            again = load_letters(broken)
        except FileError:
            continue
        # what no checksum covers must not matter
        for field in fields(letters):
            np.testing.assert_array_equal(getattr(again, field.name), getattr(letters, field.name))


def test_a_quarter_of_the_families_is_held_out_whatever_their_order():
    names = [f"family {number}" for number in range(40)]
    assert len(held_out(names)) == 10
    assert held_out(names) == held_out(reversed(names)) == held_out(names * 3)
    assert held_out(["alone"]) == set()


def test_alphabets():
    assert parse_alphabet("lowercase") == "abcdefghijklmnopqrstuvwxyz"
    assert len(parse_alphabet("ascii")) == 95
    assert parse_alphabet("0123-€") == "0123-€"
    for bad, reason in (("a", "1 character;"), ("", "0 characters"), ("aba", "repeats 'a'")):
        with pytest.raises(InputError, match=reason):
            parse_alphabet(bad)
    for name in NAMED:
        assert len(set(name)) < len(name), "a name must not also be a set of characters"


def test_the_set_in_the_package(letters):
    assert letters.alphabet == LOWERCASE
    assert len(letters.font_names) >= 900
    assert len(set(letters.families.tolist())) >= 550
    assert len(letters.family_names) == len(letters.font_names), "one font of a family"
    assert letters.images.shape == (26 * len(letters.font_names), 32, 32)
    assert letters.validation.sum() >= 9000
    training = set(letters.families[~letters.validation].tolist())
    assert not training & set(letters.families[letters.validation].tolist())
    assert (np.bincount(letters.labels) == len(letters.font_names)).all()
    assert (letters.images.max(axis=(1, 2)) == 255).all()
    assert (letters.images.min(axis=(1, 2)) < 255).all()


def test_the_set_in_the_package_is_split_as_the_manifest_says(letters):
    pinned = {font.file.removesuffix(".woff2"): font for font in read_manifest()}
    held = dict(zip(letters.fonts.tolist(), letters.validation.tolist(), strict=True))
    for number, name in enumerate(letters.font_names):
        assert pinned[name].set == ("validation" if held[number] else "training")
    assert pinned["lato-latin-400-normal"].set == "validation"


def test_the_data_in_the_package_is_under_12_mb():
    data = importlib.resources.files("chainrule.glyphs") / "data"
    assert sum(len(file.read_bytes()) for file in data.iterdir()) < 12e6


def test_build_prints_what_it_dropped(command, fonts_folder, make_font, tmp_path):
    box = dict.fromkeys(LOWERCASE + "0123456789", (50, 0, 300, 500))
    fonts = [fonts_folder / "DejaVuSans.ttf", make_font("boxes", box)]
    out = tmp_path / "letters.safetensors"
    result = command("glyphs", "build", *fonts, "--out", out)
    assert result.returncode == 0, result.stderr
    assert "dropped: boxes: draws the same picture for 'a'" in result.stdout
    assert load_letters(out).font_names == ("DejaVuSans",)
    result = command("glyphs", "build", *fonts, "--alphabet", "digits", "--out", out, "--json")
    document = json.loads(result.stdout)
    assert document["letters"] == 10
    assert [entry["font"] for entry in document["dropped"]] == ["boxes"]


@pytest.mark.parametrize("sheet", [("--letter", "g"), ("--font", "lato"), ("--text", "Hi there")])
def test_show_draws_a_sheet(command, tmp_path, sheet):
    out = tmp_path / "sheet.png"
    result = command("glyphs", "show", *sheet, "--out", out)
    assert result.returncode == 0, result.stderr
    with Image.open(out) as picture:
        assert len(picture.getcolors(1 << 20)) > 20


def test_bad_fonts_are_refused_in_one_sentence(refused, fonts_folder, tmp_path):
    out = tmp_path / "letters.safetensors"
    whole = (fonts_folder / "DejaVuSans.ttf").read_bytes()
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.ttf").write_text("this is no font")
    (tmp_path / "cut.ttf").write_bytes(whole[: len(whole) // 2])
    good = fonts_folder / "DejaVuSans.ttf"

    def refusal(*arguments):
        sentence = refused("glyphs", "build", *arguments, "--out", out)
        assert not out.exists()
        return sentence

    assert "holds no font" in refusal(tmp_path / "empty")
    assert "is not there" in refusal(tmp_path / "none")
    assert "text.ttf is no font" in refusal(tmp_path / "text.ttf")
    assert "cut.ttf is no font" in refusal(good, tmp_path / "cut.ttf")
    assert "1 character;" in refusal(good, "--alphabet", "a")
    assert "repeats 'a'" in refusal(good, "--alphabet", "aa")
    assert "draws '漢' (U+6F22)" in refusal(good, "--alphabet", "a漢")
    assert "ends in '.txt'" in refused("glyphs", "build", good, "--out", tmp_path / "x.txt")


def test_a_font_cut_anywhere_never_gives_a_traceback(fonts_folder, tmp_path):
    whole = (fonts_folder / "DejaVuSansMono.ttf").read_bytes()
    path = tmp_path / "cut.ttf"
    for length in range(0, len(whole), len(whole) // 60):
        path.write_bytes(whole[:length])
        with pytest.raises((FileError, InputError)):
            build_letters([open_font(path)], LOWERCASE)


def test_bad_requests_to_show_are_refused(refused, tmp_path):
    out = tmp_path / "x.png"
    assert "expected exactly one" in refused("glyphs", "show", "--out", out)
    assert "expected one character" in refused("glyphs", "show", "--letter", "É", "--out", out)
    assert "no font's name" in refused("glyphs", "show", "--font", "zzz", "--out", out)
    assert "has no 'é'" in refused("glyphs", "show", "--text", "café", "--out", out)
    assert "is empty" in refused("glyphs", "show", "--text", "", "--out", out)
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"12345678 and no more")
    sentence = refused("glyphs", "show", "--letter", "a", "--letters", broken, "--out", out)
    assert "expected a whole file of chainrule letters" in sentence
    assert not out.exists()


def test_find_fonts_sorts_a_folder(fonts_folder):
    found = find_fonts([fonts_folder])
    assert found == sorted(found)
    assert all(path.suffix == ".ttf" for path in found)


def test_a_sheet_is_of_one_letter(refused, tmp_path):
    for letter in ("ab", "A", ""):
        message = refused("glyphs", "show", "--letter", letter, "--out", tmp_path / "sheet.png")
        assert f"found {letter!r}; expected one character" in message
    assert not list(tmp_path.iterdir())
