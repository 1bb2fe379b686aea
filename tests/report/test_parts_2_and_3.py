"""Parts 2 and 3 of the report: every section is there, and its numbers are what they must be."""

import json

import pytest

from chainrule.report import ReportSettings, part3, run_part
from chainrule.report.page import document, page

SETTINGS = ReportSettings(seed=1, trials=1)


@pytest.fixture(scope="module")
def second():
    return run_part(2, SETTINGS)


@pytest.fixture(scope="module")
def third():
    """With fewer cases and trainings than a reader's run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part3, "CASES", 1)
        patch.setattr(part3, "STARTS", 1)
        patch.setattr(part3, "RATES", (0.05, 5.0))
        return run_part(3, SETTINGS)


@pytest.mark.slow
def test_the_sections_in_order_and_whole(second, third, read_page):
    assert [s.number for s in second.sections] == ["2.1", "2.1+", "2.2"]
    assert [s.number for s in third.sections] == ["3.1", "3.2", "3.3", "3.3+"]
    text = page([second, third], SETTINGS)
    assert read_page(text).loads() == []
    assert "{" not in "".join(read_page(text).texts).replace("{}", "")
    json.dumps(document([second, third], SETTINGS), allow_nan=False)


@pytest.mark.slow
def test_part_2_finds_what_the_formulas_say(second):
    blocks, stability, folding = (s.results for s in second.sections)
    assert blocks["norm_after_worst_error"] < 1e-6
    assert blocks["max_pooling_shapes"] == [[1, 3, 413, 626], [1, 3, 28, 42]]
    assert set(stability["shifts"]) == {"none", "average", "max"}
    assert set(stability["turns"]["max"]) == {str(d) for d in range(1, 9)}
    assert folding["relative_error"] < 1e-12 < folding["relative_error_with_relu"]
    assert folding["filter_size"] == [11, 11]


@pytest.mark.slow
def test_part_3_finds_right_derivatives_and_the_lesson(third):
    shapes, checks, learned, lesson = (s.results for s in third.sections)
    assert shapes["same_shape"] == shapes["derivatives"] == 7
    for row in checks["blocks"].values():
        assert row["worst_relative_error_numeric"] < 1e-6
        assert row["worst_error_autograd"] < 1e-11
    for row in checks["projection"]:
        assert row["relative_error"] < (1e-6 if row["method"] == "central" else 1e-4)
    new = learned["pictures"]["new"]
    assert new["missed"] < 0.15 * new["blobs"]
    ends = lesson["objective_end"]
    assert ends["median not subtracted"][1] > 2 * ends["as it should be"][1]
    assert ends["no momentum"][0] > ends["as it should be"][0]
