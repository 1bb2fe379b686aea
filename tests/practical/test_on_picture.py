"""What the blocks do to a picture, against SciPy and NumPy."""

import numpy as np
import pytest
import scipy.ndimage
import torch
from PIL import Image
from scipy.signal import correlate

from chainrule.errors import InputError, ShapeError
from chainrule.practical.on_picture import (
    DEMONSTRATIONS,
    as_tensor,
    demonstration,
    max_pooling,
    pixel_norms,
    random_filters,
)

SIZES = [(3, 4), (20, 31), (33, 16)]


def picture(height, width, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def channels(image):
    """(3, H, W) in float64, from 0 to 1."""
    return np.moveaxis(np.asarray(image, dtype=np.float64) / 255, 2, 0)


def output(name, image, **settings):
    return demonstration(name, **settings).apply(as_tensor(image)).double().numpy()


def test_a_picture_becomes_a_batch_of_one_from_0_to_1():
    x = as_tensor(picture(5, 7))
    assert x.shape == (1, 3, 5, 7)
    assert np.allclose(x[0].numpy(), channels(picture(5, 7)), atol=1e-7)


@pytest.mark.parametrize("size", SIZES)
def test_laplacian(size):
    image = picture(*size)
    expected = sum(scipy.ndimage.laplace(c)[1:-1, 1:-1] for c in channels(image))
    assert np.allclose(output("laplacian", image)[0, 0], expected, atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_edges_and_their_relu(size):
    image = picture(*size)
    total = channels(image).sum(0)
    expected = total[:, :-2] - total[:, 2:]
    y = output("edges", image)
    assert np.allclose(y[0, 0], expected, atol=1e-5)
    assert np.array_equal(y[0, 1], -y[0, 0])
    assert np.array_equal(output("relu", image), np.maximum(y, 0))


@pytest.mark.parametrize(("window", "stride"), [(15, 1), (15, 15), (4, 3), (1, 1)])
def test_max_pooling(window, stride):
    image = picture(20, 31)
    windows = np.lib.stride_tricks.sliding_window_view(
        channels(image), (window, window), axis=(1, 2)
    )
    expected = windows.max((3, 4))[:, ::stride, ::stride]
    y = output("maxpool", image, window=window, stride=stride)
    assert np.allclose(y[0], expected, atol=1e-7)


@pytest.mark.parametrize("size", SIZES)
def test_normalization_leaves_pixels_of_norm_1_and_black_ones_black(size):
    pixels = np.array(picture(*size))
    pixels[0, 0] = 0
    x = as_tensor(Image.fromarray(pixels))
    y = demonstration("normalize").apply(x)
    norms = pixel_norms(y)[0].numpy()
    assert norms[0, 0] == 0
    norms[0, 0] = 1
    assert np.allclose(norms, 1, atol=1e-6)
    expected = np.linalg.norm(x[0].numpy(), axis=0)
    assert np.allclose(pixel_norms(x)[0], expected, atol=1e-6)


def test_random_filters_are_correlated_with_the_picture():
    image = picture(12, 9)
    bank = random_filters(seed=4)
    weight = bank.parameters["filter.weight"].double().numpy()
    assert weight.shape == (10, 3, 5, 5)
    y = output("random", image, seed=4)
    for filtered, w in zip(y[0], weight, strict=True):
        assert np.allclose(filtered, correlate(channels(image), w, mode="valid")[0], atol=1e-4)


def test_a_seed_gives_the_same_filters_and_another_seed_others():
    first, again, other = (random_filters(s).parameters["filter.weight"] for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", [n for n in DEMONSTRATIONS if n != "normalize"])
def test_a_picture_of_one_pixel_is_refused_with_both_sizes(name):
    with pytest.raises(ShapeError, match=r"window spans \d+x\d+ pixels, the padded input 1x1"):
        output(name, picture(1, 1))


def test_one_pixel_can_be_normalized():
    assert output("normalize", picture(1, 1)).shape == (1, 3, 1, 1)


def test_wrong_names_and_settings_are_refused():
    with pytest.raises(InputError, match="found 'blur'; expected one of laplacian, edges"):
        demonstration("blur")
    with pytest.raises(InputError, match="`stride` is 0"):
        max_pooling(3, 0)
    with pytest.raises(InputError, match="`kernel_size` is 0"):
        max_pooling(0)
    with pytest.raises(InputError, match="seed: found -1"):
        random_filters(-1)
