"""Each rule turned both ways, at its edge; the reasons say what was compared with what."""

import numpy as np
import pytest

from chainrule.points.study import Trial
from chainrule.report.facts import Fact, Found, Numbers, PublishedRun, Trials, judge
from chainrule.report.facts.rules import (
    Among,
    AtLeast,
    AtMost,
    OnlyOn,
    PredictedRun,
    Same,
    SameDigits,
    Within,
    tail_probability,
)
from chainrule.report.facts.values import LeftOut


def verdict(rule, original, value, **found):
    return rule.judge(original, Found(value, **found))


@pytest.mark.parametrize(
    ("printed", "times", "ours", "expected"),
    [
        ("0.0543 -0.1368", "", [0.05434, -0.13676], "agrees"),
        ("0.0543 -0.1368", "", [0.05436, -0.13676], "disagrees"),
        ("0.0013; 0.0670", "1e-4", [1.3e-7, 6.7e-6], "agrees"),
        ("0.0013; 0.0670", "1e-4", [1.3e-7, 6.8e-6], "disagrees"),
        ("3.4098e-05", "", [3.40984e-5], "agrees"),
        ("3.4098e-05", "", [3.40986e-5], "disagrees"),
        ("68,986", "", [68_986.0], "agrees"),
        ("68,986", "", [68_985.0], "disagrees"),
    ],
)
def test_same_digits(printed, times, ours, expected):
    assert verdict(SameDigits(), Numbers(printed, times), np.array(ours)).verdict == expected


def test_same_digits_names_the_numbers_that_are_not():
    why = verdict(SameDigits(), Numbers("0.1 0.2 -0.3"), np.array([0.1, 0.3, -0.3])).why
    assert why == "2 of 3 are the same; 0.3 in place of 0.2"


@pytest.mark.parametrize(
    ("rule", "ours", "expected"),
    [
        (Within(2, "points"), 9.0, "agrees"),
        (Within(2, "points"), 9.01, "disagrees"),
        (Within(2, "points"), 4.9, "disagrees"),
        (Within(0.05, relative=True), 7.35, "agrees"),
        (Within(0.05, relative=True), 7.36, "disagrees"),
    ],
)
def test_within(rule, ours, expected):
    assert verdict(rule, Numbers("7"), ours).verdict == expected


def test_same():
    assert verdict(Same(), "20 of 5x5x1", "20 of 5x5x1").verdict == "agrees"
    assert verdict(Same(), "26 of 28x28x500", "26 of 2x2x500").verdict == "disagrees"
    assert verdict(Same(), Numbers("572"), "572").verdict == "agrees"
    assert verdict(Same(), Numbers("572"), "573").verdict == "disagrees"


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        (AtLeast(0.5, "share"), 0.5, "agrees"),
        (AtLeast(0.5, "share"), 0.499, "disagrees"),
        (AtLeast(0.5, "share"), np.nan, "cannot be compared"),
        (AtMost(0.5, "share"), 0.5, "agrees"),
        (AtMost(0.5, "share"), 0.501, "disagrees"),
        (AtMost(0.5, "share"), np.inf, "disagrees"),
        (AtMost(0.5, "share"), np.nan, "cannot be compared"),
    ],
)
def test_bounds(rule, value, expected):
    judged = verdict(rule, "a claim", float(value))
    assert judged.verdict == expected
    assert "share" in judged.why


def test_among():
    ours = np.arange(1, 101)
    rule = Among("our numbers")
    assert verdict(rule, Numbers("3"), ours).verdict == "agrees"
    assert verdict(rule, Numbers("98"), ours).verdict == "agrees"
    assert verdict(rule, Numbers("2"), ours).verdict == "disagrees"
    assert verdict(rule, Numbers("99"), ours).verdict == "disagrees"
    assert verdict(rule, Numbers("99"), np.array([])).verdict == "cannot be compared"


def trials(training, validation, converged_at):
    rows = zip(training, validation, converged_at, strict=True)
    runs = [Trial(k, t / 100, v / 100, at, "") for k, (t, v, at) in enumerate(rows)]
    return Trials(runs, runs[0])


# errors of 5.0, 5.1, ... 14.9 %, and two thirds of the runs at zero from 1,000, 1,001, ...
OURS = trials(
    [5 + k / 10 for k in range(100)],
    [6 + k / 10 for k in range(100)],
    [1000 + k if k < 67 else None for k in range(100)],
)


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (PublishedRun("5.20", "6.20"), "agrees"),
        (PublishedRun("5.10", "6.20"), "disagrees"),
        (PublishedRun("5.20", "6.10"), "disagrees"),
        (PublishedRun("14.70", "15.70"), "agrees"),
        (PublishedRun("14.80", "15.70"), "disagrees"),
        (PublishedRun("5.20", "6.20", errors_only=True), "agrees"),
        # it is at zero at once: no definition is broken, and no run of ours does so
        (PublishedRun("0", "6.20", 1002), "disagrees"),
        # at zero it is not, so it has not converged, whatever ours do
        (PublishedRun("5.20", "6.20", 1002), "the original errs"),
        (PublishedRun("0.10", "0.00", 274_234), "the original errs"),
    ],
)
def test_predicted_run(run, expected):
    assert verdict(PredictedRun(), run, OURS).verdict == expected


def test_iterations_are_predicted_with_runs_that_never_converge_after_all_others():
    some = trials([0] * 100, [0] * 100, [1000 + k if k < 50 else None for k in range(100)])
    all_do = trials([0] * 100, [0] * 100, [1000 + k for k in range(100)])
    for ours, iteration, expected in (
        (some, 1002, "agrees"),
        (some, 1001, "disagrees"),
        (some, 10**6, "agrees"),  # half of ours come later, or never
        (some, None, "agrees"),
        (all_do, 1097, "agrees"),
        (all_do, 1098, "disagrees"),
        (all_do, None, "disagrees"),
    ):
        found = verdict(PredictedRun(), PublishedRun("0", "0", iteration), ours)
        assert found.verdict == expected, (iteration, found)


def test_tail_probability():
    assert tail_probability(1, [1, 2, 3, 4]) == 0.5
    assert tail_probability(0, [1, 2, 3, 4]) == 0
    assert tail_probability(2.5, [1, 2, 3, 4]) == 1


def test_only_on():
    rule = OnlyOn("VOC 2007", Within(0.05))
    original = Numbers("0.9370")
    assert verdict(rule, original, 0.9, data="VOC 2007").verdict == "agrees"
    assert verdict(rule, original, 0.8, data="VOC 2007").verdict == "disagrees"
    tiles = verdict(rule, original, 0.937, data="tiles of seven photographs")
    assert tiles.verdict == "cannot be compared"
    assert tiles.why == "here it is tiles of seven photographs, not VOC 2007"


def test_a_difference_that_only_the_original_can_have_made_is_its_error():
    for certain, ours, expected in (
        (True, 2.0, "the original errs"),
        (True, 1.0, "agrees"),
        (False, 2.0, "disagrees"),
    ):
        fact = Fact("1.1.x", "x", "is small", AtMost(1, "size"), certain, "proof")
        (judged,) = judge([fact], {"1.1.x": Found(ours)})
        assert judged.verdict == expected


def test_what_is_left_out_cannot_be_compared():
    fact = Fact("1.1.x", "x", LeftOut("“by the chain rule”", "not written out"), None)
    (judged,) = judge([fact], {"1.1.x": Found(0.0, "below")})
    assert judged.document() == {
        "id": "1.1.x",
        "original": "“by the chain rule”",
        "here": "below",
        "verdict": "cannot be compared",
        "why": "not written out",
    }


def test_every_fact_needs_a_finding_and_every_finding_a_fact():
    fact = Fact("1.1.x", "x", "is small", AtMost(1, "size"))
    with pytest.raises(KeyError, match=r"1\.1\.x"):
        judge([fact], {})
    with pytest.raises(KeyError, match=r"1\.1\.y"):
        judge([fact], {"1.1.x": Found(1.0), "1.1.y": Found(1.0)})
