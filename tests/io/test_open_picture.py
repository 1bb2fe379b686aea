"""What a photograph becomes when it comes in another format, range or type."""

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from chainrule.errors import FileError, InputError
from chainrule.io.decoding import picture_suffixes
from chainrule.io.pictures import open_picture, sample_picture, taken_as

PHOTOGRAPH = np.asarray(sample_picture())
GREY = PHOTOGRAPH[..., 1]


def _difference(picture, expected):
    """The mean difference in grey levels."""
    found = np.asarray(picture, dtype=float)
    expected = expected[..., None] if expected.ndim == 2 else expected
    assert found.shape[:2] == expected.shape[:2]
    return np.abs(found - expected).mean()


def _tiff(pixels, **options):
    stream = io.BytesIO()
    options.setdefault("photometric", "rgb" if 3 in pixels.shape else "minisblack")
    tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


def _with_outliers(pixels):
    pixels = pixels.copy()
    pixels[0, :3] = np.inf, -np.inf, np.nan
    return pixels


RANGES = {
    "floating point to 1": (GREY / 255).astype("f4"),
    "floating point to 255": GREY.astype("f4"),
    "floating point to 65,535": GREY.astype("f4") * 257,
    "floating point to 5": (GREY / 51).astype("f4"),
    "floating point to 1e9": GREY.astype("f4") * 4e6,
    "floating point from -1 to 1": (GREY / 127.5 - 1).astype("f4"),
    "double": GREY / 255,
    "half": (GREY / 255).astype("f2"),
    "infinite": _with_outliers((GREY / 255).astype("f4")),
    "10 bits in 16": (GREY * 4.0117).astype("u2"),
    "12 bits in 16": GREY.astype("u2") * 16,
    "16 bits": GREY.astype("u2") * 257,
    "signed": (GREY * 100.0 - 12_000).astype("i2"),
    "32 bits": GREY.astype("u4") * 16_843_009,
    "signed, none negative": (GREY * 128.0).astype("i2"),
    "signed 8 bits": (GREY * 1.0 - 128).astype("i1"),
    "signed 32 bits": GREY.astype("i4") * 8_000_000,
    "8 bits in 32": GREY.astype("i4"),
}


@pytest.mark.parametrize("name", RANGES)
def test_a_grey_tiff_is_taken_by_its_range(name):
    assert _difference(open_picture(_tiff(RANGES[name])), GREY) < 2


@pytest.mark.parametrize("name", RANGES)
def test_an_array_is_taken_by_its_range(name):
    assert _difference(open_picture(RANGES[name]), GREY) < 2


COLOURS = {
    "16 bits": (PHOTOGRAPH.astype("u2") * 257, {}),
    "12 bits in 16": (PHOTOGRAPH.astype("u2") * 16, {}),
    "12 bits in 16, packed": (PHOTOGRAPH.astype("u2") * 16, {"compression": "zlib"}),
    "other byte order": (PHOTOGRAPH.astype(">u2") * 257, {"byteorder": ">"}),
    "tiles": (PHOTOGRAPH.astype("u2") * 16, {"tile": (64, 64)}),
    "floating point": ((PHOTOGRAPH / 255).astype("f4"), {}),
    "32 bits": (PHOTOGRAPH.astype("u4") * 16_843_009, {}),
}


@pytest.mark.parametrize("name", COLOURS)
def test_a_colour_tiff_is_taken_by_its_range(name):
    pixels, options = COLOURS[name]
    assert _difference(open_picture(_tiff(pixels, **options)), PHOTOGRAPH) < 2


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_planes_are_put_together(dtype):
    scale = {"u1": 1, "u2": 257, "f4": 1 / 255}[dtype]
    planes = (PHOTOGRAPH.astype("f8") * scale).astype(dtype).transpose(2, 0, 1).copy()
    content = _tiff(planes, planarconfig="separate")
    assert _difference(open_picture(content), PHOTOGRAPH) < 2
    if dtype != "u1":
        packed = _tiff(planes, planarconfig="separate", compression="zlib")
        with pytest.raises(FileError, match="packed planes"):
            open_picture(packed)


def test_wide_samples_of_which_0_is_white():
    content = _tiff(65535 - GREY.astype("u2") * 257, photometric="miniswhite")
    assert _difference(open_picture(content), GREY) < 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"photometric": "cielab"}, "uint16 samples as CIELAB, which are not read"),
        ({"photometric": "cfa"}, "as CFA"),
    ],
)
def test_what_no_range_makes_a_picture_is_refused(options, words):
    pixels = PHOTOGRAPH if options["photometric"] == "cielab" else GREY
    with pytest.raises(FileError, match=words):
        open_picture(_tiff(pixels.astype("u2"), **options))


@pytest.mark.parametrize(
    "pixels",
    [np.full((4, 4), np.nan, "f4"), np.ones((4, 4), "c8"), np.full((4, 4, 3), np.nan, "f4")],
)  # fmt: skip
def test_a_file_of_no_picture_is_an_error_of_the_file(pixels):
    with pytest.raises(FileError, match="expected"):
        open_picture(_tiff(pixels, photometric="minisblack"))


def test_bits_that_are_packed_without_gaps_are_refused():
    stream = io.BytesIO(_tiff(GREY.astype("u2")))
    with tifffile.TiffFile(stream, mode="r+") as file:
        file.pages.first.tags["BitsPerSample"].overwrite(10)
    with pytest.raises(FileError, match="samples of 10 bits, which are not read"):
        open_picture(stream.getvalue())


def test_a_png_of_12_bits_in_16():
    done, content = cv2.imencode(".png", PHOTOGRAPH[..., ::-1].astype("u2") * 16)
    assert done
    assert _difference(open_picture(content.tobytes()), PHOTOGRAPH) < 2


def test_a_wide_tiff_is_turned_too():
    content = _tiff(PHOTOGRAPH.astype("u2") * 16, extratags=[(274, "H", 1, 6, True)])
    assert open_picture(content).size == (427, 640)
    floating = _tiff((PHOTOGRAPH / 255).astype("f4"), extratags=[(274, "H", 1, 6, True)])
    assert open_picture(floating).size == (427, 640)


@pytest.mark.parametrize(
    ("array", "pixel"),
    [
        (np.full((2, 3), 7, np.uint8), (7, 7, 7)),
        (np.full((2, 3, 1), 7, np.uint8), (7, 7, 7)),
        (np.full((2, 3, 3), 0.2), (51, 51, 51)),
        (np.full((2, 3, 4), (9, 8, 7, 0), np.uint8), (255, 255, 255)),
        (np.full((2, 3, 4), (1.0, 0.2, 0.0, 1.0)), (255, 51, 0)),
        (np.full((2, 3, 2), (0, 255), np.uint8), (0, 0, 0)),
        (np.ones((2, 3), bool), (255, 255, 255)),
        (np.full((2, 3), 200, np.int64), (200, 200, 200)),
    ],
)
def test_arrays_of_every_kind(array, pixel):
    picture = open_picture(array)
    assert (picture.mode, picture.size, picture.getpixel((1, 1))) == ("RGB", (3, 2), pixel)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (np.zeros((3, 8, 8)), r"of shape \(3, 8, 8\); expected \(height, width\)"),
        (np.zeros((0, 8)), r"of shape \(0, 8\)"),
        (np.full((2, 2), np.nan), "holds no finite number"),
        (np.full((2, 2), "a"), "of type <U1; expected numbers"),
        (7, "is a int; expected a path"),
        (None, "is a NoneType"),
    ],
)
def test_what_is_no_picture_is_said(source, words):
    with pytest.raises(InputError, match=words):
        open_picture(source)


def test_paths_and_pictures_of_pillow(tmp_path):
    image = Image.new("RGBA", (8, 4), (9, 9, 9, 0))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.png", exif=exif)
    for source in (str(tmp_path / "a.png"), tmp_path / "a.png", Image.open(tmp_path / "a.png")):
        picture = open_picture(source)
        assert (picture.mode, picture.size) == ("RGB", (4, 8))
        assert picture.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs device files")
def test_devices_and_folders_are_no_pictures(tmp_path):
    with pytest.raises(FileError, match="is no file; expected a picture"):
        open_picture(Path("/dev/zero"))
    with pytest.raises(FileError, match="cannot be read: Is a directory"):
        open_picture(tmp_path)
    with pytest.raises(FileError, match="cannot be read"):
        open_picture("a\0.png")


def _jpeg(size, **options):
    stream = io.BytesIO()
    sample_picture().resize(size).save(stream, "JPEG", **options)
    return stream.getvalue()


def test_a_large_jpeg_is_decoded_smaller_where_that_will_do():
    content = _jpeg((3200, 2400))
    assert open_picture(content).size == (3200, 2400)
    assert open_picture(content, at_least=600).size == (800, 600)
    assert open_picture(content, at_least=601).size == (1600, 1200)
    assert open_picture(content, at_least=3000).size == (3200, 2400)


@pytest.mark.slow
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_of_108_megapixels_is_read(progressive):
    picture = open_picture(_jpeg((12_000, 9_000), quality=50, progressive=progressive))
    assert picture.size == (6_000, 4_500)
    small = np.asarray(picture.resize((640, 427)))
    assert _difference(small, PHOTOGRAPH) < 4


def test_a_jpeg_that_claims_a_gigapixel_is_refused():
    content = bytearray(_jpeg((64, 64)))
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 4] = struct.pack(">HH", 60_000, 60_000)
    with pytest.raises(FileError, match="claims more pixels than fit"):
        open_picture(bytes(content))


def _png_with(*chunks, colour="red"):
    stream = io.BytesIO()
    Image.new("RGB", (4, 4), colour).save(stream, "PNG")
    content = stream.getvalue()
    extra = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return content[:33] + extra + content[33:]


@pytest.mark.parametrize(
    "chunk",
    [
        (b"zTXt", b"note\0\0" + zlib.compress(bytes(3_000_000))),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"a" * 3_000_000)),
        (b"tEXt", b"note\0" + b"a" * 3_000_000),
    ],
)
def test_a_png_with_large_metadata_is_read(chunk):
    assert open_picture(_png_with(chunk)).getpixel((1, 1)) == (255, 0, 0)
    assert taken_as(_png_with(chunk)) is None
    many = [(b"tEXt", b"note\0" + b"a" * 900_000)] * 80
    assert open_picture(_png_with(*many)).getpixel((1, 1)) == (255, 0, 0)


def _display_p3():
    """Display P3 as a profile of ICC.1:2010: white point, three primaries, the curve of sRGB."""
    primaries, white = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), (0.3127, 0.3290)
    xyz = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    w = np.array([white[0] / white[1], 1, (1 - sum(white)) / white[1]])
    d50 = np.array([0.9642, 1, 0.8249])
    cones = np.array(
        [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
    )
    adapted = np.linalg.inv(cones) @ np.diag((cones @ d50) / (cones @ w)) @ cones
    red, green, blue = (adapted @ xyz * np.linalg.solve(xyz, w)).T
    curve = b"para\0\0\0\0" + struct.pack(">HH", 3, 0)
    curve += _fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 2) + b"P\0" + bytes(78),
        b"cprt": b"text\0\0\0\0-\0",
        b"rTRC": curve, b"gTRC": curve, b"bTRC": curve,
    }  # fmt: skip
    for tag, column in ((b"wtpt", d50), (b"rXYZ", red), (b"gXYZ", green), (b"bXYZ", blue)):
        tags[tag] = b"XYZ \0\0\0\0" + _fixed(*column)
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for tag, data in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(">I", start + len(body)) + bytes(4) + b"\2\x40\0\0mntrRGB XYZ "
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _fixed(*d50)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def test_a_profile_of_two_megabytes_is_honoured_and_a_bomb_of_one_is_left_out():
    for extra, expected in ((2_000_000, (255, 0, 0)), (50_000_000, (234, 51, 35))):
        packed = zlib.compress(_display_p3() + bytes(extra))
        content = _png_with((b"iCCP", b"P3\0\0" + packed), colour=(234, 51, 35))
        found = open_picture(content).getpixel((1, 1))
        assert np.abs(np.subtract(found, expected)).max() <= 2


def _fixed(*values):
    return b"".join(struct.pack(">i", round(v * 65536)) for v in values)


def test_a_colour_profile_is_honoured():
    """sRGB's red is (0.9175, 0.2003, 0.1386) in Display P3 (CSS Color 4's own sample)."""
    profile = _display_p3()
    for mode, size in (("RGB", (4, 4)), ("RGBA", (4, 4))):
        colour = (234, 51, 35, 255)[: len(mode)]
        stream = io.BytesIO()
        Image.new(mode, size, colour).save(stream, "PNG", icc_profile=profile)
        found = open_picture(stream.getvalue()).getpixel((1, 1))
        assert np.abs(np.subtract(found, (255, 0, 0))).max() <= 3, found


@pytest.mark.parametrize("profile", [b"junk", bytes(200), ImageCms.ImageCmsProfile(
    ImageCms.createProfile("LAB")).tobytes()])  # fmt: skip
def test_a_profile_that_is_damaged_or_of_other_channels_is_left_out(profile):
    stream = io.BytesIO()
    Image.new("RGB", (4, 4), (10, 200, 30)).save(stream, "PNG", icc_profile=profile)
    assert open_picture(stream.getvalue()).getpixel((1, 1)) == (10, 200, 30)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow says so
def test_damaged_exif_data_do_not_damage_the_picture():
    stream = io.BytesIO()
    Image.new("RGB", (8, 4), "red").save(stream, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\1")
    assert open_picture(stream.getvalue()).size == (8, 4)


def test_what_pillow_reads_is_known_by_name():
    suffixes = picture_suffixes()
    named = {".avif", ".jfif", ".jpe", ".tga", ".pnm", ".j2k", ".dib", ".jpg", ".webp", ".qoi"}
    assert named <= suffixes
    assert not suffixes & {".eps", ".ps", ".h5", ".hdf", ".grib", ".mpg", ".txt", ".npy"}


def test_postscript_is_never_run():
    with pytest.raises(FileError, match="is not a picture"):
        open_picture(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n")


def test_heic_says_what_to_install():
    script = (
        "import struct, sys; sys.modules['pillow_heif'] = None\n"
        "from chainrule.errors import FileError\n"
        "from chainrule.io.pictures import open_picture\n"
        "content = struct.pack('>I', 24) + b'ftypheic' + bytes(4) + b'mif1heic'\n"
        "try: open_picture(content)\n"
        "except FileError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert "HEIC needs the package pillow-heif" in done.stdout


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_heic_is_read_upright(orientation):
    heif = pytest.importorskip("pillow_heif")
    shades = np.zeros((64, 96, 3), np.uint8)
    shades[:20, :30] = 250, 30, 30
    shades[40:, :] = 30, 200, 250
    exif = Image.Exif()
    exif[0x112] = orientation
    png, stream = io.BytesIO(), io.BytesIO()
    Image.fromarray(shades).save(png, "PNG", exif=exif)
    heif.register_heif_opener()
    Image.fromarray(shades).save(stream, "HEIF", quality=95, exif=exif.tobytes())
    expected = np.asarray(ImageOps.exif_transpose(Image.open(png)), float)
    found = np.asarray(open_picture(stream.getvalue()), float)
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < 4


def test_a_damaged_heic_says_so():
    pytest.importorskip("pillow_heif")
    content = struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic"
    with pytest.raises(FileError, match="is a damaged picture; expected a whole HEIC file"):
        open_picture(content)


def test_warnings_stay_as_the_process_has_them():
    script = (
        "import warnings, numpy; before = list(warnings.filters)\n"
        "import chainrule.io.pictures\n"
        "assert warnings.filters == before"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_large_png_is_refused_without_a_warning():
    stream = io.BytesIO()
    Image.new("1", (10_000, 9_500)).save(stream, "PNG")
    with pytest.raises(FileError, match="10000 x 9500"):
        open_picture(stream.getvalue())


def test_taken_as_knows_tiffs_that_pillow_does_not():
    assert "more than 8 bits" in taken_as(_tiff((PHOTOGRAPH / 255).astype("f4")))
    assert PngImagePlugin.MAX_TEXT_CHUNK == 1 << 20  # as Pillow has it: nothing here moved it
