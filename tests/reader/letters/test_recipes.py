"""The recipes as they are stated, the confusion against counting, a reading at given places."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from chainrule.chain.inference.precision import best_precision
from chainrule.errors import InputError
from chainrule.glyphs.jitter import Jitter
from chainrule.reader.letters.batches import LetterBatches
from chainrule.reader.letters.confusion import Confusion, confusion
from chainrule.reader.letters.network import letter_network
from chainrule.reader.letters.reading import read_at_boxes
from chainrule.reader.letters.recipes import RECIPES, find_recipe, scaling_of, train_letters
from chainrule.reader.letters.sentence import sentence
from chainrule.training import Settings


def test_both_run_in_the_precision_in_which_this_processor_is_fastest():
    """The parameters and the steps stay float32: see `chainrule.training`."""
    for recipe in RECIPES.values():
        assert recipe.settings.precision == best_precision()
        assert recipe.network(3).initial_parameters(torch.Generator())["conv1.weight"].dtype == (
            torch.float32
        )


def test_the_originals_recipe_is_the_published_one():
    original = find_recipe("original")
    assert replace(original.settings, precision="float32") == Settings(
        epochs=15, batch_size=100, learning_rate=0.001, momentum=0.9, weight_decay=0.0005
    )
    assert original.initialization == 0.01
    assert original.scale == pytest.approx(256 / 255)
    assert original.warp is None
    with pytest.raises(InputError, match="'slow'; expected one of original, fast"):
        find_recipe("slow")


def test_jitter_never_touches_validation(few_letters, monkeypatch):
    seen = []
    place = Jitter.__call__

    def watched(self, images, generator):
        seen.append(images.clone())
        return place(self, images, generator)

    monkeypatch.setattr(Jitter, "__call__", watched)
    recipe = replace(RECIPES["original"], settings=replace(RECIPES["original"].settings, epochs=2))
    found = train_letters(few_letters, recipe, jitter=True)
    training = {image.tobytes() for image in few_letters.images[few_letters.training_rows]}
    jittered = [image.numpy().tobytes() for batch in seen for image in batch]
    assert len(jittered) == 2 * len(few_letters.training_rows)
    assert set(jittered) <= training

    source = LetterBatches(few_letters, few_letters.validation_rows, found.scaling)
    read = confusion(found.network, found.parameters, source, 4)
    wrong = 1 - np.trace(read.matrix) / read.matrix.sum()
    assert wrong == pytest.approx(found.trained.history[-1]["top1_validation"])


@pytest.mark.parametrize("name", RECIPES)
def test_a_last_batch_of_one_letter_can_be_trained_on(few_letters, name):
    count = len(few_letters.training_rows)
    settings = replace(RECIPES[name].settings, epochs=1, batch_size=count - 1)
    found = train_letters(few_letters, replace(RECIPES[name], settings=settings))
    assert all(bool(value.isfinite().all()) for value in found.parameters.values())


def test_the_confusion_counts_and_sorts():
    found = Confusion(np.array([0, 0, 0, 1, 1, 2, 2]), np.array([0, 1, 1, 1, 0, 2, 0]), 3)
    assert found.matrix.tolist() == [[1, 2, 0], [1, 1, 0], [1, 0, 1]]
    assert found.pairs(2) == [(0, 1, 2), (1, 0, 1)]
    assert found.pairs(9) == [(0, 1, 2), (1, 0, 1), (2, 0, 1)]


def test_a_reading_takes_the_nearest_window_of_each_letter():
    line, alphabet = sentence(), "abcdefghijklmnopqrstuvwxyz"
    scores = torch.zeros(26, 137)
    scores[25] = 1  # z everywhere
    for character, (left, _, right, _) in zip(line.text, line.boxes.tolist(), strict=True):
        if character != " ":
            column = min(range(137), key=lambda k: abs(4 * k + 16 - (left + right) / 2))
            scores[alphabet.index(character), column] = 2
    found = read_at_boxes(scores, line, alphabet)
    assert found.text == line.text
    assert (found.right, found.letters) == (40, 40)
    scores[:] = 0
    assert read_at_boxes(scores, line, alphabet).right == line.text.count("a")


def test_the_scale_of_the_original_and_its_start(few_letters):
    scaling = scaling_of(few_letters, RECIPES["original"])
    assert scaling.scale * 255 == pytest.approx(256)
    start = letter_network(4).initial_parameters(
        torch.Generator().manual_seed(0), initialization=RECIPES["original"].initialization
    )
    assert start["conv3.weight"].std().item() == pytest.approx(0.01, rel=0.01)
    assert not start["conv3.bias"].any()
