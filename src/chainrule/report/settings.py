"""What a run of the report can be asked for."""

from dataclasses import dataclass
from pathlib import Path

from chainrule.errors import FileError, InputError


@dataclass(frozen=True)
class ReportSettings:
    """The settings that every part of the report is given.

    seed: all randomness of the report follows from it. trials: runs of each setting in the
    studies. workers: runs at the same time, by default one a core. photos: a folder of
    photographs, one folder a class, for part 5; by default the photographs in packages.
    original_recipe: show part 4 by the original's recipe, which is trained with jitter too then
    (minutes).
    unfinished: a folder where a part keeps what it has finished until the report is whole, so
    that a killed report goes on; None keeps nothing.

    Raises InputError on a number out of range, FileError if `photos` is no folder.
    """

    seed: int = 0
    trials: int = 100
    workers: int | None = None
    photos: Path | None = None
    unfinished: Path | None = None
    original_recipe: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**32:  # what scikit-learn takes, in part 5
            raise InputError(
                f"seed: found {self.seed}; expected a whole number from 0 to {2**32 - 1}"
            )
        if self.trials < 1:
            raise InputError(f"trials: found {self.trials}; expected at least 1")
        if self.workers is not None and self.workers < 1:
            raise InputError(f"workers: found {self.workers}; expected at least 1")
        if self.photos is not None and not self.photos.is_dir():
            raise FileError(f"photos: {self.photos} is no folder; expected a folder of pictures")
