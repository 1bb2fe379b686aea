"""What makes a run of the points room: the options of `chainrule points train`, as one record."""

import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import InputError
from chainrule.io.checks import finite_number, flag, one_of, seed_number, whole_number
from chainrule.lab.settings import Quotas
from chainrule.points.data import SOURCES, Dataset, load_dataset
from chainrule.points.training import INITIALIZATIONS, check_settings

_OWN = re.compile(r"own-[0-9a-f]{64}")


@dataclass(frozen=True)
class Recipe:
    """The same recipe gives the same bits, here, on the command line and in Python.

    data: a source that has a name, or `own-` and the SHA-256 of a file of points. trial: None, or
    which trial of a study with this seed. standardize: None does what the source needs.
    """

    data: str = "double-moon"
    data_seed: int = 0
    validation_share: float = 0.5
    standardize: bool | None = None
    hidden: int = 7
    learning_rate: float = 0.2
    iterations: int = 30_000
    seed: int = 0
    trial: int | None = None
    initialization: str = "uniform"

    @property
    def is_own(self) -> bool:
        """Whether the points are the user's."""
        return self.data.startswith("own-")

    @property
    def seed_sequence(self) -> np.random.SeedSequence:
        """What `chainrule.points.train` takes as its seed."""
        key = () if self.trial is None else (self.trial,)
        return np.random.SeedSequence(self.seed, spawn_key=key)

    def document(self) -> dict[str, Any]:
        """What JSON holds of it."""
        return asdict(self)

    def dataset(self, folder: Path) -> Dataset:
        """The points. folder: of the own ones. Raises FileError, InputError."""
        return load_dataset(
            self.file(folder) if self.is_own else self.data,
            validation_share=self.validation_share,
            standardize=self.standardize,
            seed=self.data_seed,
        )

    def file(self, folder: Path) -> Path:
        """The file of the own points."""
        return folder / f"{self.data}.csv"


def read_recipe(document: Any, quotas: Quotas) -> Recipe:
    """The recipe of a JSON object; what it lacks is as by default.

    Raises InputError on a key that is unknown, out of range, or over a quota.
    """
    if not isinstance(document, dict):
        raise InputError(f"settings: found {type(document).__name__}; expected one object")
    known = {f.name for f in fields(Recipe)}
    for name in document:
        one_of("settings", name, known)
    found = Recipe(**document)
    if not (isinstance(found.data, str) and _OWN.fullmatch(found.data)):
        one_of("data", found.data, SOURCES)
    hidden, rate, iterations = check_settings(found.hidden, found.learning_rate, found.iterations)
    share = finite_number("validation share", found.validation_share)
    if not 0 < share < 1:
        raise InputError(f"validation share: found {share}; expected a number between 0 and 1")
    return Recipe(
        data=found.data,
        data_seed=seed_number(found.data_seed, "data seed"),
        validation_share=share,
        standardize=None if found.standardize is None else flag("standardize", found.standardize),
        hidden=whole_number("hidden units", hidden, 1, quotas.hidden),
        learning_rate=rate,
        iterations=whole_number("iterations", iterations, 1, quotas.iterations),
        seed=seed_number(found.seed),
        trial=None if found.trial is None else whole_number("trial", found.trial, 0, 10**6),
        initialization=one_of("initialization", found.initialization, INITIALIZATIONS),
    )
