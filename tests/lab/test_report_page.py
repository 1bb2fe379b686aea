"""The report room, as a person uses it: from nothing to the page that is taken away."""

import json
import shlex
import time
from dataclasses import replace

import pytest
import typer

from chainrule.blocks import MaxPooling
from chainrule.chain.shown import in_one_line
from chainrule.cli import app
from chainrule.lab.rooms.points_link import read_link
from chainrule.lab.rooms.points_recipe import Recipe
from chainrule.lab.rooms.report_doors import command_instead, doors
from chainrule.lab.settings import ALONE
from chainrule.points.files import weights_digest
from chainrule.points.grids import BASE, REPORT_HIDDEN, REPORT_RATES
from chainrule.practical.on_picture import WINDOW
from chainrule.reader.letters.sentence import SENTENCE
from chainrule.report import ReportSettings
from chainrule.report.contents import PARTS
from chainrule.report.experiments import trials
from chainrule.report.experiments.momentum_and_median import CURVE_RATE
from chainrule.report.experiments.table_runs import POINTS
from chainrule.report.section import Section
from lab_browser import LATE, until
from lab_processes import descendants, needs_processes, until_gone
from lab_reports import FILTER, TRIALS, add_report, little_parts, small_runs

FOUND = "room.state === 'finished' && document.querySelector('.found')?.dataset.sections"


def save(tab, name, folder):
    """The file that a person takes away."""
    with tab.expect_download() as started:
        tab.locator(f"a[download='{name}']").click()
    path = folder / name
    started.value.save_as(path)
    return path


def shown(tab):
    """What the page says of every fact: original, here, verdict."""
    for details in tab.locator(".one details").all():
        details.evaluate("d => { d.open = true; }")
    return {
        row.get_attribute("data-fact"): [
            row.locator(cell).inner_text() for cell in (".original", ".here", ".mark-of")
        ]
        for row in tab.locator("[data-fact]").all()
    }


@pytest.mark.slow
def test_a_report_is_made_after_a_cancel_and_says_what_the_command_says(
    tabs, lab, reported, command, tmp_path
):
    assert reported.entered in reported.place
    tab = tabs.open(lab, reported.place)
    until(tab, FOUND)
    taken = {
        name: save(tab, name, tmp_path) for name in ("index.html", "results.json", "report.sh")
    }
    line = taken["report.sh"].read_text().split()
    assert " ".join(line) == "chainrule report --seed 0 --trials 1 --parts 2 --quick"
    assert tab.locator("[data-command]").inner_text().split() == line
    results = json.loads(taken["results.json"].read_text("utf-8"))
    made = command(*line[1:], "--workers", "1", "--out", tmp_path / "made")
    assert made.returncode == 0, made.stderr
    for name in ("index.html", "results.json"):
        assert taken[name].read_bytes() == (tmp_path / "made" / name).read_bytes()
    assert shown(tab) == {
        fact["id"]: [fact["original"], fact["here"], fact["verdict"]] for fact in results["facts"]
    }
    counts = tab.locator(".found > p .mark-of").all()
    assert {
        m.get_attribute("data-verdict"): int(m.get_attribute("data-count")) for m in counts
    } == {verdict: count for verdict, count in results["verdicts"].items() if count}
    titles = [f"{one['number']} {one['title']}" for one in results["sections"]]
    assert tab.locator(".one h4").all_inner_texts() == titles
    answers = [one["answer"] for one in results["sections"]]
    assert tab.locator(".one h4 + p").all_inner_texts() == answers


# one that another test has cancelled a moment ago may still be ending
RUNNING = """async () => {
  const { reports } = await (await fetch("/api/report/reports")).json();
  return reports.filter(({ state, going }) => going || state === "running");
}"""


@pytest.mark.slow
@needs_processes
def test_a_cancelled_report_leaves_no_process(tabs, lab):
    name = add_report(lab.folder, "interrupted")
    tab = tabs.open(lab, f"/#report?report={name}")
    until(tab, f"room.report === '{name}' && room.state === 'interrupted'")
    end = time.monotonic() + LATE / 1000
    while running := tab.evaluate(RUNNING):
        assert time.monotonic() < end, running
        tab.wait_for_timeout(200)
    before = descendants(lab.process.pid)
    tab.get_by_role("button", name="Go on").click()
    until(tab, "document.querySelector('.going progress')?.max === 1000")
    started = descendants(lab.process.pid) - before
    assert started
    tab.get_by_role("button", name="Cancel").click()
    until(tab, "room.state === 'cancelled'")
    until_gone(tab, started)


@pytest.mark.slow
def test_the_whole_page_is_read_under_its_own_policy(tabs, lab, reported):
    tab = tabs.open(lab, reported.place)
    until(tab, FOUND)
    with tab.expect_popup() as opened:
        tab.get_by_role("link", name="Read 2.3").click()
    page = opened.value
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.wait_for_load_state()
    assert page.url.endswith("/page#q2.3")
    assert page.title().startswith("The report, run again")
    assert page.evaluate("document.images.length") > 5
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    assert page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") == "928px"
    assert page.evaluate("document.querySelector(':target').getAttribute('aria-labelledby')")
    page.locator("nav a[href='#made']").click()
    assert page.url.endswith("/page#made")
    assert page.evaluate("document.querySelector(':target').id") == "made"
    answer = page.reload()
    assert answer.status == 200
    policy = answer.all_headers()["content-security-policy"]
    assert policy.count("default-src") == 1
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert "allow-scripts" not in policy
    for part in ("default-src 'none'", "sandbox", "frame-ancestors 'none'", "form-action 'none'"):
        assert part in policy
    assert said == []


@pytest.mark.slow
def test_a_section_opens_its_blocks(tabs, lab, reported):
    tab = tabs.open(lab, reported.place)
    until(tab, FOUND)
    assert tab.locator("[data-section='2.1'] .doors .button").count() == 5
    tab.get_by_role("link", name="Blocks: max pooling").click()
    until(tab, "room.room === 'blocks' && room.state === 'ready' && room.board")
    assert tab.locator(".layer").count() == 1
    assert tab.locator("code.typed").inner_text() == in_one_line(MaxPooling(WINDOW, stride=1))
    tab.go_back()
    until(tab, FOUND)


@pytest.mark.slow
def test_its_training_filter_line_and_photographs_open_as_they_were(tabs, lab):
    settings = ReportSettings(seed=3, trials=TRIALS, quick=True)
    runs = small_runs(settings.seed)
    parts = little_parts(runs, settings)
    name = add_report(lab.folder, parts=parts, settings=settings)
    place = f"/#report?report={name}"
    tab = tabs.open(lab, place)
    until(tab, FOUND)
    (found, *_) = parts[0].sections[0].results["runs"]
    door = tab.locator("[data-section='1.3.A'] .doors a").first
    assert f"trial {found['trial'] + 1}, " in door.inner_text()
    door.click()
    until(tab, "room.room === 'points' && room.iteration !== undefined")
    tab.get_by_role("button", name="To the end").click()
    until(tab, f"room.iteration === '{BASE.iterations}' && room.state !== 'playing'")
    digest = until(tab, "document.querySelector('[data-digest]')?.dataset.digest")
    again = runs.rerun(BASE, found["trial"])
    assert digest == weights_digest(again.parameters)
    assert again.converged_at == found["converged_at"]

    tab.goto(lab.origin + place)
    until(tab, FOUND)
    assert tab.locator("[data-section='3.3+'] .instead").inner_text() == command_instead("3.3+")
    tab.get_by_role("link", name="Blocks: the filter that it learned").click()
    until(tab, "room.room === 'blocks' && room.state === 'ready' && room.board")
    until(tab, "document.querySelectorAll('.weight').length === 10")
    numbers = [float(box.get_attribute("data-value")) for box in tab.locator(".weight").all()]
    assert numbers == [*(n for row in FILTER["weight"] for n in row), FILTER["bias"]]

    tab.goto(lab.origin + place)
    until(tab, FOUND)
    tab.get_by_role("link", name="Lines: the sentence").click()
    until(tab, "room.room === 'lines' && document.querySelector('.shown')?.dataset.kept")
    assert SENTENCE in tab.locator(".line[aria-pressed='true']").inner_text()

    tab.goto(lab.origin + place)
    until(tab, FOUND)
    tab.get_by_role("link", name="Photographs: the same photographs").click()
    until(tab, "room.room === 'photographs' && room.pictures === '3'")
    until(tab, "document.querySelectorAll('.gallery img').length === 3")
    names = tab.locator(".gallery img").evaluate_all("all => all.map(i => i.alt)")
    assert sorted(names) == ["chelsea.png", "coffee.png", "motorcycle_left.png"]


@pytest.mark.parametrize(("number", "settings"), [("1.3.C", REPORT_RATES), ("1.3.D", REPORT_HIDDEN),
                                                  ("1.3.B", [BASE]), ("1.3+", [BASE])])  # fmt: skip
def test_the_trainings_of_the_tables_have_doors_to_their_settings(number, settings, tmp_path):
    runs = small_runs(0)
    (own,) = runs.summaries
    made = trials.documents([replace(own, setting=setting) for setting in settings])
    found = doors(Section(number, "", "", {}, results=made), seed=7)
    opened = [read_link(to.removeprefix("#points?"), tmp_path, ALONE)[0] for _, to in found]
    each = TRIALS if number == "1.3.B" else 1
    assert opened == [
        Recipe(data=POINTS, hidden=setting.hidden, learning_rate=setting.learning_rate,
               iterations=setting.iterations, seed=7, trial=trial)
        for setting in settings for trial in range(each)
    ]  # fmt: skip


def test_every_section_has_a_door_or_a_command():
    results = {"runs": [], "settings": [], "weight": [[0.0] * 3] * 3, "bias": 0.0}
    without = {
        question.number: command_instead(question.number)
        for part in PARTS
        for question in part.questions
        if question.number not in ("1.3.A", "1.3.B", "1.3.C", "1.3.D")
        and not doors(Section(question.number, "", "", {}, results=results), seed=0)
    }
    assert list(without) == ["3.3+"]
    words = shlex.split(without["3.3+"])
    assert words[:3] == ["chainrule", "blocks", "blobs"]
    group = typer.main.get_command(app).commands["blocks"]
    found = group.commands["blobs"].make_context("blobs", words[3:]).params
    assert (found["median"], found["momentum"], found["learning_rate"]) == (False, 0, CURVE_RATE)
