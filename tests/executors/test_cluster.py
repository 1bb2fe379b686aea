"""A Ray cluster of two nodes on this machine: the same results, whatever is lost on the way."""

import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import executor_jobs as jobs
import ranks_work
from chainrule.errors import InputError
from chainrule.executors import ClusterError, FailedJobsError, Processes, RayCluster, Threads
from chainrule.executors.ray_cluster import RETRIES
from chainrule.points import Setting, double_moon, run_study

MOONS = double_moon(60, seed=1), double_moon(60, seed=2)
GRID = [Setting(h, rate, 2_000, 10) for h in (1, 4) for rate in (0.02, 0.5)]


def digest(summaries):
    text = json.dumps([summary.document() for summary in summaries])
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_study_has_the_same_bits_on_threads_processes_and_the_cluster(cluster, workers_of):
    workers_of(cluster, 2)
    expected = digest(run_study(GRID, *MOONS, executor=Threads(1)))
    assert digest(run_study(GRID, *MOONS, executor=cluster)) == expected
    for executor in (Threads(3), Processes(2)):
        with executor:
            assert digest(run_study(GRID, *MOONS, executor=executor)) == expected


def test_bad_input_in_a_job_is_said_as_it_is(cluster):
    with pytest.raises(InputError, match=r"found \d; expected something else"):
        list(cluster.results(jobs.refuse, range(4)))


def test_a_worker_that_is_killed_is_replaced(cluster, tmp_path):
    found = dict(cluster.results(jobs.kill_the_worker, range(8), str(tmp_path)))
    assert (tmp_path / "killed").exists()
    assert found == {k: k * k for k in range(8)}


def test_a_job_that_always_kills_its_worker_is_named(cluster, tmp_path):
    (tmp_path / "always").touch()
    found = {}
    with pytest.raises(FailedJobsError, match=r"1 of 8 jobs failed.*: job 5: WorkerCrashedError"):
        collected(cluster, jobs.kill_the_worker, str(tmp_path), found)
    assert found == {k: k * k for k in range(8) if k != 5}


def test_a_job_that_always_fails_is_named_after_rays_retries(cluster, tmp_path, capsys):
    found = {}
    with pytest.raises(FailedJobsError, match=r"4 of 8 jobs failed.*: job 1: ZeroDivisionError"):
        collected(cluster, jobs.odd_ones_fail, str(tmp_path), found)
    assert found == {0: 0, 2: 2, 4: 4, 6: 6}
    assert len((tmp_path / "1.txt").read_text()) == 2 + RETRIES  # in its bundle, and alone
    assert len((tmp_path / "2.txt").read_text()) == 1
    assert capsys.readouterr().out == ""  # where a command's JSON goes Ray says nothing


def collected(executor, job, shared, found):
    for k, value in executor.results(job, range(8), shared, name="job {}".format):
        found[k] = value


def test_what_is_shared_is_prepared_once_until_it_changes(cluster, tmp_path):
    values = np.arange(3.0)
    for _ in range(3):
        shared = str(tmp_path), values
        found = dict(cluster.results(jobs.times, range(6), shared, prepare=jobs.prepared_here))
        assert all((found[k] == k * values).all() for k in range(6))
    prepared = [path.name.partition("-")[0] for path in tmp_path.iterdir()]
    assert len(prepared) == len(set(prepared)) < 18  # once in each process
    values += 1  # the same array with other numbers is not taken for what it was
    found = dict(cluster.results(jobs.times, range(6), shared, prepare=jobs.prepared_here))
    assert all((found[k] == k * np.arange(1.0, 4.0)).all() for k in range(6))


def test_more_than_the_object_stores_hold_goes_through_the_disk(cluster):
    shared = np.ones(10**7)  # 80 MB, as much as a node's store
    total = 0.0
    for k, (own, summed) in cluster.results(jobs.large, range(20), shared):
        assert (own == k).all()
        assert summed == 10**7
        total += own[0]
    assert total == sum(range(20))


def test_a_lost_nodes_jobs_are_done_elsewhere(nodes, cluster, workers_of):
    node = nodes.add_node(num_cpus=2, object_store_memory=80 * 2**20)
    workers_of(cluster, 4)
    found = {}
    for k, value in cluster.results(jobs.sleep, [0.25] * 40):
        found[k] = value
        if len(found) == 8:
            nodes.remove_node(node, allow_graceful=False)
    assert found == dict.fromkeys(range(40), 0.25)


@pytest.fixture
def other_version(nodes, tmp_path_factory):
    """A third node, whose chainrule says that it is version 0.0.9: what is expected instead."""
    import chainrule

    folder = tmp_path_factory.mktemp("other")
    other, ours = folder / "chainrule", Path(chainrule.__file__).parent
    other.mkdir()
    for path in ours.iterdir():
        if path.name != "__init__.py":
            (other / path.name).symlink_to(path)
    (other / "__init__.py").write_text('__version__ = "0.0.9"\n', encoding="utf-8")
    node = nodes.add_node(
        num_cpus=2, object_store_memory=80 * 2**20, env_vars={"PYTHONPATH": str(folder)}
    )
    yield f"expected chainrule {chainrule.__version__} (source "
    nodes.remove_node(node)


def test_another_version_on_a_node_is_refused_with_both(
    other_version, nodes, cluster, refused, tmp_path
):
    with pytest.raises(ClusterError) as raised:
        list(cluster.results(jobs.sleep, [0.3] * 2000))  # it ends when the node has begun
    there = "a worker of the cluster has chainrule 0.0.9 (source "
    assert str(raised.value).startswith(there)
    assert other_version in str(raised.value)
    for what in ("train-letters", "train-lines"):
        out = tmp_path / f"{what}.safetensors"
        said = refused("reader", what, "--on", nodes.address, "--workers", 4, "--out", out)
        assert said.startswith(f"chainrule: {there}")
        assert other_version in said
    assert not list(tmp_path.iterdir())


@pytest.mark.long
def test_another_version_is_refused_by_a_training_that_has_begun(
    other_version, cluster, monkeypatch
):
    """As when a node joins after the nodes were asked."""
    monkeypatch.setattr(cluster, "check_versions", lambda: None)
    with pytest.raises(ClusterError) as raised:
        ranks_work.run("fast", None, 1, executor=cluster, processes=4)
    assert str(raised.value).startswith("a worker of the cluster has chainrule 0.0.9 (source ")
    assert other_version in str(raised.value)


def test_a_killed_driver_goes_on_where_it_was(nodes, tmp_path):
    arguments = [
        "points", "study", "--hidden", "2,5", "--iterations", "50000", "--trials", "40",
        "--on", nodes.address, "--out", tmp_path,
    ]  # fmt: skip
    start = [sys.executable, "-m", "chainrule", *map(str, arguments)]
    driver = subprocess.Popen(start, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journal = tmp_path / "journal.jsonl"
    try:
        deadline = time.monotonic() + 600
        while not (journal.exists() and journal.read_text().count("\n") > 5):
            assert driver.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    kept = journal.read_text().rpartition("\n")[0]
    assert kept.count("\n") < 80  # not all were done
    again = subprocess.run(start, capture_output=True, text=True, check=False, timeout=1200)
    assert again.returncode == 0, again.stderr
    assert journal.read_text().startswith(kept)
    found = json.loads((tmp_path / "study.json").read_text())["settings"]
    assert found == here(50_000, 40, (2, 5))


def test_a_cluster_is_reached_from_outside(command, nodes, tmp_path):
    found = command(
        "points", "study", "--hidden", 2, "--iterations", 2000, "--trials", 10,
        "--on", nodes.from_outside, "--out", tmp_path,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert json.loads((tmp_path / "study.json").read_text())["settings"] == here(2000, 10)


@pytest.mark.long
def test_where_what_serves_one_from_outside_does_not_start_another_is_asked_for(
    command, losing_cluster, tmp_path
):
    found = command(
        "points", "study", "--hidden", 2, "--iterations", 2000, "--trials", 10,
        "--on", losing_cluster.from_outside, "--out", tmp_path,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    said = (
        Path(losing_cluster.head_node.get_logs_dir_path()) / "ray_client_server.err"
    ).read_text()
    assert said.count("SpecificServer startup failed") == 1
    assert json.loads((tmp_path / "study.json").read_text())["settings"] == here(2000, 10)


def here(iterations, trials, hidden=(2,)):
    """What `points study` finds on this machine, as its file has it."""
    from chainrule.points.data import load_dataset

    data = load_dataset("double-moon")
    settings = [Setting(h, 0.02, iterations, trials) for h in hidden]
    summaries = run_study(settings, data.training, data.validation)
    return json.loads(json.dumps([summary.document() for summary in summaries]))


def test_a_process_uses_one_cluster_at_a_time(cluster):
    with pytest.raises(ClusterError, match="expected one at a time"):
        RayCluster("local")
