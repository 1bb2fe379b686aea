"""The chain rule for one example with its numbers at every step, to follow with a pencil."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from chainrule.points.example import Example, Standardization
from chainrule.points.network import PARAMETERS, derivatives, forward, loss, loss_derivative


@dataclass(frozen=True)
class Step:
    """One quantity of the chain: `name` = `formula`, with the numbers in `value`.

    local: on the way back, the local derivative that the step multiplies by, as a formula, with
    its numbers in `local_value`; None on the way forward and at the loss itself. lines: the
    arithmetic, one line an entry, its numbers rounded for reading.
    """

    name: str
    formula: str
    value: Float64[np.ndarray, "..."]
    lines: tuple[str, ...]
    local: str | None = None
    local_value: Float64[np.ndarray, "..."] | None = None


@dataclass(frozen=True)
class Derivation:
    """The steps from x to the loss, and those from the loss back to every parameter."""

    forward: tuple[Step, ...]
    backward: tuple[Step, ...]


def derivation(example: Example, digits: int = 6) -> Derivation:
    """Derive one example's loss by every parameter, step by step.

    digits: how many significant digits the lines show; the values have all. Entries are counted
    from 1, as in the formulas. Raises ShapeError and InputError as `derivatives` does.
    """
    gradient = derivatives(example.x, example.y, example.parameters)
    write = _Writer(digits)
    return Derivation(
        tuple(_forward_steps(example, write)), tuple(_backward_steps(example, gradient, write))
    )


def entry_name(name: str, index: Iterable[int]) -> str:
    """The name of one entry, counted from 1: z[2], ds/dW_in[1,2], y_hat."""
    inside = ",".join(str(i + 1) for i in index)
    return f"{name}[{inside}]" if inside else name


class _Writer:
    """Writes numbers with so many significant digits."""

    def __init__(self, digits: int) -> None:
        self._digits = digits

    def number(self, value: float | np.ndarray) -> str:
        return f"{float(value) + 0.0:.{self._digits}g}"  # + 0.0: no minus before a zero

    def factor(self, value: float | np.ndarray) -> str:
        """A number within a product or a sum: a negative one stands in brackets."""
        text = self.number(value)
        return f"({text})" if text.startswith("-") else text

    def sum_of_products(self, a: np.ndarray, b: np.ndarray, constant: np.ndarray) -> str:
        terms = [f"{self.factor(p)}*{self.factor(q)}" for p, q in zip(a, b, strict=True)]
        return " + ".join([*terms, self.factor(constant)])


def _forward_steps(example: Example, write: _Writer) -> Iterator[Step]:
    x, y = example.x, example.y
    W_in, b_in, w_out, b_out = (example.parameters[name] for name in PARAMETERS)
    z, H, y_hat = forward(x, example.parameters)
    s = loss(y_hat, y)
    if example.standardization is not None:
        yield _standardizing(x, example.standardization, write)
    yield Step(
        "z",
        "W_in x + b_in",
        z,
        _lines("z", z, lambda j: write.sum_of_products(W_in[j], x, b_in[j]), write),
    )
    yield Step("H", "relu(z)", H, _lines("H", H, lambda j: f"max({write.number(z[j])}, 0)", write))
    yield Step(
        "y_hat",
        "w_out . H + b_out",
        y_hat,
        _lines("y_hat", y_hat, lambda *_: write.sum_of_products(w_out, H, b_out), write),
    )
    yield Step(
        "s",
        "log(1 + exp(-y y_hat))",
        s,
        _lines("s", s, lambda *_: f"log(1 + exp({write.number(-y * y_hat)}))", write),
    )


def _standardizing(x: np.ndarray, found: Standardization, write: _Writer) -> Step:
    """The features in their own units become those that the network was trained on."""
    given, mean, scale = found.given, found.mean, found.scale
    return Step(
        "x",
        "(given - mean) / scale",
        x,
        _lines(
            "x",
            x,
            lambda k: (
                f"({write.number(given[k])} - {write.factor(mean[k])}) / {write.number(scale[k])}"
            ),
            write,
        ),
    )


def _backward_steps(
    example: Example, gradient: dict[str, np.ndarray], write: _Writer
) -> Iterator[Step]:
    x, y, w_out = example.x, example.y, example.parameters["w_out"]
    z, H, y_hat = forward(x, example.parameters)
    ds_dy_hat = loss_derivative(y_hat, y)
    ds_dz = gradient["b_in"]  # since dz/db_in is the identity

    yield Step(
        "ds/dy_hat",
        "-y / (1 + exp(y y_hat))",
        ds_dy_hat,
        _lines(
            "ds/dy_hat",
            ds_dy_hat,
            lambda *_: f"{write.number(-y)} / (1 + exp({write.number(y * y_hat)}))",
            write,
        ),
    )

    def step(
        name: str, formula: str, local: str, above: np.ndarray, slope: np.ndarray, value: np.ndarray
    ) -> Step:
        """Multiply what came down the chain by the local derivative, entry by entry."""
        a, b = np.broadcast_to(above, value.shape), np.broadcast_to(slope, value.shape)
        lines = _lines(
            name, value, lambda *i: f"{write.factor(a[i])} * {write.factor(b[i])}", write
        )
        return Step(name, formula, value, lines, local, slope)

    one = np.ones(())
    active = (z > 0).astype(np.float64)
    yield step(
        "ds/db_out", "ds/dy_hat * dy_hat/db_out", "dy_hat/db_out = 1",
        ds_dy_hat, one, gradient["b_out"],
    )  # fmt: skip
    yield step(
        "ds/dw_out", "ds/dy_hat * dy_hat/dw_out", "dy_hat/dw_out = H",
        ds_dy_hat, H, gradient["w_out"],
    )  # fmt: skip
    yield step(
        "ds/dH", "ds/dy_hat * dy_hat/dH", "dy_hat/dH = w_out",
        ds_dy_hat, w_out, ds_dy_hat * w_out,
    )  # fmt: skip
    yield step(
        "ds/dz", "ds/dH * dH/dz", "dH[j]/dz[j] = 1 where z[j] > 0, else 0",
        ds_dy_hat * w_out, active, ds_dz,
    )  # fmt: skip
    yield step(
        "ds/db_in", "ds/dz * dz/db_in", "dz[j]/db_in[j] = 1",
        ds_dz, one, gradient["b_in"],
    )  # fmt: skip
    yield step(
        "ds/dW_in", "ds/dz * dz/dW_in", "dz[j]/dW_in[j,k] = x[k]",
        ds_dz[:, None], x, gradient["W_in"],
    )  # fmt: skip


def _lines(
    name: str, value: np.ndarray, arithmetic: Callable[..., str], write: _Writer
) -> tuple[str, ...]:
    """One line an entry: its name, the arithmetic that gives it, the number."""
    return tuple(
        f"{entry_name(name, i)} = {arithmetic(*i)} = {write.number(value[i])}"
        for i in np.ndindex(value.shape)
    )
