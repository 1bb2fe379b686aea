"""The points room as a person uses it, from nothing to the files that they take away."""

import json
import math
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest

from chainrule.points import load_dataset, train
from chainrule.points.derivation import derivation
from chainrule.points.example import Example
from chainrule.points.files import load_weights, weights_digest
from lab_browser import READY, fetched, until

ENDED = "room.state !== 'playing' && room.state !== 'loading'"


def choose(tab, label, value):
    tab.get_by_label(label).select_option(value)


def digest_of(tab):
    """The digest that the page shows, once the run is held."""
    return until(tab, "document.querySelector('[data-digest]')?.dataset.digest")


def to_the_end(tab, iterations):
    until(tab, READY)
    button = tab.get_by_role("button", name="To the end")
    button.evaluate("b => b.click()")  # it does nothing where the run has ended by itself
    until(tab, f"room.iteration === '{iterations}' && {ENDED}")


def pause(tab):
    """Hold the run, if it has not ended meanwhile."""
    buttons = "[...document.querySelectorAll('.transport button')]"
    tab.evaluate(f"{buttons}.find((b) => b.textContent === 'Pause')?.click()")
    until(tab, "room.state !== 'playing'")


def train_figure(tab):
    """How many training points are wrong, in words, once it is counted."""
    said = "document.querySelector('[data-figure=train]')?.textContent"
    return until(tab, f"parseInt({said}) >= 0 && {said}")


def test_the_first_screen_trains_by_itself(tabs, lab):
    tab = tabs.open(lab, moving=True)
    until(tab, "room.state === 'playing' && Number(room.iteration) > 500")
    assert "click a point" in tab.locator(".lead").inner_text()
    pause(tab)
    assert tab.locator("canvas").first.get_attribute("data-iteration") is not None


def test_play_hold_step_and_back_are_the_same_bits(tabs, lab):
    tab = tabs.open(lab, "/#points?iterations=3000&seed=3")
    to_the_end(tab, 3000)
    data = load_dataset("double-moon")
    run = train(
        data.training, data.validation, learning_rate=0.2, iterations=3000, seed=3,
        snapshots=[0, 999, 1000],
    )  # fmt: skip
    assert digest_of(tab) == weights_digest(run.parameters)
    wrong = train_figure(tab)
    assert wrong.startswith(f"{run.train_wrong[-1]} of 1,000")
    tab.get_by_label("Iteration", exact=True).fill("1000")
    tab.get_by_role("button", name="Go").click()
    until(tab, "room.iteration === '1000' && room.state !== 'playing'")
    assert digest_of(tab) == weights_digest(run.snapshots[1000])
    tab.get_by_role("button", name="One iteration back").click()
    until(tab, "room.iteration === '999' && room.state !== 'playing'")
    assert digest_of(tab) == weights_digest(run.snapshots[999])
    tab.get_by_role("button", name="One iteration on").click()
    until(tab, "room.iteration === '1000' && room.state !== 'playing'")
    assert digest_of(tab) == weights_digest(run.snapshots[1000])
    tab.get_by_role("button", name="Rewind").click()
    until(tab, "room.iteration === '0' && room.state !== 'playing'")
    assert digest_of(tab) == weights_digest(run.initial)
    assert tab.locator("[data-room]").get_attribute("data-known") == "3000"


def test_every_number_of_the_chain_rule_while_it_trains(tabs, lab):
    tab = tabs.open(lab, "/#points?hidden=4&iterations=2000000&seed=1", moving=True)
    until(
        tab, "room.state === 'playing' && document.querySelector('canvas').dataset.iteration > 50"
    )
    tab.locator("canvas").first.click(position={"x": 180, "y": 160})
    until(tab, "document.querySelector('[data-derived]')")
    choose(tab, "Digits", "17")
    data = load_dataset("double-moon")
    last = 0
    for _ in range(2):
        found = until(
            tab,
            "(() => { const e = document.querySelector('[data-derived]');"
            f" return e && e.dataset.digits === '17' && Number(e.dataset.derived) > {last}"
            " && e.querySelector('.lines').textContent.length > 150"
            " && [e.dataset.derived, e.querySelector('p').textContent,"
            " [...e.querySelectorAll('.lines li')].map(l => l.textContent)] })()",
        )
        iteration, said, lines = int(found[0]), found[1], found[2]
        last = iteration
        part, index = re.match(r"\s*(Training|Validation) point ([\d,]+)", said).groups()
        points = data.training if part == "Training" else data.validation
        index = int(index.replace(",", "")) - 1
        run = train(
            data.training,
            data.validation,
            hidden=4,
            learning_rate=0.2,
            iterations=iteration,
            seed=1,
        )
        example = Example(points.features[index], float(points.labels[index]), run.parameters)
        steps = derivation(example, 17)
        assert lines == [line for s in (*steps.forward, *steps.backward) for line in s.lines]
        assert len(lines) == 4 + 6 * 4 + 8  # y_hat, s and theirs; by unit; by weight
        for line in lines:  # every sum and product, by Python's own arithmetic
            _, calculation, value = line.split(" = ")
            assert re.fullmatch(r"(?:[-+*/(), \d.e]|max|exp|log)+", calculation)
            added = eval(calculation, {"max": max, "exp": math.exp, "log": math.log})
            assert added == pytest.approx(float(value), rel=1e-12, abs=1e-12), line
    pause(tab)


def test_the_curves_are_exact_to_the_single_iteration(tabs, lab):
    tab = tabs.open(lab, "/#points?iterations=20000&seed=2")
    to_the_end(tab, 20000)
    data = load_dataset("double-moon")
    run = train(data.training, data.validation, learning_rate=0.2, iterations=20000, seed=2)
    plot = tab.get_by_role("slider", name="Iteration on the error curves")
    until(tab, "document.querySelector('.plot').dataset.shown === '1-20000'")
    plot.focus()
    plot.press("Home")
    for _ in range(3):
        plot.press("ArrowRight")
    readout = ".readout[data-at='301']"
    until(tab, f"document.querySelector(`{readout}`)")
    shown = tab.locator(".readout")
    assert int(shown.get_attribute("data-train")) == run.train_wrong[300]
    assert int(shown.get_attribute("data-validation")) == run.validation_wrong[300]
    for _ in range(7):
        plot.press("+")
    until(tab, "(() => { const p = document.querySelector('.plot').dataset;"
          " const [a, b] = (p.shown ?? '1-9').split('-').map(Number);"
          " return b - a < 200 && Number(p.rows) === b - a + 1 })()")  # fmt: skip
    box = plot.bounding_box()
    tab.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 100)
    found = "((d) => Number(d.at) > 301 && [d.at, d.train])"
    at, wrong = map(int, until(tab, f"{found}(document.querySelector('.readout').dataset)"))
    assert wrong == run.train_wrong[at - 1]
    plot.press("Enter")
    until(tab, f"room.iteration === '{at}' && room.state !== 'playing'")


def test_ten_million_iterations_are_exact_to_each_of_them(tabs, lab):
    iterations = 10**7
    tab = tabs.open(lab, f"/#points?iterations={iterations}&seed=2&hidden=3")
    to_the_end(tab, iterations)
    data = load_dataset("double-moon")
    run = train(
        data.training, data.validation, hidden=3, learning_rate=0.2, iterations=iterations, seed=2
    )
    assert digest_of(tab) == weights_digest(run.parameters)
    base = f"{lab.origin}/api/points/runs/{until(tab, 'room.run')}"

    def curves(first, last):
        address = f"{base}/curves?from={first}&to={last}&pieces=1000"
        return np.frombuffer(fetched(tab.context, address).body(), "<i4").reshape(-1, 6)

    rows = curves(1, iterations)
    assert (rows[0, 0], rows[-1, 1]) == (1, iterations)
    begin = rows[:, 0] - 1
    for counts, lowest in ((run.train_wrong, 2), (run.validation_wrong, 4)):
        np.testing.assert_array_equal(rows[:, lowest], np.minimum.reduceat(counts, begin))
        np.testing.assert_array_equal(rows[:, lowest + 1], np.maximum.reduceat(counts, begin))
    for first in (1, 4_321_000, iterations - 999):  # and single ones
        rows = curves(first, first + 999)
        np.testing.assert_array_equal(rows[:, 0], np.arange(first, first + 1000))
        np.testing.assert_array_equal(rows[:, 2], run.train_wrong[first - 1 : first + 999])
        np.testing.assert_array_equal(rows[:, 4], run.validation_wrong[first - 1 : first + 999])


TABLE = "x1,x2,label\n" + "".join(
    f"{k % 7 - 3},{k % 5 + (2 if k % 2 else -4)},{k % 2}\n" for k in range(40)
)


def test_an_own_table_by_paste_taken_away_as_code(tabs, lab, tmp_path):
    tab = tabs.open(lab)
    until(tab, READY)
    tab.get_by_text("Own table: paste, open or drop it").click()
    tab.get_by_label("Table of points").fill(TABLE)
    before = until(tab, "room.run")
    tab.get_by_role("button", name="Use this table").click()
    until(tab, f"room.run !== '{before}' && {READY}")
    until(tab, "document.querySelector('.data').textContent.includes('20 training and 20 valid')")
    to_the_end(tab, 30000)
    digest = digest_of(tab)
    for name in ("run.py", "run.sh", "points.csv", "weights.safetensors"):
        with tab.expect_download() as waited:
            tab.locator(f".take a[download='{name}']").click()
        waited.value.save_as(tmp_path / name)
    assert (tmp_path / "points.csv").read_text() == TABLE
    program = [sys.executable, "run.py"]
    said = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == digest
    words = shlex.split((tmp_path / "run.sh").read_text())
    assert words[:3] == ["chainrule", "points", "train"]
    command = [sys.executable, "-m", "chainrule", *words[1:], "--frames", "0", "--json"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert json.loads(said)["weights_digest"] == digest
    parameters, settings = load_weights(tmp_path / "weights.safetensors")
    assert weights_digest(parameters) == digest
    assert settings["iterations"] == 30000


def test_own_points_by_click_and_by_key_and_their_link(tabs, lab):
    tab = tabs.open(lab)
    until(tab, READY)
    choose(tab, "Source", "draw")
    plane = tab.get_by_role("application", name="The points and the boundary")
    size = plane.bounding_box()["width"]
    for x, y in ((0.2, 0.2), (0.3, 0.25), (0.25, 0.4)):
        plane.click(position={"x": x * size, "y": y * size})
    tab.get_by_label("adds class +1 (key 2)").check()
    plane.click(position={"x": 0.8 * size, "y": 0.8 * size})
    until(tab, "document.querySelector('[data-own]').dataset.own === '4'")
    assert "With two of each class the training begins" in tab.locator(".empty").inner_text()
    before = until(tab, "room.run")
    plane.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "2", "ArrowUp", "1", "Control+z"):
        plane.press(key)
    until(tab, f"room.run !== '{before}' && room.busy === 'false' && {READY}")
    assert tab.locator("[data-own]").get_attribute("data-own") == "5"
    to_the_end(tab, 30000)
    digest = digest_of(tab)
    address = tab.get_by_label("Link to this run").input_value()
    text = fetched(
        tab.context, tab.locator(".take a[download='points.csv']").evaluate("a => a.href")
    ).text()
    rows = [row.split(",") for row in text.splitlines()[1:]]
    assert [row[2] for row in rows] == ["-1", "-1", "-1", "1", "1"]
    assert rows[4][:2] == ["0.6", "-0.3"]
    assert len(address) < 2000
    other = tabs.open(lab, address.removeprefix(lab.origin))
    to_the_end(other, 30000)
    assert digest_of(other) == digest


def test_a_cell_of_the_map_is_the_run_that_it_opens(tabs, lab):
    tab = tabs.open(lab, "/#points?iterations=400&seed=5")
    to_the_end(tab, 400)
    tab.locator(".map").get_by_label("Hidden units").fill("2, 6")
    tab.locator(".map").get_by_label("Learning rates").fill("0.05, 1")
    tab.get_by_role("button", name="Make the map").click()
    until(tab, "document.querySelector('[data-map-state=finished]')?.dataset.mapDone === '4'")
    cell = tab.locator("[data-cell='6/0.05']")
    error = float(cell.get_attribute("data-error"))
    before = until(tab, "room.run")
    cell.click()
    until(tab, f"room.run !== '{before}' && {READY}")
    to_the_end(tab, 400)
    said = train_figure(tab)
    assert int(re.match(r"\d+", said)[0]) / 1000 == error
    digest = digest_of(tab)
    command = fetched(
        tab.context, tab.locator(".take a[download='run.sh']").evaluate("a => a.href")
    ).text()
    assert "--trial 0" in command
    data = load_dataset("double-moon")
    run = train(
        data.training, data.validation, hidden=6, learning_rate=0.05, iterations=400,
        seed=np.random.SeedSequence(5, spawn_key=(0,)),
    )  # fmt: skip
    assert digest == weights_digest(run.parameters)


def test_divergence_is_said_with_a_rate_that_works(tabs, lab):
    tab = tabs.open(lab, "/#points?iterations=500&rate=1e160&seed=1")
    until(tab, READY)
    tab.get_by_role("button", name="To the end").click()
    until(tab, "room.state === 'diverged' && document.querySelector('.verdict button')")
    said = tab.locator(".verdict").inner_text()
    iteration = re.search(r"overflowed at iteration (\d+) with learning rate 1e\+160", said)[1]
    assert until(tab, "room.iteration") == str(int(iteration) - 1)
    until(tab, f"document.querySelector('canvas').dataset.iteration === '{int(iteration) - 1}'")


def test_death_is_said_with_a_rate_that_works(tabs, lab):
    data = load_dataset("double-moon")
    dead = next(
        seed
        for seed in range(200)
        if train(
            data.training, data.validation, hidden=2, learning_rate=3.0, iterations=800, seed=seed
        ).state
        == "dead"
    )
    tab = tabs.open(lab, f"/#points?iterations=800&rate=3.0&hidden=2&seed={dead}")
    to_the_end(tab, 800)
    until(tab, "room.state === 'dead' && document.querySelector('.verdict button')")
    assert "no hidden unit is active" in tab.locator(".verdict").inner_text()
    said = tab.locator(".verdict").inner_text()
    wrong = int(re.search(r"ends with (\d+) of 1,000 training points wrong", said)[1])
    before = until(tab, "room.run")
    tab.locator(".verdict button").click()
    until(tab, f"room.run !== '{before}' && {READY}")
    to_the_end(tab, 800)
    assert until(tab, "room.state") not in ("dead", "diverged")
    assert train_figure(tab).startswith(f"{wrong} of 1,000")


def test_a_damaged_link_says_which_key(tabs, lab):
    tabs.allowed.add(422)
    tab = tabs.open(lab, "/#points?hidden=7&rate=fast")
    said = tab.get_by_role("alert").inner_text()
    assert said == "link, key 'rate': found 'fast'; expected a number, true or false"
    tab.get_by_role("link", name="Begin with half-moons").click()
    until(tab, READY)
    assert not tab.get_by_role("alert").count()


def test_a_run_that_comes_late_leaves_the_next_rooms_address_alone(tabs, lab):
    tab = tabs.open(lab, "/#runs")
    held = []
    # not the list's own method: Playwright sets an attribute on what it is given
    tab.route("**/api/points/runs", lambda route: held.append(route))  # noqa: PLW0108
    with tab.expect_request("**/api/points/runs"):
        tab.evaluate("location.hash = '#points'")
    tab.evaluate("location.hash = '#runs'")
    with tab.expect_response("**/api/points/runs"):
        held[0].continue_()
    tab.evaluate("new Promise((done) => setTimeout(done, 100))")  # the page has read it by then
    assert tab.evaluate("location.hash") == "#runs"


def test_what_is_typed_stays_while_it_plays(tabs, lab):
    tab = tabs.open(lab, "/#points?iterations=2000000&seed=4", moving=True)
    rate = tab.get_by_label("Learning rate", exact=True)
    rate.fill("0.0")
    at = int(until(tab, "room.state === 'playing' && room.iteration"))
    until(tab, f"Number(room.iteration) > {at} + 1000")  # it was drawn some times since
    assert rate.input_value() == "0.0"
    before = until(tab, "room.run")
    rate.press_sequentially("5")
    rate.press("Enter")
    until(tab, f"room.run !== '{before}' && {READY}")
    assert tab.get_by_label("Learning rate", exact=True).input_value() == "0.05"
    pause(tab)


def test_a_run_that_was_asked_for_before_another_does_not_take_its_place(tabs, lab):
    tab = tabs.open(lab)
    until(tab, READY)
    held = []

    def hold(route):
        answer = route.fetch()
        held.append((route, answer))

    tab.route("**/api/points/runs", hold)
    first = tab.get_by_label("Seed", exact=True)
    first.fill("11")
    first.press("Enter")
    first.fill("12")
    first.press("Enter")
    while len(held) < 2:
        tab.evaluate("new Promise(requestAnimationFrame)")
    (earlier, made), (later, wanted) = held
    later.fulfill(response=wanted)
    run = wanted.json()["id"]
    until(tab, f"room.run === '{run}' && {READY}")
    with tab.expect_response("**/api/points/runs"):
        earlier.fulfill(response=made)
    tab.evaluate("new Promise((done) => setTimeout(done, 100))")  # the page has read it by then
    assert until(tab, "room.run") == run
    assert first.input_value() == "12"


def test_less_motion_is_kept(tabs, lab):
    tab = tabs.open(lab)
    until(tab, "room.state === 'paused' && room.iteration === '0'")
