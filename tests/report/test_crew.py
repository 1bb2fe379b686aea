"""Work in processes: its results, its errors, its end; and the order and the time that is left."""

import os
import random

import pytest

import crew_work
from chainrule.errors import ChainruleError, InputError
from chainrule.report import ReportSettings
from chainrule.report.contents import PARTS
from chainrule.report.crew import Crew
from chainrule.report.schedule import Piece, Schedule, needed
from chainrule.report.work import work


def finished(crew, count):
    """So many results, with the shares of progress that came before them."""
    results, shares = [], []
    while len(results) < count:
        results += crew.wait(60, lambda name, share: shares.append((name, share)))
    return results, shares


def test_work_is_done_in_other_processes_side_by_side():
    with Crew(2, crew_work.do) as crew:
        crew.give("one", (1, 2))
        crew.give("two", (3,))
        assert crew.idle == 0
        results, shares = finished(crew, 2)
        assert crew.idle == 2
    made = dict(results)
    assert made["one"][:2] == ("one", 3)
    assert made["two"][:2] == ("two", 3)
    assert len({made["one"][2], made["two"][2], os.getpid()}) == 3
    assert sorted(shares) == [("one", 0.5), ("two", 0.5)]


def test_what_work_raises_is_raised_here_and_the_workers_end():
    with Crew(1, crew_work.do) as crew:
        crew.give("refuse", ())
        with pytest.raises(InputError, match="found nothing"):
            finished(crew, 1)
        process = crew._workers[0].process
    assert not process.is_alive()


def test_a_worker_that_dies_is_told_of_in_one_sentence():
    with Crew(1, crew_work.do) as crew:
        crew.give("die", ())
        with pytest.raises(ChainruleError, match="at work on die has ended"):
            finished(crew, 1)


def played(schedule, seconds, clock):
    """Play the schedule with pieces that take `seconds`; give (now, estimate, share) by second."""
    ends, told = {}, []
    while not schedule.finished:
        while len(ends) < schedule.workers and (name := schedule.next()) is not None:
            schedule.begin(name)
            ends[name] = clock[0], clock[0] + seconds[name]
        clock[0] += 1
        for name, (begun, end) in list(ends.items()):
            if clock[0] >= end:
                schedule.finish(name)
                del ends[name]
            else:
                schedule.progress(name, (clock[0] - begun) / (end - begun))
        told.append((clock[0], schedule.seconds_left(), schedule.done))
    return told


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("slower", [0.5, 1, 3])
def test_the_time_left_is_right_within_a_factor_of_two(workers, slower):
    """On a machine of another speed, with pieces a third longer or shorter than estimated."""
    draw = random.Random(workers)
    pieces = {name: Piece(w.needs, w.seconds) for name, w in work(ReportSettings()).items()}
    seconds = {n: p.seconds * slower * draw.uniform(2 / 3, 4 / 3) for n, p in pieces.items()}
    clock = [0.0]
    told = played(Schedule(pieces, workers, lambda: clock[0]), seconds, clock)
    end = told[-1][0]
    for now, left, _ in told:
        # in the last seconds a second more or less is no factor
        if now >= 10 and end - now >= 10:
            assert 0.5 <= left / (end - now) <= 2, (now, left, end)


def test_the_share_that_is_done_never_falls():
    pieces = {name: Piece(w.needs, w.seconds) for name, w in work(ReportSettings()).items()}
    clock = [0.0]
    told = played(
        Schedule(pieces, 2, lambda: clock[0]), {n: p.seconds for n, p in pieces.items()}, clock
    )
    shares = [share for *_, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_work_that_an_earlier_run_has_done_is_no_speed():
    clock = [0.0]
    schedule = Schedule(
        {"one": Piece((), 100.0), "two": Piece(("one",), 50.0)}, 1, lambda: clock[0]
    )
    schedule.begin("one")
    clock[0] = 1.0
    schedule.progress("one", 0.8)  # 79 % were there
    clock[0] = 11.0
    schedule.progress("one", 0.9)
    assert schedule.seconds_left() == pytest.approx(60, rel=0.2)


def test_a_piece_begins_when_its_needs_are_there():
    pieces = {"late": Piece(("early",), 1.0), "early": Piece((), 1.0), "other": Piece((), 1.0)}
    schedule = Schedule(pieces, 1, lambda: 0.0)
    order = []
    while (name := schedule.next()) is not None:
        schedule.begin(name)
        schedule.finish(name)
        order.append(name)
    assert sorted(order) == ["early", "late", "other"]
    assert order.index("early") < order.index("late")


def test_the_longest_chain_does_not_wait_to_the_end():
    pieces = {str(k): Piece((), 1.0) for k in range(10)} | {"long": Piece((), 6.0)}
    schedule = Schedule(pieces, 2, lambda: 0.0)
    order = []
    while (name := schedule.next()) is not None:
        schedule.begin(name)
        schedule.finish(name)
        order.append(name)
    assert order[0] == "0"
    assert order.index("long") < 6


def test_all_work_is_there_and_none_is_left_over():
    everything = work(ReportSettings())
    pieces = {name: Piece(w.needs, w.seconds) for name, w in everything.items()}
    questions = [question.work for part in PARTS for question in part.questions]
    assert needed(pieces, questions) == pieces
    assert needed(pieces, ["longer_runs"]).keys() == {"table_runs", "longer_runs"}
    done = set()
    for name, piece in pieces.items():
        assert done.issuperset(piece.needs), name
        done.add(name)
