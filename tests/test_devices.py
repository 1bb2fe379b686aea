"""What holds on a GPU as on a processor: trainings, what they keep, checks, shared trainings."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from chainrule.blocks import CTCLoss, SoftmaxLogLoss
from chainrule.chain import Chain
from chainrule.checking import check_derivatives
from chainrule.training import Settings, train
from chainrule.training.ranks import joined_ranks
from free_port import free_port
from training_bars import CHAIN, Bars, same

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
on_each_device = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=GPU)])
UNDRAWN = Chain([layer for layer in CHAIN.layers if layer[0] != "drop"], CHAIN.input_shape)
SETTINGS = Settings(
    epochs=3, batch_size=10, learning_rate=0.05, clip_norm=5.0, precision="float64", seed=3
)


def trained(device, settings=SETTINGS, chain=CHAIN, **options):
    """A training of the bars, every array of its steps on `device`."""
    start = chain.initial_parameters(
        torch.Generator().manual_seed(0), device=device, dtype=torch.float64
    )
    return train(chain, start, SoftmaxLogLoss(), Bars(95, 1), settings, **options)


def by_autograd(device):
    """Its weights after torch's own loop, with torch's modules, derivatives and SGD."""
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(36, 3),
    ).to(device, torch.float64)  # fmt: skip
    start = UNDRAWN.initial_parameters(torch.Generator().manual_seed(0), dtype=torch.float64)
    names = [name for name in start if name not in ("norm.mean", "norm.variance")]
    with torch.no_grad():
        for name, theirs in zip(names, model.parameters(), strict=True):
            theirs.copy_(start[name].reshape(theirs.shape))
    optimizer = torch.optim.SGD(model.parameters(), SETTINGS.learning_rate, momentum=0.9)
    generator = torch.Generator().manual_seed(SETTINGS.seed)
    for _ in range(SETTINGS.epochs):
        for x, target in Bars(95, 1).batches(10, generator):
            optimizer.zero_grad()
            F.cross_entropy(model(x.to(device, torch.float64)), target.to(device)).backward()
            nn.utils.clip_grad_norm_(model.parameters(), SETTINGS.clip_norm)
            optimizer.step()
    found = dict(zip(names, (value.detach() for value in model.parameters()), strict=True))
    return found | {"norm.mean": model[1].running_mean, "norm.variance": model[1].running_var}


@on_each_device
def test_a_training_is_torchs_own(device):
    found = trained(device, chain=UNDRAWN).parameters
    for name, value in by_autograd(device).items():
        assert found[name].device.type == device
        torch.testing.assert_close(
            found[name].reshape(value.shape), value, rtol=1e-7, atol=1e-7, msg=name
        )


@on_each_device
def test_a_resumed_training_ends_in_the_same_bits(device, tmp_path):
    path = tmp_path / "run.safetensors"
    trained(device, checkpoint=path, until=2)
    resumed = trained(device, checkpoint=path, resume=True)
    assert same(resumed.parameters, trained(device).parameters)
    assert {value.device.type for value in resumed.parameters.values()} == {device}


@GPU
@pytest.mark.parametrize(
    ("precision", "tolerance"), [("float64", 1e-8), ("float32", 1e-3), ("bfloat16", 0.1)]
)
def test_dropout_and_the_order_are_drawn_as_on_a_processor(precision, tolerance):
    settings = replace(SETTINGS, precision=precision, epochs=1)
    (here,), (there,) = (trained(device, settings).history for device in ("cpu", "cuda"))
    assert there["energy_train"] == pytest.approx(here["energy_train"], rel=tolerance)


@on_each_device
@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_a_layer_is_checked_where_its_input_is(device, factor):
    class Scaled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight):
            ctx.save_for_backward(x, weight)
            return weight * torch.tanh(x)

        @staticmethod
        def backward(ctx, dy):
            x, weight = ctx.saved_tensors
            assert dy.device.type == device
            dx = factor * dy * weight * (1 - torch.tanh(x) ** 2)
            return dx, (dy * torch.tanh(x)).sum(0)

    generator = torch.Generator().manual_seed(0)
    x, weight = torch.randn(4, 3, generator=generator), torch.randn(3, generator=generator)
    check = check_derivatives(Scaled, x.to(device), {"weight": weight.to(device)})
    assert check.right == (factor == 1.0), str(check)


@on_each_device
def test_ctc_is_torchs(device):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(5, 7, 1, 20, generator=generator, dtype=torch.float64).to(device)
    target = torch.tensor([[1, 1, 2], [3, -1, -1], [4, 5, 6], [-1, -1, -1], [2, 3, -1]])
    target = target.to(device)
    loss, saved = CTCLoss().forward(x, target)
    dx = CTCLoss().backward(torch.ones_like(loss), target, saved)
    free = x.cpu().requires_grad_()  # torch's own on a GPU is not deterministic
    scores = F.log_softmax(free[:, :, 0], 1).permute(2, 0, 1)
    lengths = (target >= 0).sum(1).cpu()
    expected = F.ctc_loss(
        scores, target.cpu().clamp(min=0), torch.full((5,), 20), lengths, reduction="none"
    ).mean()
    expected.backward()
    torch.testing.assert_close(loss.cpu(), expected.detach(), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(dx.cpu(), free.grad, rtol=1e-9, atol=1e-10)


@on_each_device
def test_a_shared_training_of_one_process_is_that_process(device, monkeypatch):
    for name, value in {"RANK": 0, "WORLD_SIZE": 1, "LOCAL_RANK": 0, "MASTER_ADDR": "127.0.0.1",
                        "MASTER_PORT": free_port()}.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    with joined_ranks() as ranks:
        shared = trained(device, ranks=ranks)
    for name, value in trained(device).parameters.items():
        torch.testing.assert_close(shared.parameters[name], value, rtol=1e-7, atol=1e-7, msg=name)


def test_a_device_that_is_not_there_is_refused(refused):
    message = refused("reader", "train-lines", "--device", "tpu")
    assert "--device: found 'tpu'; expected cpu" in message
