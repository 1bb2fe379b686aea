"""Independent jobs on this machine: the same results on threads and processes."""

import time

import pytest

import executor_jobs as jobs
from chainrule.errors import ChainruleError, InputError
from chainrule.executors import FailedJobsError, Processes, Threads, open_executor
from chainrule.executors.bundles import SECONDS, Bundles


@pytest.mark.parametrize(
    "make",
    [lambda: Threads(1), lambda: Threads(3), lambda: Processes(2)],
    ids=["one thread", "three threads", "two processes"],
)
def test_the_same_results_in_any_order_of_ending(make):
    expected = {k: jobs.drawn(7, k) for k in range(50)}
    with make() as executor:
        assert dict(executor.results(jobs.drawn, range(50), 7)) == expected
        # again, with other work: what was shared before is not taken for this
        assert dict(executor.results(jobs.times, range(5), 3)) == {k: 3 * k for k in range(5)}
        found = dict(executor.results(jobs.times, range(5), 3, prepare=jobs.doubled))
        assert found == {k: 6 * k for k in range(5)}
        assert dict(executor.results(jobs.times, [], 3)) == {}


def test_results_come_as_they_end():
    with Threads(2) as executor:
        found = [k for k, _ in executor.results(jobs.sleep, [0.5, 0.0, 0.0])]
    assert found[-1] == 0


def test_processes_are_not_this_one():
    with Processes(1) as executor:
        assert dict(executor.results(jobs.where, [0]))[0] != jobs.where(None, 0)


@pytest.mark.parametrize("make", [Threads, Processes])
def test_a_job_that_fails_is_named_and_the_others_are_given(make, tmp_path):
    found = []
    with make(2) as executor:
        results = executor.results(
            jobs.odd_ones_fail, range(6), str(tmp_path), name="number {}".format
        )
        with pytest.raises(FailedJobsError) as raised:
            found.extend(results)
    assert sorted(found) == [(0, 0), (2, 2), (4, 4)]
    assert str(raised.value) == (
        "3 of 6 jobs failed, the results of the others are kept; the first: number 1: "
        "ZeroDivisionError: nothing to divide 1 by"
    )


def test_where_all_fail_it_ends_soon(tmp_path):
    with Threads(1) as executor, pytest.raises(FailedJobsError, match="no more were begun"):
        list(executor.results(jobs.odd_ones_fail, range(1, 1000, 2), str(tmp_path)))
    assert len(list(tmp_path.iterdir())) < 30


def test_bad_input_in_a_job_is_said_as_it_is():
    with Threads(1) as executor, pytest.raises(InputError, match="found 0; expected something"):
        list(executor.results(jobs.refuse, range(100)))


def test_a_process_that_is_killed_is_said(tmp_path):
    with (
        Processes(1) as executor,
        pytest.raises(ChainruleError, match="expected more memory, or fewer --workers"),
    ):
        list(executor.results(jobs.kill_the_worker, range(5), str(tmp_path)))


def test_bundles_hand_out_every_job_once():
    for count in (0, 1, 2, 17, 10_000):
        bundles, seen = Bundles(count), []
        while ks := bundles.following(4):
            seen += ks
            bundles.took(0.001)
        assert seen == list(range(count))


def test_bundles_are_about_as_long_as_they_should_be():
    bundles = Bundles(10**6)
    for _ in range(40):
        last = bundles.following(2)
        bundles.took(0.001)
    assert len(last) == pytest.approx(SECONDS / 0.001, rel=0.01)
    slow = Bundles(100)
    for _ in range(10):
        last = slow.following(2)
        slow.took(5.0)
    assert len(last) == 1


def test_the_last_bundles_are_small_enough_for_all_workers():
    bundles = Bundles(1000)
    sizes = []
    while ks := bundles.following(4):
        sizes.append(len(ks))
        bundles.took(1e-6)
    assert sizes[-1] == 1
    assert max(sizes) <= 125


def test_sending_small_jobs_costs_little():
    """Jobs of 2 ms, so many that they travel together."""
    with Threads(1) as executor:
        start = time.process_time()
        slept = sum(value for _, value in executor.results(jobs.sleep, [0.002] * 500))
    assert time.process_time() - start < 0.5 * slept  # it took 0.02 of it


@pytest.mark.parametrize("make", [Threads, Processes])
def test_workers_are_a_whole_number(make):
    for count in (0, 5000):
        with pytest.raises(InputError, match=f"workers: found {count}; expected a whole number"):
            make(count)


def test_too_many_workers_are_refused_before_any_is_started(refused):
    said = refused("points", "study", "--on", "local", "--workers", 5000)
    assert "workers: found 5000; expected a whole number from 1 to " in said


def test_an_address_that_is_none_is_refused():
    with pytest.raises(InputError, match="found 'ray://'; expected local, auto"):
        open_executor("ray://")
    with pytest.raises(InputError, match="workers: found 3 beside the cluster auto"):
        open_executor("auto", 3)
    with open_executor(None, 3) as executor:
        assert executor.workers == 3
