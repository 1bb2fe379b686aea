"""2.1: the Laplacian on a photograph, and the practical's other blocks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float32
from torch import Tensor

from chainrule.io.pictures import sample_picture
from chainrule.io.progress import Progress
from chainrule.practical import figures as drawn
from chainrule.practical.on_picture import (
    LAPLACIAN,
    as_tensor,
    edges,
    laplacian,
    normalization,
    pixel_norms,
    random_filters,
    rectified_edges,
)
from chainrule.report.facts.values import Found
from chainrule.report.finding import Figure, Finding, picture
from chainrule.report.formatting import decimals, scientific
from chainrule.report.settings import ReportSettings

_STEPS = 5  # of the practical's pictures, for the progress


@dataclass(frozen=True)
class BlocksOnPicture(Finding):
    """What the blocks gave, as pictures, and what was measured on them.

    surface_error: of the filter on surfaces of second degree, whose Laplacian is known.
    channel_error: of the block's output against the sum of the channels filtered one by one.
    on_edges, elsewhere: mean |response| where Canny's detector sees an edge, and where it does not.
    """

    surface_error: float
    channel_error: float
    on_edges: float
    elsewhere: float
    flat: float
    zero: float
    opposite: bool
    norms_before: tuple[float, float]
    norm_error: float
    black: int
    drawings: tuple[Figure, ...]

    def found(self) -> dict[str, Found]:
        ratio = self.on_edges / self.elsewhere
        return {
            "2.1.laplacian": Found(
                self.surface_error, f"on surfaces of second degree it is, to {self.rounding}"
            ),
            "2.1.channels": Found(
                self.channel_error, f"so does ours, to {scientific(self.channel_error)}"
            ),
            "2.1.edges": Found(ratio, f"{decimals(ratio, 1)} times the response elsewhere"),
        }

    @property
    def rounding(self) -> str:
        """The error on surfaces, as text."""
        return scientific(self.surface_error)

    def figures(self) -> tuple[Figure, ...]:
        return self.drawings

    def document(self) -> dict[str, Any]:
        return {
            "laplacian_error": self.surface_error,
            "response_on_edges": self.on_edges,
            "response_elsewhere": self.elsewhere,
            "laplacian_below_0_1": self.flat,
            "relu_zero": self.zero,
            "norm_before": list(self.norms_before),
            "norm_after_worst_error": self.norm_error,
            "black_pixels": self.black,
        }


def run(settings: ReportSettings, progress: Progress | None = None) -> BlocksOnPicture:
    """Apply each block to the photograph that scikit-learn ships."""
    x = as_tensor(sample_picture())
    pair, rectified = edges().apply(x), rectified_edges().apply(x)
    normalized, bend = normalization().apply(x), laplacian().apply(x)
    before, after = pixel_norms(x), pixel_norms(normalized)
    black = before == 0
    on_edge = _canny(x)[1:-1, 1:-1]  # the response has no border
    response = bend[0, 0].abs().numpy()
    return BlocksOnPicture(
        _surface_error(settings.seed),
        float((bend[0, 0] - _channel_sum(x)).abs().max()),
        float(response[on_edge].mean()),
        float(response[~on_edge].mean()),
        float((bend.abs() < 0.1).double().mean()),
        float((rectified == 0).double().mean()),
        torch.equal(pair[:, 0], -pair[:, 1]),
        (float(before.min()), float(before.max())),
        float((after[~black] - 1).abs().max()),
        int(black.sum()),
        _drawings(x, bend, pair, rectified, normalized, settings.seed, progress),
    )


def _surface_error(seed: int) -> float:
    """The filter on surfaces a r^2 + b c^2 + d r c + e r + f c + g, whose Laplacian is 2a + 2b."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:12, :12].astype(np.float64)
    kernel = torch.tensor(LAPLACIAN, dtype=torch.float64)[None, None]
    worst = 0.0
    for a, b, d, e, f, g in generator.normal(size=(20, 6)):
        surface = a * rows**2 + b * columns**2 + d * rows * columns + e * rows + f * columns + g
        found = F.conv2d(torch.from_numpy(surface)[None, None], kernel)
        worst = max(worst, float((found - (2 * a + 2 * b)).abs().max()))
    return worst


def _channel_sum(x: Float32[Tensor, "1 3 h w"]) -> Float32[Tensor, "i j"]:
    """Each channel by itself through the filter, then their sum."""
    kernel = torch.tensor(LAPLACIAN)[None, None]
    return sum((F.conv2d(x[:, [c]], kernel)[0, 0] for c in range(3)), torch.zeros(()))


def _canny(x: Float32[Tensor, "1 3 h w"]) -> Bool[np.ndarray, "h w"]:
    """Where scikit-image's Canny detector sees an edge of the grey picture."""
    from skimage.feature import canny

    found: Bool[np.ndarray, "h w"] = canny(x[0].mean(0).numpy(), sigma=1.0)
    return found


def _drawings(
    x: Tensor,
    bend: Tensor,
    pair: Tensor,
    rectified: Tensor,
    normalized: Tensor,
    seed: int,
    progress: Progress | None,
) -> tuple[Figure, ...]:
    bank = random_filters(seed)
    filters = bank.parameters["filter.weight"]
    makers: dict[str, Callable[[], Any]] = {
        "laplacian": lambda: drawn.laplacian_figure(x, bend),
        "edges": lambda: drawn.edges_figure(x, pair),
        "relu": lambda: drawn.relu_figure(x, rectified),
        "normalization": lambda: drawn.normalization_figure(x, normalized),
        "random_filters": lambda: drawn.random_filters_figure(filters, bank.apply(x)),
    }
    made = []
    for name, make in makers.items():
        made.append(picture(name, make(), wide=True))
        if progress is not None:
            progress(len(made), _STEPS)
    return tuple(made)
