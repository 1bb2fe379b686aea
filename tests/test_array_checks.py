"""The test run refuses arrays of another shape or dtype than the one annotated."""

import jaxtyping
import numpy as np
import pytest

from chainrule.points.training import converged_at


def test_a_dtype_that_is_not_annotated_is_refused():
    with pytest.raises(jaxtyping.TypeCheckError, match="train_wrong"):
        converged_at(np.zeros(3))


def test_a_shape_that_is_not_annotated_is_refused():
    with pytest.raises(jaxtyping.TypeCheckError, match="train_wrong"):
        converged_at(np.zeros((3, 1), np.int32))
