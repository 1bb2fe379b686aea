"""What a check found: array by array, and each mistake in a sentence."""

from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from chainrule.checking.kinds import Kind


@dataclass(frozen=True)
class Mistake:
    """Something that is wrong: where, and the likely kind.

    A derivative that is wrong has an entry where it is worst, and both numbers there; entry is ()
    and ours None where there is no number to show (no derivative, or another shape). wrong of
    entries differ. kind is None where the numbers do not tell; hint is then empty.

    In a layer that does what it must not, numeric is None and hint says what it does; parameter is
    then what it does it to: an array, "dy", "y", or "the layer".
    """

    parameter: str
    entry: tuple[int, ...] = ()
    ours: float | None = None
    numeric: float | None = None
    wrong: int = 0
    entries: int = 0
    kind: Kind | None = None
    hint: str = ""

    def __str__(self) -> str:
        if self.numeric is None:
            return f"{self.parameter}: {self.hint} ({self.kind})"
        place = f"{self.parameter}{list(self.entry)}" if self.entry else self.parameter
        given = "no number" if self.ours is None else f"{self.ours:.9g}"
        sentence = (
            f"{place}: {given}, but {self.numeric:.9g} by differences "
            f"({self.wrong} of {self.entries} entries differ)"
        )
        return sentence + (f"; likely {self.kind}: {self.hint}" if self.kind else "")


@dataclass(frozen=True)
class ArrayCheck:
    """One array's derivative: its worst entry, that entry's relative error, the step there.

    unknown: what the differences cannot tell, as a part of the largest derivative; infinite where
    they cannot tell that from 0. The array is then not tested: its derivative is 0 everywhere at
    this point, or hidden by rounding.
    """

    name: str
    shape: tuple[int, ...]
    step: float
    worst_relative_error: float
    worst_entry: tuple[int, ...]
    unknown: float

    @property
    def tested(self) -> bool:
        return self.unknown < 1


@dataclass(frozen=True)
class DerivativeCheck:
    """The verdict, array by array; `print` it for the table.

    right: no mistake was found, and every array was tested. verdict: "right", "wrong" or "not
    tested". point: x and the parameters where they were checked, in float64. moved_from_kinks: how
    many of its entries were moved because a kink was within reach. notes: what was done so that the
    layer could be checked, and what it refused.
    """

    arrays: tuple[ArrayCheck, ...]
    mistakes: tuple[Mistake, ...]
    point: dict[str, Tensor] = field(repr=False)
    moved_from_kinks: int
    tolerance: float
    notes: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        return self.verdict == "right"

    @property
    def not_tested(self) -> tuple[str, ...]:
        """The arrays whose derivative is 0 at this point, as far as differences can tell."""
        return tuple(array.name for array in self.arrays if not array.tested)

    @property
    def verdict(self) -> Literal["right", "wrong", "not tested"]:
        if self.mistakes:
            return "wrong"
        return "not tested" if self.not_tested else "right"

    @property
    def worst_relative_error(self) -> float:
        return max((array.worst_relative_error for array in self.arrays), default=float("inf"))

    def __str__(self) -> str:
        width = max([len("array"), *(len(array.name) for array in self.arrays)])
        rows = [f"{'array':{width}}  {'shape':16}  {'step':7}  worst relative error  known to"]
        rows += [
            f"{array.name:{width}}  {array.shape!s:16}  {array.step:<7.2g}  "
            f"{array.worst_relative_error:<20.1e}  "
            f"{f'{array.unknown:.1e}' if array.tested else 'not tested'}"
            for array in self.arrays
        ]
        rows.append(
            f"tolerance {self.tolerance:g}, {self.moved_from_kinks} entries moved from kinks"
        )
        rows += [f"note: {note}" for note in self.notes]
        rows += [f"WRONG {mistake}" for mistake in self.mistakes]
        rows += [
            f"NOT TESTED {name}: its derivative is 0 everywhere at this point, as far as "
            "differences can tell; check it at another point"
            for name in self.not_tested
        ]
        return "\n".join(rows if self.verdict != "right" else [*rows, "right"])
