"""The runs that published ones are held against are runs as any other, on many draws of points."""

import numpy as np
import pytest

from chainrule.executors import Threads
from chainrule.points import Setting, double_moon, run_study
from chainrule.points.inference import RunSetting, stored_inference
from chainrule.points.inference.simulation import simulate
from chainrule.report.experiments.predicted_runs import as_trial, predicted_runs

SHORT = Setting(hidden=2, learning_rate=0.2, iterations=300, trials=1)


@pytest.mark.parametrize("hidden", [1, 8])
def test_a_simulated_run_is_the_trial_of_a_study(hidden):
    moons = double_moon(60, seed=1), double_moon(60, seed=2)
    study = run_study([Setting(hidden, 0.3, 4000, 4)], *moons, seed=5, executor=Threads(1))[0].runs
    seeds = [np.random.SeedSequence(5, spawn_key=(k,)) for k in range(4)]
    found = simulate(*moons, RunSetting(hidden, 0.3, 4000), seeds)
    for own, run in zip(study, (as_trial(k, *row) for k, row in enumerate(found)), strict=True):
        assert (run.train_error, run.validation_error) == (own.train_error, own.validation_error)
        assert run.converged_at == own.converged_at
    assert {run.converged_at is None for run in study} == {hidden == 1}


def test_candidates_take_turns_and_the_same_seed_gives_the_same():
    candidates = len(stored_inference("inferred-moons").candidates)
    found = predicted_runs("inferred-moons", [SHORT], candidates + 1, seed=3)[SHORT]
    assert len(found) == candidates + 1
    assert len({(run.train_error, run.validation_error) for run in found}) > 10
    assert found == predicted_runs("inferred-moons", [SHORT], candidates + 1, seed=3)[SHORT]
    assert found != predicted_runs("inferred-moons", [SHORT], candidates + 1, seed=4)[SHORT]
