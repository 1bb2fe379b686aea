"""The checks of notebook 5."""

from typing import Any

import numpy as np

from chainrule.practical.notebooks.checks.compare import (
    Answer,
    Check,
    Hints,
    WrongAnswer,
    as_array,
    same,
)
from chainrule.reader.evaluation import error_rates

PAPER, SIDE = 255, 32


def jittered(answer: Answer) -> None:
    generator = np.random.default_rng(13)
    letter, left, right = generator.integers(0, 256, (3, SIDE, SIDE), np.uint8)
    for across, down in ((4, -1), (0, 0), (3, 0), (-5, 0), (0, 2), (0, -2), (-16, 16)):
        case = f"(for across = {across}, down = {down})"
        found = as_array("the picture", answer(letter, left, right, across, down))
        wanted = _placed(letter, left, right, across, down)
        brighter = _placed(letter, left, right, across, down, np.maximum)
        hints = Hints(
            [
                (_placed(letter, left, right, -across, down), "across goes to the left"),
                (_placed(letter, left, right, across, -down), "down goes up"),
                (_placed(letter, left, right, -across, -down), "both moves go the other way"),
                (_placed(letter, left, right, down, across), "the two moves have changed places"),
                (brighter, "of two that lie over each other the brighter is seen"),
                (
                    _placed(letter, left, right, across, down, lambda a, b: b),
                    "the letter covers its neighbours, paper and all: the darker should be seen",
                ),
                (
                    _placed(letter, left, right, across, down, paper=0),
                    "what comes in above or below is 0, which is ink: paper is 255",
                ),
                (_placed(letter, right, left, across, down), "the neighbours have changed sides"),
                (
                    _placed(letter, left, right, across, down, around=True),
                    "what leaves at the bottom comes in at the top: paper should",
                ),
                (
                    _placed(letter, 0 * left + PAPER, 0 * right + PAPER, across, down),
                    "the neighbours are not there",
                ),
            ]
        )
        same("the picture", found, wanted, hints, case)


def best_path(answer: Answer) -> None:
    for best, right, message in (
        ([0, 1, 0, 2, 0], [1, 2], ""),
        ([1, 1, 1, 2], [1, 2], "a run of one class is one character"),
        ([1, 0, 1], [1, 1], "a blank between two runs of one class keeps them apart"),
        ([0, 0, 0], [], "where there are only blanks there is no character"),
        ([2, 2, 0, 0, 2, 3, 3, 0], [2, 2, 3], ""),
        ([3, 0, 0, 1, 1], [3, 1], ""),
    ):
        p = np.full((4, len(best)), 0.1)
        p[best, np.arange(len(best))] = 0.7
        found = answer(p)
        if not isinstance(found, list | tuple | np.ndarray):
            raise WrongAnswer(f"it returns one {type(found).__name__}; expected a list of classes")
        given = [int(k) for k in as_array("the list", list(found)).ravel()]
        case = f"(the most probable classes are {best}; it gives {given})"
        if given == right:
            continue
        if given == [k - 1 for k in right]:
            raise WrongAnswer(f"every class is one too low: class 0 is the blank {case}")
        if 0 in given:
            raise WrongAnswer(f"a blank is left in the list {case}")
        if given == right[::-1] and right != right[::-1]:
            raise WrongAnswer(f"the list is in the wrong order {case}")
        raise WrongAnswer(f"{message or 'it spells something else'} {case}")


def edit_distance(answer: Answer) -> None:
    pairs = (
        ("kitten", "sitting"),
        ("", "abc"),
        ("abc", ""),
        ("same", "same"),
        ("abcdef", "bcdef"),
        ("ab", "ba"),
        ("gradient", "great"),
        ("aaa", "a"),
    )
    for one, other in pairs:
        right = error_rates.edit_distance(one, other)
        guesses: list[tuple[Any, str]] = [
            (
                _in_and_out(one, other),
                "a replacement counts twice: as one taken out and one put in",
            ),
            (
                sum(a != b for a, b in zip(one, other, strict=False)) + abs(len(one) - len(other)),
                "the texts are compared place by place: putting in moves all that follows",
            ),
            (
                sum(a != b for a, b in zip(one, other, strict=False)),
                "what one text is longer by has no part in it",
            ),
            (abs(len(one) - len(other)), "it is the difference of the lengths"),
            (max(len(one), len(other)) - right, "it counts what agrees"),
            (right / max(len(one), 1), "it is a share; expected the number of edits"),
        ]
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


CHECKS: dict[str, Check] = {
    "jittered": jittered,
    "best_path": best_path,
    "edit_distance": edit_distance,
}
