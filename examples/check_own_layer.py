"""Check a layer of your own, a torch.autograd.Function and an nn.Module.

Run it: python examples/check_own_layer.py
"""

import torch
from torch import Tensor, nn

from chainrule import check_derivatives


class Cube(torch.autograd.Function):
    """y = x^3, whose derivative somebody typed as 2 x^2."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, dy: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return dy * 2 * x**2


def main() -> None:
    """Print what the check says of a wrong and of a right layer."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, 3, 5, 5, generator=generator)
    wrong = check_derivatives(Cube, x)
    for mistake in wrong.mistakes:
        print(f"Cube, {mistake.parameter}: {mistake.hint or mistake.kind}")
    right = check_derivatives(nn.Conv2d(3, 4, 3, padding=1), x)
    print("Conv2d is right" if right.right else right)


if __name__ == "__main__":
    main()
