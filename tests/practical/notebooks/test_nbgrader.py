"""The cells' metadata are nbgrader's, by its schema; `make nbgrader` asks nbgrader itself.

`nbgrader_v3.json` is the schema of nbgrader (copyright 2014 Project Jupyter Contributors, under the
licence that lies beside it), as its version 0.9.6 has it.
"""

import json
from pathlib import Path

import jsonschema
import pytest

from chainrule.practical.notebooks.checking import ROOMS
from chainrule.practical.notebooks.sources import solved, student

SCHEMA = json.loads(Path(__file__).with_name("nbgrader_v3.json").read_text("utf-8"))


def grading(text):
    """nbgrader's metadata of the cells that have them, and the cells."""
    cells = json.loads(text)["cells"]
    return [(c["metadata"]["nbgrader"], c) for c in cells if "nbgrader" in c["metadata"]]


@pytest.mark.parametrize("number", ROOMS)
def test_the_metadata_fit_the_schema(number):
    for text in (student(number), solved(number)):
        found = grading(text)
        names = [metadata["grade_id"] for metadata, _ in found]
        assert len(set(names)) == len(names)
        for metadata, cell in found:
            jsonschema.validate(metadata, SCHEMA)
            assert ("points" in metadata) == metadata["grade"]
            assert metadata["locked"] != metadata["solution"]
            if metadata["grade"] and not metadata["solution"]:
                assert cell["source"].startswith("check(")
