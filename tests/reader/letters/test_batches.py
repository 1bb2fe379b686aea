"""Batches of letters, and the warp: what is random, what is not, what it is held against."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from chainrule.errors import InputError
from chainrule.glyphs.jitter import Jitter
from chainrule.reader.letters.batches import LetterBatches, Scaling
from chainrule.reader.letters.recipes import RECIPES, scaling_of
from chainrule.reader.letters.warp import Warp

PLAIN = Scaling(0.0, 1.0)


def epoch(source, size, generator=None):
    inputs, targets = zip(*source.batches(size, generator), strict=True)
    return torch.cat(inputs), torch.cat(targets)


def test_without_a_generator_the_letters_come_in_order_as_they_are(few_letters):
    rows = few_letters.training_rows
    source = LetterBatches(few_letters, rows, PLAIN, (Jitter(few_letters), Warp()))
    inputs, targets = epoch(source, 7)
    np.testing.assert_array_equal(inputs[:, 0].numpy(), few_letters.images[rows])
    np.testing.assert_array_equal(targets[:, 0, 0].numpy(), few_letters.labels[rows])
    assert len(source) == len(rows)


def test_each_epoch_has_every_letter_once_in_another_order(few_letters):
    source = LetterBatches(few_letters, few_letters.training_rows, PLAIN)
    generator = torch.Generator().manual_seed(0)
    first, second = (epoch(source, 7, generator)[0].flatten(1) for _ in range(2))
    assert not torch.equal(first, second)
    assert sorted(map(tuple, first.tolist())) == sorted(map(tuple, second.tolist()))
    again = epoch(source, 7, torch.Generator().manual_seed(0))[0].flatten(1)
    assert torch.equal(first, again)


def test_changes_differ_every_epoch_and_are_the_same_for_the_same_seed(few_letters):
    for change in (Jitter(few_letters), Warp()):
        source = LetterBatches(few_letters, few_letters.training_rows, PLAIN, (change,))
        generator = torch.Generator().manual_seed(0)
        first, second = (
            {tuple(x.flatten().tolist()) for x in epoch(source, 9, generator)[0]} for _ in range(2)
        )
        assert not first & second
        again = {
            tuple(x.flatten().tolist())
            for x in epoch(source, 9, torch.Generator().manual_seed(0))[0]
        }
        assert again == first


def test_the_mean_is_that_of_the_training_letters_alone(few_letters):
    training = few_letters.images[few_letters.training_rows].astype(np.float64)
    assert training.mean() != pytest.approx(few_letters.images.mean(), rel=1e-3)
    original = scaling_of(few_letters, RECIPES["original"])
    assert original.mean == pytest.approx(training.mean())
    paper_minus_ink = original(torch.tensor([255, 0], dtype=torch.uint8)).diff().item()
    assert paper_minus_ink == pytest.approx(-256)
    fast = scaling_of(few_letters, RECIPES["fast"])(torch.from_numpy(training.astype(np.uint8)))
    assert fast.mean().item() == pytest.approx(0, abs=1e-4)
    assert fast.std().item() == pytest.approx(1, abs=1e-3)


def test_an_empty_set_is_refused(few_letters):
    with pytest.raises(InputError, match="at least one letter"):
        LetterBatches(few_letters, few_letters.training_rows[:0], PLAIN)


def test_a_warp_without_limits_changes_nothing(few_letters):
    images = torch.from_numpy(few_letters.images)
    still = Warp(0, 0, 0, 0, 0)(images, torch.Generator().manual_seed(0))
    assert (still.int() - images.int()).abs().max() <= 1  # rounding


def test_a_warp_is_scipys_affine_map(few_letters):
    warp, images = Warp(), torch.from_numpy(few_letters.images[:20])
    ours = warp(images, torch.Generator().manual_seed(5))
    generator = torch.Generator().manual_seed(5)

    def drawn(limit):
        return (limit * (2 * torch.rand(20, generator=generator) - 1)).double().numpy()

    turn, size, width = drawn(warp.turn), drawn(warp.size), drawn(warp.width)
    slant, right, height, down = (
        drawn(limit) for limit in (warp.slant, warp.shift, warp.size, warp.shift)
    )
    for n, image in enumerate(few_letters.images[:20]):
        # rows before columns, as SciPy has them
        matrix = np.array([[np.exp(height[n]), turn[n]],
                           [slant[n] - turn[n], np.exp(size[n] + width[n])]])  # fmt: skip
        middle = np.array([15.5, 15.5])
        offset = middle - matrix @ middle + np.array([down[n], right[n]])
        theirs = 255 - ndimage.affine_transform(
            255.0 - image, matrix, offset, order=1, mode="grid-constant", cval=0
        )
        assert np.abs(ours[n].numpy() - theirs).max() <= 1
