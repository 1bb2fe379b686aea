"""Where a report's section can be played with: addresses of the other rooms."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from chainrule.lab.rooms.points_link import write_link
from chainrule.lab.rooms.points_recipe import Recipe
from chainrule.points.grids import BASE
from chainrule.reader.letters.sentence import SENTENCE
from chainrule.report.experiments.table_runs import POINTS, RUNS_OF_TABLE_2
from chainrule.report.section import Section

_BLOCKS = {
    "1.2.A": {"network": "a chain whose derivatives are checked"},
    "2.1": {
        "laplacian": "the Laplacian",
        "edges": "a pair of filters for edges",
        "relu": "the pair with a ReLU",
        "normalize": "normalization",
        "random": "ten random filters",
    },
    "2.2": {"network": "a chain with a ReLU, to be taken out"},
    "2.3": {"maxpool": "max pooling"},
    "3.1.A": {"network": "a chain with the shapes of its derivatives"},
    "3.2": {"network": "a chain whose derivatives are checked"},
}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LINES = {
    "4.1": ("the letters as a line", _LETTERS),
    "4.2.A": ("the letters as a line", _LETTERS),
    "4.2.B": ("how probable each letter is", _LETTERS),
    "4.3": ("a reader to train", _LETTERS),
    "4.4": ("the letters as a line", _LETTERS),
    "4.5.A": ("the sentence", SENTENCE),
    "4.5.B": ("the sentence", SENTENCE),
    "4.6": ("the sentence", SENTENCE),
}
_COMMANDS = {
    "3.3+": "chainrule blocks blobs --no-median --momentum 0 --learning-rate 0.05 --out blobs",
}
_FONT = "lato"  # of the original's sentence, as the report draws it


def doors(section: Section, seed: int) -> list[tuple[str, str]]:
    """What each door opens, in words, and its address; none where no room has the experiment."""
    return list(_doors(section, seed))


def command_instead(number: str) -> str | None:
    """The command that is the experiment of a section which no room has."""
    return _COMMANDS.get(number)


def _doors(section: Section, seed: int) -> Iterator[tuple[str, str]]:
    number, results = section.number, section.results
    for preset, said in _BLOCKS.get(number, {}).items():
        yield f"Blocks: {said}", f"#blocks?{urlencode({'preset': preset})}"
    if number == "3.3" and "weight" in results:
        numbers = [*(n for row in results["weight"] for n in row), results["bias"]]
        yield "Blocks: the filter that it learned", f"#blocks?filter={','.join(map(repr, numbers))}"
    if number in _LINES:
        said, text = _LINES[number]
        yield f"Lines: {said}", f"#lines?{urlencode({'text': text, 'font': _FONT})}"
    if number in ("5.1", "5.2"):
        said = "the same photographs" if number == "5.1" else "folders of your own become classes"
        yield f"Photographs: {said}", f"#photographs{'?with=report' if number == '5.1' else ''}"
    if number in ("1.1", "1.2.B"):
        yield "Points: the chain rule at any point", _points(seed, 0, {}, at=0)
    if number == "1.3.A":
        for run in results["runs"]:
            yield f"Points: trial {run['trial'] + 1}, {_ending(run)}", _points(seed, run["trial"])
    if number == "1.3.A+":
        yield "Points: the points", _points(seed, 0, {}, at=0)
    if number in ("1.3.B", "1.3.C", "1.3.D"):
        yield from _trials(number, results["settings"], seed)
    if number == "1.3+":
        yield from _best_of_map(results["settings"], seed)


def _trials(number: str, settings: list[dict[str, Any]], seed: int) -> Iterator[tuple[str, str]]:
    """The first trials of the one setting of a table, or the first one of each."""
    for setting in settings:
        named = {"1.3.C": f"rate {setting['learning_rate']:g}"}.get(
            number, f"{setting['hidden']} units"
        )
        runs = setting["runs"][: RUNS_OF_TABLE_2 if number == "1.3.B" else 1]
        for trial, run in enumerate(runs):
            said = f"trial {trial + 1}" if number == "1.3.B" else named
            yield f"Points: {said}, {_ending(run)}", _points(seed, trial, setting)


def _best_of_map(settings: list[dict[str, Any]], seed: int) -> Iterator[tuple[str, str]]:
    """Of the map's settings that always reach zero, the one that does so soonest."""
    found = [one for one in settings if one["converged_at_median"] is not None]
    if not found:
        yield "Points: a map to make", _points(seed, 0)
        return
    best = min(found, key=lambda one: (-one["zero_share"], one["converged_at_median"]))
    said = f"{best['hidden']} units at rate {best['learning_rate']:g}, and a map to make"
    yield f"Points: {said}", _points(seed, 0, best)


def _points(
    seed: int, trial: int, setting: dict[str, Any] | None = None, at: int | None = None
) -> str:
    """A trial of a study on the report's points."""
    given = setting or {}
    recipe = Recipe(
        data=POINTS,
        hidden=given.get("hidden", BASE.hidden),
        learning_rate=given.get("learning_rate", BASE.learning_rate),
        iterations=given.get("iterations", BASE.iterations),
        seed=seed,
        trial=trial,
    )
    return f"#points?{write_link(recipe, Path(), at)}"


def _ending(run: dict[str, Any]) -> str:
    at = run["converged_at"]
    return f"ends {run['state']}" if at is None else f"at zero from iteration {at:,}"
