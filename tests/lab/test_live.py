"""A run of the points room obeys what it is told, also while it is on its way."""

import time

import pytest

from chainrule.lab.rooms.points_live import LiveRun
from chainrule.lab.rooms.points_recipe import Recipe
from chainrule.points import load_dataset, train
from chainrule.points.files import weights_digest
from chainrule.points.network import PARAMETERS


@pytest.fixture
def run(tmp_path):
    made = LiveRun(tmp_path, tmp_path, Recipe(iterations=900, seed=3).document())
    yield made
    made.close()


def at_rest(run):
    """Its iteration once it plays no more, and its weights' digest."""
    while run.is_playing:
        run.slice(time.monotonic())
    parameters = {name: run._stepping.parameters[name] for name in PARAMETERS}
    return run._stepping.iteration, weights_digest(parameters)


def trained(iterations):
    data = load_dataset("double-moon")
    found = train(data.training, data.validation, learning_rate=0.2, iterations=iterations, seed=3)
    return iterations, weights_digest(found.parameters)


def test_steps_that_come_before_the_last_one_was_taken_are_all_taken(run):
    run.do({"do": "seek", "to": 700})
    for _ in range(3):
        run.do({"do": "step", "steps": 1})
    assert at_rest(run) == trained(703)


def test_play_on_the_way_goes_on_from_where_it_is_going(run):
    run.do({"do": "pace", "pace": 1e9})
    run.do({"do": "seek", "to": 700})
    run.do({"do": "play"})
    while run.is_fast:
        run.slice(time.monotonic())
    assert run._stepping.iteration >= 700
    assert at_rest(run) == trained(900)
