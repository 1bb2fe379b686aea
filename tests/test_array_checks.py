"""The test run refuses arrays of another shape or dtype than the one annotated."""

import re
from pathlib import Path

import jaxtyping
import numpy as np
import pytest

import chainrule
from chainrule.points.training import converged_at


def test_a_dtype_that_is_not_annotated_is_refused():
    with pytest.raises(jaxtyping.TypeCheckError, match="train_wrong"):
        converged_at(np.zeros(3))


def test_a_shape_that_is_not_annotated_is_refused():
    with pytest.raises(jaxtyping.TypeCheckError, match="train_wrong"):
        converged_at(np.zeros((3, 1), np.int32))


def test_shapes_are_written_where_they_are_used():
    """A module that took one from another by a name of its own would not be checked."""
    kinds = "Bool|Complex|Float|Inexact|Int|Num|Real|Shaped|UInt"
    alias = re.compile(rf"^\w+(: \w+)? = (type\[)?({kinds})\d*\[", re.MULTILINE)
    files = Path(chainrule.__file__).parent.rglob("*.py")
    assert [f.name for f in files if alias.search(f.read_text(encoding="utf-8"))] == []
