"""A layer that is written as formulas, rightly or wrongly, to see what the check says of it.

A formula is read, not run: it holds numbers, + - * / **, comparisons, the names below and the
functions of `FUNCTIONS`, and nothing else, so that a stranger's formula can do no harm.

    x, dy   (N, C, H, W)    what comes in; the derivative of the loss by what goes out
    w       one number a channel, (C, 1, 1); where it is used as a filter, (C, C, 3, 3)
    b       one number a channel, (C, 1, 1)
    y       what `forward` gave, in the derivatives
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from chainrule.blocks.block import Block, Derivatives, Parameters, Shape
from chainrule.errors import InputError

LONGEST = 300  # characters of a formula
CHANNELS = 2
SIZE = 4  # rows and columns


def _sum(a: Tensor) -> Tensor:
    return a.sum((0, 2, 3)).reshape(-1, 1, 1)


def _mean(a: Tensor) -> Tensor:
    return a.mean((0, 2, 3)).reshape(-1, 1, 1)


def _conv(a: Tensor, f: Tensor) -> Tensor:
    return F.conv2d(a, f, padding=1)


def _flip(f: Tensor) -> Tensor:
    return f.flip((2, 3))


def _swap(f: Tensor) -> Tensor:
    return f.transpose(0, 1)


def _meet(a: Tensor, c: Tensor) -> Tensor:
    return F.conv2d(c.transpose(0, 1), a.transpose(0, 1), padding=1).transpose(0, 1)


def _where(condition: Tensor, a: Tensor, c: Tensor) -> Tensor:
    return torch.where(condition.bool(), a, c)


FUNCTIONS: Mapping[str, tuple[int, Callable[..., Tensor], str]] = {
    "exp": (1, torch.exp, "e to the power of a"),
    "log": (1, torch.log, "the natural logarithm"),
    "sqrt": (1, torch.sqrt, "the square root"),
    "abs": (1, torch.abs, "the absolute value"),
    "tanh": (1, torch.tanh, "the hyperbolic tangent"),
    "sigmoid": (1, torch.sigmoid, "1 / (1 + exp(-a))"),
    "relu": (1, torch.relu, "max(a, 0)"),
    "where": (3, _where, "a where the condition holds, else c"),
    "sum": (1, _sum, "over pictures, rows and columns: one number a channel"),
    "mean": (1, _mean, "likewise"),
    "conv": (2, _conv, "a filtered by f, 3 by 3, with a border of zeros"),
    "flip": (1, _flip, "a filter turned round, rows and columns"),
    "swap": (1, _swap, "a filter with its inputs and outputs exchanged"),
    "meet": (2, _meet, "for each tap of a filter: the sum of a times what of c it met"),
}
"""How many things each takes, what it does, and that in words."""

_SIGNS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.Pow: operator.pow,
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Lt: operator.lt, ast.LtE: operator.le,
}  # fmt: skip
_NAMES = {"weight": "w", "bias": "b"}


@dataclass(frozen=True)
class Written(Block):
    """y = ..., dx = ..., and for a weight or a bias that y uses dw = ..., db = ...

    Derivation: yours. Raises InputError, naming the formula, if one cannot be read.

    >>> layer = Written(y="w * x + b", dx="w * dy", dw="sum(dy * x)", db="sum(dy)")
    >>> from chainrule.checking import check_derivatives
    >>> check_derivatives(layer, *layer.point()).verdict
    'right'
    """

    y: str
    dx: str
    dw: str = ""
    db: str = ""

    def __post_init__(self) -> None:
        for name, tree in self._trees.items():
            allowed = {"x", "w", "b"} if name == "y" else {"x", "w", "b", "y", "dy"}
            _check(name, tree, allowed)

    def forward(self, x: Tensor, params: Parameters) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        y = self._value("y", {"x": x, **self._letters(params)})
        return y.expand_as(x) if y.ndim < x.ndim else y, (x, y)

    def backward(
        self, dy: Tensor, params: Parameters, saved: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Derivatives]:
        x, y = saved
        known = {"x": x, "y": y, "dy": dy, **self._letters(params)}
        given = {name: self._value(f"d{_NAMES[name]}", known) for name in self.parameter_shapes()}
        return self._value("dx", known), given

    def parameter_shapes(self) -> dict[str, Shape]:
        used = {node.id for node in ast.walk(self._trees["y"]) if isinstance(node, ast.Name)}
        one = (CHANNELS, 1, 1)
        weight = (CHANNELS, CHANNELS, 3, 3) if "conv" in used else one
        shapes = {"weight": weight, "bias": one}
        return {name: shape for name, shape in shapes.items() if _NAMES[name] in used}

    def point(self, seed: int = 0) -> tuple[Tensor, dict[str, Tensor]]:
        """x and the parameters at which it can be checked, drawn at random."""
        generator = torch.Generator().manual_seed(seed)

        def drawn(shape: Shape) -> Tensor:
            return torch.randn(shape, dtype=torch.float64, generator=generator)

        params = {name: drawn(shape) for name, shape in self.parameter_shapes().items()}
        return drawn((3, CHANNELS, SIZE, SIZE)), params

    @cached_property
    def _trees(self) -> dict[str, ast.expr]:
        trees = {"y": _read("y", self.y), "dx": _read("dx", self.dx)}
        used = {node.id for node in ast.walk(trees["y"]) if isinstance(node, ast.Name)}
        for name, text, letter in (("dw", self.dw, "w"), ("db", self.db, "b")):
            if letter in used:
                trees[name] = _read(name, text)
        return trees

    def _letters(self, params: Parameters) -> dict[str, Tensor]:
        return {_NAMES[name]: params[name] for name in self.parameter_shapes()}

    def _value(self, name: str, known: Mapping[str, Tensor]) -> Tensor:
        try:
            return _evaluated(self._trees[name], known)
        except (RuntimeError, OverflowError, IndexError) as error:
            said = str(error).partition("\n")[0]
            raise InputError(f"{name}: the shapes do not fit each other ({said})") from error


def _read(name: str, text: str) -> ast.expr:
    if not text.strip():
        raise InputError(f"{name}: found nothing; expected a formula")
    if len(text) > LONGEST:
        raise InputError(
            f"{name}: found {len(text)} characters; expected at most {LONGEST}, a formula"
        )
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        said = error.msg if isinstance(error, SyntaxError) else "it is too deep"
        raise InputError(f"{name}: {text!r} cannot be read ({said}); expected a formula") from error


def _check(name: str, tree: ast.AST, allowed: set[str]) -> None:
    """Raise InputError at the first thing that is none of a formula's."""
    wrong: str | None = None
    if isinstance(tree, ast.Call):
        function = tree.func.id if isinstance(tree.func, ast.Name) else ""
        if function not in FUNCTIONS or tree.keywords:
            wrong = (
                f"the function {ast.unparse(tree.func)!r}; expected one of {', '.join(FUNCTIONS)}"
            )
        elif len(tree.args) != FUNCTIONS[function][0]:
            wrong = f"{function} of {len(tree.args)} things; expected {FUNCTIONS[function][0]}"
        inner: list[ast.expr] = tree.args
    elif isinstance(tree, ast.BinOp) and type(tree.op) in _SIGNS:
        inner = [tree.left, tree.right]
    elif isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub | ast.UAdd):
        inner = [tree.operand]
    elif isinstance(tree, ast.Compare) and len(tree.ops) == 1 and type(tree.ops[0]) in _SIGNS:
        inner = [tree.left, *tree.comparators]
    elif isinstance(tree, ast.Name):
        inner = []
        if tree.id not in allowed:
            wrong = f"the name {tree.id!r}; expected one of {', '.join(sorted(allowed))}"
    elif isinstance(tree, ast.Constant) and type(tree.value) in (int, float):
        inner = []
    else:
        inner = []
        wrong = f"{ast.unparse(tree)[:40]!r}; expected numbers, names, + - * / ** and functions"
    if wrong is not None:
        raise InputError(f"{name}: found {wrong}")
    for each in inner:
        _check(name, each, allowed)


def _evaluated(tree: ast.expr, known: Mapping[str, Tensor]) -> Tensor:
    if isinstance(tree, ast.Call):
        assert isinstance(tree.func, ast.Name)
        return FUNCTIONS[tree.func.id][1](*(_evaluated(each, known) for each in tree.args))
    if isinstance(tree, ast.BinOp):
        found: Tensor = _SIGNS[type(tree.op)](
            _evaluated(tree.left, known), _evaluated(tree.right, known)
        )
        return found
    if isinstance(tree, ast.Compare):
        left, right = tree.left, tree.comparators[0]
        return Tensor.to(
            _SIGNS[type(tree.ops[0])](_evaluated(left, known), _evaluated(right, known)),
            known["x"].dtype,
        )
    if isinstance(tree, ast.UnaryOp):
        value = _evaluated(tree.operand, known)
        return -value if isinstance(tree.op, ast.USub) else value
    if isinstance(tree, ast.Name):
        return known[tree.id]
    assert isinstance(tree, ast.Constant)
    assert isinstance(tree.value, int | float)
    return torch.tensor(float(tree.value), dtype=known["x"].dtype)
