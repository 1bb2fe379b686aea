"""Sequential Monte Carlo for approximate Bayesian computation: from the prior to the posterior.

A population of candidates comes from the prior. In each generation the half that is farthest from
the published runs is dropped, the bound is what is left, and copies of those take the places of the
others; then every candidate makes Metropolis-Hastings moves among the candidates within the bound.
So it is distributed as the prior among all whose simulated runs come as near as that (Drovandi and
Pettitt, Estimation of parameters for macroparasite population evolution using approximate Bayesian
computation, Biometrics 67, 2011, algorithm 4, with all candidates moved). As the prior is uniform
and moves are as likely as the way back, a move is taken whenever it stays within the bound. Its
simulation ends as soon as it has left it: no term of the distance is below 0, so nothing is lost
(Prangle, Lazy ABC, Statistics and Computing 26, 2016, has the case where something is).

Every move has a seed of its own, named by generation, candidate and move.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from chainrule.points.inference.jobs import Jobs
from chainrule.points.inference.prior import draw_prior, numbers_of, propose
from chainrule.points.inference.problem import Problem
from chainrule.points.inference.settings import InferenceSettings
from chainrule.points.moons import DrawnMoons

Progress = Callable[[str, int, int], None]  # what, done, total

FIRST = 4  # as many draws from the prior for each candidate that goes on
MOST_MOVES = 12  # of a candidate in a generation
UNMOVED = 0.05  # as many moves that only this share of the candidates would stay in its place
STUCK = 0.02  # the share of moves within the bound below which it ends


@dataclass(frozen=True)
class Generation:
    """bound: no candidate is farther; accepted: the share of `moves` that stayed within it."""

    bound: float
    moves: int
    accepted: float


@dataclass(frozen=True)
class Particle:
    """A candidate, the distance of its last simulation, and how many of its moves were taken."""

    candidate: DrawnMoons
    distance: float
    accepted: int = 0

    def document(self) -> dict[str, Any]:
        """What the journal holds of it."""
        return {
            **self.candidate.document(),
            "distance": self.distance,
            "accepted": self.accepted,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Particle":
        """The particle that `document` was made of."""
        candidate = DrawnMoons.from_document(document)
        return cls(candidate, float(document["distance"]), int(document["accepted"]))


@dataclass(frozen=True)
class Population:
    """The particles, nearest first, and the generations that led there."""

    particles: tuple[Particle, ...]
    generations: tuple[Generation, ...]

    @property
    def candidates(self) -> tuple[DrawnMoons, ...]:
        """The candidates, each as likely as the others."""
        return tuple(particle.candidate for particle in self.particles)


def sample(
    problem: Problem,
    jobs: Jobs,
    settings: InferenceSettings,
    progress: Progress | None = None,
) -> Population:
    """Go through at most `settings.generations`; fewer if moves hardly ever stay in the bound."""
    particles = _from_prior(problem, jobs, settings, progress)
    generations: list[Generation] = []
    accepted = 0.5
    for number in range(1, settings.generations + 1):
        alive = particles[: max(2, settings.particles // 2)]
        moves = _moves(accepted)
        move = _Move(problem, settings, alive, moves, number)
        names = [f"generation {number} candidate {k}" for k in range(settings.particles)]
        found = jobs.run(names, move, progress and _named(progress, f"generation {number}"))
        particles = _nearest_first(found)
        accepted = sum(p.accepted for p in particles) / (moves * settings.particles)
        generations.append(Generation(alive[-1].distance, moves, accepted))
        if accepted < STUCK:
            break
    return Population(tuple(particles), tuple(generations))


def _from_prior(
    problem: Problem, jobs: Jobs, settings: InferenceSettings, progress: Progress | None
) -> list[Particle]:
    names = [f"prior {k}" for k in range(FIRST * settings.particles)]
    draw = partial(_drawn, problem, settings)
    found = jobs.run(names, draw, progress and _named(progress, "draws from the prior"))
    return _nearest_first(found)[: settings.particles]


def _drawn(problem: Problem, settings: InferenceSettings, k: int) -> dict[str, Any]:
    candidate = draw_prior(np.random.default_rng(_seed(settings, 0, k, 0)), settings.fixed)
    distance = problem.distance(candidate, settings.repeats, _seed(settings, 0, k, 1))
    return Particle(candidate, distance).document()


class _Move:
    """The job k of a generation: the moves of the k-th particle, a copy of one that is alive."""

    def __init__(
        self,
        problem: Problem,
        settings: InferenceSettings,
        alive: list[Particle],
        moves: int,
        generation: int,
    ) -> None:
        self._problem = problem
        self._settings = settings
        self._alive = alive
        self._moves = moves
        self._generation = generation
        self._step = _step([particle.candidate for particle in alive])

    def __call__(self, k: int) -> dict[str, Any]:
        parent, bound = self._alive[k % len(self._alive)], self._alive[-1].distance
        candidate, distance, accepted = parent.candidate, parent.distance, 0
        generator = np.random.default_rng(_seed(self._settings, self._generation, k, 0))
        for m in range(1, self._moves + 1):
            other = propose(candidate, self._step, generator, self._settings.fixed)
            if other is None:
                continue
            seed = _seed(self._settings, self._generation, k, m)
            found = self._problem.distance(other, self._settings.repeats, seed, bound)
            if found <= bound:
                candidate, distance, accepted = other, found, accepted + 1
        return Particle(candidate, distance, accepted).document()


def _nearest_first(documents: list[dict[str, Any]]) -> list[Particle]:
    particles = [Particle.from_document(document) for document in documents]
    return sorted(particles, key=lambda particle: particle.distance)


def _moves(accepted: float) -> int:
    """So many that a candidate stays in its place with the probability UNMOVED at most."""
    if accepted >= 1 - UNMOVED:
        return 1
    if accepted <= 0:
        return MOST_MOVES
    return min(MOST_MOVES, math.ceil(math.log(UNMOVED) / math.log(1 - accepted)))


def _step(candidates: list[DrawnMoons]) -> np.ndarray:
    """2.38 / sqrt(4) times the symmetric root of the numbers' covariance.

    Roberts and Rosenthal, Optimal scaling for various Metropolis-Hastings algorithms, Statistical
    Science 16, 2001.
    """
    values, vectors = np.linalg.eigh(np.cov(numbers_of(candidates), rowvar=False))
    root: np.ndarray = vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
    return 2.38 / 2 * root


def _seed(settings: InferenceSettings, *key: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(settings.seed, spawn_key=(0, *key))


def _named(progress: Progress, what: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(what, done, total)
