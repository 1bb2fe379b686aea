"""Batches of rendered lines, and the texts in them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from chainrule.blocks.ctc import frames_needed
from chainrule.errors import InputError
from chainrule.glyphs.alphabet import NAMED
from chainrule.glyphs.lines import load_line_fonts
from chainrule.reader.letters.network import letter_network
from chainrule.reader.lines import rendered
from chainrule.reader.lines.network import Size, frames, line_network, size_of
from chainrule.reader.lines.rendered import LineStyle, RenderedLines, classes
from chainrule.reader.lines.texts import held_out_text, training_text, words
from chainrule.reader.lines.training import continued
from chainrule.reader.reader import Reader

SIZES = get_args(Size)


@pytest.fixture(scope="module")
def source():
    fonts = [font for font in load_line_fonts() if not font.validation]
    return RenderedLines(fonts, NAMED["ascii"], 40)


def test_an_epoch_holds_each_line_once_and_every_line_has_the_frames_it_needs(source):
    sizes = []
    for x, target in source.batches(16, torch.Generator().manual_seed(0)):
        assert x.shape[1:3] == (1, 32)
        assert bool((frames_needed(target) <= frames(x.shape[3])).all())
        sizes.append(len(x))
    assert sorted(sizes) == [8, 16, 16]


def test_the_same_generator_gives_the_same_lines_and_the_next_epoch_others(source):
    generator = torch.Generator().manual_seed(3)
    first, second = (list(source.batches(16, generator)) for _ in range(2))
    again = list(source.batches(16, torch.Generator().manual_seed(3)))
    assert all(torch.equal(one[0], other[0]) for one, other in zip(first, again, strict=True))
    assert not all(torch.equal(one[1], other[1]) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("restyled", [False, True])
def test_workers_draw_the_same_lines(source, restyled):
    style = LineStyle((2, 5), restyled)
    alone = RenderedLines(source.fonts, source.alphabet, len(source), style)
    expected = list(alone.batches(16, torch.Generator().manual_seed(4)))
    with RenderedLines(source.fonts, source.alphabet, len(source), style, workers=1) as drawn:
        found = list(drawn.batches(16, torch.Generator().manual_seed(4)))
    for one, other in zip(expected, found, strict=True):
        assert torch.equal(one[0], other[0])
        assert torch.equal(one[1], other[1])


def test_restyled_lines_are_the_same_texts_and_some_are_drawn_otherwise(source, monkeypatch):
    restyled = RenderedLines(source.fonts, source.alphabet, len(source), LineStyle(restyled=True))
    differs = 0
    for seed in range(40):
        (line, text), (other, same) = (
            one._loose(np.random.default_rng(seed), source.fonts[0]) for one in (source, restyled)
        )
        assert same == text
        differs += not np.array_equal(line.values, other.values)
    assert differs > 10
    seen = []
    monkeypatch.setattr(rendered, "restyle", lambda image, _: seen.append(image) or image[::-1])
    for one in (source, restyled):
        one._loose(np.random.default_rng(0), source.fonts[0])
    assert len(seen) == 1  # of the restyled line alone, before it is degraded and cut


def test_an_alphabet_without_the_space_has_gaps_and_no_class_for_them():
    fonts = load_line_fonts()[:5]
    alphabet = NAMED["alphanumeric"]
    source = RenderedLines(fonts, alphabet, 40, LineStyle(looks={"plate": 1.0}))
    for _, target in source.batches(20, torch.Generator().manual_seed(0)):
        assert int(target.max()) <= len(alphabet)


def test_lines_in_looks_keep_to_the_alphabet_and_have_their_frames():
    fonts = [font for font in load_line_fonts() if not font.validation]
    style = LineStyle(looks={"print": 0.3, "display": 0.3, "counter": 0.2, "plate": 0.1})
    source = RenderedLines(fonts, NAMED["ascii"], 60, style)
    seen = 0
    for x, target in source.batches(20, torch.Generator().manual_seed(0)):
        assert bool((frames_needed(target) <= frames(x.shape[3])).all())
        assert -0.51 < float(x.min()) < float(x.max()) <= 1.5
        seen += len(x)
    assert seen == 60


def test_without_a_generator_the_lines_are_always_the_same(source):
    one, other = (list(source.batches(16, None)) for _ in range(2))
    assert all(torch.equal(a[0], b[0]) for a, b in zip(one, other, strict=True))


def test_the_network_has_the_frames_that_are_counted_on():
    for width in (1, 20, 33, 35, 240):
        for size in SIZES:
            assert line_network(7, size).shape((2, 1, 32, width)) == (2, 7, 1, frames(width))


def test_a_network_is_known_by_its_layers():
    assert tuple(size_of(line_network(9, size)) for size in SIZES) == SIZES
    assert size_of(letter_network()) is None


def test_no_word_is_both_trained_on_and_held_out():
    assert len(words(True)) > 200
    assert not set(words(True)) & set(words(False))


@pytest.mark.parametrize("alphabet", ["ab", "0123456789", NAMED["lowercase"] + " ", "é ü"])
def test_texts_keep_to_the_alphabet(alphabet):
    rng = np.random.default_rng(0)
    for length in (1, 5, 30):
        for _ in range(20):
            for text in (training_text(rng, alphabet, length), held_out_text(rng, alphabet, 9)):
                assert text == text.strip() != ""
                assert set(text) <= set(alphabet)


def test_classes_count_from_one_and_end_with_padding():
    assert classes(["ba", "c"], "abc").tolist() == [[2, 1], [3, -1]]


_PARENT = """
import time
from chainrule.glyphs.lines import load_line_fonts
from chainrule.reader.lines.rendered import RenderedLines
import torch
if __name__ == "__main__":
    with RenderedLines(load_line_fonts()[:3], "abc ", 8, workers=1) as lines:
        list(lines.batches(8, torch.Generator().manual_seed(0)))
        print(*lines._processes._processes, flush=True)
        time.sleep(3600)
"""


def test_workers_end_with_their_parent_whatever_ends_it(tmp_path):
    (tmp_path / "parent.py").write_text(_PARENT)
    parent = subprocess.Popen(
        [sys.executable, tmp_path / "parent.py"], stdout=subprocess.PIPE, text=True
    )
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(6000):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.1)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("the worker outlived its parent by ten minutes")


def test_small_letters_that_are_drawn_as_capitals_are_capitals_in_the_text(source):
    alphabet = NAMED["ascii"]
    bebas = next(font for font in load_line_fonts() if "bebas" in font.name)
    lines = RenderedLines([bebas], alphabet, 20, LineStyle(looks={"print": 0.5, "screen": 0.2}))
    texts = "".join(text for _, text in lines.drawn(60, 0))
    assert texts == texts.upper()
    ordinary = RenderedLines(source.fonts[:1], alphabet, 20)
    texts = "".join(text for _, text in ordinary.drawn(20, 0))
    assert texts != texts.upper()


def test_a_network_of_another_width_cannot_go_on():
    chain = line_network(4, "small")
    start = Reader(chain, chain.initial_parameters(torch.Generator().manual_seed(0)), "abc")
    medium = line_network(4, "medium").initial_parameters(torch.Generator().manual_seed(1))
    kept = continued(medium, start, "abc")["conv4.weight"]
    assert torch.equal(kept, start.parameters["conv4.weight"])
    large = line_network(4, "large").initial_parameters(torch.Generator().manual_seed(1))
    with pytest.raises(InputError, match="has a small network; expected that size"):
        continued(large, start, "abc")
