"""What `otter assign` asks of a notebook; `make otter` asks Otter itself."""

import ast
import json

import pytest
import yaml

from chainrule.practical.notebooks.checking import ROOMS
from chainrule.practical.notebooks.otter import master
from chainrule.practical.notebooks.sources import source


@pytest.mark.parametrize("number", ROOMS)
def test_questions_answers_and_tests_stand_between_their_marks(number):
    cells = json.loads(master(number))["cells"]
    assert cells[0]["source"].startswith("# ASSIGNMENT CONFIG\n")
    assert yaml.safe_load(cells[0]["source"])["tests"] == {"ok_format": False}
    blocks, questions, points = [], {}, {}
    for cell in cells[1:]:
        text = cell["source"]
        if cell["cell_type"] == "raw" and text.startswith("# END "):
            assert blocks.pop() == text.removeprefix("# END ")
        elif cell["cell_type"] == "raw":
            block = text.splitlines()[0].removeprefix("# BEGIN ")
            assert block == "QUESTION" if not blocks else blocks == ["QUESTION"]
            blocks.append(block)
            if block == "QUESTION":
                question = yaml.safe_load(text)
                assert question["name"] not in questions
                questions[question["name"]] = question
                points[question["name"]] = 0
        elif blocks[1:] == ["TESTS"]:
            config, _, test = text.partition('""" # END TEST CONFIG\n')
            points[question["name"]] += yaml.safe_load(config.replace('""" # BEGIN', "# BEGIN"))[
                "points"
            ]
            assert isinstance(ast.parse(test).body[0], ast.FunctionDef)
        elif "# BEGIN SOLUTION" in text:
            assert blocks == ["QUESTION", "SOLUTION"]
    assert not blocks
    by_hand = {name for name, question in questions.items() if question.get("manual")}
    for task in source(number).tasks:
        assert points[task.name] == questions[task.name]["points"] == task.points
    assert set(questions) - by_hand == set(source(number).points)
