"""A Ray cluster of two nodes on loopback, with one core each."""

import os
from pathlib import Path

import pytest

STORE = 80 * 2**20  # bytes; Ray takes no less than 75 MiB


@pytest.fixture(scope="session")
def nodes():
    """The cluster; its first node is the one that drivers connect to."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'chainrule[ray]'")
    tests = Path(__file__).parents[1]
    before = dict(os.environ)
    os.environ.update(
        RAY_USAGE_STATS_ENABLED="0",
        RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0",
        RAY_health_check_initial_delay_ms="0",  # a lost node is found sooner than by default
        RAY_health_check_period_ms="500",
        RAY_health_check_failure_threshold="4",
        PYTHONPATH=os.pathsep.join([str(tests), str(tests.parent / "src")]),
    )
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": STORE}
    )
    cluster.add_node(num_cpus=1, object_store_memory=STORE)
    yield cluster
    cluster.shutdown()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def cluster(nodes):
    """An executor on it."""
    from chainrule.executors import RayCluster

    with RayCluster(nodes.address) as executor:
        yield executor
