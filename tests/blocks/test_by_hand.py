"""By hand: what the docstrings derive is what runs, and no derivative of PyTorch's own."""

import ast
from pathlib import Path

import pytest

import chainrule

PACKAGE = Path(chainrule.__file__).parent
# the oracles, which checks hold ours against, and the peers that benchmarks run beside ours
OTHERS = {"checking", "benchmarks"}
FILES = [
    path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.relative_to(PACKAGE).parts[0] not in OTHERS
]
THEIRS = {
    "autograd", "backward_hook", "conv2d_input", "conv2d_weight", "enable_grad", "grad_fn",
    "requires_grad", "requires_grad_", "retain_grad", "vjp", "jvp", "vmap", "jacrev",
}  # fmt: skip


def borrowed(tree):
    """The names in a file that belong to PyTorch's own differentiation."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            own = isinstance(node.value, ast.Name) and node.value.id == "self"
            if node.attr == "requires_grad" and isinstance(node.ctx, ast.Load):
                continue  # whether a tensor is marked is looked at, and nothing differentiated
            if node.attr in THEIRS or (node.attr.endswith("_backward") and not own):
                yield node.attr
            if node.attr == "grad" and ast.unparse(node.value).split(".")[0] in ("torch", "nn"):
                yield ast.unparse(node)
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module.startswith(("torch.autograd", "torch.nn.grad", "torch.func")):
                yield node.module
            if node.module.startswith("torch"):
                yield from (a.name for a in node.names if a.name in {*THEIRS, "grad", "func"})
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith(("torch.autograd", "torch.nn.grad", "torch.func")):
                    yield alias.name
        if isinstance(node, ast.keyword) and node.arg in THEIRS:
            yield node.arg


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_derivative_is_borrowed(path):
    assert not list(borrowed(ast.parse(path.read_text("utf-8"))))


@pytest.mark.parametrize(
    "code",
    [
        "torch.ops.aten.threshold_backward(dy, y, 0)",
        "from torch.nn.grad import conv2d_weight",
        "from torch.nn import grad",
        "import torch.autograd",
        "torch.autograd.grad(y, x)",
        "x.requires_grad_()",
        "x.requires_grad = True",
        "torch.tensor(1.0, requires_grad=True)",
        "torch.nn.grad.conv2d_input(size, w, dy)",
        "from torch.func import vjp",
    ],
)
def test_what_would_be_found(code):
    assert list(borrowed(ast.parse(code)))
