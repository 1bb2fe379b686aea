"""3.2, beyond the original: each block's derivative, checked entry by entry and in projection."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from chainrule.blocks import Convolution, LocalResponseNormalization, MaxPooling, ReLU
from chainrule.checking import check_blocks, check_projection
from chainrule.checking.projection import ProjectionCheck
from chainrule.checking.suite import AUTOGRAD_BAR, NUMERIC_BAR, BlockCheck
from chainrule.io.pictures import sample_picture
from chainrule.io.progress import Progress
from chainrule.practical.on_picture import as_tensor
from chainrule.report.finding import Finding, Table
from chainrule.report.formatting import scientific
from chainrule.report.settings import ReportSettings

CASES = 5  # random cases a block


@dataclass(frozen=True)
class DerivativeChecks(Finding):
    """The checks of all blocks, and the projections on a photograph by (block, form)."""

    blocks: tuple[BlockCheck, ...]
    cases: int
    projections: dict[tuple[str, str], ProjectionCheck]
    entries: int

    @property
    def bars(self) -> tuple[float, float]:
        """What the errors against differences and against autograd must stay below."""
        return NUMERIC_BAR, AUTOGRAD_BAR

    @property
    def numeric(self) -> float:
        """The worst relative error against differences."""
        return max(row.worst_relative_error_numeric for row in self.blocks)

    @property
    def autograd(self) -> float:
        """The worst error against `torch.autograd`."""
        return max(row.worst_error_autograd for row in self.blocks)

    @property
    def right(self) -> int:
        """How many blocks are below both bars."""
        return sum(row.right for row in self.blocks)

    @property
    def agreed(self) -> int:
        """How many projections agree."""
        return sum(found.right for found in self.projections.values())

    @property
    def central(self) -> float:
        """The worst relative error of the central projections."""
        return max(
            p.worst_relative_error for (_, form), p in self.projections.items() if form == "central"
        )

    def tables(self) -> tuple[Table, ...]:
        return (self._by_entry(), self._in_projection())

    def _by_entry(self) -> Table:
        header = ("block", "cases", "against differences", "against autograd", "moved from kinks")
        rows = tuple(
            (
                row.name,
                str(row.cases),
                scientific(row.worst_relative_error_numeric),
                scientific(row.worst_error_autograd),
                f"{row.moved_from_kinks:,}",
            )
            for row in self.blocks
        )
        return Table("entries", header, rows)

    def _in_projection(self) -> Table:
        header = ("block", "form", "array", "ours", "by difference", "relative error",
                  "outputs left out")  # fmt: skip
        rows = tuple(
            (
                name,
                form,
                f"`{a.name}`",
                f"{a.ours:.6g}".replace("-", "−"),
                f"{a.numeric:.6g}".replace("-", "−"),
                scientific(a.relative_error),
                f"{a.left_out:,}",
            )
            for (name, form), found in self.projections.items()
            for a in found.arrays
        )
        return Table("projections", header, rows)

    def document(self) -> dict[str, Any]:
        return {
            "blocks": {
                row.name: {
                    "cases": row.cases,
                    "worst_relative_error_numeric": _finite(row.worst_relative_error_numeric),
                    "worst_error_autograd": _finite(row.worst_error_autograd),
                    "moved_from_kinks": row.moved_from_kinks,
                }
                for row in self.blocks
            },
            "projection": [
                {
                    "block": name,
                    "method": form,
                    "array": a.name,
                    "relative_error": _finite(a.relative_error),
                }
                for (name, form), found in self.projections.items()
                for a in found.arrays
            ],
        }


def run(settings: ReportSettings, progress: Progress | None = None) -> DerivativeChecks:
    """Check every block on random cases, and four of them on a photograph of half its size."""
    cases = 1 if settings.quick else CASES
    table = check_blocks(cases, settings.seed)
    if progress is not None:
        progress(1, 2)
    # around 0, so that the ReLU has both sides to show
    x = as_tensor(sample_picture().reduce(2)).double() - 0.5
    generator = torch.Generator().manual_seed(settings.seed)
    blocks: dict[str, Any] = {
        "convolution, ten 5 by 5": Convolution(3, 10, 5),
        "ReLU": ReLU(),
        "max pooling, 15 by 15": MaxPooling(15, 1),
        "local normalisation": LocalResponseNormalization(5, 1.0, 1.0, 0.5),
    }
    params = {
        name: {
            key: torch.randn(shape, generator=generator, dtype=torch.float64)
            for key, shape in block.parameter_shapes().items()
        }
        for name, block in blocks.items()
    }
    projections = {
        (name, form): check_projection(block, x, params[name], method=form, seed=settings.seed)
        for name, block in blocks.items()
        for form in ("forward", "central")
    }
    return DerivativeChecks(tuple(table), cases, projections, x.numel())


def _finite(error: float) -> float | None:
    """JSON has no infinity."""
    return error if np.isfinite(error) else None
