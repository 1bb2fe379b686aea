"""Every small change of a solved answer that makes it wrong is told from the answer."""

import ast
import copy
import warnings

import numpy as np
import pytest

from chainrule.practical.notebooks.checking import ROOMS, answered, parts_of
from chainrule.practical.notebooks.checks.parts import judged
from chainrule.practical.notebooks.sources import solved_cells, source

SWAPPED = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
RENAMED = [
    {"argmax", "argmin"},
    {"max", "min"},
    {"sum", "mean"},
    {"maximum", "minimum"},
    {"zeros", "ones"},
    {"exp", "log1p"},
    {"cumsum", "cumprod"},
]

# what these lines give is the same
STILL_RIGHT = {
    "return -y * np.where(margin >= 0, e, 1.0) / (1.0 + e)",
    "derivative = np.ones(theta.shape)",
    "H = np.maximum(0, X @ W_in.T + b_in)",
    "return int(((H @ w_out + b_out > 0) != (y >= 0)).sum())",
    "return int(((H @ w_out + b_out > 0) != (y > -1)).sum())",
    "return max((width + 2 * padding - size) // stride + 1, 0)",
    "return np.maximum(0, x)",
    "dx, dw = (np.zeros(x.shape), np.ones(w.shape))",
    "largest = windows.reshape(*windows.shape[:4], -2).argmax(axis=4)",
    "best = np.argsort(-x)[:, :k]",
    "strip[:, 16:48] = np.minimum(letter, strip[:, 16:48])",
    "framed = np.pad(strip, ((16, 17), (0, 0)), constant_values=255)",
    "framed = np.pad(strip, ((16, 16), (0, 1)), constant_values=255)",
    "table = np.ones((len(one) + 1, len(other) + 1), int)",
    "table[i + 1, j + 1] = min(table[i + 1, j] + 1, table[i, j + 1] + 1, replaced)",
    "return features / np.where(lengths > 0, lengths, 2)",
    "ranked = np.asarray(relevant)[np.argsort(-scores)]",
}


@pytest.mark.parametrize("number", ROOMS)
def test_a_changed_answer_is_not_right(number):
    space = {}
    cells = [cell for cell in solved_cells(number) if "task" in cell["metadata"]]
    for code in (*source(number).given(), *(cell["source"] for cell in cells)):
        exec(code, space)
    for cell in cells:
        task, tree = cell["metadata"]["task"], ast.parse(cell["source"])
        before = ast.unparse(tree)
        codes = {ast.unparse(ast.fix_missing_locations(one)) for one in changes(tree)} - {before}
        assert codes
        for code in codes:
            new = {line.strip() for line in set(code.splitlines()) - set(before.splitlines())}
            if not new <= STILL_RIGHT or not new:
                assert wrong(task, code, space), code


def wrong(task, code, space):
    """Whether an answer gets a sentence; no check may fail on it in another way."""
    mine = dict(space)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        exec(compile(code, "<ipython-input>", "exec"), mine)
        return judged(parts_of(task), answered(task, mine[task])).sentences


def changes(tree):
    """The trees with one operator, constant, name, argument or statement changed."""
    for place, node in enumerate(ast.walk(tree)):
        for new in others(node):
            yield replaced(tree, place, new)


def others(node):
    """What may stand in place of a node."""
    if isinstance(node, ast.BinOp):
        yield from (node.left, node.right)
        if type(node.op) in SWAPPED:
            yield changed(node, op=SWAPPED[type(node.op)]())
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPPED:
        yield changed(node, ops=[SWAPPED[type(node.ops[0])]()])
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield from (ast.Constant(node.value + 1), ast.Constant(node.value - 1))
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.AugAssign):
        yield from (ast.Assign([node.target], node.value), ast.Pass())
    elif isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
        field = "attr" if isinstance(node, ast.Attribute) else "id"
        for pair in RENAMED:
            for name in pair - {getattr(node, field)} if getattr(node, field) in pair else ():
                yield changed(node, **{field: name})
    elif isinstance(node, ast.Call):
        for word in node.keywords:
            yield changed(node, keywords=[one for one in node.keywords if one is not word])
        if len(node.args) > 1:
            yield changed(node, args=[node.args[1], node.args[0], *node.args[2:]])
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("copy", "sum", "mean"):
            yield node.func.value
    elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
        first, second, *rest = node.value.elts
        yield ast.Return(ast.Tuple([second, first, *rest], ast.Load()))
    elif isinstance(node, ast.Slice) and node.step:
        yield changed(node, step=None)


def changed(node, **fields):
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def replaced(tree, place, new):
    """A copy of the tree with another node at a place, counted as ast.walk does."""
    made = copy.deepcopy(tree)
    old = next(node for number, node in enumerate(ast.walk(made)) if number == place)

    class Replacing(ast.NodeTransformer):
        def visit(self, node):
            return copy.deepcopy(new) if node is old else self.generic_visit(node)

    return Replacing().visit(made)
