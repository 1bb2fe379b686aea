"""`chainrule bench lab`: what it measures is there, and nothing fails meanwhile."""

import json

import pytest

from chainrule.benchmarks import lab
from lab_browser import CHROMIUM
from lab_textures import textures


@pytest.mark.long
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (on Debian: the package chromium)")
def test_every_row_is_measured(command, tmp_path):
    photos = textures(tmp_path, each=3)
    result = command("bench", "lab", "--seconds", 1, "--students", 3, "--photos", photos, "--json")
    assert result.returncode == 0, result.stderr
    rows = {row["name"]: row["value"] for row in json.loads(result.stdout)["rows"]}
    assert len(rows) == 18
    assert rows["a photograph classified and explained, after the first"] > 0
    assert rows["11 photographs: that time over `images train`'s"] > 0
    assert rows["class of 3: errors"] == 0
    assert rows["class of 3: answers"] >= 3
    assert rows["class of 3: lines typed and read"] >= 1
    assert rows["class of 3: 95th percentile of a line"] > 0
    assert rows["a reader's training cancelled, until its process is gone"] > 0
    assert rows["frames a second meanwhile"] > 0
    assert rows["class of 3: median answer to a click"] > 0
    assert rows["class of 3: median answer to a click"] <= rows["class of 3: 95th percentile"]


def test_without_chromium_it_says_so(monkeypatch):
    monkeypatch.setattr(lab.shutil, "which", lambda name: None)
    with pytest.raises(ValueError, match="found no Chromium"):
        lab.measure(students=1, seconds=1)
