"""The file of facts: complete, each in one place, and each with a rule that fits it."""

import re
from collections import Counter

import numpy as np
import pytest

from chainrule.points.example import report_example
from chainrule.points.inference import NEVER, original_runs
from chainrule.points.network import derivatives, forward
from chainrule.report.contents import PARTS
from chainrule.report.experiments.derivation import stated_factors
from chainrule.report.experiments.gradient_table import implied_deltas
from chainrule.report.experiments.one_training import rises_from_zero
from chainrule.report.facts import FACTS, Numbers, PublishedRun
from chainrule.report.facts.rules import AtLeast, AtMost, PredictedRun
from chainrule.report.facts.values import LeftOut
from chainrule.report.texts import _environment

QUESTIONS = [question for part in PARTS for question in part.questions]


def test_ids_are_unique_and_each_belongs_to_one_question():
    ids = Counter(fact.id for fact in FACTS)
    assert set(ids.values()) == {1}
    owners = Counter(fact.id for question in QUESTIONS for fact in question.facts)
    assert owners == ids


def test_the_tables_of_trainings_are_whole():
    """Tables 2, 3 and 4 have 5, 12 and 18 rows."""
    runs = [fact for fact in FACTS if isinstance(fact.original, PublishedRun)]
    tables = Counter(fact.id[:5] for fact in runs)
    assert tables == {"1.3.A": 1, "1.3.B": 5, "1.3.C": 12, "1.3.D": 18}
    assert all(isinstance(fact.rule, PredictedRun) for fact in runs)
    # two decimals, as the tables print them; 1.3.A says only that both errors are 0
    for fact in runs:
        pattern = r"0" if fact.id == "1.3.A.run" else r"\d+\.\d\d"
        assert re.fullmatch(pattern, fact.original.training)
        assert re.fullmatch(pattern, fact.original.validation)


def test_table_1_is_whole():
    sizes = {"W_in": 6, "w_out": 3, "b_in": 3, "b_out": 1}
    for name, size in sizes.items():
        for quantity in ("true", "approximate", "absolute", "relative"):
            (fact,) = (f for f in FACTS if f.id == f"1.2.B.{name}.{quantity}")
            assert len(fact.original.entries) == size


def test_a_claim_has_a_measure_and_a_figure_has_none():
    for fact in FACTS:
        if isinstance(fact.original, LeftOut):
            assert fact.rule is None
        elif isinstance(fact.rule, AtLeast | AtMost):
            assert isinstance(fact.original, str)
        assert fact.rule is None or fact.rule.words


def test_every_proof_is_written():
    for question in QUESTIONS:
        template = _environment().get_template(f"questions/{question.work}.j2")
        for fact in question.facts:
            assert not fact.certain or fact.proof
            # a run of Table 2 is said to converge nowhere: its proof is never asked for
            if fact.proof and not getattr(fact.original, "errors_only", False):
                needed = fact.certain or getattr(fact.original, "converged_at", None)
                if needed and float(getattr(fact.original, "training", "1")) > 0:
                    assert f"proof_{fact.proof}" in template.blocks, fact.id
                    assert f"title_{fact.proof}" in template.blocks, fact.id


def test_the_texts_have_an_answer_and_a_question():
    for question in QUESTIONS:
        template = _environment().get_template(f"questions/{question.work}.j2")
        assert {"answer", "question", "found"} <= template.blocks.keys(), question.work


@pytest.mark.parametrize(
    ("numbers", "ours", "expected"),
    [
        (Numbers("0.10 -0.2; 3"), [0.123, -0.16, 2.9], "0.12 −0.2; 3"),
        (Numbers("3.4098e-05"), 3.40981e-5, "3.4098e−05"),
        (Numbers("68,986"), 68_990.2, "68,990"),
        (Numbers("0.0013", "1e-4"), 1.34e-7, "1e−4 × (0.0013)"),
    ],
)
def test_ours_are_printed_as_theirs(numbers, ours, expected):
    assert numbers.like(np.asarray(ours)).text == expected


def test_the_stated_factors_make_the_derivatives_of_the_loss():
    """The chain rule: ds/dtheta = ds/dy_hat times dy_hat/dtheta."""
    example = report_example()
    factors = stated_factors(example.x, example.y, example.parameters)
    whole = derivatives(example.x, example.y, example.parameters)
    for name, derivative in whole.items():
        np.testing.assert_allclose(factors["loss"] * factors[name], derivative, rtol=1e-13)


def test_the_printed_errors_imply_the_step():
    """delta = 2 error / s'' by b_out alone, where y_hat is the parameter plus a constant."""
    example = report_example()
    y_hat = float(forward(example.x, example.parameters).y_hat)
    curvature = np.exp(-y_hat) / (1 + np.exp(-y_hat)) ** 2
    assert 2 * 3.4098e-05 / curvature == pytest.approx(1e-3, rel=2e-3)
    implied = implied_deltas(example)
    assert len(implied) >= 8
    np.testing.assert_allclose(implied, 1e-3, rtol=5e-3)


def test_rises_from_zero():
    assert rises_from_zero(np.array([3, 0, 0, 1, 2, 0, 1, 0])) == [(4, 5), (7, 7)]
    assert rises_from_zero(np.array([3, 2, 0, 0])) == []
    assert rises_from_zero(np.array([0, 1, 0, 4])) == [(2, 2)]


def test_the_published_runs_are_those_that_points_infer_fits():
    """The same 35 rows, under the same names."""
    runs = {run.id: run for run in original_runs()}
    facts = {f.id: f.original for f in FACTS if isinstance(f.original, PublishedRun)}
    del facts["1.3.A.run"]
    assert facts.keys() == runs.keys()
    for name, fact in facts.items():
        assert float(fact.training) / 100 == pytest.approx(runs[name].train_error)
        assert float(fact.validation) / 100 == pytest.approx(runs[name].validation_error)
        if not fact.errors_only:
            assert runs[name].iteration == (fact.converged_at or NEVER)
