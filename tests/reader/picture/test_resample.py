"""The compiled scaling of a crop, against Pillow and NumPy."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from chainrule.reader.picture.resample import evened, resampled


@given(st.integers(0, 2**32 - 1))
def test_ink_is_evened_by_a_quantile(seed):
    rng = np.random.default_rng(seed)
    values = (rng.gamma(rng.uniform(0.2, 2), 80, (8, 50)) - 20).clip(-60, 255).astype(np.float32)
    level = np.quantile(values, 0.98, method="inverted_cdf")
    full = max(level, values.max() / 2)
    np.testing.assert_allclose(
        evened(values.copy(), 0.98), (values / full).clip(-0.5, 1.5), atol=0.3 / full * 1.5
    )


@given(st.integers(0, 2**32 - 1))
def test_a_box_is_scaled_as_pillow_scales_it(seed):
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, rng.integers(4, 40, 2)).astype(np.uint8)
    left, top = rng.uniform(-5, 3, 2)
    right, bottom = left + rng.uniform(3, 60), top + rng.uniform(3, 60)
    height, width = rng.integers(1, 40, 2).tolist()
    # paper all round, as far as the whole pixels of the box go
    x0, y0, x1, y1 = (
        int(np.floor(left)),
        int(np.floor(top)),
        int(np.ceil(right)),
        int(np.ceil(bottom)),
    )
    ink = np.pad(200.5 - picture.astype(np.float32), 70)[70 + y0 : 70 + y1, 70 + x0 : 70 + x1]
    inside = (left - x0, top - y0, right - x0, bottom - y0)
    expected = Image.fromarray(ink).resize((width, height), Image.Resampling.BILINEAR, box=inside)
    found = resampled(picture, 200.5, -1.0, (left, top, right, bottom), height, width)
    np.testing.assert_allclose(found, np.asarray(expected), atol=1e-3)
