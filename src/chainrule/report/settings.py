"""What a run of the report can be asked for."""

from dataclasses import dataclass
from pathlib import Path

from chainrule.errors import FileError, InputError
from chainrule.executors.local import worker_count

VOC_2007 = "voc2007"  # in place of a folder: the original's photographs, fetched
_QUICK_TRIALS = 10


@dataclass(frozen=True)
class ReportSettings:
    """The settings that every experiment of the report is given.

    seed: all randomness of the report follows from it. trials: runs of each setting in the
    studies. workers: experiments at the same time, by default one a core, or one if there is little
    to do. photos: a folder of photographs, one folder a class, for part 5, or "voc2007"; by default
    tiles of the photographs in packages. original_recipe: show part 4 by the original's recipe,
    which is trained with jitter too then (minutes). quick: a first page, with a tenth of the trials
    and of the epochs.
    unfinished: a folder where an experiment keeps what it has finished, and a report what it has
    answered, so that a killed report, or a quick one, goes on; None keeps nothing.

    Raises InputError on a number out of range, FileError if `photos` is no folder.
    """

    seed: int = 0
    trials: int = 100
    workers: int | None = None
    photos: Path | None = None
    original_recipe: bool = False
    quick: bool = False
    unfinished: Path | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**32:  # what scikit-learn takes, in part 5
            raise InputError(
                f"seed: found {self.seed}; expected a whole number from 0 to {2**32 - 1}"
            )
        if self.trials < 1:
            raise InputError(f"trials: found {self.trials}; expected at least 1")
        worker_count(self.workers)
        if self.photos is not None and not (self.voc2007 or self.photos.is_dir()):
            raise FileError(
                f"photos: {self.photos} is no folder; expected a folder of pictures, or {VOC_2007}"
            )

    @property
    def voc2007(self) -> bool:
        """Are the original's photographs to be fetched?"""
        return str(self.photos) == VOC_2007

    @property
    def runs(self) -> int:
        """Runs of each setting in the studies: fewer for a quick page."""
        return min(self.trials, _QUICK_TRIALS) if self.quick else self.trials

    @property
    def cores(self) -> int:
        """Experiments at the same time."""
        return worker_count(self.workers)
