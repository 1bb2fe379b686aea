"""A report that was stopped reads what it had answered, and answers only the rest."""

import json
from dataclasses import replace

import pytest

from chainrule.report import ReportSettings, run_report, runner
from chainrule.report.answered import forget_answers, kept_answers
from chainrule.report.contents import Part, Question
from chainrule.report.page import document, page

NAMES = ("gradient_table", "numerical_derivative", "derivative_shapes")
PART = Part(
    1,
    "Three questions",
    tuple(
        Question(number, number, name)
        for number, name in zip(("1.2.B", "1.2.A", "3.1.A"), NAMES, strict=True)
    ),
)


@pytest.fixture
def done(monkeypatch):
    """The names of the work that is done; `stop` among them ends the report there."""
    names, stop = [], []
    work = runner.do

    def do(settings, for_others, name, *inputs):
        if name in stop:
            raise KeyboardInterrupt
        names.append(name)
        return work(settings, for_others, name, *inputs)

    monkeypatch.setattr(runner, "PARTS", (PART,))
    monkeypatch.setattr(runner, "do", do)
    return names, stop


def test_what_was_answered_is_read_and_the_page_is_the_same(done, tmp_path):
    names, stop = done
    settings = ReportSettings(quick=True, workers=1, unfinished=tmp_path)
    at_once = run_report(replace(settings, unfinished=None))
    names.clear()
    stop.append("derivative_shapes")
    with pytest.raises(KeyboardInterrupt):
        run_report(settings)
    assert sorted(names) == sorted(NAMES[:2])
    names.clear()
    stop.clear()
    told = []
    gone_on = run_report(settings, on_part=lambda part, left: told.append(part.number))
    assert names == ["derivative_shapes"]
    assert told == [1]
    assert page(gone_on, settings) == page(at_once, settings)
    assert json.dumps(document(gone_on, settings)) == json.dumps(document(at_once, settings))
    names.clear()
    told.clear()
    assert page(run_report(settings), settings) == page(at_once, settings)  # nothing is left to do
    assert names == []
    forget_answers(settings)
    assert list(tmp_path.iterdir()) == []


def test_another_seed_or_kind_answers_anew_and_so_does_a_damaged_file(done, tmp_path):
    settings = ReportSettings(quick=True, workers=1, unfinished=tmp_path)
    run_report(settings)
    assert set(kept_answers(settings, NAMES)) == set(NAMES)
    for other in ({"seed": 1}, {"quick": False}, {"trials": 99}, {"original_recipe": True},
                  {"photos": tmp_path}, {"unfinished": None}):  # fmt: skip
        assert kept_answers(replace(settings, **other), NAMES) == {}
    (damaged,) = tmp_path.glob("answered-gradient_table-*.json")
    for content in (b"", b"{}", b"[]", damaged.read_bytes()[:-9]):
        damaged.write_bytes(content)
        assert set(kept_answers(settings, NAMES)) == set(NAMES[1:])
