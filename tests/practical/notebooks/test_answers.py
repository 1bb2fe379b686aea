"""Typical wrong answers are graded wrong with the right sentence, right ones right."""

from collections import Counter

import numpy as np
import pytest

from chainrule.practical.notebooks.checking import ROOMS
from chainrule.practical.notebooks.grading.notebook import RIGHT, grade_notebook
from chainrule.practical.notebooks.grading.session import Limits
from chainrule.practical.notebooks.sources import source
from practical.notebooks.submitting import confines, submit, verdict, written


@pytest.fixture(autouse=True)
def _quiet():
    """Wrong answers overflow and divide by zero."""
    with np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize("number", ROOMS)
def test_every_task_has_at_least_three_wrong_answers_and_a_right_one(number):
    wrong = Counter(answer.task for answer in written(number, "wrong"))
    right = Counter(answer.task for answer in written(number, "right"))
    for task in source(number).tasks:
        assert wrong[task.name] >= 3, task
        assert right[task.name] >= 1, task


@pytest.mark.parametrize("number", ROOMS)
def test_wrong_answers_get_their_sentence_and_the_points_of_what_is_right(number):
    for answer in written(number, "wrong"):
        found = verdict(number, answer)
        assert found.points < found.of, answer.code
        assert answer.says in "; ".join(found.sentences), (found.sentences, answer.code)
        assert answer.points in (None, found.points), (found.points, answer.code)


@pytest.mark.parametrize("number", ROOMS)
def test_right_answers_in_other_ways_are_right(number):
    for answer in written(number, "right"):
        found = verdict(number, answer)
        assert not found.sentences, (answer.task, answer.says, found.sentences)
        assert found.points == found.of


@pytest.mark.parametrize("number", ROOMS)
def test_grading_says_what_the_notebook_says(number, tmp_path):
    """A submission's process is sent the same arguments, and its values come to the same checks."""
    limits = Limits(seconds=60, confined=confines())  # these answers mean no harm
    for kind in ("wrong", "right"):
        answers = {answer.task: answer for answer in written(number, kind)}
        path = submit(tmp_path / kind, number, {t: a.code for t, a in answers.items()})
        for result in grade_notebook(path, source(number), limits):
            found = verdict(number, answers[result.name])
            assert result.points == found.points
            assert result.message == ("; ".join(found.sentences) or RIGHT)
