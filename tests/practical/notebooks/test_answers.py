"""Typical wrong answers are graded wrong with the right sentence, right ones right."""

from collections import Counter

import pytest

from chainrule.practical.notebooks.checking import ROOMS
from chainrule.practical.notebooks.grading.notebook import RIGHT, grade_notebook
from chainrule.practical.notebooks.grading.session import Limits
from chainrule.practical.notebooks.sources import source
from practical.notebooks.submitting import confines, rounds, submit, written

# these answers mean no harm
LIMITS = Limits(seconds=60, confined=confines())


@pytest.mark.parametrize("number", ROOMS)
def test_every_task_has_at_least_three_wrong_answers_and_a_right_one(number):
    wrong = Counter(task for task, _, _ in written(number, "wrong"))
    right = Counter(task for task, _, _ in written(number, "right"))
    for task in source(number).tasks:
        assert wrong[task.name] >= 3, task
        assert right[task.name] >= 1, task


@pytest.mark.parametrize("number", ROOMS)
def test_wrong_answers_get_their_sentence(number, tmp_path):
    for turn, answers in enumerate(rounds(number, "wrong")):
        path = submit(tmp_path / str(turn), number, {t: code for t, (_, code) in answers.items()})
        results = {r.name: r for r in grade_notebook(path, source(number), LIMITS)}
        for task, (says, code) in answers.items():
            assert results[task].points == 0, code
            assert says in results[task].message, (results[task].message, code)


@pytest.mark.parametrize("number", ROOMS)
def test_right_answers_in_other_ways_are_right(number, tmp_path):
    for turn, answers in enumerate(rounds(number, "right")):
        path = submit(tmp_path / str(turn), number, {t: code for t, (_, code) in answers.items()})
        results = {r.name: r for r in grade_notebook(path, source(number), LIMITS)}
        for task, (way, _) in answers.items():
            assert results[task].message == RIGHT, (task, way, results[task].message)
