"""Layers that are wrong on purpose, given to our check and to torch.autograd.gradcheck."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from chainrule.checking import check_derivatives
from chainrule.checking.verdict import DerivativeCheck


@dataclass
class Layer:
    """A block made of two functions; `kept` is what it keeps between calls, as it should not."""

    forwards: Callable[[Tensor, dict[str, Any]], tuple[Tensor, Any]]
    backwards: Callable[[Tensor, Any, dict[str, Any]], Tensor]
    kept: dict[str, Any] = field(default_factory=dict)

    def forward(self, x: Tensor, params: object) -> tuple[Tensor, Any]:
        return self.forwards(x, self.kept)

    def backward(self, dy: Tensor, params: object, saved: Any) -> tuple[Tensor, dict[str, Tensor]]:
        return self.backwards(dy, saved, self.kept), {}


@dataclass(frozen=True)
class Planted:
    """A mistake, the kinds by which it may be named, the layer with it and the one without."""

    name: str
    kinds: tuple[str, ...]
    wrong: Callable[[], Layer]
    right: Callable[[], Layer]
    x: Tensor


def measure(progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """For each mistake what each of the two says of it, and of the layer without it."""
    rows = []
    for done, planted in enumerate(PLANTED):
        check = check_derivatives(planted.wrong(), planted.x)
        rows.append(
            {
                "name": planted.name,
                "verdict": check.verdict,
                "kind": _kind(check),
                "gradcheck_finds": not _passes_gradcheck(planted.wrong(), planted.x),
                "right_verdict": check_derivatives(planted.right(), planted.x).verdict,
            }
        )
        if progress is not None:
            progress(done + 1, len(PLANTED))
    return {
        "rows": rows,
        "mistakes": len(rows),
        "found": sum(row["verdict"] != "right" for row in rows),
        "gradcheck_found": sum(row["gradcheck_finds"] for row in rows),
        "false_alarms": sum(row["right_verdict"] == "wrong" for row in rows),
    }


def _kind(check: DerivativeCheck) -> str | None:
    return check.mistakes[0].kind if check.mistakes else None


def _passes_gradcheck(layer: Layer, x: Tensor) -> bool:
    """Whether PyTorch's own check, as it is by default, calls the layer right."""

    class AsFunction(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            y, ctx.saved = layer.forward(x, {})
            return y

        @staticmethod
        def backward(ctx: Any, dy: Tensor) -> Tensor:
            return layer.backward(dy, {}, ctx.saved)[0]

    try:
        return bool(torch.autograd.gradcheck(AsFunction.apply, (x.clone().requires_grad_(),)))
    except Exception:
        return False


def _draw(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def _read_as_contiguous(a: Tensor) -> Tensor:
    return torch.as_strided(a, a.shape, torch.empty(a.shape).stride())


def _first_of_shape(x: Tensor, kept: dict[str, Any]) -> tuple[Tensor, Any]:
    return x**2, kept.setdefault(str(tuple(x.shape)), x.clone())


def _keep(x: Tensor, kept: dict[str, Any]) -> tuple[Tensor, Any]:
    kept["x"] = x
    return x**2, None


def _one_buffer(x: Tensor, kept: dict[str, Any]) -> tuple[Tensor, Any]:
    y = kept.setdefault(str(tuple(x.shape)), torch.empty_like(x))
    y.copy_(x**2)
    return y, x


def _spoil(dy: Tensor, x: Tensor, kept: dict[str, Any]) -> Tensor:
    return x.mul_(2 * dy) if x is not None else dy


def _square(x: Tensor, kept: dict[str, Any]) -> tuple[Tensor, Any]:
    return x**2, x


def _square_back(dy: Tensor, x: Tensor, kept: dict[str, Any]) -> Tensor:
    return 2 * x * dy


def _squares(backwards: Callable[..., Tensor], forwards: Callable[..., Any] = _square) -> Any:
    return lambda: Layer(forwards, backwards)


def _noisy(x: Tensor, kept: dict[str, Any]) -> tuple[Tensor, Any]:
    mask = torch.rand(x.shape, dtype=x.dtype)
    return x * mask, mask


def _counting(x: Tensor, kept: dict[str, Any]) -> tuple[Tensor, Any]:
    kept["calls"] = kept.get("calls", 0) + 1
    return x * kept["calls"], kept["calls"]


def _with_its_like(
    forwards: Callable[..., Any], right: Callable[..., Tensor], wrong: Callable[..., Tensor]
) -> tuple[Any, Any]:
    return (lambda: Layer(forwards, wrong)), (lambda: Layer(forwards, right))


_RIGHT = _squares(_square_back)
_X = _draw(3, 2, 4, 4)
_WIDE = 10.0 ** -torch.arange(9, dtype=torch.float64)

PLANTED: tuple[Planted, ...] = (
    Planted("backward overwrites dy", ("overwrites",),
            _squares(lambda dy, x, kept: dy.mul_(2 * x)), _RIGHT, _X),
    Planted("forward overwrites x", ("overwrites",),
            lambda: Layer(lambda x, kept: (x.mul_(3), None), lambda dy, x, kept: 3 * dy),
            lambda: Layer(lambda x, kept: (3 * x, None), lambda dy, x, kept: 3 * dy), _X),
    Planted("right at the first backward only", ("saved",),
            _squares(_spoil, lambda x, kept: (x**2, x.clone())), _RIGHT, _X),
    Planted("a cache by shape keeps the first x", ("cache", "state"),
            _squares(_square_back, _first_of_shape), _RIGHT, _X),
    Planted("x is kept in the layer, not in saved", ("state",),
            _squares(lambda dy, x, kept: 2 * kept["x"] * dy, _keep), _RIGHT, _X),
    Planted("the next forward overwrites y", ("buffer",),
            _squares(_square_back, _one_buffer), _RIGHT, _X),
    Planted("the layer counts its calls", ("state",),
            lambda: Layer(_counting, lambda dy, n, kept: dy * n), _RIGHT, _X),
    Planted("draws from the global random state", ("random",),
            lambda: Layer(_noisy, lambda dy, mask, kept: dy * mask), _RIGHT, _X),
    Planted("NaN where dy is 0", ("zero dy",),
            _squares(lambda dy, x, kept: 2 * x * dy * dy / dy), _RIGHT, _X),
    Planted("dy is clipped at 10", ("clipped",),
            _squares(lambda dy, x, kept: 2 * x * dy.clamp(-10, 10)), _RIGHT, _X),
    Planted("a dy below 1e-6 is dropped", ("clipped",),
            _squares(lambda dy, x, kept: 2 * x * dy * (dy.abs() > 1e-6)), _RIGHT, _X),
    Planted("dy is left out", ("not linear",),
            _squares(lambda dy, x, kept: 2 * x), _RIGHT, _X),
    Planted("dy is read as if contiguous", ("layout",),
            _squares(lambda dy, x, kept: 2 * x * _read_as_contiguous(dy)), _RIGHT, _X),
    Planted("dy.view fails where dy is not contiguous", ("layout",),
            _squares(lambda dy, x, kept: 2 * x * dy.view(-1).view(x.shape)), _RIGHT, _X),
    Planted("x is read as if contiguous", ("layout",),
            _squares(_square_back, lambda x, kept: (_read_as_contiguous(x) ** 2, x)), _RIGHT, _X),
    Planted("float32 arithmetic in backward", ("precision",),
            _squares(lambda dy, x, kept: (2 * x.float() * dy.float()).to(dy)), _RIGHT, _X),
    Planted("saved in float32", ("precision",),
            _squares(lambda dy, x, kept: 2 * x.to(dy) * dy, lambda x, kept: (x**2, x.float())),
            _RIGHT, _X),
    Planted("a wrong sign under an offset of 1e10", ("sign",), *_with_its_like(
        lambda x, kept: (x + 1e10, None), lambda dy, x, kept: dy, lambda dy, x, kept: -dy), _X),
    Planted("wrong signs where the range is wide", ("small", "factor"), *_with_its_like(
        lambda x, kept: (x * _WIDE.to(x), None), lambda dy, x, kept: dy * _WIDE.to(dy),
        lambda dy, x, kept: dy * torch.where(_WIDE > 1e-5, _WIDE, -_WIDE).to(dy)), _draw(3, 9)),
    Planted("dx is float32", ("dtype",),
            _squares(lambda dy, x, kept: (2 * x * dy).float()), _RIGHT, _X),
    Planted("wrong for a batch of one", ("batch size",),
            _squares(lambda dy, x, kept: 2 * x * dy * (1 + (len(x) == 1))), _RIGHT, _X),
    Planted("divided by a batch that is not this one", ("batch size",),
            _squares(lambda dy, x, kept: 2 * x * dy * 3 / len(x)), _RIGHT, _X),
    Planted("wrong for negative x alone", ("elsewhere",),
            _squares(lambda dy, x, kept: 2 * x.abs() * dy), _RIGHT, _draw(3, 4).abs() + 0.1),
    Planted("wrong beyond 50", ("elsewhere",),
            _squares(lambda dy, x, kept: 2 * x.clamp(-50, 50) * dy), _RIGHT, _X),
    Planted("wrong under torch.no_grad()", ("grad mode",),
            _squares(lambda dy, x, kept: 2 * x * dy * (1 + (not torch.is_grad_enabled()))),
            _RIGHT, _X),
    Planted("wrong on another number of threads", ("threads",),
            lambda: _of_threads(torch.get_num_threads()), _RIGHT, _X),
    Planted("0 everywhere at the point, wrong elsewhere", ("elsewhere",), *_with_its_like(
        lambda x, kept: (x.clamp(min=0), x), lambda dy, x, kept: dy * (x > 0),
        lambda dy, x, kept: 2 * dy * (x > 0)), -_draw(3, 4).abs() - 0.1),
    Planted("a wrong sign", ("sign",), _squares(lambda dy, x, kept: -2 * x * dy), _RIGHT, _X),
)  # fmt: skip


def _of_threads(count: int) -> Layer:
    def backwards(dy: Tensor, x: Tensor, kept: dict[str, Any]) -> Tensor:
        return 2 * x * dy * (1 + (torch.get_num_threads() != count))

    return Layer(_square, backwards)
