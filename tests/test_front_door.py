"""What `import chainrule` offers."""

import importlib
import re
from pathlib import Path

import pytest

import chainrule

STUB = Path(chainrule.__file__).with_suffix(".pyi").read_text("utf-8")


def test_the_listed_names_are_those_of_the_stub():
    listed = re.findall(r'^    "(\w+)",$', STUB, re.MULTILINE)
    assert listed == sorted(listed)
    assert dir(chainrule) == chainrule.__all__ == listed


@pytest.mark.parametrize("name", dir(chainrule))
def test_each_name_is_there(name):
    value = getattr(chainrule, name)
    assert value.__doc__, f"{name} has no documentation"
    assert value.__name__.removeprefix("chainrule.") == name


def test_a_name_that_is_not_there_is_said():
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        chainrule.nothing_of_the_kind  # noqa: B018


def test_every_room_can_be_imported():
    for folder in Path(chainrule.__file__).parent.glob("*/__init__.py"):
        assert importlib.import_module(f"chainrule.{folder.parent.name}").__doc__
