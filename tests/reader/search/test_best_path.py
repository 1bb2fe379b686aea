"""Decoding, against every path of small problems."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from chainrule.reader.evaluation.error_rates import (
    character_error_rate,
    edit_distance,
    edits,
    word_error_rate,
)
from chainrule.reader.search.best_path import align, greedy


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


@given(st.text("abA ", max_size=12), st.text("abA ", max_size=12))
def test_edit_distances_are_those_of_rapidfuzz(one, other):
    assert edit_distance(one, other) == Levenshtein.distance(one, other)
    assert len(edits(one, other)) == Levenshtein.distance(one, other)
