"""The letter network: the original's shapes, and a line in one pass as window by window."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import ShapeError
from chainrule.reader.letters.batches import Scaling
from chainrule.reader.letters.network import letter_network, small_letter_network
from chainrule.reader.letters.score_map import columns_of, score_map, window_scores
from chainrule.reader.letters.sentence import SENTENCE, sentence

NETWORK = letter_network()
SCALING = Scaling(200.0, 1 / 90)
BOTH = pytest.mark.parametrize("network", [NETWORK, small_letter_network()], ids=["theirs", "ours"])


def parameters(network=NETWORK):
    """As drawn, but for biases and running moments, which would tell nothing at 0 and 1."""
    generator = torch.Generator().manual_seed(0)
    drawn = network.initial_parameters(generator)
    for name, value in drawn.items():
        if value.ndim == 1:
            drawn[name] = value + 0.5 * torch.rand(value.shape, generator=generator)
    return drawn


def test_the_shapes_are_the_originals():
    assert NETWORK.shape((1, 1, 32, 32)) == (1, 26, 1, 1)
    assert NETWORK.shape((1, 1, 32, 576)) == (1, 26, 1, 137)
    shapes = NETWORK.parameter_shapes()
    assert {name: shapes[f"{name}.weight"] for name in ("conv1", "conv2", "conv3", "conv4")} == {
        "conv1": (20, 1, 5, 5),
        "conv2": (50, 20, 5, 5),
        "conv3": (500, 50, 4, 4),
        "conv4": (26, 500, 2, 2),
    }
    summary = str(NETWORK.summary())
    assert all(name in summary for name, _ in NETWORK.layers)


def test_the_small_network_has_the_originals_windows():
    small = small_letter_network()
    assert small.shape((1, 1, 32, 32)) == (1, 26, 1, 1)
    assert small.shape((1, 1, 32, 576)) == (1, 26, 1, 137)
    theirs, ours = (n.summary().rows[-1].receptive_field for n in (NETWORK, small))
    assert ours == theirs
    assert small_letter_network(7).shape((3, 1, 32, 32)) == (3, 7, 1, 1)


@BOTH
@given(st.integers(32, 700), st.integers(0, 100))
def test_a_line_scores_as_its_windows_one_by_one(network, width, seed):
    picture = np.random.default_rng(seed).integers(0, 256, (32, width)).astype(np.uint8)
    line = score_map(network, parameters(network), SCALING, picture)
    assert line.shape == (26, (width - 32) // 4 + 1)
    windows = window_scores(network, parameters(network), SCALING, picture)
    scale = float(windows.abs().max())
    torch.testing.assert_close(line, windows, rtol=1e-5, atol=1e-5 * max(1.0, scale))


@BOTH
def test_each_window_is_the_picture_cut_at_multiples_of_4(network):
    picture = sentence().image
    line = score_map(network, parameters(network), SCALING, picture)
    for column in (0, 1, 77, 136):
        x = SCALING(torch.from_numpy(picture[:, 4 * column : 4 * column + 32].copy()))
        alone = network.in_inference().apply(x[None, None], parameters(network))[0, :, 0, 0]
        torch.testing.assert_close(line[:, column], alone, rtol=1e-5, atol=1e-5)


def test_the_sentence_is_the_originals_picture():
    line = sentence()
    assert line.text == SENTENCE == "the rat the cat the dog chased killed ate the malt"
    assert line.image.shape == (32, 576)
    assert score_map(NETWORK, parameters(), SCALING, line.image).shape == (26, 137)
    for character, (left, top, right, bottom) in zip(line.text, line.boxes, strict=True):
        if character != " ":
            assert line.image[top:bottom, left:right].min() < 128, character
    outside = np.ones(576, bool)
    for left, _, right, _ in line.boxes:
        outside[left:right] = False
    assert (line.image[:, outside] == 255).all()


def test_the_nearest_column():
    boxes = np.array([[0, 0, 32, 32], [10, 0, 26, 32], [2, 0, 38, 32], [500, 0, 576, 32]])
    assert columns_of(boxes, 137).tolist() == [0, 0, 1, 130]
    assert columns_of(np.array([[570, 0, 576, 32], [0, 0, 4, 32]]), 137).tolist() == [136, 0]


@pytest.mark.parametrize("shape", [(31, 576), (32, 31), (33, 40)])
def test_a_picture_of_another_height_or_too_narrow_is_refused(shape, arrays_unchecked):
    with pytest.raises(ShapeError, match="expected \\(32, W\\)"):
        score_map(NETWORK, parameters(), SCALING, np.full(shape, 255, np.uint8))
