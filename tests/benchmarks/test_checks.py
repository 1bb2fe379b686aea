"""The planted mistakes: each is found and named, its like without it is not called wrong."""

import pytest
import torch

from chainrule.benchmarks.checks import PLANTED, measure
from chainrule.checking import check_derivatives


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_a_mistake_is_found_and_named(planted):
    check = check_derivatives(planted.wrong(), planted.x)
    assert check.verdict == "wrong"
    assert {mistake.kind for mistake in check.mistakes} <= set(planted.kinds), str(check)
    without = check_derivatives(planted.right(), planted.x)
    assert without.mistakes == (), str(without)


def test_what_is_0_everywhere_at_the_point_is_not_called_right():
    check = check_derivatives(torch.nn.ReLU(), -torch.ones(2, 3))
    assert check.verdict == "not tested"
    assert not check.right


def test_ours_finds_all_that_gradcheck_finds():
    document = measure()
    assert document["found"] == document["mistakes"] == len(PLANTED)
    assert document["false_alarms"] == 0
    assert 0 < document["gradcheck_found"] < document["found"]
