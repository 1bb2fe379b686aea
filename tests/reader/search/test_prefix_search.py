"""Prefix search, against every path of small problems."""

import itertools
import math

import numpy as np
import pytest
import torch

from chainrule.blocks import CTCLoss
from chainrule.reader.search.best_path import greedy
from chainrule.reader.search.lexicon import lexicon
from chainrule.reader.search.prefix_search import EXACT, prefix_search

ALPHABET = "abA"
WORDS = ["ab", "abba", "b"]


def log_probabilities(seed, classes=4, frames=6):
    scores = 2 * np.random.default_rng(seed).standard_normal((classes, frames))
    return scores - np.logaddexp.reduce(scores, axis=0)


def spelled_by_paths(log_p):
    """log P of every sequence of labels, summed over the paths one by one."""
    sums = {}
    for path in itertools.product(range(log_p.shape[0]), repeat=log_p.shape[1]):
        labels = tuple(k for k, _ in itertools.groupby(path) if k)
        score = sum(log_p[k, t] for t, k in enumerate(path))
        sums[labels] = np.logaddexp(sums.get(labels, -np.inf), score)
    return sums


@pytest.mark.parametrize("seed", range(8))
def test_a_wide_beam_finds_the_most_probable_labels(seed):
    log_p = log_probabilities(seed)
    sums = spelled_by_paths(log_p)
    assert prefix_search(log_p, EXACT) == list(max(sums, key=sums.get))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("weight", "bonus"), [(1.0, 0.0), (0.5, 1.2), (3.0, -0.5)])
def test_with_a_model_of_texts_it_finds_the_best_of_all_sums(seed, weight, bonus):
    log_p = log_probabilities(seed)
    model = lexicon(ALPHABET, WORDS)

    def score(labels, log_p_of_labels):
        text = "".join(ALPHABET[label - 1] for label in labels)
        prior = model.log_probability([ALPHABET.index(c) + 1 for c in text])
        return log_p_of_labels + weight * prior + bonus * len(labels)

    sums = {labels: score(labels, p) for labels, p in spelled_by_paths(log_p).items()}
    found = prefix_search(log_p, EXACT._replace(lexicon_weight=weight, length_bonus=bonus), model)
    assert found == list(max(sums, key=sums.get))


def test_it_can_be_right_where_the_best_path_is_not():
    # Graves 2012, figure 7.5: the blank is each frame's best, and yet "1" is the likelier text
    log_p = np.log(np.array([[0.6, 0.6], [0.4, 0.4]]))
    assert greedy(log_p) == []
    assert prefix_search(log_p) == [1]
    loss, _ = CTCLoss().forward(torch.tensor(log_p)[None, :, None], torch.tensor([[1]]))
    assert math.exp(-float(loss)) == pytest.approx(0.64)


def test_a_word_of_the_dictionary_wins_where_the_picture_leaves_doubt():
    # each letter of "abba" at a frame of its own with a blank after it; the third is doubtful
    alphabet = "abc"
    log_p = np.full((4, 8), -20.0)
    for place, label in enumerate([1, 2, 0, 1]):
        log_p[0, 2 * place + 1] = 0.0
        if label:
            log_p[label, 2 * place] = 0.0
    log_p[2, 4], log_p[3, 4] = math.log(0.45), math.log(0.55)
    model = lexicon(alphabet, WORDS)
    assert prefix_search(log_p) == [1, 2, 3, 1]
    assert prefix_search(log_p, words=model) == [1, 2, 2, 1]


def test_no_frames_and_a_single_blank_give_no_labels():
    assert prefix_search(np.empty((3, 0))) == []
    assert prefix_search(np.array([[0.0], [-30.0]])) == []
