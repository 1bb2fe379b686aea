"""The model of a cluster: each limit binds where it must."""

import pytest

from chainrule.benchmarks.cluster import NETWORK, STORAGE, Work, modelled


def model(work, nodes, seconds=0.01):
    return modelled(work, seconds, nodes, cores=2, message=0.001, line=1e-4)


def test_few_nodes_are_limited_by_their_cores():
    found = model(Work("study", len, 100, 100, journal=True), 3)
    assert found == {
        "work": "study", "nodes": 3, "items_per_second": pytest.approx(600), "limit": "cores",
    }  # fmt: skip


def test_many_nodes_are_limited_by_what_all_share():
    # 40 jobs of 10 ms a bundle: a millisecond of the driver for each bundle, and a line a job
    found = model(Work("study", len, 100, 100, journal=True), 1000)
    assert found["limit"] == "driver"
    assert found["items_per_second"] == pytest.approx(1 / (0.001 / 40 + 1e-4))
    found = model(Work("read", len, 900_000, 100_000), 1000)
    assert found["limit"] == "object store"
    assert found["items_per_second"] == pytest.approx(NETWORK / 1e6)
    found = model(Work("features", len, 100, 5000, read=1e6), 1000)
    assert found["limit"] == "reading"
    assert found["items_per_second"] == pytest.approx(STORAGE / 1e6)


def test_more_nodes_never_give_less():
    work = Work("features", len, 100, 5000, read=1e5)
    speeds = [model(work, nodes)["items_per_second"] for nodes in (1, 10, 100, 1000)]
    assert speeds == sorted(speeds)
