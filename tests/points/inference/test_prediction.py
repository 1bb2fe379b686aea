"""Predictive intervals and tail probabilities of published rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import InputError
from chainrule.points.inference import NEVER, PublishedRun, RunSetting, predict
from chainrule.points.inference.prediction import Prediction
from chainrule.points.inference.simulation import simulate
from chainrule.points.moons import DrawnMoons, HalfMoons

MOONS = HalfMoons(0.3, -0.4, 0.9, 2.0, "square")
CANDIDATES = [DrawnMoons(MOONS, 0, 1), DrawnMoons(MOONS, 2, 3), DrawnMoons(MOONS, 4, 5)]
SETTING = RunSetting(4, 0.2, 400)


def row(train=None, validation=None, iteration=None, setting=SETTING):
    return PublishedRun("row", setting, train, validation, iteration)


def simulated(trials):
    """What the candidates do, in turn, by the seeds that are documented."""
    rate = int(np.float64(SETTING.learning_rate).view(np.uint64))
    rows = []
    for t in range(trials):
        training, validation = CANDIDATES[t % 3].draw(80)
        seed = np.random.SeedSequence(0, spawn_key=(1, 4, rate, 400, t))
        rows.append(simulate(training, validation, SETTING, [seed])[0])
    return np.array(rows)


@pytest.mark.parametrize("published", [0.0, 0.025, 0.05, 0.1, 0.3, 0.7])
def test_interval_and_tail_by_counting(published):
    errors = np.sort(simulated(40)[:, 0])
    (found,) = predict(CANDIDATES, [row(published)], trials=40, points=80)
    number = found.numbers[0]
    least = min((errors <= published).mean(), (errors >= published).mean())
    assert number.tail == pytest.approx(min(1, 2 * least))
    # of 40, one is 2.5 %: the interval is from the least to the greatest
    assert (number.low, number.high) == (errors[0], errors[-1])
    assert number.within == (errors[0] <= published <= errors[-1])
    assert found.numbers[1:] == (None, None)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=300), st.integers(-1, 31))
def test_a_number_lies_within_its_interval_where_its_tail_says_so(values, published):
    from chainrule.points.inference.prediction import _predicted

    found = _predicted(published / 100, np.array(values) / 100, 5e-5)
    assert found.within == (found.low - 1e-9 <= published / 100 <= found.high + 1e-9)
    below = np.mean(np.array(values) < 100 * found.low - 1e-9)
    above = np.mean(np.array(values) > 100 * found.high + 1e-9)
    assert max(below, above) < 0.025  # so at least 95 % lie inside


def test_a_published_number_stands_for_all_that_round_to_it():
    # three wrong points of 80 are 3.75 %; a table with one digit less calls them 3.75 %, too
    errors = simulated(40)[:, 0]
    value = errors[errors > 0][0]
    rounded = round(100 * value, 2) / 100
    assert predict(CANDIDATES, [row(rounded)], trials=40, points=80)[0].numbers[0].tail > 0


def test_none_is_later_than_every_iteration():
    rows = [row(None, None, NEVER), row(None, None, 1)]
    never, early = predict(CANDIDATES, rows, trials=40, points=80)
    share = np.isinf(simulated(40)[:, 2]).mean()
    assert 0 < share < 1
    assert never.numbers[2].tail == pytest.approx(min(1, 2 * share))
    assert never.numbers[2].high == NEVER
    assert early.numbers[2].tail == 0
    assert not early.within
    assert never.ending == pytest.approx(share)
    assert early.ending == pytest.approx(1 - share)
    assert never.document()["iteration"]["published"] == "none"
    assert never.document()["iteration"]["interval"][1] == "none"


def test_an_ending_takes_the_error_and_the_iteration_together():
    runs = simulated(40)
    (found,) = predict(CANDIDATES, [row(0.1, None, NEVER)], trials=40, points=80)
    assert found.ending == pytest.approx(((runs[:, 0] > 0) & np.isinf(runs[:, 2])).mean())
    (found,) = predict(CANDIDATES, [row(0.0)], trials=40, points=80)
    assert found.ending == pytest.approx((runs[:, 0] == 0).mean())


def test_a_row_is_within_if_all_that_it_states_is():
    error = float(np.median(simulated(39)[:, 0]))
    (found,) = predict(CANDIDATES, [row(error, 0.9)], trials=39, points=80, kept_out=[True])
    assert found.held_out
    assert [number and number.within for number in found.numbers] == [True, False, None]
    assert not found.within
    assert Prediction(found.run, True, (found.numbers[0], None, None), 0.5).within


def test_rows_of_one_setting_share_their_runs_and_others_do_not_matter():
    other = row(0.1, setting=RunSetting(2, 0.05, 300))
    together = predict(CANDIDATES, [row(0.1), other, row(0.2)], trials=12, points=80)
    alone = predict(CANDIDATES, [row(0.2)], trials=12, points=80)
    assert together[2] == alone[0]
    assert together[0].numbers[0].low == alone[0].numbers[0].low


@pytest.mark.parametrize("trials", [0, 10**7])
def test_a_number_of_trials_out_of_range_is_refused(trials):
    with pytest.raises(
        InputError, match=f"trials: found {trials}; expected a whole number from 1 to 1,000,000"
    ):
        predict(CANDIDATES, [row(0.1)], trials=trials)
