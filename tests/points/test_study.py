"""A study: its interval, and the same bits however the work is shared out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from chainrule.errors import FileError
from chainrule.executors import Threads
from chainrule.points import Setting, Summary, Trial, double_moon, run_study, study, wilson_interval

MOONS = double_moon(60, seed=1), double_moon(60, seed=2)
GRID = [Setting(h, rate, 2_000, 3) for h in (1, 4) for rate in (0.02, 0.5)]


@given(trials=st.integers(1, 2000), data=st.data())
def test_the_interval_is_wilsons(trials, data):
    successes = data.draw(st.integers(0, trials))
    found = wilson_interval(successes, trials)
    theirs = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    assert found == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert 0 <= found[0] <= successes / trials <= found[1] <= 1


def test_a_trial_is_the_same_for_any_workers_grid_and_order():
    alone = run_study(GRID, *MOONS, executor=Threads(1))
    assert run_study(GRID, *MOONS, executor=Threads(5)) == alone
    assert run_study(GRID[::-1], *MOONS, executor=Threads(2)) == alone[::-1]
    (more,) = run_study([Setting(4, 0.5, 2_000, 7)], *MOONS)
    assert more.runs[:3] == alone[-1].runs
    assert len(set(more.runs)) > 1  # the trials are not one run again and again


def test_another_seed_draws_other_runs():
    assert run_study(GRID, *MOONS, seed=1) != run_study(GRID, *MOONS, seed=2)


def test_a_journal_cut_off_anywhere_gives_the_same_results(tmp_path):
    journal = tmp_path / "journal.jsonl"
    expected = run_study(GRID, *MOONS, journal=journal)
    content = journal.read_bytes()
    for length in range(0, len(content), 211):
        journal.write_bytes(content[:length])
        assert run_study(GRID, *MOONS, journal=journal) == expected
        # every line whole again, each trial once
        assert sorted(journal.read_bytes().splitlines()) == sorted(content.splitlines())


def test_a_finished_trial_is_read_and_not_run_again(tmp_path, monkeypatch):
    journal = tmp_path / "journal.jsonl"
    run_study(GRID[:1], *MOONS, journal=journal)
    trained = []
    monkeypatch.setattr(study, "train", lambda *points, **settings: trained.append(settings))
    (summary,) = run_study(GRID[:1], *MOONS, journal=journal)
    assert trained == []
    assert len(summary.runs) == GRID[0].trials


def test_a_changed_value_in_a_journal_is_refused(tmp_path):
    journal = tmp_path / "journal.jsonl"
    run_study(GRID[:1], *MOONS, journal=journal)
    text = journal.read_text()
    assert '"validation_error": 0' in text
    journal.write_text(text.replace('"validation_error": 0', '"validation_error": 7'))
    with pytest.raises(FileError, match=r"line \d+ was changed"):
        run_study(GRID[:1], *MOONS, journal=journal)


def test_a_journal_of_other_points_is_refused(tmp_path):
    journal = tmp_path / "journal.jsonl"
    run_study(GRID[:1], *MOONS, journal=journal)
    with pytest.raises(FileError, match="of another run of `chainrule points study`"):
        run_study(GRID[:1], *MOONS[::-1], journal=journal)


@pytest.mark.parametrize("content", [b"\xff\xfe\n", b"no record\n", b"[1]\n", b'{"study": 1}\n'])
def test_what_is_no_journal_is_refused_and_kept(tmp_path, content):
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(content)
    with pytest.raises(FileError, match="expected a journal of `chainrule points study`"):
        run_study(GRID[:1], *MOONS, journal=journal)
    assert journal.read_bytes() == content


def test_a_summary_of_known_trials():
    runs = (
        Trial(0, 0.0, 0.1, 400, "converged"),
        Trial(1, 0.0, 0.2, 100, "converged"),
        Trial(2, 0.3, 0.4, None, "oscillating"),
    )
    document = Summary(Setting(trials=3), runs).document()
    assert document["train_error"] == {"median": 0.0, "min": 0.0, "max": 0.3}
    assert document["validation_error"] == {"median": 0.2, "min": 0.1, "max": 0.4}
    assert document["zero_share"] == 2 / 3
    assert document["converged_at_median"] == 250
