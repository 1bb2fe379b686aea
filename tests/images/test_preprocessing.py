import numpy as np
import pytest
import torch
from PIL import Image

from chainrule.images.preprocessing import Preprocessing
from chainrule.io.pictures import read_picture


def _reference(image, resize, size, resampling):
    """torchvision's Resize and CenterCrop on a Pillow image, as its documentation defines them."""
    width, height = image.size
    if width <= height:
        new = (resize, int(resize * height / width))
    else:
        new = (int(resize * width / height), resize)
    image = image.resize(new, resampling)
    left, top = (round((side - size) / 2.0) for side in new)
    return np.asarray(image.crop((left, top, left + size, top + size)))


@pytest.mark.parametrize(("size", "resize"), [(224, 224), (224, 256), (32, 40)])
@pytest.mark.parametrize("filter_", ["bicubic", "bilinear"])
def test_pixels_are_those_of_resizing_and_then_cropping(photographs, size, resize, filter_):
    preprocessing = Preprocessing(size, resize, filter_)
    resampling = getattr(Image.Resampling, filter_.upper())
    for path in photographs.values():
        image = read_picture(path)
        ours = preprocessing.square(image)
        theirs = _reference(image, resize, size, resampling)
        np.testing.assert_array_equal(ours, theirs)


def test_odd_sizes_keep_their_pixels():
    generator = np.random.default_rng(0)
    for _ in range(30):
        height, width = generator.integers(1, 90, 2)
        image = Image.fromarray(generator.integers(0, 255, (height, width, 3), dtype=np.uint8))
        theirs = _reference(image, 28, 24, Image.Resampling.BICUBIC)
        np.testing.assert_array_equal(Preprocessing(24, 28).square(image), theirs)


@pytest.mark.parametrize(
    ("width", "height"), [(30, 30), (31, 50), (64, 33), (20, 2001), (2001, 20)]
)
def test_what_lies_beyond_the_picture_is_black(width, height):
    """torchvision's CenterCrop fills up with zeros, one more after than before."""
    shape = (height, width, 3)
    pixels = np.random.default_rng(1).integers(1, 255, shape, dtype=np.uint8)
    ours = Preprocessing(25, 20).square(Image.fromarray(pixels))
    shorter = min(width, height)
    new = 20 * width // shorter, 20 * height // shorter
    small = np.asarray(Image.fromarray(pixels).resize(new, Image.Resampling.BICUBIC))
    filled = np.pad(small, [(2 * (s == 20), 3 * (s == 20)) for s in small.shape[:2]] + [(0, 0)])
    top, left = (round((s - 25) / 2) for s in filled.shape[:2])
    theirs = filled[top : top + 25, left : left + 25]
    # of the very long ones only the middle was resized, whose places are rounded apart
    exact = max(width, height) <= 100 * shorter
    np.testing.assert_allclose(ours.astype(int), theirs, atol=0 if exact else 25)
    np.testing.assert_array_equal(ours == 0, theirs == 0)


def test_of_a_very_long_picture_the_middle_is_seen():
    ramp = np.linspace(0, 255, 6000).round().astype(np.uint8)
    image = Image.fromarray(np.stack([np.tile(ramp, (20, 1))] * 3, axis=2))
    square = Preprocessing(24, 24).square(image).astype(int)
    assert np.abs(square - ramp[3000]).max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1), (3, 5000)])
def test_extreme_pictures_need_no_more_memory(size):
    square = Preprocessing().square(Image.new("RGB", size, (10, 200, 30)))
    assert square.shape == (224, 224, 3)
    assert (square == (10, 200, 30)).all()


def test_values_are_scaled_to_minus_one_and_one(photographs):
    preprocessing = Preprocessing()
    square = preprocessing.square(read_picture(photographs["coffee"]))
    x = preprocessing.scaled(square[None].copy())
    expected = torch.from_numpy(square / 255.0 * 2 - 1).permute(2, 0, 1)
    torch.testing.assert_close(x[0].double(), expected, atol=1e-6, rtol=0)
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_a_squeezed_picture_is_seen_whole():
    image = Image.new("RGB", (100, 10), "black")
    image.paste((255, 255, 255), (0, 0, 10, 10))
    square = Preprocessing(20, 20, whole=True).square(image)
    assert square[10, 0, 0] == 255
    assert square[10, 10, 0] == 0


def test_a_squeezed_picture_may_be_cut_too():
    pixels = np.random.default_rng(2).integers(0, 255, (40, 90, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    squeezed = np.asarray(image.resize((24, 24), Image.Resampling.BICUBIC))
    found = Preprocessing(20, 24, whole=True).square(image)
    np.testing.assert_array_equal(found, squeezed[2:22, 2:22])


def test_a_grey_network_sees_one_channel():
    x = Preprocessing(8, 8, mean=(0, 0, 0), deviation=(1, 1, 1), grey=True).input(
        Image.new("RGB", (9, 9), (255, 0, 0))
    )
    assert x.shape == (1, 1, 8, 8)
    assert x.unique().tolist() == [76]  # 299/1000 of 255, as ITU-R 601 weighs red
