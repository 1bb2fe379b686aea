"""What the tests of the report room share: a report that is asked for, and one that is there."""

import secrets
import time
from dataclasses import replace

from chainrule.executors import Threads
from chainrule.io.files import write_json, write_text
from chainrule.lab.jobs.store import Record, Store
from chainrule.lab.rooms.report_sections import sections
from chainrule.lab.rooms.report_worker import SECTIONS, told
from chainrule.points.data import load_dataset
from chainrule.points.grids import BASE
from chainrule.points.study import run_study
from chainrule.report import AnsweredPart, ReportSettings
from chainrule.report.contents import PARTS
from chainrule.report.experiments import one_training
from chainrule.report.experiments.table_runs import POINTS, TableRuns
from chainrule.report.page import document, page
from chainrule.report.section import Section, section
from lab_browser import until

TRIALS = 5
FILTER = {"weight": [[0.1, -0.25, 1e-3], [0.5, 1 / 3, 0.0], [0.0, 0.0, -2.5]], "bias": 0.125}


def ask_for_report(tab, numbers, trials=1):
    """Ask for a quick report of these parts."""
    until(tab, "document.querySelector('.ask') && room.state !== 'loading'")  # `all` waits for none
    for box in tab.get_by_role("group", name="Parts").get_by_role("checkbox").all():
        box.set_checked(any(box.locator("..").inner_text().startswith(f"{n}.") for n in numbers))
    tab.get_by_label("Runs of each setting").fill(str(trials))
    tab.get_by_role("button", name="Make the report").click()


def small_runs(seed):
    """Five trials of the setting of 1.3.A, in place of all that the tables ask for."""
    data = load_dataset(POINTS)
    (summary,) = run_study(
        [replace(BASE, trials=TRIALS)],
        data.training,
        data.validation,
        seed=seed,
        executor=Threads(1),
    )
    return TableRuns(data, seed, (summary,), {BASE: summary.runs})


def little_parts(runs, settings):
    """Section 1.3.A on little data, and four of which only the door counts here."""
    answers = {}
    for part in PARTS:
        for question in part.questions:
            if question.number in ("3.3", "3.3+", "4.5.B", "5.1"):
                texts = dict.fromkeys(("answer", "question", "found"), "So.")
                results = FILTER if question.number == "3.3" else {}
                made = Section(
                    question.number, question.title, question.work, texts, results=results
                )
            elif question.number == "1.3.A":
                made = section(question, one_training.run(settings, None, runs))
            else:
                continue
            answers.setdefault(part, []).append(made)
    return [AnsweredPart(p.number, p.title, tuple(made)) for p, made in answers.items()]


def add_report(folder, state="finished", said="", parts=(), settings=None, owner=""):
    """A report in a lab's folder, as one that was made there: its name."""
    name, now = secrets.token_hex(8), time.time()
    settings = settings or ReportSettings(quick=True, trials=TRIALS)
    asked = {
        "quick": settings.quick, "parts": [part.number for part in parts] or [1],
        "seed": settings.seed, "trials": settings.trials,
    }  # fmt: skip
    result = told("a small one", [], len(asked["parts"]))
    record = Record(name, owner, "report", "report", asked, state, said, 0, result, now, now)
    of_report = folder / "report" / name
    of_report.mkdir(parents=True)
    if parts:
        write_json(of_report / SECTIONS, sections(parts, settings))
        write_json(of_report / "results.json", document(parts, settings))
        write_text(of_report / "index.html", page(parts, settings))
    store = Store(folder)
    store.add(record)
    store.close()
    return name
