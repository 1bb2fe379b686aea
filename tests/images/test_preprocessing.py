import numpy as np
import pytest
import torch
from PIL import Image

from chainrule.images.preprocessing import Preprocessing
from chainrule.pictures import read_picture


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


def test_a_grey_network_sees_one_channel():
    x = Preprocessing(8, 8, mean=(0, 0, 0), deviation=(1, 1, 1), grey=True).input(
        Image.new("RGB", (9, 9), (255, 0, 0))
    )
    assert x.shape == (1, 1, 8, 8)
    assert x.unique().tolist() == [76]  # 299/1000 of 255, as ITU-R 601 weighs red
