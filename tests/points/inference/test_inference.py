"""The inference as a whole: what it finds, and that neither workers nor kills change it."""

import numpy as np
import pytest

from chainrule.errors import FileError, InputError
from chainrule.executors import FailedJobsError
from chainrule.points.inference import (
    NEVER,
    InferenceSettings,
    PublishedRun,
    RunSetting,
    infer,
)
from chainrule.points.inference import prediction as prediction_module
from chainrule.points.inference import problem as problem_module
from chainrule.points.inference.figures import posterior_figure, rows_figure
from chainrule.points.inference.jobs import Jobs
from chainrule.points.inference.prior import draw_prior, numbers_of
from chainrule.points.inference.problem import problem
from chainrule.points.inference.result import inference_document, posterior_document
from chainrule.points.inference.sampler import sample
from chainrule.points.inference.simulation import simulate
from chainrule.points.moons import DrawnMoons, HalfMoons

LINE, NETWORK = RunSetting(1, 0.2, 400), RunSetting(4, 0.3, 400)
RUNS = [
    PublishedRun("a", LINE, 0.1, 0.12, NEVER),
    PublishedRun("b", LINE, 0.09, 0.11, NEVER),
    PublishedRun("c", NETWORK, 0.0, 0.0, 250),
    PublishedRun("d", NETWORK, 0.02, None, None),
    PublishedRun("e", NETWORK, 0.0, 0.0, 250, same_as="c"),
]


def small(**change):
    """Settings of an inference that takes half a second."""
    settings = {"particles": 6, "generations": 2, "repeats": 2, "trials": 10, "points": 60}
    return InferenceSettings(**{**settings, **change})


def test_the_same_bits_for_any_number_of_workers_and_with_a_journal(tmp_path):
    expected = infer(RUNS, small(), workers=1)
    assert infer(RUNS, small(), workers=4) == expected
    assert infer(RUNS, small(), journal=tmp_path / "journal.jsonl") == expected
    assert infer(RUNS, small(seed=1), workers=1) != expected


def test_a_journal_cut_off_anywhere_gives_the_same_results(tmp_path):
    journal = tmp_path / "journal.jsonl"
    expected = infer(RUNS, small(), journal=journal)
    content = journal.read_bytes()
    for length in range(0, len(content), 1511):
        journal.write_bytes(content[:length])
        assert infer(RUNS, small(), journal=journal) == expected
        assert sorted(journal.read_bytes().splitlines()) == sorted(content.splitlines())


def test_what_is_finished_is_read_and_not_run_again(tmp_path, monkeypatch):
    journal = tmp_path / "journal.jsonl"
    expected = infer(RUNS, small(), journal=journal)
    for module in (problem_module, prediction_module):
        monkeypatch.setattr(module, "simulate", None)
    assert infer(RUNS, small(), journal=journal) == expected
    with pytest.raises(FailedJobsError, match="TypeError"):
        infer(RUNS, small(trials=15), journal=journal)


def test_more_trials_add_to_what_is_finished(tmp_path):
    journal = tmp_path / "journal.jsonl"
    infer(RUNS, small(), journal=journal)
    lines = journal.read_text()
    more = infer(RUNS, small(trials=15), journal=journal)
    added = journal.read_text().removeprefix(lines)
    assert added.count("\n") == 2 * 2  # five trials of two settings, by the posterior and the best
    assert more.population == infer(RUNS, small()).population


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"particles": 7}, {"points": 61}, {"hold_out": 2}, {"fixed": (("scale", 2.0),)}],
)
def test_a_journal_of_another_inference_is_refused(tmp_path, change):
    journal = tmp_path / "journal.jsonl"
    infer(RUNS, small(), journal=journal)
    with pytest.raises(FileError, match="of another run of `chainrule points infer`"):
        infer(RUNS, small(**change), journal=journal)


@pytest.mark.parametrize("content", [b"\xff\xfe\n", b"no record\n", b"[1]\n", b'{"job": 1}\n'])
def test_what_is_no_journal_is_refused_and_kept(tmp_path, content):
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(content)
    with pytest.raises(FileError, match="expected a journal of `chainrule points infer`"):
        infer(RUNS, small(), journal=journal)
    assert journal.read_bytes() == content


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"particles": 3}, "particles: found 3; expected a whole number from 4 to 100,000"),
        ({"generations": -1}, "generations: found -1"),
        ({"repeats": 0}, "repeats: found 0; expected a whole number from 1 to 1,000"),
        ({"points": 1}, "points: found 1"),
        ({"trials": 0}, "trials: found 0"),
        ({"seed": -1}, "seed: found -1"),
        ({"fixed": (("depth", 1.0),)}, "fixed: found 'depth', did you mean"),
        ({"fixed": (("scale", -1.0),)}, "half-moons, scale: found -1"),
        ({"hold_out": 1}, "hold out every: found 1"),
    ],
)
def test_a_number_out_of_range_is_refused(change, sentence):
    with pytest.raises(InputError, match=sentence):
        infer(RUNS, small(**change))


def test_no_workers_are_refused():
    with pytest.raises(InputError, match="workers: found 0; expected a whole number of at least 1"):
        infer(RUNS, small(), workers=0)


def test_rows_that_are_kept_out_change_nothing():
    # rows c and e (which repeats c) are every third: other numbers there, the same posterior
    other = [
        *RUNS[:2],
        PublishedRun("c", NETWORK, 0.4, 0.4, 9),
        RUNS[3],
        PublishedRun("e", NETWORK, 0.4, 0.4, 9, same_as="c"),
    ]
    a, b = infer(RUNS, small()), infer(other, small())
    assert (a.population, a.best) == (b.population, b.best)
    assert [row.held_out for row in a.predictions] == [False, False, True, False, True]
    assert a.predictions[2].numbers != b.predictions[2].numbers


def test_a_table_whose_rows_are_all_kept_out_is_refused():
    with pytest.raises(InputError, match="found none to fit"):
        problem(RUNS[2:3], [True])


def test_a_distance_above_its_limit_ends_early_and_one_below_is_the_same():
    fitted = problem(RUNS, [False] * 5, points=60)
    candidate = draw_prior(np.random.default_rng(0))
    seed = np.random.SeedSequence(5)
    whole = fitted.distance(candidate, 2, seed)
    assert fitted.distance(candidate, 2, seed, whole) == whole
    assert fitted.distance(candidate, 2, seed, np.nextafter(whole, 0)) == np.inf


@pytest.mark.slow
def test_the_population_is_the_prior_within_the_bound():
    """Against plain rejection: draw from the prior, keep what lies within the same bound."""
    lines = problem(RUNS[:2], [False, False], points=40)  # two rows of one unit: quick
    populations = [
        sample(lines, Jobs({}), InferenceSettings(0, 60, 2, repeats=1, seed=seed))
        for seed in range(5)
    ]
    bound = max(p.generations[-1].bound for p in populations)
    found = [candidate for population in populations for candidate in population.candidates]
    kept = []
    for k in range(6_000):
        candidate = draw_prior(np.random.default_rng((1, k)))
        if lines.distance(candidate, 1, np.random.SeedSequence((2, k)), bound) <= bound:
            kept.append(candidate)
    assert len(kept) > 60
    a, b = numbers_of(found), numbers_of(kept)
    # five populations are five independent looks; the candidates of one are not independent
    means = np.array([numbers_of(p.candidates).mean(axis=0) for p in populations])
    error = np.sqrt(means.var(axis=0, ddof=1) / 5 + b.var(axis=0) / len(b))
    assert (np.abs(a.mean(axis=0) - b.mean(axis=0)) < 4.5 * error).all()
    # and the bound matters: the prior itself is elsewhere
    prior = numbers_of([draw_prior(np.random.default_rng((3, k))) for k in range(2000)])
    assert (np.abs(prior.mean(axis=0) - b.mean(axis=0)) > 5 * b.std(axis=0) / len(b) ** 0.5).any()


@pytest.mark.slow
def test_known_moons_are_found_again():
    """Runs of moons that are known: the distance between the moons and their size come back."""
    truth = DrawnMoons(
        HalfMoons(0.3, -0.45, 0.9, 2.0, "square", True, False, True, False, -1), 8, 9
    )
    points = truth.draw(200)
    runs = []
    for setting in (RunSetting(1, 0.2, 1000), RunSetting(2, 0.2, 1000), RunSetting(6, 0.3, 3000)):
        seeds = [np.random.SeedSequence((4, k)) for k in range(6)]
        for k, row in enumerate(simulate(*points, setting, seeds)):
            runs.append(PublishedRun(f"{setting.hidden}.{k}", setting, *map(float, row)))
    found = infer(runs, InferenceSettings(3, 40, 5, repeats=2, trials=40, points=200))
    posterior = posterior_document(found.population.candidates)["numbers"]
    for name in ("distance", "scale", "width"):
        low, high = posterior[name]["interval"]
        assert low <= getattr(truth.moons, name) <= high
    low, high = posterior["distance"]["interval"]
    assert high - low < 0.75  # of a prior 1 wide
    assert sum(row.within for row in found.predictions) >= 15  # of 18
    assert found.predictions[2].held_out


def test_the_pictures_show_every_number_and_row():
    found = infer(RUNS, small())
    document = inference_document(found)
    posterior = posterior_figure(found.population.candidates, document["posterior"])
    titles = [axes.get_title() for axes in posterior.axes]
    assert [title.partition(":")[0] for title in titles[:4]] == [
        "width", "distance", "offset", "scale",
    ]  # fmt: skip
    rows = rows_figure(found.predictions)
    assert [label.get_text() for label in rows.axes[0].get_yticklabels()] == [r.id for r in RUNS]
    assert len(rows.axes) == 3


def test_the_document_counts_the_rows():
    document = inference_document(infer(RUNS, small()))
    assert {name: count["rows"] for name, count in document["within"].items()} == {
        "fitted": 3, "held_out": 2, "all": 5,
    }  # fmt: skip
    for shares in document["posterior"]["choices"].values():
        assert sum(shares.values()) == pytest.approx(1)
    assert len(document["candidates"]) == 6
