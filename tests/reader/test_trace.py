"""What is told of a line's reading is what was done."""

from itertools import groupby

import numpy as np
import pytest
from scipy.special import logsumexp

from chainrule.glyphs.lines import load_line_fonts, render_line
from chainrule.glyphs.looks import draw_look
from chainrule.reader.front_door import load_reader
from chainrule.reader.search.prefix_search import EXACT, kept_prefixes
from chainrule.reader.trace import beam, trace


@pytest.fixture(scope="module")
def reader():
    return load_reader()


@pytest.fixture(scope="module")
def lato():
    return next(font for font in load_line_fonts() if font.name == "lato-latin-400-normal")


@pytest.fixture(scope="module")
def pictures(lato):
    """A line that is read at once, one with a doubt, one for the large reader, one that is none."""
    draw = [
        draw_look(look, np.random.default_rng(seed), [lato], "Room 214, modern burn")
        for look, seed in (("print", 2), ("screen", 2), ("scene", 0))
    ]
    return [render_line(lato, "the cat sat").image, *draw, np.full((40, 90), 200, np.uint8)]


def test_what_is_told_is_what_the_reader_answers(reader, pictures):
    asked = set()
    for picture in pictures:
        found = trace(reader, picture)
        (line,) = reader.read([picture])
        assert found.read == line
        assert found.readers[0].reader is reader.first
        assert (len(found.readers) == 2) == (found.doubt is not None)
        asked.add(len(found.readers))
        for one in found.readers:
            for own in one.lines:
                assert [c.character for c in own.characters] == list(own.line.text)
                assert any(reading.kept for reading in own.readings)
    assert asked == {1, 2}  # both ways of the cascade


def test_where_both_read_otherwise_it_is_told_how_the_first_looked_closer(reader, lato):
    looks = [("scene", seed) for seed in range(8)] + [("screen", seed) for seed in range(4)]
    apart = closer = 0
    for look, seed in looks:
        picture = draw_look(look, np.random.default_rng(seed), [lato], "Room 214, modern burn")
        found = trace(reader, picture)
        (line,) = reader.read([picture])
        assert found.read == line
        if len(found.readers) == 2 and all(one.line.text for one in found.readers):
            first, second = found.readers
            differ = first.line.text != second.line.text
            apart += differ
            assert found.kept == 1 or differ or first.line.confidence > second.line.confidence
            closer += differ and first.lines[0].crops == 3  # where it is uncertain
    assert apart >= closer > 0


def test_every_step_and_character_is_told_by_the_scores(reader, pictures):
    (one,) = trace(reader, pictures[0]).readers
    (line,) = one.lines
    names = ["", *one.reader.alphabet]
    best = [names[k] for k in line.log_p.argmax(0)]
    assert list(line.path) == best
    assert "".join(name for name, _ in groupby(best)) == line.line.text == "the cat sat"
    np.testing.assert_allclose(logsumexp(line.log_p, axis=0), 0, atol=1e-4)
    end = 0
    for character in line.characters:
        first, last = character.frames
        assert end <= first <= character.surest < last
        p = np.exp(line.log_p[:, character.surest])
        top = sorted(zip(p.tolist(), names, strict=True), reverse=True)[:5]
        assert list(character.best) == [(name, value) for value, name in top]
        assert character.path == character.character
        end = last


def test_the_kept_prefixes_have_the_sums_of_all_their_paths():
    log_p = np.log(np.random.default_rng(3).dirichlet(np.ones(3), 5).T)  # 3 classes, 5 frames
    sums: dict[tuple[int, ...], list[float]] = {}
    for path in np.ndindex(*[3] * 5):
        labels = tuple(k for k, _ in groupby(path) if k)
        sums.setdefault(labels, []).append(sum(log_p[k, t] for t, k in enumerate(path)))
    kept = kept_prefixes(log_p, EXACT)
    assert {tuple(one.labels): one.score for one in kept} == pytest.approx(
        {labels: logsumexp(own) for labels, own in sums.items()}
    )
    assert [one.score for one in kept] == sorted((one.score for one in kept), reverse=True)


def test_the_search_can_be_looked_at_after_any_step(reader, pictures):
    found = trace(reader, pictures[0])
    one, (line,) = found.readers[0], found.readers[0].lines
    last = beam(one.reader, line, line.log_p.shape[1] - 1)
    assert last[0][0] == "the cat sat"
    early = beam(one.reader, line, line.characters[3].frames[0] - 1)
    assert "the" in [text for text, _ in early]
    assert len(last) <= 8


def test_a_reader_by_itself_and_one_without_words(pictures):
    fast = load_reader("fast", words=None)
    found = trace(fast, pictures[1])
    assert found.read == fast.read([pictures[1]])[0]
    assert len(found.readers) == 1
    assert found.readers[0].field == 73  # 5 + 2 * 2 + 4 * (2 + 2 + 3 * 4), by its layers' windows
    assert {r.words for r in found.readers[0].lines[0].readings} == {0.0}
