"""A reader from Python, by the front door."""

import numpy as np
import pytest
from PIL import Image

import chainrule
from chainrule.glyphs.lines import load_line_fonts, render_line

TEXT = "the cat sat on 12 mats"


@pytest.fixture(scope="module")
def picture():
    font = next(font for font in load_line_fonts() if font.name == "lato-latin-400-normal")
    return render_line(font, TEXT).image


def test_any_picture_is_read_and_a_bad_one_stops_none(picture, tmp_path):
    image = Image.fromarray(picture)
    image.save(tmp_path / "a.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "b.jpg", exif=exif, quality=95)
    reader = chainrule.load_reader()
    colours = np.repeat(picture[:, :, None], 3, 2)
    pictures = [str(tmp_path / "a.png"), tmp_path / "b.jpg", image, picture, colours / 255]
    lines = reader.read([*pictures, tmp_path / "none.png", np.full((40, 60), 255, np.uint8)])
    assert [line.text for line in lines[:-2]] == [TEXT] * len(pictures)
    for line in lines[:-2]:
        assert 0.1 < line.confidence <= 1
        left, top, right, bottom = line.characters[0].box
        assert 0 <= left < right <= picture.shape[1]
        assert 0 <= top < bottom <= picture.shape[0]
    assert "none.png cannot be read" in lines[-2].reason
    assert lines[-1].reason.startswith("no text")
    assert [(line.text, line.confidence) for line in lines[-2:]] == [("", 0.0)] * 2
    with pytest.raises(chainrule.InputError, match="expected a list of pictures"):
        reader.read(str(tmp_path / "a.png"))


def test_the_dictionary_is_ones_own_or_none(picture, tmp_path):
    (tmp_path / "words.txt").write_text("cat\n")
    for words in (None, ["cat"], tmp_path / "words.txt"):
        assert chainrule.load_reader("fast", words=words).read([picture])[0].text == TEXT


@pytest.mark.slow
def test_a_reader_for_own_fonts_is_fitted_saved_and_loaded(fonts_folder, tmp_path):
    reader = chainrule.fit_reader(fonts_folder / "DejaVuSans.ttf", alphabet="digits", epochs=1)
    reader.save(tmp_path / "meter.safetensors")
    loaded = chainrule.load_reader(tmp_path / "meter.safetensors")
    assert loaded.alphabet == reader.alphabet == "0123456789 "
    font = next(font for font in load_line_fonts() if font.name == "lato-latin-400-normal")
    number = render_line(font, "90210").image
    assert loaded.read([number])[0].text == reader.read([number])[0].text
    with pytest.raises(chainrule.InputError, match="epochs"):
        chainrule.fit_reader(fonts_folder, epochs=0)
