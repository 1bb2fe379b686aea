import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from chainrule.errors import FileError
from chainrule.io.pictures import (
    open_picture,
    picture_from_bytes,
    read_picture,
    sample_picture,
    taken_as,
)


def _saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("RGB", "PNG"), ("L", "PNG"), ("1", "PNG"), ("P", "PNG"), ("LA", "PNG"), ("RGBA", "PNG"),
        ("I;16", "PNG"), ("CMYK", "JPEG"), ("L", "JPEG"), ("P", "GIF"), ("F", "TIFF"),
        ("I", "TIFF"), ("RGBA", "WEBP"), ("CMYK", "TIFF"), ("LAB", "TIFF"),
        ("YCbCr", "JPEG"),
    ],
)  # fmt: skip
def test_any_mode_becomes_rgb_of_the_same_size(mode, kind):
    if mode in ("LAB", "I;16", "LA", "F", "I"):
        image = Image.new(mode, (7, 5))
    else:
        image = Image.new("RGB", (7, 5), (200, 30, 30)).convert(mode)
    result = picture_from_bytes(_saved(image, kind), "x")
    assert (result.mode, result.size) == ("RGB", (7, 5))


def test_sixteen_bits_keep_their_upper_eight():
    values = np.array([[0, 257, 65535, 32896]], dtype=np.uint16)
    result = picture_from_bytes(_saved(Image.fromarray(values), "PNG"), "x")
    assert np.asarray(result)[0, :, 0].tolist() == [0, 1, 255, 128]


def test_floating_point_is_taken_from_zero_to_one():
    values = np.array([[0, 0.5, 1.0, np.nan]], dtype=np.float32)
    result = picture_from_bytes(_saved(Image.fromarray(values), "TIFF"), "x")
    assert np.asarray(result)[0, :, 0].tolist() == [0, 128, 255, 0]


def test_what_is_transparent_is_white():
    result = picture_from_bytes(_saved(Image.new("RGBA", (2, 2), (9, 9, 9, 0)), "PNG"), "x")
    assert result.getpixel((0, 0)) == (255, 255, 255)


def test_exif_orientation_turns_the_picture():
    image = Image.new("RGB", (8, 4), "black")
    image.putpixel((0, 0), (255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter to the right to see it upright
    result = picture_from_bytes(_saved(image, "PNG", exif=exif), "x")
    assert result.size == (4, 8)
    assert result.getpixel((3, 0)) == (255, 0, 0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_is_opened_twice_is_turned_once(kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    Image.new("RGB", (8, 4), "red").save(stream, kind, exif=exif)
    once = open_picture(stream.getvalue())
    assert once.size == (4, 8)
    assert open_picture(once).size == (4, 8)


def test_an_animation_gives_its_first_picture():
    frames = [Image.new("RGB", (3, 3), colour) for colour in ("red", "blue")]
    content = _saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert picture_from_bytes(content, "x").getpixel((1, 1)) == (255, 0, 0)


def test_one_pixel_is_a_picture():
    result = picture_from_bytes(_saved(Image.new("RGB", (1, 1), "red"), "JPEG"), "x")
    assert result.size == (1, 1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP"])
def test_a_file_cut_off_anywhere_gives_a_picture_or_one_sentence(kind):
    generator = np.random.default_rng(0)
    whole = _saved(Image.fromarray(generator.integers(0, 255, (40, 40, 3), dtype=np.uint8)), kind)
    said = []
    for length in range(1, len(whole) - 20, max(1, len(whole) // 40)):
        try:
            picture_from_bytes(whole[:length], "cut.jpg")
        except FileError as error:
            said.append(str(error))
    assert len(said) >= 38
    assert all("cut.jpg" in sentence and "\n" not in sentence for sentence in said)


def test_every_damaged_byte_of_a_small_file_gives_a_picture_or_one_sentence():
    whole = bytearray(_saved(Image.new("RGB", (5, 5), "red"), "PNG"))
    said = []
    for i in range(len(whole)):
        damaged = bytes([*whole[:i], whole[i] ^ 0xFF, *whole[i + 1 :]])
        try:
            picture_from_bytes(damaged, "x.png")
        except FileError as error:
            said.append(str(error))
    assert len(said) > len(whole) / 2
    assert all("x.png" in sentence and "\n" not in sentence for sentence in said)


def _png_header(width, height):
    """A PNG that claims a size, with next to nothing in it."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(10_000, 9_000), (30_000, 30_000), (2_000_000, 2_000_000)])
def test_a_bomb_is_refused_before_it_goes_off(size):
    with pytest.raises(FileError, match=r"bomb\.png claims more pixels than fit"):
        picture_from_bytes(_png_header(*size), "bomb.png")


def test_what_is_no_picture_is_said(tmp_path):
    text = tmp_path / "a.jpg"
    text.write_text("not a picture")
    with pytest.raises(FileError, match=r"a\.jpg is not a picture"):
        read_picture(text)
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(FileError, match=r"empty\.jpg is empty"):
        read_picture(tmp_path / "empty.jpg")
    with pytest.raises(FileError, match="cannot be read"):
        read_picture(tmp_path / "absent.jpg")
    with pytest.raises(FileError) as caught:
        read_picture(tmp_path / "two\nlines.jpg")
    assert "\n" not in str(caught.value)


def test_the_sample_is_the_photograph_of_the_temple():
    assert (sample_picture().size, sample_picture().mode) == ((640, 427), "RGB")


@pytest.mark.parametrize(
    ("mode", "words"),
    [("RGB", None), ("L", "grey"), ("RGBA", "transparent"), ("LA", "transparent"), ("I;16", "8")],
)
def test_what_is_no_plain_rgb_is_said(mode, words):
    said = taken_as(_saved(Image.new(mode, (3, 2)), "PNG"))
    assert said is None if words is None else words in said
