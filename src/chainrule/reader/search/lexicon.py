"""The lexicon: how probable a text is before anything is seen, by the words of a dictionary."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import log
from string import ascii_lowercase
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from chainrule.io.compiled import compiled
from chainrule.reader.search.dictionary import english

START, AFTER_MARK, OUTSIDE = range(3)
"""The states that are no beginning of a word: at a line's start or after a space; after another
character that is no letter; in a string of letters that begins no word. The others are the
beginnings of words, one or more letters, from 3 on."""

_LETTERS = 26
_STRAY = 0.05  # the chance, at each character, that a word leaves the dictionary
_MARKS = np.array([0.25, 0.6])  # no letter follows: START, AFTER_MARK
_SPACE, _END, _OTHERS = 0.5, 0.1, 0.4  # where no letter follows: a space, the line's end, the rest
_ACCENTED = 0.03  # of a letter, in text of any Latin language
_COUNTS = {10: 64, 20: 8, 35: 1}  # of an English word by how common it is, about as they are used
_CASES = np.array(  # of a small letter: at a word's start; after a small one, a first capital, two
    [0.75, 0.98, 0.75, 0.02]
)


class Tables(NamedTuple):
    """A lexicon as arrays, for compiled functions.

    following: (states, 26), the state after each letter, 0 where no word goes on. words, ends: how
    much the words count that share each state, and those that end there. letter: of each class of
    the reader, 0 to 25, or -1 where it is none, accents left away; share: how much of the letter's
    chance it has, by its accent; small: whether it is a small one; cased: whether
    the reader has both cases; other: log Q of each class that is no letter; end: that of the line's
    end; space: the class of the space, or -1.
    """

    following: NDArray[np.int32]
    words: NDArray[np.int32]
    ends: NDArray[np.int32]
    letter: NDArray[np.int64]
    share: NDArray[np.float64]
    small: NDArray[np.bool_]
    cased: bool
    other: NDArray[np.float64]
    end: float
    space: int


@dataclass(frozen=True)
class Lexicon:
    r"""The probability of the next character, from the beginning of the word it stands in.

    In state s, a beginning that n(s) words of the dictionary share, e(s) of which end there,

        P(letter)    = ((1 - u) n(s letter) / n(s) + u / 27) P(case) P(accent)
        P(no letter) = ((1 - u) e(s) / n(s)        + u / 27) Q

    with u = 0.05 for what no dictionary knows. OUTSIDE all 27 are equally probable; at a START no
    letter follows with the chance 0.25, AFTER_MARK with 0.6, and letters share the rest as words
    begin. P(case) prefers the case of the letter before; P(accent) is _ACCENTED for all accents of
    a letter together. Q shares among the characters that are no letters and the line's end. So over
    all characters and the end the probabilities sum to 1.

    Words are looked up without case and accents; a common English word counts as 8 or 64 others
    (`_COUNTS`). It is a choice of ours, fitted to nothing, and does not know which words follow
    each other.
    """

    tables: Tables

    def log_probability(self, labels: Sequence[int]) -> float:
        """The logarithm of the probability of a text by its classes, its end included."""
        return float(_log_probability(np.array(labels, np.int64), self.tables))

    def knows(self, labels: Sequence[int]) -> bool:
        """Whether every string of letters among the labels is a word of the dictionary."""
        return bool(_knows(np.array(labels, np.int64), self.tables))


def lexicon(alphabet: str, words: Iterable[str] | None = None) -> Lexicon | None:
    """The lexicon of the texts of `alphabet`, whose first character is class 1.

    words: of the dictionary; English ones if None. Those with anything but a to z, in any case,
    are passed over. Gives None if the alphabet has none of the letters or no word is left.
    """
    tree = _english_tree() if words is None else _tree(dict.fromkeys(words, 1))
    characters = ["", *alphabet]
    letter = np.array([ascii_lowercase.find(_plain(c).lower()) if c else -1 for c in characters])
    small = np.array([c == c.lower() for c in characters])
    letters = letter >= 0
    if not letters.any() or not tree[1][START]:
        return None
    share = np.array([_SPACE if c == " " else 0.0 for c in characters])
    marks = ~letters & ~np.isin(characters, ["", " "])
    share[marks] = _OTHERS / max(1, marks.sum())
    total = share.sum() + _END
    with np.errstate(divide="ignore"):
        other = np.log(share / total)
    cased = bool(small[letters].any() and not small[letters].all())
    space = characters.index(" ") if " " in characters else -1
    accents = _accents(characters)
    return Lexicon(Tables(*tree, letter, accents, small, cased, other, log(_END / total), space))


def _plain(character: str) -> str:
    """The character without its accent."""
    return unicodedata.normalize("NFD", character)[:1]


def _accents(characters: Sequence[str]) -> NDArray[np.float64]:
    """P(accent) of each character, among those that are the same letter without it."""
    forms = Counter(map(_plain, characters))
    return np.array(
        [
            1.0
            if forms[_plain(c)] < 2
            else 1 - _ACCENTED
            if c == _plain(c)
            else _ACCENTED / (forms[_plain(c)] - 1)
            for c in characters
        ]
    )


_Tree = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]


@cache
def _english_tree() -> _Tree:
    return _tree({word: _COUNTS[size] for word, size in english().items()})


def _tree(words: Mapping[str, int]) -> _Tree:
    """The beginnings of the words: the state after each letter, how many go on, how many end.

    words: how many times each word counts; that of the spelling that counts most, without case.
    All are read at once, letter by letter: as they are sorted, those of a beginning stand together,
    and it is a new one where the state or the letter after it is not that of the word above.
    """
    spelled: dict[str, int] = {}
    for word, count in words.items():
        if word.isascii() and word.isalpha():
            spelled[word.lower()] = max(count, spelled.get(word.lower(), 0))
    ordered = sorted(spelled)
    text = np.frombuffer("".join(f"{word}\0" for word in ordered).encode(), np.uint8)
    at = np.flatnonzero(np.append(0, text[:-1]) == 0) if ordered else np.zeros(0, np.int64)
    counts = np.array([spelled[word] for word in ordered], np.int32)
    places, through, whole = [], [np.array([counts.sum(), 0, 0], np.int32)], []
    states, known = np.full(len(ordered), START), 3
    while at.size:
        goes_on = text[at] > 0
        whole.append((states[~goes_on], counts[~goes_on]))
        at, counts, states = at[goes_on], counts[goes_on], states[goes_on]
        place = states * _LETTERS + text[at] - ord("a")
        is_new = np.diff(place, prepend=-1) != 0
        places.append(place[is_new])
        through.append(np.add.reduceat(counts, is_new.nonzero()[0]))
        states = known + np.cumsum(is_new) - 1
        known += int(np.count_nonzero(is_new))
        at = at + 1
    following, ends = np.zeros((known, _LETTERS), np.int32), np.zeros(known, np.int32)
    following.put(np.concatenate([[], *places]).astype(np.int64), np.arange(3, known))
    for state, number in whole:
        ends[state] = number
    return following, np.concatenate(through, dtype=np.int32), ends


@compiled
def next_character(tables, state, case, label):  # type: ignore[no-untyped-def]
    """The logarithm of the probability of class `label` in `state`, and the state and case after.

    case: 0 at a word's start, 1 after a small letter, 2 after a first capital, 3 after more.
    """
    place = tables.letter[label]
    if place < 0:
        after = START if label == tables.space else AFTER_MARK
        return _no_letter(tables, state) + tables.other[label], after, 0
    if state == OUTSIDE:
        p, after = 1.0 / (_LETTERS + 1), OUTSIDE
    elif state < OUTSIDE:
        p = (1.0 - _MARKS[state]) * _first(tables, place)
        after = int(tables.following[START, place])
    else:
        after = int(tables.following[state, place])
        share = tables.words[after] / tables.words[state] if after > 0 else 0.0
        p = (1.0 - _STRAY) * share + _STRAY / (_LETTERS + 1)
    if after == 0:
        after = OUTSIDE
    p *= tables.share[label]
    small = tables.small[label]
    if tables.cased:
        chance = _CASES[case]
        p *= chance if small else 1.0 - chance
    return np.log(p), after, 1 if small else (2 if case == 0 else 3)


@compiled
def end_of_line(tables, state):  # type: ignore[no-untyped-def]
    """The logarithm of the probability that the line ends in `state`."""
    return _no_letter(tables, state) + tables.end


@compiled
def _log_probability(labels, tables):  # type: ignore[no-untyped-def]
    total, state, case = 0.0, np.int64(START), 0
    for label in labels:
        score, state, case = next_character(tables, state, case, label)
        total += score
    return total + end_of_line(tables, state)


@compiled
def _knows(labels, tables):  # type: ignore[no-untyped-def]
    state = np.int64(START)
    for label in labels:
        place = tables.letter[label]
        if place >= 0:
            state = np.int64(tables.following[START if state == AFTER_MARK else state, place])
            if state == 0:
                return False
        elif state > OUTSIDE and tables.ends[state] == 0:
            return False
        else:
            state = np.int64(START if label == tables.space else AFTER_MARK)
    return state < OUTSIDE or tables.ends[state] > 0


@njit(nogil=True, inline="always")
def _no_letter(tables, state):  # type: ignore[no-untyped-def]
    if state < OUTSIDE:
        return np.log(_MARKS[state])
    if state == OUTSIDE:
        return np.log(1.0 / (_LETTERS + 1))
    ending = tables.ends[state] / tables.words[state]
    return np.log((1.0 - _STRAY) * ending + _STRAY / (_LETTERS + 1))


@njit(nogil=True, inline="always")
def _first(tables, place):  # type: ignore[no-untyped-def]
    """Of words that begin with the letter, a little of it the same for all letters."""
    after = tables.following[START, place]
    share = tables.words[after] / tables.words[START] if after > 0 else 0.0
    return (1.0 - _STRAY) * share + _STRAY / _LETTERS
