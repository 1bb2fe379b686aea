"""What is shared is known again by its content, and by nothing less."""

import itertools

import numpy as np
import pytest
import torch

pytest.importorskip("ray", reason="Ray is not installed: pip install 'chainrule[ray]'")

from chainrule.executors.content import content_digest


def different():
    x = torch.arange(6.0)
    yield from (x, x.double(), x.half(), x.bfloat16(), x.int(), x.reshape(2, 3), x.reshape(3, 2))
    yield from (x.reshape(2, 3).T, x[::2], x[:0], torch.tensor(1.0), torch.tensor(1))
    yield from (x.clone().requires_grad_(), torch.nn.Parameter(x), x.to_sparse(), x + 1)
    yield from (x.to(torch.complex64), x.to(torch.complex64).conj() * 1j, x > 2)
    yield from ({"w": x}, {"b": x}, [x, x.double()], np.arange(6.0), np.arange(6, dtype=np.float32))


def test_equal_content_has_one_digest_and_other_content_another():
    first, again = ([content_digest(value) for value in different()] for _ in range(2))
    assert first == again
    for (i, one), (j, other) in itertools.combinations(enumerate(first), 2):
        assert one != other, (i, j)


def test_a_tensor_that_was_written_to_is_another():
    weights = {"w": torch.zeros(1000), "b": torch.zeros(3)}
    before = content_digest(weights)
    weights["w"][-1] = 1
    assert content_digest(weights) != before
    weights["w"][-1] = 0
    assert content_digest(weights) == before
