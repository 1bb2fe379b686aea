from .runner import AnsweredPart as AnsweredPart
from .runner import run_report as run_report
from .settings import ReportSettings as ReportSettings
