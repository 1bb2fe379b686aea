"""The practical as notebooks: tasks to write, cells that check them, and grading."""

from chainrule.practical.notebooks.checking import check

__all__ = ["check"]
