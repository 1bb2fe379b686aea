"""Pictures of every kind, as the reader takes them: the same line each time."""

from io import BytesIO

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from chainrule.errors import FileError, InputError
from chainrule.reader.picture.line_image import crop_line
from chainrule.reader.picture.opening import open_grey, several


def drawn(ink=0, paper=255, mode="L", text="Hamburg"):
    picture = Image.new(mode, (300, 90), paper)
    ImageDraw.Draw(picture).text((30, 20), text, ink, ImageFont.load_default(40))
    return picture


EXPECTED = crop_line(np.asarray(drawn()))


def same(picture):
    return np.abs(crop_line(picture).values - EXPECTED.values).mean() < 0.06


@pytest.mark.parametrize("mode", ["1", "LA", "RGBA", "P", "CMYK", "I;16", "F"])
def test_every_mode_of_a_picture_is_read(mode, tmp_path):
    picture = drawn()
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(picture).astype(np.uint16) * 200)
    else:
        picture = picture.convert("RGB").convert(mode) if mode == "P" else picture.convert(mode)
    path = tmp_path / f"line.{'tif' if mode in ('CMYK', 'F') else 'png'}"
    picture.save(path)
    assert same(open_grey(path))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_turned_upright(orientation, tmp_path):
    # what a camera stores that must be turned by this to be upright again
    stored = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    picture = drawn() if stored is None else drawn().transpose(stored)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "photo.jpg", exif=exif, quality=95)
    assert same(open_grey(tmp_path / "photo.jpg"))


@pytest.mark.parametrize(
    "ink", ["black", "white", "red", "yellow", "blue", (128, 128, 128), (200, 200, 200)]
)
def test_transparent_pictures_of_any_ink_are_read(ink, tmp_path):
    colour = ink if isinstance(ink, tuple) else Image.new("RGB", (1, 1), ink).getpixel((0, 0))
    picture = drawn((*colour, 255), (0, 0, 0, 0), "RGBA")
    picture.save(tmp_path / "line.png")
    assert same(open_grey(tmp_path / "line.png"))


def test_colour_on_colour_of_the_same_lightness_is_read():
    assert same(open_grey(drawn((200, 0, 0), (0, 102, 0), "RGB")))


def in_two_inks(first, second, paper):
    """Two words, each in its ink, antialiased."""
    share = np.asarray(drawn(255, 0, text="Ham burg")) / 255
    share = np.stack([share, share])
    share[0, :, 120:] = share[1, :, :120] = 0
    inks, ground = np.array([first, second], float), np.array(paper, float)
    return Image.fromarray(
        np.rint(ground + np.einsum("khw,kc->hwc", share, inks - ground)).astype(np.uint8)
    )


INKS = st.tuples(*[st.sampled_from([0, 128, 255])] * 3)


@settings(deadline=None, max_examples=100)
@given(INKS, INKS, INKS, st.booleans())
def test_words_of_any_two_colours_are_ink_on_a_flat_ground(first, second, paper, jpeg):
    distances = [np.linalg.norm(np.subtract(ink, paper)) for ink in (first, second)]
    assume(min(distances) > 0.28 * max(distances) and min(distances) >= 128)
    picture = in_two_inks(first, second, paper)
    if jpeg:
        file = BytesIO()
        picture.save(file, "JPEG", quality=92, subsampling=0)
        picture = file.getvalue()
    in_one = crop_line(np.asarray(drawn(text="Ham burg"))).values
    in_both = crop_line(open_grey(picture)).values
    height, width = in_one.shape
    assert abs(in_both.shape[1] - width) <= 0.1 * width
    assert np.abs(cv2.resize(in_both, (width, height)) - in_one).mean() < 0.1


def test_ink_is_found_on_a_ground_that_goes_from_one_colour_to_another():
    ink = np.asarray(drawn(255, 0))[..., None] / 255
    across = np.linspace(0, 1, ink.shape[1])[None, :, None]
    ground = (1 - across) * np.array([40, 50, 215]) + across * np.array([160, 40, 55])
    picture = np.rint(ground + ink * (255 - ground)).astype(np.uint8)
    assert same(open_grey(picture))


def test_what_is_fainter_than_a_shadow_stays_so():
    shades = np.asarray(drawn()).copy()
    shades[10:80, 5:8] = 225  # a rule
    assert np.abs(crop_line(shades).values - EXPECTED.values).mean() < 0.02


@pytest.mark.parametrize("spread", [1.0, 0.2])
def test_colours_become_shades_along_the_line_on_which_they_differ_most_from_others(spread):
    rng = np.random.default_rng(0)
    along = rng.normal(size=(40, 60, 1)) * rng.uniform(-1, 1, 3)
    mixed = 128 + spread * (60 * along + 5 * rng.normal(size=(40, 60, 3)))
    colours = mixed.clip(0, 255).astype(np.uint8)
    pixels = colours.reshape(-1, 3).astype(float)
    first = np.linalg.svd(pixels[3:] - pixels[:-3], full_matrices=False)[2][0]
    values = colours @ (first if first.sum() >= 0 else -first)
    expected = (values - values.min()) * (255 / max(np.ptp(values), 255))
    np.testing.assert_allclose(open_grey(colours), expected, atol=0.502)


@pytest.mark.parametrize("scale", [1, 1 / 255])
def test_arrays_are_read(scale):
    shades = np.asarray(drawn())
    for picture in (shades, np.repeat(shades[:, :, None], 3, 2)):
        assert same(open_grey((picture * scale).astype(picture.dtype if scale == 1 else float)))


def test_what_is_no_picture_is_refused(tmp_path):
    (tmp_path / "line.png").write_text("no picture")
    with pytest.raises(FileError, match=r"line\.png .* expected"):
        open_grey(tmp_path / "line.png")
    with pytest.raises(InputError, match="expected a path"):
        open_grey(3)
    for one in ("line.png", tmp_path, drawn(), np.zeros((9, 9)), 3):
        with pytest.raises(InputError, match="expected a list of pictures"):
            several(one)
