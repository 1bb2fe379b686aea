"""Lines that are read unsurely, cropped again: against PyTorch's loss, and against one look."""

from string import ascii_lowercase

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.glyphs.degrade import degrade, random_degradation
from chainrule.glyphs.lines import load_line_fonts, render_line
from chainrule.reader import recognition
from chainrule.reader.evaluation.error_rates import edit_distance
from chainrule.reader.lines.texts import held_out_text
from chainrule.reader.model_file import load_reader
from chainrule.reader.picture.line_image import HEIGHT, WIDEST, Crop, crop_line
from chainrule.reader.picture.views import View
from chainrule.reader.search.lexicon import lexicon
from chainrule.reader.search.prefix_search import prefix_search
from chainrule.reader.search.rescoring import (
    AUGMENTATIONS,
    Likelihoods,
    log_likelihoods,
    most_probable,
    narrow_enough,
    near,
    prior,
    search_by_words,
)


def _log_p(rng, classes, frames, spread=3.0):
    scores = spread * rng.standard_normal((classes, frames))
    return scores - np.logaddexp.reduce(scores, axis=0)


@settings(deadline=None)
@given(
    classes=st.integers(2, 30),
    frames=st.integers(1, 200),
    length=st.integers(0, 40),
    spread=st.floats(0.1, 8),
    clear=st.sampled_from([0.0, 10.0, 25.0]),
    seed=st.integers(0, 2**31),
)
def test_the_likelihood_is_that_of_pytorchs_loss(classes, frames, length, spread, clear, seed):
    rng = np.random.default_rng(seed)
    labels = (
        rng.integers(1, min(classes, 4), length, endpoint=False) if classes > 2 else [1] * length
    )
    labels = [int(label) for label in labels]
    scores = spread * rng.standard_normal((classes, frames))
    spelled = np.repeat([0, *(k for label in labels for k in (label, 0))], 3)
    scores[spelled[:frames], np.arange(min(frames, len(spelled)))] += clear
    log_p = scores - np.logaddexp.reduce(scores, axis=0)
    loss = F.ctc_loss(
        torch.from_numpy(log_p.T.copy())[:, None],
        torch.tensor([labels], dtype=torch.long).reshape(1, length),
        torch.tensor([frames]),
        torch.tensor([length]),
        reduction="sum",
    )
    found, none = log_likelihoods(log_p, [labels, [1] * (frames + 1)])
    assert found == pytest.approx(-float(loss), rel=1e-9, abs=1e-9)
    assert none == -np.inf  # more labels than frames


def test_the_likelihoods_of_all_texts_sum_to_one():
    log_p = _log_p(np.random.default_rng(0), 3, 4)
    texts = [[]]
    for _ in range(4):
        texts += [[*text, label] for text in texts for label in (1, 2)]
    different = sorted({tuple(text) for text in texts})
    assert np.exp(log_likelihoods(log_p, different)).sum() == pytest.approx(1)


def test_the_most_probable_reading_is_that_of_all_looks_and_the_prior():
    rng = np.random.default_rng(1)
    looks = [_log_p(rng, 4, frames) for frames in (6, 9, 7)]
    readings = [[1], [2, 3], [3, 3, 1], [2, 3]]
    added = {1: 0.0, 2: 2.5, 3: -1.0}

    def score(labels):
        mean = np.mean([log_likelihoods(log_p, [labels]) for log_p in looks])
        return mean + added[len(labels)]

    assert most_probable(readings, Likelihoods(looks), lambda labels: added[len(labels)]) == max(
        readings, key=score
    )
    for winner in readings:  # a prior that is strong enough decides
        found = most_probable(
            readings, Likelihoods(looks), lambda labels, w=winner: 1e3 * (list(labels) == w)
        )
        assert found == winner
    # seven labels are more than a look of six frames can hold
    assert most_probable(
        [[1, 2, 1, 2, 1, 2, 1], [1]], Likelihoods(looks), lambda labels: 9.0 * len(labels)
    ) == [1]


def test_the_prior_of_a_text_is_how_much_more_probable_it_is_than_among_any_strings():
    alphabet = "abc "
    model = lexicon(alphabet, ["abba"])
    for text in ("abba", "abba abba", "cab", "", "cccccccc"):
        labels = [alphabet.index(character) + 1 for character in text]
        ratio = np.exp(model.log_probability(labels)) * 28.0 ** (len(text) + 1)
        assert prior(labels, model) == pytest.approx(0.9 * np.log(1 + ratio))
    assert prior([1, 2, 2, 1], model) > 5 > 0.1 > prior([3] * 8, model) > 0


def test_a_word_is_taken_only_where_it_is_near_to_what_is_seen():
    log_p = np.log(np.full((4, 3), 1e-4))
    log_p[[2, 3, 1], [0, 1, 2]] = np.log(0.9997)
    seen, word = [2, 3, 1], [1, 3, 1]
    assert near(word, seen, Likelihoods([log_p])) == seen  # the first letter is clear
    log_p[1, 0], log_p[2, 0] = np.log(0.3), np.log(0.68)
    assert near(word, seen, Likelihoods([log_p])) == word
    assert near(word, seen, Likelihoods([log_p]), most=0.1) == seen
    assert near(seen, seen, Likelihoods([log_p])) == seen


def test_the_search_by_words_finds_those_that_the_usual_one_passes_over():
    model = lexicon("abc ", ["abba"])
    log_p = np.full((5, 4), -11.0)
    for frame, label in enumerate([3, 2, 0, 2]):  # "cbb"; "a" hardly at all, where "c" is
        log_p[label, frame] = -0.01
    log_p[1, 0], log_p[1, 3] = -6.0, -3.0
    log_p = np.concatenate([log_p, np.full((5, 1), -9.0)], axis=1)
    log_p[1, 4] = -0.01
    log_p -= np.logaddexp.reduce(log_p, axis=0)
    assert prefix_search(log_p, words=model) == [3, 2, 2, 1]
    assert search_by_words(log_p, 8, model) == [1, 2, 2, 1]


def test_each_augmentation_is_another_crop_of_the_same_line():
    font = next(font for font in load_line_fonts() if font.name == "lato-latin-400-normal")
    picture = render_line(font, "read again").image
    first = crop_line(picture)
    wide = Crop(np.zeros((HEIGHT, WIDEST), np.float32), 0.0, 0.0, 1.0, 1.0)
    assert narrow_enough(first)
    assert not narrow_enough(wide)
    again = View(picture).crops(AUGMENTATIONS)
    assert len(again) == len(AUGMENTATIONS)
    for crop in again:
        assert crop.values.shape[0] == HEIGHT
        assert -0.5 <= crop.values.min() < crop.values.max() <= 1.5
        same = crop.values.shape == first.values.shape
        assert not (same and np.allclose(crop.values, first.values))


@pytest.fixture(scope="module")
def lines():
    """A reader of small letters, pictures in training fonts and the texts in them."""
    reader = load_reader("fast").limited(ascii_lowercase + " ")
    fonts = [font for font in load_line_fonts() if not font.validation]
    rng = np.random.default_rng(0)
    texts = [held_out_text(rng, reader.alphabet, 20) for _ in range(600)]
    drawn = [render_line(fonts[rng.integers(len(fonts))], text).image for text in texts]
    return reader, [degrade(image, random_degradation(rng), rng) for image in drawn], texts


@pytest.mark.parametrize(("dictionary", "share"), [(True, 0.95), (False, 1.0)])
def test_rescoring_mends_more_than_it_breaks(dictionary, share, lines, monkeypatch):
    reader, pictures, texts = lines
    reader = reader.with_words() if dictionary else reader

    def errors():
        found = reader.texts(pictures)
        assert [line.text for line in reader.read(pictures)] == found
        return sum(edit_distance(one, true) for one, true in zip(found, texts, strict=True))

    twice = errors()
    monkeypatch.setattr(recognition, "AGAIN", float("inf"))
    assert twice < share * errors()


def test_the_best_path_has_no_dictionary_in_rescoring_either(lines):
    reader, pictures, _ = lines
    assert reader.with_words().texts(pictures, beam_width=1) == reader.texts(pictures)
