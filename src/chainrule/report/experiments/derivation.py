"""1.1: the derivatives as the original states them, held against differences on random networks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.checking.derivatives import numerical_derivative
from chainrule.points.network import PARAMETERS, derivatives, forward, loss
from chainrule.points.network_figures import chain_diagram
from chainrule.report.facts.values import Found
from chainrule.report.finding import Figure, Finding, chart
from chainrule.report.formatting import scientific
from chainrule.report.settings import ReportSettings

_NETWORKS = 200
_KINK = 1e-3  # a hidden unit nearer to its kink than this has no derivative to compare with


@dataclass(frozen=True)
class Derivation(Finding):
    """The largest differences from central differences, by what is differentiated.

    worst: of the formulas as the original states them, "loss" and the parameters of y_hat.
    worst_product: of the written-out derivatives of the loss by the parameters, in
    `chainrule.points.network`. at_kink: the ReLU's derivative at 0, by the same code.
    """

    networks: int
    entries: int
    worst: dict[str, float]
    worst_product: float
    at_kink: float

    def found(self) -> dict[str, Found]:
        own = {
            f"1.1.{name}": Found(error, scientific(error) + " from differences")
            for name, error in self.worst.items()
        }
        kink = "1 for strictly positive numbers, else 0: 0 at the kink"
        return own | {
            "1.1.relu": Found(kink if self.at_kink == 0 else f"{self.at_kink:g} at the kink"),
            "1.1.products": Found(self.worst_product, "written out below"),
        }

    def figures(self) -> tuple[Figure, ...]:
        return (chart("chain", chain_diagram(), wide=True),)

    def document(self) -> dict[str, Any]:
        return {
            "networks": self.networks,
            "derivatives": self.entries,
            "worst_difference": self.worst_product,
            "worst_difference_of_factors": self.worst,
        }


def run(settings: ReportSettings, progress: object = None) -> Derivation:
    """Draw networks of up to 5 features and 8 hidden units, and compare every entry."""
    generator = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(1, 1)))
    worst = dict.fromkeys(("loss", *PARAMETERS), 0.0)
    worst_product, entries, networks = 0.0, 0, 0
    while networks < _NETWORKS:
        x, y, parameters = _network(generator)
        if np.abs(forward(x, parameters).z).min() < _KINK:
            continue
        networks += 1
        for name, error in _differences_of_factors(x, y, parameters).items():
            worst[name] = max(worst[name], error)
        ours = derivatives(x, y, parameters)
        theirs = numerical_derivative(_loss_of(x, y), parameters)
        worst_product = max(worst_product, *(_apart(ours[n], theirs[n]) for n in PARAMETERS))
        entries += sum(ours[name].size for name in PARAMETERS)
    return Derivation(networks, entries, worst, worst_product, _derivative_at_kink())


def stated_factors(
    x: np.ndarray, y: float, parameters: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The derivatives of the original's 1.1, term for term as it states them, for one example.

    "loss" is ds/dy_hat; the others are of y_hat, in the shapes of the parameters.
    """
    W_in, b_in, w_out = (parameters[name] for name in ("W_in", "b_in", "w_out"))
    X = x[:, None]  # a column, as the original has it
    z = W_in @ X + b_in[:, None]
    H, y_hat = np.maximum(z, 0), w_out @ np.maximum(z, 0)[:, 0] + parameters["b_out"]
    through = w_out[:, None] * (z > 0)
    return {
        "loss": np.asarray(-y * np.exp(-y * y_hat) / (1 + np.exp(-y * y_hat))),
        "W_in": through @ X.T,
        "b_in": through[:, 0],
        "w_out": H[:, 0],
        "b_out": np.ones(()),
    }


def _differences_of_factors(
    x: np.ndarray, y: float, parameters: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """The largest difference of each stated factor from a central difference."""
    stated = stated_factors(x, y, parameters)
    y_hat = float(forward(x, parameters).y_hat)
    numeric = numerical_derivative(lambda p: float(forward(x, p).y_hat), parameters)
    numeric["loss"] = numerical_derivative(
        lambda p: float(loss(p["y_hat"], y)), {"y_hat": np.asarray(y_hat)}
    )["y_hat"]
    return {name: _apart(stated[name], numeric[name]) for name in stated}


def _network(generator: np.random.Generator) -> tuple[np.ndarray, float, dict[str, np.ndarray]]:
    d, h = int(generator.integers(1, 6)), int(generator.integers(1, 9))
    parameters = {
        "W_in": generator.normal(size=(h, d)),
        "b_in": generator.normal(size=h),
        "w_out": generator.normal(size=h),
        "b_out": np.asarray(generator.normal()),
    }
    return generator.normal(size=d), float(generator.choice([-1, 1])), parameters


def _derivative_at_kink() -> float:
    """dy_hat/db_in of a unit with z = 0 exactly and w_out = 1: the ReLU's derivative there."""
    parameters = {
        "W_in": np.ones((1, 1)),
        "b_in": np.array([-1.0]),
        "w_out": np.ones(1),
        "b_out": np.zeros(()),
    }
    found = derivatives(np.ones(1), 1.0, parameters)
    return float(found["b_in"][0] / found["b_out"])


def _loss_of(x: np.ndarray, y: float):  # type: ignore[no-untyped-def]
    return lambda p: float(loss(forward(x, p).y_hat, y))


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max())
