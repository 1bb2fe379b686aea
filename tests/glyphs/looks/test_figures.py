"""Letters of one stroke and digits of dots, and how they are exposed and seen by few pixels."""

from string import ascii_uppercase, digits

import numpy as np

from chainrule.glyphs.looks.canvas import blotches, coarse, exposed
from chainrule.glyphs.looks.dots import DOTS, dot_ink
from chainrule.glyphs.looks.strokes import STROKES, drawn_of_strokes, stroke_ink


def test_strokes_have_every_capital_and_digit_and_no_two_alike():
    assert set(ascii_uppercase + digits) < set(STROKES)
    assert drawn_of_strokes("AB 123-CD")
    assert not drawn_of_strokes("AB 1.2")
    for seed in range(5):
        drawn = {c: stroke_ink(c, np.random.default_rng(seed)) for c in ascii_uppercase + digits}
        for one, ink in drawn.items():
            assert ink.max() == 1
            for other, there in drawn.items():
                if one < other and {one, other} != {"0", "O"} and ink.shape == there.shape:
                    assert np.abs(ink - there).mean() > 0.01, (one, other)


def test_an_emblem_lies_in_the_gap_and_changes_no_letter():
    seeds = [seed for seed in range(40) if _gap(seed).any()]
    assert seeds
    for seed in seeds:
        plain, marked = (
            stroke_ink("AB 12", np.random.default_rng(seed), emblem=emblem)
            for emblem in (False, True)
        )
        new = np.flatnonzero(np.abs(marked - plain).max(0) > 0)
        assert plain[:, new].max() == 0  # nothing was there


def _gap(seed):
    inks = [stroke_ink("AB 12", np.random.default_rng(seed), emblem=e) for e in (False, True)]
    return inks[1] - inks[0]


def test_dots_that_are_there_and_those_that_are_not_fill_five_by_seven():
    for seed in range(10):
        for character in DOTS:
            on, off = dot_ink(character, np.random.default_rng(seed))
            assert on.shape == off.shape
            blank = sum(dot_ink(" ", np.random.default_rng(seed)))
            assert np.abs(on + off - blank).max() < 1e-6


def test_exposed_shades_lie_within_what_a_picture_keeps():
    """Below white but for what shines, never below black: dark digits stay on a dark ground."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        plane = rng.uniform(-1, 2, (8, 9)).astype(np.float32)
        contrast = rng.uniform(-200, 200)
        grey = exposed(plane, rng, rng.uniform(0, 250), contrast)
        assert grey.min() >= 1
        assert grey.max() <= 253 + 0.3 * abs(contrast)
        # the order of the shades is kept
        assert abs(np.corrcoef(plane.ravel(), grey.ravel())[0, 1]) > 0.999


def test_a_coarse_picture_keeps_its_size_and_loses_what_is_fine():
    rng = np.random.default_rng(0)
    fine = np.indices((20, 30)).sum(0) % 2 * np.float32(100)
    for _ in range(5):
        seen = coarse(fine, rng, 4)
        assert seen.shape == fine.shape
        assert seen.std() < 0.3 * fine.std()


def test_blotches_are_noise_of_more_than_one_pixel():
    for seed in range(5):
        noise = blotches((60, 90), np.random.default_rng(seed))
        assert noise.shape == (60, 90)
        assert 0.4 < noise.std() < 1.1
        assert np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1] > 0.3
