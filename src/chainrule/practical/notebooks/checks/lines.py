"""The checks of notebook 5."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.practical.notebooks.checks.compare import (
    Answer,
    Hints,
    WrongAnswer,
    as_array,
    same,
)
from chainrule.practical.notebooks.checks.parts import Part
from chainrule.reader.evaluation import error_rates

PAPER, SIDE = 255, 32


def jittered(answer: Answer) -> None:
    """Pictures laid over each other, not moved."""
    _moved(answer, ((0, 0),))


def _across(answer: Answer) -> None:
    jittered(answer)
    _moved(answer, ((3, 0), (-5, 0), (16, 0)))


def _down(answer: Answer) -> None:
    jittered(answer)
    _moved(answer, ((0, 2), (0, -2), (0, 16), (0, -16)))


def _both(answer: Answer) -> None:
    jittered(answer)
    _moved(answer, ((4, -1), (-16, 16)))


def _moved(answer: Answer, moves: Sequence[tuple[int, int]]) -> None:
    generator = np.random.default_rng(13)
    letter, left, right = generator.integers(0, 256, (3, SIDE, SIDE), np.uint8)
    for across, down in moves:
        case = f"(for across = {across}, down = {down})"
        found = as_array("the picture", answer(letter, left, right, across, down))
        wanted = _placed(letter, left, right, across, down)
        brighter = _placed(letter, left, right, across, down, np.maximum)
        stays = _placed(0 * letter + PAPER, left, right, 0, 0)
        alone = _placed(letter, 0 * left + PAPER, 0 * right + PAPER, across, down)
        covered = _placed(letter, left, right, across, down, lambda a, b: b)
        if across == 0 == down:
            words = "what is under the letter is not seen: the darker of both should be"
        else:
            words = "the letter covers its neighbours, paper and all: the darker should be seen"
        hints = Hints(
            [
                (_placed(letter, left, right, -across, down), "across goes to the left"),
                (_placed(letter, left, right, across, -down), "down goes up"),
                (_placed(letter, left, right, -across, -down), "both moves go the other way"),
                (_placed(letter, left, right, down, across), "the two moves have changed places"),
                (brighter, "of two that lie over each other the brighter is seen"),
                (covered, words),
                (
                    _placed(letter, left, right, across, down, paper=0),
                    "what comes in above or below is 0, which is ink: paper is 255",
                ),
                (_placed(letter, right, left, across, down), "the neighbours have changed sides"),
                (
                    _placed(letter, left, right, across, down, around=True),
                    "what leaves at the bottom comes in at the top: paper should",
                ),
                (alone, "the neighbours are not there"),
                (np.minimum(stays, alone), "the letter moves alone: its neighbours move with it"),
            ]
        )
        same("the picture", found, wanted, hints, case)


def best_path(answer: Answer) -> None:
    """Runs: one character each."""
    _spelled(answer, [0, 1, 0, 2, 0], [1, 2])
    first = ([2], "the first frame is not looked at")
    _spelled(answer, [1, 1, 1, 2], [1, 2], "a run of one class is one character", [first])
    _spelled(answer, [3, 0, 0, 1, 1], [3, 1])


def _blanks(answer: Answer) -> None:
    best_path(answer)
    once = "each class comes once, wherever it stands"
    _spelled(answer, [1, 2, 1], [1, 2, 1], guesses=[([1, 2], once)])
    apart = "a blank between two runs of one class keeps them apart"
    _spelled(answer, [1, 0, 1], [1, 1], apart)
    _spelled(answer, [0, 0, 0], [], "where there are only blanks there is no character")
    _spelled(answer, [2, 2, 0, 0, 2, 3, 3, 0], [2, 2, 3], apart)


def _unsure(answer: Answer) -> None:
    _blanks(answer)
    words = "the most probable class counts, however improbable"
    _spelled(answer, [0, 2, 2, 0, 1], [2, 1], words, sure=0.4)


def _spelled(
    answer: Answer,
    best: list[int],
    right: list[int],
    message: str = "it spells something else",
    guesses: Sequence[tuple[list[int], str]] = (),
    sure: float = 0.7,
) -> None:
    """Hold an answer against frames whose most probable classes are these."""
    p = np.full((4, len(best)), (1 - sure) / 3)
    p[best, np.arange(len(best))] = sure
    found = answer(p)
    if not isinstance(found, list | tuple | np.ndarray):
        raise WrongAnswer(f"it returns one {type(found).__name__}; expected a list of classes")
    given = [int(k) for k in as_array("the list", list(found)).ravel()]
    case = f"(the most probable classes are {best}; it gives {given})"
    if given == right:
        return
    for guess, words in guesses:
        if given == guess:
            raise WrongAnswer(words, case)
    if given == [k - 1 for k in right]:
        raise WrongAnswer("every class is one too low: class 0 is the blank", case)
    if 0 in given:
        raise WrongAnswer("a blank is left in the list", case)
    if given == right[::-1] and right != right[::-1]:
        raise WrongAnswer("the list is in the wrong order", case)
    raise WrongAnswer(message, case)


def edit_distance(answer: Answer) -> None:
    """Texts of which one becomes the other by characters put in and taken out."""
    _edits(answer, (("", "abc"), ("abc", ""), ("abcx", "cyab"), ("same", "same")))
    _edits(answer, (("abcdef", "bcdef"), ("abcde", "bcdef"), ("aaa", "a"), ("listen", "listening")))


def _replacements(answer: Answer) -> None:
    edit_distance(answer)
    pairs = (("kitten", "sitting"), ("gradient", "great"), ("ab", "ba"), ("abc", "xyz"))
    _edits(answer, pairs)


def _edits(answer: Answer, pairs: Sequence[tuple[str, str]]) -> None:
    for one, other in pairs:
        right = error_rates.edit_distance(one, other)
        in_and_out, longer = _in_and_out(one, other), abs(len(one) - len(other))
        differing = sum(a != b for a, b in zip(one, other, strict=False))
        counts = Counter(one), Counter(other)
        letters = max(sum((a - b).values()) for a, b in (counts, counts[::-1]))
        exchanged = "neighbours that have changed places are two edits: put in, and taken out"
        guesses: list[tuple[Any, str]] = [
            (in_and_out, "a replacement counts twice: as one taken out and one put in"),
            (
                differing + longer,
                "the texts are compared place by place: putting in moves all that follows",
            ),
            (letters, "the letters are counted: their order counts, too"),
            (
                (in_and_out + longer) // 2,
                "it is the longer length less the longest common part, which is not always enough",
            ),
            (differing, "what one text is longer by has no part in it"),
            (longer, "it is the difference of the lengths"),
            (max(len(one), len(other)) - right, "it counts what agrees"),
        ]
        if (one, other) == ("ab", "ba"):
            guesses.insert(0, (1, exchanged))
        if one == other:
            before = error_rates.edit_distance("abcx", "cyab")
            guesses.insert(0, (before, "it gives what it gave for other texts of these lengths"))
        share = right / max(len(one), len(other), 1), right / max(len(one), 1)
        guesses += [(s, "it is a share; expected the number of edits") for s in share if s % 1]
        hints = Hints([(value, words) for value, words in guesses if value != right])
        same("the edit distance", answer(one, other), right, hints, f"(of {one!r} and {other!r})")


def _placed(
    letter: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    across: int,
    down: int,
    seen: Any = np.minimum,
    paper: int = PAPER,
    around: bool = False,
) -> np.ndarray:
    """The picture, pixel by pixel; `seen` chooses between two that lie over each other."""
    made = np.full((SIDE, SIDE), paper)
    for i in range(SIDE):
        row = (i - down) % SIDE if around else i - down
        if not 0 <= row < SIDE:
            continue
        for j in range(SIDE):
            column = j - across + SIDE // 2  # of the strip of both neighbours
            if not 0 <= column < 2 * SIDE:
                continue
            below = left[row, column] if column < SIDE else right[row, column - SIDE]
            inside = 0 <= j - across < SIDE
            made[i, j] = seen(below, letter[row, j - across]) if inside else below
    return made


def _in_and_out(one: str, other: str) -> int:
    """The edits without replacements."""
    row = list(range(len(other) + 1))
    for a in one:
        before, row = row, [row[0] + 1]
        for j, b in enumerate(other):
            row.append(before[j] if a == b else 1 + min(before[j + 1], row[j]))
    return row[-1]


TASKS: dict[str, tuple[Part, ...]] = {
    "jittered": (
        Part("one over the other", 1, jittered),
        Part("moved across", 1, _across),
        Part("moved down", 1, _down),
        Part("both moves", 1, _both),
    ),
    "best_path": (
        Part("runs", 1, best_path),
        Part("blanks", 1, _blanks),
        Part("frames that are not sure", 1, _unsure),
    ),
    "edit_distance": (
        Part("put in, taken out", 2, edit_distance),
        Part("replaced", 2, _replacements),
    ),
}
