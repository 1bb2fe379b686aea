"""The cores that a run may use: the least of all limits."""

import os

import pytest

from chainrule.io import cores


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Eight cores, no quota, nothing asked for; a function that sets the quota's file."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(cores, "_CGROUP", tmp_path / "cpu.max")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return (tmp_path / "cpu.max").write_text


@pytest.mark.parametrize(
    ("quota", "found"),
    [("max 100000\n", 8), ("200000 100000\n", 2), ("150000 100000\n", 2), ("50000 100000\n", 1)],
)
def test_the_quota_of_a_container(machine, quota, found):
    machine(quota)
    assert cores.available_cores() == found


@pytest.mark.parametrize(("asked", "found"), [("3", 3), ("4,2", 4), ("64", 8), ("0", 8), ("x", 8)])
def test_what_the_environment_asks_for(machine, monkeypatch, asked, found):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert cores.available_cores() == found


def test_systems_without_affinity(machine, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert cores.available_cores() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores.available_cores() == 1
