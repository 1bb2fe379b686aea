"""Decoding, against every path of small problems."""

import itertools
import math

import numpy as np
import pytest
import torch

from chainrule.blocks import CTCLoss
from chainrule.reader.decode import align, beam, greedy
from chainrule.reader.errors import character_error_rate, edit_distance, word_error_rate


def log_probabilities(seed, classes=4, frames=6):
    scores = 2 * np.random.default_rng(seed).standard_normal((classes, frames))
    return scores - np.logaddexp.reduce(scores, axis=0)


def spelled(path):
    return tuple(k for k, _ in itertools.groupby(path) if k)


def every_path(log_p):
    for path in itertools.product(range(log_p.shape[0]), repeat=log_p.shape[1]):
        yield path, sum(log_p[k, t] for t, k in enumerate(path))


@pytest.mark.parametrize("seed", range(6))
def test_greedy_spells_the_most_probable_path(seed):
    log_p = log_probabilities(seed)
    best, _ = max(every_path(log_p), key=lambda found: found[1])
    assert greedy(log_p) == list(spelled(best))


@pytest.mark.parametrize("seed", range(6))
def test_a_wide_beam_finds_the_most_probable_labels(seed):
    log_p = log_probabilities(seed)
    sums = {}
    for path, score in every_path(log_p):
        sums[spelled(path)] = np.logaddexp(sums.get(spelled(path), -np.inf), score)
    assert beam(log_p, width=4000, classes=4) == list(max(sums, key=sums.get))


def test_the_beam_can_be_right_where_the_best_path_is_not():
    # Graves 2012, figure 7.5: the blank is each frame's best, and yet "1" is the likelier text
    log_p = np.log(np.array([[0.6, 0.6], [0.4, 0.4]]))
    assert greedy(log_p) == []
    assert beam(log_p) == [1]
    loss, _ = CTCLoss().forward(torch.tensor(log_p)[None, :, None], torch.tensor([[1]]))
    assert math.exp(-float(loss)) == pytest.approx(0.64)


@pytest.mark.parametrize("seed", range(6))
def test_alignment_is_the_most_probable_path_that_spells_the_labels(seed):
    log_p = log_probabilities(seed)
    for labels in ([1], [2, 2], [1, 2, 3], [3, 3, 1]):
        spelling = [found for found in every_path(log_p) if spelled(found[0]) == tuple(labels)]
        best, _ = max(spelling, key=lambda found: found[1])
        runs, start = [], 0
        for k, run in itertools.groupby(best):
            length = len(list(run))
            if k:
                runs.append((start, start + length))
            start += length
        assert align(log_p, labels) == runs


def test_nothing_read_has_no_place():
    assert align(log_probabilities(0), []) == []


def test_error_rates_are_those_counted_by_hand():
    assert edit_distance("kitten", "sitting") == 3
    assert edit_distance("", "abc") == edit_distance("abc", "") == 3
    assert character_error_rate(["abd", "x"], ["abc", "xy"]) == pytest.approx(2 / 5)
    assert word_error_rate(["the cat sat", "a"], ["the bat sat", "a b"]) == pytest.approx(2 / 5)
