"""Threads that share a batch: they meet, and none is left waiting when another fails."""

import threading

import pytest

from chainrule.training.plan.team import Team


@pytest.fixture(params=[1, 2, 5])
def team(request):
    made = Team(request.param)
    yield made
    made.close()


def test_each_does_the_job_once_in_a_thread_of_its_own(team):
    for _ in range(50):
        seen = []
        team.run(lambda i, seen=seen: seen.append((i, threading.get_ident())))
        assert sorted(i for i, _ in seen) == list(range(team.size))
        assert len({thread for _, thread in seen}) == team.size
        assert (0, threading.get_ident()) in seen


def test_none_goes_on_before_all_are_there(team):
    arrived = []

    def job(i):
        for meeting in range(1, 40):
            arrived.append(i)
            team.meet(i)
            # all have come to this meeting, and none to the one after the next
            assert len(arrived) >= meeting * team.size
            assert arrived.count(i) == meeting

    team.run(job)
    assert len(arrived) == 39 * team.size


@pytest.mark.parametrize("failing", [0, 1])
def test_a_failure_ends_the_others_waiting_and_is_raised(failing):
    team = Team(3)

    def job(i):
        if i == failing:
            raise ZeroDivisionError("the first")
        team.meet(i)

    with pytest.raises(ZeroDivisionError, match="the first"):
        team.run(job)
    seen = []

    def again(i):
        team.meet(i)
        seen.append(i)
        team.meet(i)

    team.run(again)
    assert sorted(seen) == [0, 1, 2]
    team.close()


def test_an_interruption_in_the_callers_thread_is_raised():
    team = Team(2)

    def job(i):
        if i == 0:
            raise KeyboardInterrupt
        team.meet(i)

    with pytest.raises(KeyboardInterrupt):
        team.run(job)
    team.close()


def test_closed_its_threads_end():
    team = Team(4)
    assert [thread.is_alive() for thread in team.threads] == [True] * 3
    team.close()
    for thread in team.threads:
        thread.join(600)
    assert [thread.is_alive() for thread in team.threads] == [False] * 3
