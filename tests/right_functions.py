"""Right functions of many sorts, differentiated by torch.autograd: none may be called wrong."""

import torch
import torch.nn.functional as F


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def positive(*shape, seed=0):
    return draw(*shape, seed=seed).exp()


def rms_norm_in_float32(x, weight):
    """As language models have it: the normalisation in float32, whatever comes in."""
    y = x.float()
    return weight * (y * torch.rsqrt(y.square().mean(-1, keepdim=True) + 1e-6)).to(x.dtype)


def attention(q, k, v):
    return F.softmax(q @ k.transpose(-1, -2) / 2, -1) @ v


def newton_root(x):
    y = x.clone()
    for _ in range(30):
        y = (y + x / y) / 2
    return y


def one_step_of_a_pendulum(state):
    angle, speed = state[:, 0], state[:, 1]
    return torch.stack([angle + 0.1 * speed, speed - 0.1 * torch.sin(angle)], 1)


def symmetric(a):
    return a @ a.T + 3 * torch.eye(len(a), dtype=a.dtype)


WIDE = 10.0 ** torch.arange(0, -12, -1, dtype=torch.float64)
LOW_AND_HIGH = torch.tensor([[1e-8, 1.0, 1e6], [3e-5, -2.0, -1e7]], dtype=torch.float64)

# name: function, x, parameters
FUNCTIONS = {
    "a sum": (lambda x: x.sum(), draw(3, 4), {}),
    "a difference of neighbours": (lambda x: x[:, 1:] - x[:, :-1], draw(3, 4), {}),
    "cumulated": (lambda x: x.cumsum(1), draw(3, 4), {}),
    "a product": (lambda x: x.prod(1), draw(3, 4), {}),
    "a cumulated product": (lambda x: x.cumprod(1), draw(3, 4), {}),
    "sorted": (lambda x: x.sort(1).values, draw(3, 5), {}),
    "the two largest": (lambda x: x.topk(2, 1).values, draw(3, 5), {}),
    "the median": (lambda x: x.median(1).values, draw(3, 5), {}),
    "a maximum so far": (lambda x: x.cummax(1).values, draw(3, 5), {}),
    "gathered twice": (lambda x: x[:, [0, 2, 2, 1]], draw(3, 4), {}),
    "rolled and flipped": (lambda x: x.roll(1, 1).flip(0), draw(3, 4), {}),
    "log of a sum of exponentials": (lambda x: x.logsumexp(1), draw(3, 4), {}),
    "a norm": (lambda x: x.norm(dim=1), draw(3, 4), {}),
    "a root by Newton": (newton_root, positive(3, 2), {}),
    "a logarithm": (torch.log, positive(3, 4), {}),
    "a logarithm near 0": (torch.log, positive(3, 4) * 1e-3, {}),
    "a reciprocal": (torch.reciprocal, positive(3, 4), {}),
    "an exponential": (torch.exp, 3 * draw(3, 4), {}),
    "a power": (lambda x, p: x**p, positive(3, 4), {"exponent": draw(4, seed=1)}),
    "the error function": (torch.erf, draw(3, 4), {}),
    "the logarithm of the gamma function": (torch.lgamma, positive(3, 4), {}),
    "an angle": (lambda x: torch.atan2(x[:, 0], x[:, 1]), draw(5, 2), {}),
    "steep": (lambda x: torch.tanh(1e3 * x), 1e-3 * draw(3, 4), {}),
    "oscillating": (lambda x: torch.sin(100 * x), draw(3, 4), {}),
    "a large offset": (lambda x: x + 1e10, draw(3, 4), {}),
    "a large offset on a curve": (lambda x: torch.sin(x) + 1e8, draw(3, 4), {}),
    "a wide range": (lambda x: WIDE * torch.sin(x), draw(3, 12), {}),
    "a wide range of inputs": (lambda x: x * torch.cos(x / 1e6), LOW_AND_HIGH, {}),
    "a weak parameter": (lambda x, b: x + 1e-10 * b, draw(3, 4), {"bias": draw(4)}),
    "numbers of 1e-12": (lambda x: 1e-12 * torch.tanh(x), draw(3, 4), {}),
    "numbers of 1e12": (lambda x: 1e12 * torch.tanh(x), draw(3, 4), {}),
    "root mean square in float32": (rms_norm_in_float32, draw(3, 8), {"weight": positive(8)}),
    "all in float32": (lambda x: torch.tanh(x.float()), draw(3, 4), {}),
    "a square in float32": (lambda x: x.float().square().to(x), draw(3, 8), {}),
    "a softmax in float32": (lambda x: F.softmax(x.float(), -1).to(x), draw(3, 8), {}),
    "a logarithm in float32": (lambda x: x.abs().float().log().to(x), draw(3, 8), {}),
    "a wave in float32": (lambda x: torch.sin(3 * x.float()).to(x), draw(3, 8), {}),
    "attention in float32": (
        lambda x: (F.softmax(x.float() @ x.float().T, -1) @ x.float()).to(x), draw(3, 8), {}),
    "beside itself in float32": (lambda x: x + torch.sigmoid(x.float()).to(x), draw(3, 8), {}),
    "a product in float32": (lambda x: x.float().prod(1).to(x), draw(3, 8), {}),
    "a staircase of kinks": (lambda x: (x.abs() - 0.5).abs(), torch.round(4 * draw(3, 6)) / 4, {}),
    "clamped on both sides": (lambda x: x.clamp(-0.5, 0.5), draw(3, 6), {}),
    "a choice between two": (lambda x: torch.where(x > 0, x**2, -x), draw(3, 6), {}),
    "Huber": (lambda x: F.huber_loss(x, torch.zeros_like(x), delta=0.7), draw(3, 4), {}),
    "a quadratic form": (lambda x, a: (x @ a * x).sum(1), draw(4, 3), {"a": draw(3, 3, seed=1)}),
    "attention": (attention, (draw(2, 3, 4), draw(2, 5, 4, seed=1), draw(2, 5, 4, seed=2)), {}),
    "an inverse": (torch.linalg.inv, symmetric(draw(3, 3)), {}),
    "a determinant": (torch.linalg.det, draw(3, 3), {}),
    "a Cholesky factor": (lambda a: torch.linalg.cholesky(symmetric(a)), draw(3, 3), {}),
    "eigenvalues": (lambda a: torch.linalg.eigvalsh(symmetric(a)), draw(3, 3), {}),
    "a solved system": (lambda b, a: torch.linalg.solve(symmetric(a), b), draw(3, 2),
                        {"a": draw(3, 3, seed=1)}),
    "a Fourier transform": (lambda x: torch.view_as_real(torch.fft.rfft(x)), draw(2, 6), {}),
    "sampled between pixels": (
        lambda x, at: F.grid_sample(x, torch.tanh(at), align_corners=False), draw(1, 2, 4, 4),
        {"at": 0.5 * draw(1, 2, 3, 2, seed=3)}),
    "a pendulum": (one_step_of_a_pendulum, draw(4, 2), {}),
    "moments": (lambda x: (x.mean(0), x.var(0), x), draw(5, 3), {}),
    "a picture of itself": (lambda x: {"same": x, "twice": 2 * x}, draw(2, 3), {}),
    "an unused parameter beside": (lambda x, w, k: x * w + k, draw(3, 2),
                                   {"weight": draw(2), "whole": 3}),
}  # fmt: skip

# what computes in 16 bits is a staircase
IN_16_BITS = {
    "a matrix product in bfloat16": lambda x: (x.bfloat16() @ x.bfloat16().T).to(x),
    "tanh in float16": lambda x: torch.tanh(x.half()).to(x),
}
