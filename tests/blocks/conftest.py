"""The oracles for a derivative by hand: torch.autograd, and central differences."""

import pytest
import torch


def _worst(ours, theirs):
    """The largest error, against the largest entry (1 if all are smaller)."""
    if theirs.numel() == 0:
        return 0.0
    return ((ours - theirs).abs().max() / theirs.abs().max().clamp(min=1.0)).item()


def _differences(f, x, entries, step):
    """Central differences of the scalar f() with respect to some entries of x, changed in place."""
    flat = x.view(-1)
    slopes = []
    for i in entries:
        kept = flat[i].item()
        values = []
        for sign in (1, -1):
            flat[i] = kept + sign * step
            values.append(f().item())
        flat[i] = kept
        slopes.append((values[0] - values[1]) / (2 * step))
    return torch.tensor(slopes, dtype=torch.float64)


@pytest.fixture(scope="session")
def numbers():
    """Tensors of float64 from a seed: `numbers(seed)(shape)` is standard normal."""

    def make(seed=0):
        generator = torch.Generator().manual_seed(seed)
        return lambda *shape: torch.randn(shape, generator=generator, dtype=torch.float64)

    return make


@pytest.fixture(scope="session")
def distinct():
    """A random permutation of equally spaced numbers, odd multiples of 1/16.

    No two are nearer than 1/8 and none is within 1/16 of 0 or 6, so that no kink lies within a
    small step of any of them.
    """

    def make(shape, seed=0):
        n = torch.Size(shape).numel()
        order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
        return ((order - n // 2).double() / 8 + 1 / 16).reshape(shape)

    return make


@pytest.fixture(scope="session")
def parameters():
    """Random parameters of a block or chain, float64; a variance is positive."""

    def make(block, seed=1):
        generator = torch.Generator().manual_seed(seed)
        params = {}
        for name, shape in block.parameter_shapes().items():
            value = torch.randn(shape, generator=generator, dtype=torch.float64)
            params[name] = value.square() + 0.5 if name.endswith("variance") else value
        return params

    return make


@pytest.fixture(scope="session")
def held():
    """Hold a block's y, dx and dparams against a reference: reference(x, params) -> y.

    `learned` names the parameters that have derivatives: all of the block's unless given.
    """

    def check(block, x, params, reference, *, learned=None, step=1e-5, entries=12):
        learned = set(block.parameter_shapes()) if learned is None else set(learned)
        x_before = x.clone()
        y, saved = block.forward(x, params)
        assert tuple(y.shape) == tuple(block.shape(tuple(x.shape)))
        assert y.dtype == x.dtype
        dy = torch.randn(
            y.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64
        ).to(x)
        dx, dparams = block.backward(dy, params, saved)
        assert torch.equal(x, x_before)
        assert set(dparams) == learned

        x_leaf = x.clone().requires_grad_()
        leaves = {k: v.clone().requires_grad_(k in learned) for k, v in params.items()}
        y_reference = reference(x_leaf, leaves)
        assert y.shape == y_reference.shape
        assert _worst(y, y_reference.detach()) < 1e-11
        y_reference.backward(dy)
        ours = {"x": dx, **dparams}
        oracle = {"x": x_leaf.grad, **{k: leaves[k].grad for k in learned}}
        for name, theirs in oracle.items():
            assert ours[name].shape == theirs.shape, name
            assert _worst(ours[name], theirs) < 1e-11, name

        variables = {"x": x.clone(), **{k: v.clone() for k, v in params.items()}}

        def s():
            return (block.forward(variables["x"], variables)[0] * dy).sum()

        draw = torch.Generator().manual_seed(3)
        for name in oracle:
            count = ours[name].numel()
            chosen = torch.randperm(count, generator=draw)[:entries].tolist()
            slopes = _differences(s, variables[name], chosen, step)
            assert _worst(ours[name].reshape(-1)[chosen], slopes) < 1e-6, name

    return check


@pytest.fixture(scope="session")
def classes():
    """Random target classes for scores of a shape."""

    def make(shape, seed):
        generator = torch.Generator().manual_seed(seed)
        return torch.randint(shape[1], (shape[0], *shape[2:]), generator=generator)

    return make


@pytest.fixture(scope="session")
def held_loss():
    """Hold a loss and its derivative against reference(x), and against differences."""

    def check(loss, x, target, reference, factor=1.7):
        value, saved = loss.forward(x, target)
        dx = loss.backward(factor, target, saved)
        leaf = x.clone().requires_grad_()
        expected = reference(leaf)
        assert value.shape == ()
        torch.testing.assert_close(value, expected.detach(), rtol=1e-12, atol=1e-12)
        (factor * expected).backward()
        torch.testing.assert_close(dx, leaf.grad, rtol=1e-11, atol=1e-11)
        tensor_factor = torch.tensor(factor, dtype=x.dtype)
        torch.testing.assert_close(loss.backward(tensor_factor, target, saved), dx)
        flat, step = x.clone().view(-1), 1e-5
        for i in range(0, flat.numel(), max(1, flat.numel() // 8)):
            up, down = flat.clone(), flat.clone()
            up[i] += step
            down[i] -= step
            ends = [loss.forward(v.view(x.shape), target)[0].item() for v in (up, down)]
            slope = factor * (ends[0] - ends[1]) / (2 * step)
            assert dx.view(-1)[i].item() == pytest.approx(slope, rel=1e-6, abs=1e-8)

    return check
