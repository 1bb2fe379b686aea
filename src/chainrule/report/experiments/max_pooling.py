"""2.3: max pooling: is its output stable, is it smaller, does it keep what matters?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from chainrule.io.pictures import sample_picture
from chainrule.practical import figures as drawn
from chainrule.practical.on_picture import WINDOW, as_tensor, max_pooling
from chainrule.practical.stability import SHIFTS, TURNS, Change, Stability, stability
from chainrule.report.facts.values import Found
from chainrule.report.finding import Figure, Finding, Table, chart, picture
from chainrule.report.formatting import decimals, percent
from chainrule.report.settings import ReportSettings

_NAMES = {"none": "no pooling", "average": "average pooling", "max": "max pooling"}


@dataclass(frozen=True)
class Pooling(Finding):
    """sizes: (height, width) of the picture, and of the output at stride 1 and with stride.

    same: is the latter every so-manieth of the former? gain: in mean grey. explained: the share of
    the picture's variance that the squares explain, by what is kept of each.
    """

    stability: Stability
    sizes: tuple[tuple[int, int], ...]
    same: bool
    gain: float
    explained: dict[str, float]
    pooled: Figure

    def found(self) -> dict[str, Found]:
        shift, turn = (moved["max"][1].unchanged for moved in
                       (self.stability.shifts, self.stability.turns))  # fmt: skip
        kept, pixel = self.explained["largest"], self.explained["one pixel"]
        return {
            "2.3.square": Found(str(self.stability.window)),
            "2.3.translation": Found(shift, f"{percent(shift, 0)} of the outputs stay"),
            "2.3.rotation": Found(turn, f"{percent(turn, 0)} of the outputs stay"),
            "2.3.dimension": Found(
                self.share_left,
                f"{self.size(1)} of {self.size(0)} pixels are left: all but the border",
            ),
            "2.3.information": Found(
                kept - pixel,
                f"the largest of each square explains {percent(kept, 0)} of the variance, one "
                f"pixel of it {percent(pixel, 0)}",
            ),
        }

    @property
    def share_left(self) -> float:
        """How many numbers are left at stride 1, as a share of the picture's."""
        (h, w), (i, j), _ = self.sizes
        return i * j / (h * w)

    def size(self, which: int) -> str:
        """Width by height of the picture (0), at stride 1 (1), with stride (2)."""
        height, width = self.sizes[which]
        return f"{width} by {height}"

    def figures(self) -> tuple[Figure, ...]:
        stable = chart("stability", drawn.stability_figure(self.stability), wide=True)
        return (self.pooled, stable)

    def tables(self) -> tuple[Table, ...]:
        kept = tuple((name, percent(share)) for name, share in self.explained.items())
        return (
            _changes("shifts", "shift (pixels)", self.stability.shifts, SHIFTS),
            _changes("turns", "turn (degrees)", self.stability.turns, TURNS),
            Table("explained", ("kept of each square", "of the variance"), kept),
        )

    def document(self) -> dict[str, Any]:
        return {
            "window": self.stability.window,
            "sizes": [list(size) for size in self.sizes],
            "mean_gain": self.gain,
            "variance_explained": self.explained,
            **{
                what: {
                    name: {
                        str(d): {"change": c.relative, "alike": c.unchanged}
                        for d, c in changes.items()
                    }
                    for name, changes in moved.items()
                }
                for what, moved in (
                    ("shifts", self.stability.shifts),
                    ("turns", self.stability.turns),
                )
            },
        }


def run(settings: ReportSettings, progress: object = None) -> Pooling:
    """Pool the photograph that scikit-learn ships, moved and unmoved."""
    x = as_tensor(sample_picture())
    dense, strided = max_pooling().apply(x), max_pooling(stride=WINDOW).apply(x)
    outputs = {"stride 1": dense, f"stride {WINDOW}": strided}
    return Pooling(
        stability(sample_picture()),
        tuple((y.shape[2], y.shape[3]) for y in (x, dense, strided)),
        torch.equal(dense[:, :, ::WINDOW, ::WINDOW], strided),
        float(dense.mean() - x.mean()),
        {
            "largest": _explained(x, strided),
            "mean": _explained(x, F.avg_pool2d(x, WINDOW)),
            "one pixel": _explained(x, x[:, :, WINDOW // 2 :: WINDOW, WINDOW // 2 :: WINDOW]),
        },
        picture("pooled", drawn.max_pooling_figure(x, outputs), wide=True),
    )


def _explained(x: Tensor, kept: Tensor) -> float:
    """The squared correlation of the picture's pixels with the number kept of their square."""
    rows, columns = (min(a // WINDOW, b) for a, b in zip(x.shape[2:], kept.shape[2:], strict=True))
    kept = kept[:, :, :rows, :columns]
    spread = kept.repeat_interleave(WINDOW, 2).repeat_interleave(WINDOW, 3)
    cut = x[:, :, : rows * WINDOW, : columns * WINDOW]
    return float(np.corrcoef(cut.numpy().ravel(), spread.numpy().ravel())[0, 1] ** 2)


def _changes(
    name: str, what: str, moved: dict[str, dict[int, Change]], moves: tuple[int, ...]
) -> Table:
    header = (what, *(f"{_NAMES[kind]}: {of}" for kind in moved for of in ("change", "alike")))
    rows = tuple(
        (
            str(d),
            *(
                text
                for changes in moved.values()
                for text in (decimals(changes[d].relative, 3), percent(changes[d].unchanged))
            ),
        )
        for d in moves
    )
    return Table(name, header, rows)
