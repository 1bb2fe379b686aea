"""Texts like the world's."""

import numpy as np
import pytest

from chainrule.glyphs.alphabet import NAMED
from chainrule.reader.lines.texts import training_words, words
from chainrule.reader.lines.world_texts import KINDS, world_text

EVERYTHING = NAMED["ascii"] + "éüñ€£“”‘’–—²³µ°"


@pytest.mark.parametrize("kind", [*KINDS, None])
def test_a_text_keeps_to_the_alphabet_and_has_single_spaces(kind):
    for alphabet in (EVERYTHING, NAMED["ascii"]):
        rng = np.random.default_rng(0)
        for length in (3, 12, 40):
            for _ in range(20):
                text = world_text(rng, alphabet, length, kind)
                assert text
                assert set(text) <= set(alphabet)
                assert text == " ".join(text.split())


@pytest.mark.parametrize("alphabet", ["01", "abc "])
def test_an_alphabet_that_spells_no_such_text_gets_strings(alphabet):
    for seed in range(20):
        text = world_text(np.random.default_rng(seed), alphabet, 9, "link")
        assert text
        assert set(text) <= set(alphabet)


def test_the_same_generator_gives_the_same_text_and_all_kinds_come():
    one, other = (
        [world_text(np.random.default_rng(seed), EVERYTHING, 20) for seed in range(200)]
        for _ in range(2)
    )
    assert one == other
    together = " ".join(one)
    for mark in ("@", "www.", "$", ":", "<", "(", "-", ","):
        assert mark in together, mark


def test_words_that_are_held_out_are_not_trained_on():
    assert not set(words(True)) & {word.lower() for word in training_words()}
