"""The original report run again: its facts, the experiments, and the page that shows both."""

from chainrule.report.runner import AnsweredPart, run_report
from chainrule.report.settings import ReportSettings

__all__ = ["AnsweredPart", "ReportSettings", "run_report"]
