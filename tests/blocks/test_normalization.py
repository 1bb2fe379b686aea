"""Normalisations against their definitions written out, torch, and central differences."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from chainrule.blocks import BatchNormalization, LocalResponseNormalization
from chainrule.errors import InputError, ShapeError

images = st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 4), st.integers(1, 4))


@given(images, st.integers(1, 7), st.floats(0.5, 3), st.floats(0, 1), st.floats(0, 2))
def test_local_response_as_defined(numbers, held, shape, rho, kappa, alpha, beta):
    def reference(x, _):
        channels = []
        for c in range(x.shape[1]):
            group = x[:, max(0, c - (rho - 1) // 2) : c + rho // 2 + 1]
            s = kappa + alpha * (group**2).sum(1)
            channels.append(x[:, c] * s**-beta)
        return torch.stack(channels, 1)

    held(LocalResponseNormalization(rho, kappa, alpha, beta), numbers()(*shape), {}, reference)


@pytest.mark.parametrize("rho", [1, 3, 5])
def test_local_response_equals_torch_whose_alpha_is_divided_by_rho(numbers, rho):
    x = numbers()(2, 7, 3, 3)
    ours = LocalResponseNormalization(rho, 2.0, 0.1, 0.75).forward(x, {})[0]
    theirs = F.local_response_norm(x, rho, 0.1 * rho, 0.75, 2.0)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_local_response_without_kappa_gives_unit_pixels_and_keeps_black_ones(numbers):
    x = numbers()(1, 3, 2, 2)
    x[0, :, 0, 0] = 0
    block = LocalResponseNormalization(rho=5, kappa=0.0, alpha=1.0, beta=0.5)
    y, saved = block.forward(x, {})
    norms = y.square().sum(1).sqrt()[0]
    torch.testing.assert_close(norms, torch.tensor([[0.0, 1.0], [1.0, 1.0]]).double())
    dx, _ = block.backward(torch.ones_like(y), {}, saved)
    assert dx[0, :, 0, 0].tolist() == [0.0, 0.0, 0.0]
    assert dx.isfinite().all()


@given(images, st.booleans(), st.booleans())
def test_batch_normalization(numbers, parameters, held, shape, training, rows):
    shape = (shape[0] + 1, *shape[1:])
    block = BatchNormalization(shape[1], epsilon=1e-3, training=training)

    def reference(x, params):
        return F.batch_norm(
            x,
            params["mean"].clone(),
            params["variance"].clone(),
            params["weight"],
            params["bias"],
            training,
            eps=1e-3,
        )

    held(
        block,
        numbers()(*(shape[:2] if rows else shape)),
        parameters(block),
        reference,
        learned={"weight", "bias"},
    )


@pytest.mark.parametrize("momentum", [0.0, 0.1, 1.0])
def test_running_moments_are_torchs(numbers, parameters, momentum):
    block = BatchNormalization(3, momentum=momentum)
    params = parameters(block)
    module = torch.nn.BatchNorm2d(3, momentum=momentum, dtype=torch.float64)
    module.running_mean, module.running_var = params["mean"].clone(), params["variance"].clone()
    for step in range(3):
        x = numbers(step)(4, 3, 2, 5)
        module(x)
        params |= block.moments(params, block.forward(x, params)[1])
    torch.testing.assert_close(params["mean"], module.running_mean, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(params["variance"], module.running_var, rtol=1e-12, atol=1e-12)


def test_in_inference_no_moment_moves(numbers, parameters):
    block = BatchNormalization(3, training=False)
    params = parameters(block)
    assert block.moments(params, block.forward(numbers()(2, 3, 2, 2), params)[1]) == {}


def test_moments_of_a_large_bfloat16_batch_are_taken_in_float32(parameters):
    """In bfloat16 the mean of values near 100 would be off by up to 0.25."""
    block = BatchNormalization(1)
    generator = torch.Generator().manual_seed(0)
    x = (100 + torch.randn(64, 1, 32, 32, generator=generator)).bfloat16()
    params = {k: v.float() for k, v in parameters(block).items()}
    new = block.moments(params, block.forward(x, params)[1])
    expected = 0.9 * params["mean"].double() + 0.1 * x.double().mean()
    assert new["mean"].item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: BatchNormalization(0), "`channels` is 0; expected a whole number"),
        (lambda: BatchNormalization(3, epsilon=-1), "`epsilon` is -1; expected a finite number"),
        (
            lambda: BatchNormalization(3, momentum=1.5),
            "`momentum` is 1.5; .*at least 0 and at most",
        ),
        (lambda: BatchNormalization(3, training=1), "`training` is 1; expected true or false"),
        (lambda: LocalResponseNormalization(0), "`rho` is 0; expected a whole number"),
        (lambda: LocalResponseNormalization(5, -1.0), "`kappa` is -1.0; expected a finite number"),
        (lambda: LocalResponseNormalization(5, 0, 0), "`kappa` and `alpha` are both 0"),
    ],
)
def test_bad_settings_are_refused(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()


def test_inputs_that_do_not_fit_are_refused(parameters):
    block = BatchNormalization(3)
    with pytest.raises(ShapeError, match=r"shape \(2, 4, 5, 5\); expected \(N, 3, H, W\)"):
        block.shape((2, 4, 5, 5))
    with pytest.raises(ShapeError, match=r"shape \(1, 3, 1, 1\), 1 entries a channel"):
        block.forward(torch.zeros(1, 3, 1, 1), parameters(block))
    with pytest.raises(ShapeError, match=r"shape \(2, 4\); expected \(N, C, H, W\)"):
        LocalResponseNormalization().shape((2, 4))
