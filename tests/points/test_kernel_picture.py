"""The picture of the bound at work is what its script draws, and shows what the page says."""

import importlib.util
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def script():
    path = DOCS / "figures" / "exact_counting.py"
    spec = importlib.util.spec_from_file_location("exact_counting", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_changes_sign_is_active_in_its_steps_and_in_the_block_around_them(script):
    block, part = script.measure()
    assert (block.active | ~part.active).all()
    assert (part.active | ~part.changing).all()
    page = (DOCS / "derivations" / "exact-counting.md").read_text("utf-8")
    assert f"{part.active.sum()} points have to be looked at" in page.replace("\n", " ")
    assert f"{part.changing.sum()} of them change" in page.replace("\n", " ")


@pytest.mark.skipif(
    tuple(map(int, matplotlib.__version__.split(".")[:2])) < (3, 11),
    reason="the picture was drawn by Matplotlib 3.11, whose letters are its own",
)
def test_the_picture_in_the_documentation_is_the_scripts(script, tmp_path):
    script.main([str(tmp_path / "drawn.png")])
    drawn, kept = (Image.open(p).convert("L") for p in (tmp_path / "drawn.png", script.PICTURE))
    assert drawn.size == kept.size
    difference = np.abs(np.asarray(drawn, float) - np.asarray(kept, float))
    assert difference.mean() < 2  # of 255: another version of Matplotlib may draw it a little off
