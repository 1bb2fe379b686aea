"""A Ray cluster of two nodes on loopback, with one core each."""

import contextlib
import os
import time
import warnings
from pathlib import Path

import pytest

from free_port import free_port

STORE = 80 * 2**20  # bytes; Ray takes no less than 75 MiB


@pytest.fixture(scope="package")
def nodes():
    """The cluster, for this folder's tests; its first node is the one that drivers connect to.

    `from_outside` is the address for those that are on none of its nodes.
    """
    with _cluster(channel_timeout=30) as cluster:
        cluster.add_node(num_cpus=1, object_store_memory=STORE)
        yield cluster


@pytest.fixture
def losing_cluster():
    """A cluster of one node, which loses the first process that serves one from outside."""
    with _cluster(Path(__file__).parent / "lost_server", channel_timeout=15) as cluster:
        yield cluster


@contextlib.contextmanager
def _cluster(*path, channel_timeout):
    """A cluster's first node, with these folders on its path.

    channel_timeout: seconds that a client from outside waits for the process that serves it.
    """
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'chainrule[ray]'")
    tests = Path(__file__).parents[1]
    before = dict(os.environ)
    os.environ.update(
        RAY_USAGE_STATS_ENABLED="0",
        RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0",
        RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S=str(channel_timeout),
        RAY_health_check_initial_delay_ms="0",  # a lost node is found sooner than by default
        RAY_health_check_period_ms="500",
        RAY_health_check_failure_threshold="4",
        PYTHONPATH=os.pathsep.join(map(str, [*path, tests, tests.parent / "src"])),
    )
    from ray.cluster_utils import Cluster

    port = free_port()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Ray leaves the client server's logs open
        head = {"num_cpus": 1, "object_store_memory": STORE, "ray_client_server_port": port}
        cluster = Cluster(initialize_head=True, head_node_args=head)
    cluster.from_outside = f"ray://127.0.0.1:{port}"
    yield cluster
    cluster.shutdown()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def workers_of():
    """Wait until a cluster counts so many workers: a node that came or went is noticed late."""

    def wait(executor, count):
        deadline = time.monotonic() + 300
        while executor.workers != count:
            assert time.monotonic() < deadline, executor.workers
            time.sleep(0.1)

    return wait


@pytest.fixture(scope="package")
def cluster(nodes):
    """An executor on it."""
    from chainrule.executors import RayCluster

    with RayCluster(nodes.address) as executor:
        yield executor
