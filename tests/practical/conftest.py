"""What the practical's tests share."""

import numpy as np
import pytest

from chainrule.practical.blobs import dot_picture, find_blobs, labels


@pytest.fixture(scope="session")
def dots():
    """A small picture of dots and its labels."""
    picture = dot_picture(np.random.default_rng(0), 160, 220, 40)
    return picture, labels(picture.grey, find_blobs(picture.grey))
