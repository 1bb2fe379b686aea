"""Jitter: what is random is as random as it says, and the picture is what was drawn."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from chainrule.errors import InputError
from chainrule.glyphs.jitter import Draw, Jitter


@pytest.fixture(scope="module")
def jitter(letters):
    return Jitter(letters)


def draws(jitter, count=30_000, seed=1):
    return jitter.draw(count, torch.Generator().manual_seed(seed))


def test_neighbours_come_from_training_families_only(jitter, letters):
    rows = draws(jitter).neighbours.numpy()
    assert not letters.validation[rows].any()
    training = set(letters.families[~letters.validation].tolist())
    assert set(letters.families[rows].ravel().tolist()) == training, "and from all of them"


def test_neighbours_are_uniform_over_the_letters_and_the_fonts(jitter, letters):
    for rows in draws(jitter).neighbours.numpy():
        assert chisquare(np.bincount(letters.labels[rows], minlength=26)).pvalue > 1e-3
        fonts = np.bincount(letters.fonts[rows], minlength=len(letters.font_names))
        training = np.unique(letters.fonts[~letters.validation])
        assert chisquare(fonts[training]).pvalue > 1e-3


def test_neighbours_are_uniform_over_the_letters_where_the_set_is_not(letters):
    # many more pictures of z than of the other letters
    rows = letters.training_rows
    keep = rows[(letters.labels[rows] == 25) | (letters.fonts[rows] % 5 == 0)]
    uneven = replace(
        letters,
        **{
            name: getattr(letters, name)[keep]
            for name in ("images", "labels", "fonts", "families", "validation")
        },
    )
    drawn = draws(Jitter(uneven)).neighbours.numpy()
    assert chisquare(np.bincount(uneven.labels[drawn].ravel(), minlength=26)).pvalue > 1e-3


def test_the_two_neighbours_are_independent(jitter, letters):
    left, right = letters.labels[draws(jitter).neighbours.numpy()]
    pairs = np.bincount(26 * left + right, minlength=26 * 26)
    assert chisquare(pairs).pvalue > 1e-3


def test_shifts_are_uniform_and_symmetric(jitter):
    drawn = draws(jitter)
    for shifts, limit in ((drawn.sideways, 5), (drawn.down, 2)):
        assert (int(shifts.min()), int(shifts.max())) == (-limit, limit)
        assert chisquare(np.bincount(shifts.numpy() + limit)).pvalue > 1e-3
    pairs = (drawn.sideways + 5) * 5 + drawn.down + 2
    assert chisquare(np.bincount(pairs.numpy(), minlength=55)).pvalue > 1e-3


def test_every_picture_and_every_epoch_is_drawn_anew_and_a_seed_means_it(jitter, letters):
    images = torch.from_numpy(letters.images[:200])
    generator = torch.Generator().manual_seed(3)
    first, second = jitter(images, generator), jitter(images, generator)
    assert (first != second).flatten(1).any(1).all()
    same = images[:1].expand(50, 32, 32)
    assert len({picture.tobytes() for picture in jitter(same, generator).numpy()}) == 50
    again = torch.Generator().manual_seed(3)
    assert torch.equal(jitter(images, again), first)
    assert torch.equal(jitter(images, again), second)


@given(
    sideways=st.integers(-5, 5),
    down=st.integers(-2, 2),
    rows=st.tuples(*[st.integers(0, 20_000)] * 3),
)
def test_the_picture_is_what_was_drawn(jitter, letters, sideways, down, rows):
    """Held against the three letters put one by one on a large sheet of paper."""
    left, centre, right = (letters.images[row] for row in rows)
    sheet = np.full((100, 160), 255, np.uint8)
    for letter, column in ((left, 48), (right, 80), (centre, 64)):
        part = sheet[34 + down : 66 + down, column + sideways : column + sideways + 32]
        np.minimum(part, letter, out=part)
    drawn = Draw(
        torch.tensor([[rows[0]], [rows[2]]]), torch.tensor([sideways]), torch.tensor([down])
    )
    placed = jitter.place(torch.from_numpy(centre)[None], drawn)
    np.testing.assert_array_equal(placed[0].numpy(), sheet[34:66, 64:96])


def test_no_shift_leaves_the_letter_in_its_place(letters):
    still = Jitter(letters, sideways=0, upright=0)
    images = torch.from_numpy(letters.images[:100])
    jittered = still(images, torch.Generator().manual_seed(0))
    assert (jittered <= images).all()
    assert jittered.shape == images.shape
    assert jittered.dtype == torch.uint8


def test_settings_out_of_range_are_refused(letters):
    with pytest.raises(InputError, match="99 px sideways"):
        Jitter(letters, sideways=99)
    held = replace(letters, validation=np.ones_like(letters.validation))
    with pytest.raises(InputError, match="no training font"):
        Jitter(held)
