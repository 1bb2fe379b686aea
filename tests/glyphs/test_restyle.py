"""Lines as fonts of another kind would draw them."""

import numpy as np
import pytest

from chainrule.glyphs.restyle import bent, dotted, heavier, outlined, restyle, worn

WAYS = [bent, dotted, outlined, worn, heavier]


def block():
    """A line with one block of ink, 12 px high and 30 px wide."""
    image = np.full((32, 60), 255, np.uint8)
    image[10:22, 15:45] = 0
    return image


@pytest.mark.parametrize("way", [*WAYS, restyle])
def test_shape_and_paper_stay_and_the_same_seed_gives_the_same(way):
    blank = np.full((32, 60), 255, np.uint8)
    for seed in range(30):
        one = way(block(), np.random.default_rng(seed))
        assert (one.shape, one.dtype) == ((32, 60), np.uint8)
        assert np.array_equal(one, way(block(), np.random.default_rng(seed)))
        assert (way(blank, np.random.default_rng(seed)) == 255).all()


def test_bending_moves_ink_to_all_sides_and_keeps_about_as_much():
    rng = np.random.default_rng(0)
    pictures = [255.0 - bent(block(), rng) for _ in range(300)]
    inks = np.array([picture.sum() for picture in pictures]) / (255 * 12 * 30)
    assert inks.mean() == pytest.approx(1, abs=0.02)
    middles = np.array(
        [
            [
                axis @ picture.sum(other) / picture.sum()
                for axis, other in ((np.arange(32), 1), (np.arange(60), 0))
            ]
            for picture in pictures
        ]
    )
    moved = middles - [15.5, 29.5]
    assert np.abs(moved.mean(0)).max() < 4 * moved.std(0).max() / np.sqrt(300)
    assert np.abs(moved).max() > 0.2
    edges = np.mean([picture[:, 12] for picture in pictures], axis=0)
    assert edges[10:22].mean() > 0.5  # 3 px outside there is ink now and then


def test_dots_keep_ink_at_whole_steps_only():
    rng = np.random.default_rng(1)
    kinds = set()
    for _ in range(300):
        kept = dotted(block(), rng)[10:22, 15:45] == 0
        rows, columns = kept.any(1), kept.any(0)
        assert 0 < kept.mean() < 1
        kinds.add((bool(rows.all()), bool(columns.all())))
        # in rows, in columns, both or either: the mask is made of its rows and columns
        assert np.array_equal(kept, np.outer(rows, columns)) or np.array_equal(
            ~kept, np.outer(~kept.all(1), ~kept.all(0))
        )
    assert kinds == {(False, True), (True, False), (False, False), (True, True)}


def test_an_outline_is_one_pixel_inside_or_outside():
    rng = np.random.default_rng(2)
    inside = np.zeros((32, 60), bool)
    inside[10:22, 15:45] = True
    inside[11:21, 16:44] = False
    outside = np.zeros((32, 60), bool)
    outside[9:23, 14:46] = True
    outside[10:22, 15:45] = False
    found = [outlined(block(), rng) == 0 for _ in range(40)]
    for edges in (inside, outside):
        assert sum(np.array_equal(one, edges) for one in found) > 8
    assert all(np.array_equal(one, inside) or np.array_equal(one, outside) for one in found)


def test_wear_takes_ink_from_a_share_of_the_area():
    rng = np.random.default_rng(3)
    shares = []
    for _ in range(300):
        picture = worn(block(), rng)
        ink = picture[10:22, 15:45]
        shares.append((ink > 0).mean())
        assert set(np.unique(ink)) <= {0, *range(152, 256)}  # 0.6 at least of it
    assert 0.04 < np.mean(shares) < 0.27


def test_weight_goes_up_more_often_than_down():
    rng = np.random.default_rng(4)
    inks = np.array([(255.0 - heavier(block(), rng)).sum() for _ in range(400)]) / (255 * 12 * 30)
    assert inks.max() <= 14 * 32 / 360 + 1e-9
    assert inks.min() >= 10 * 28 / 360 - 1e-9
    assert 240 < (inks > 1).sum() < 320
    assert (np.abs(inks - 1) > 0.05).all()


def test_about_half_of_the_lines_stay():
    rng = np.random.default_rng(5)
    same = sum(np.array_equal(restyle(block(), rng), block()) for _ in range(1000))
    expected = 0.7 * 0.92 * 0.94 * 0.93 * 0.88
    assert abs(same / 1000 - expected) < 4 * np.sqrt(expected * (1 - expected) / 1000)
