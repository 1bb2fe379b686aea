"""`chainrule bench points`: the peers do the same work, and the document has its fields."""

import functools

import numpy as np
import pytest

from chainrule.benchmarks import points
from chainrule.points.kernel import sgd_with_errors
from chainrule.points.training import children, initial_parameters

PEERS = {
    "PyTorch": functools.partial(points._pytorch, 1),
    "NumPy": points._numpy,
    "plain Numba": points._plain_loop,
}


def work(function, steps=300, hidden=7):
    """The parameters after some steps at rate 0.02, and both errors after each of them."""
    training, validation = points._moons(200)
    for_weights, for_order = children(0)
    start = initial_parameters(2, hidden, "uniform", for_weights)
    parameters = [start["W_in"], start["b_in"], start["w_out"], start["b_out"].reshape(1)]
    order = np.random.default_rng(for_order).integers(0, 200, steps)
    both = np.ascontiguousarray(np.concatenate([training.features, validation.features]).T)
    labels = np.concatenate([training.labels, validation.labels])
    wrong = np.zeros(steps, np.int32), np.zeros(steps, np.int32)
    function(*parameters, training.features, training.labels, order, 0.02, both, labels, *wrong)
    return parameters, wrong


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_does_the_same_work(name):
    parameters, wrong = work(PEERS[name])
    expected_parameters, expected_wrong = work(sgd_with_errors)
    for ours, theirs in zip(expected_wrong, wrong, strict=True):
        assert len(np.unique(ours)) > 10
        np.testing.assert_array_equal(theirs, ours)
    if name != "PyTorch":  # it steps its own copies
        for ours, theirs in zip(expected_parameters, parameters, strict=True):
            np.testing.assert_allclose(theirs, ours, rtol=1e-10)


@pytest.mark.slow
def test_the_document_has_the_documented_fields(monkeypatch):
    monkeypatch.setattr(points, "_SEEDS", 1)
    monkeypatch.setattr(points, "_REPEATS", 1)
    document = points.measure()
    assert list(document) == ["rows", "ratios"]
    assert {frozenset(row) for row in document["rows"]} == {
        frozenset({"name", "microseconds_per_iteration"})
    }
    times = {row["name"]: row["microseconds_per_iteration"] for row in document["rows"]}
    assert list(document["ratios"]) == ["pytorch_eager", "numpy", "sgd_steps_alone"]
    for name in ("numpy", "sgd_steps_alone"):
        assert document["ratios"][name] == pytest.approx(times[name] / times["chainrule"])
    for prefix in ("chainrule, hidden", "chainrule, points", "chainrule, 8 trials"):
        assert any(name.startswith(prefix) for name in times)
