"""A classifier of any number of pictures, from a folder of features: one file of it in memory.

The planes are those of `chainrule.images.svm`, a linear SVM (hinge loss) a class against the rest,

    min over w, b   |w|^2 / 2 + C sum_i max(0, 1 - s_i (w f_i + b))

found by stochastic gradient descent with averaging, which sees a row at a time: scikit-learn's
SGDClassifier with alpha = 1 / (C n), the files in a random order, and the rows of each.
(liblinear, which needs all rows, counts b^2 / 2 too.) A random part is held out of a second
training, which answers for the first.

Source: Bottou, Large-scale machine learning with stochastic gradient descent, 2010; Xu, Towards
optimal one pass large scale learning with averaged stochastic gradient descent, 2011.
"""

from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from chainrule.errors import InputError
from chainrule.images.calibration import (
    fit_temperature,
    held_out_probabilities,
    probabilities,
    reliability_table,
)
from chainrule.images.classifier import Classifier
from chainrule.images.familiarity import EXAMPLES, choose_threshold
from chainrule.images.feature_file import FeatureTable, load_features
from chainrule.images.judgement import Judgement
from chainrule.images.listing import Skipped
from chainrule.images.sharded import feature_files
from chainrule.images.svm import FOLDS, check_settings, planes_of
from chainrule.images.training import LEAST, Training, TrainingSettings, judgement_notes
from chainrule.io.names import shown
from chainrule.io.progress import Progress

HELD_OUT = 0.2  # of the training part is held out, but
MOST_HELD_OUT = 50_000  # no more pictures than these
_ROWS = 1_000_000  # that the descent goes through, about, as scikit-learn's manual has it
_PASSES = 100  # at most
_STREAMED = (
    "trained from files of features one by one: equal and nearly equal pictures were not looked "
    "for, so the error may be too low where there are some"
)


def train_streamed(
    folder: Path, settings: TrainingSettings | None = None, *, progress: Progress | None = None
) -> Training:
    """Train on a folder that `chainrule images features --shard` wrote of pictures with classes.

    Pictures of the part "test" are not trained on. In memory are one file, the planes, the scores
    of what is held out (MOST_HELD_OUT pictures at most, and the test part), and EXAMPLES rows.
    Raises InputError as `train_on_features`, FileError if the folder cannot be read.
    """
    settings = settings or TrainingSettings()
    check_settings(settings.C, settings.seed)
    paths = feature_files(folder)
    survey, examples = _Survey(settings.seed), _Examples()
    count = 0

    def table(path: Path) -> FeatureTable:
        nonlocal count
        count += 1
        if progress is not None:
            progress(count, (survey.passes + 2) * len(paths))
        return load_features([path])

    for path in paths:
        survey.add(table(path))
    survey.end()
    model, other = _Planes(survey, settings, 1.0), _Planes(survey, settings, 1 - survey.share)
    rng = np.random.default_rng(np.random.SeedSequence([settings.seed, 1]))
    for number in range(survey.passes):
        for file in rng.permutation(len(paths)).tolist():
            rows = survey.rows(table(paths[file]))
            order = rng.permutation(np.flatnonzero(rows.trains))
            model.see(rows, order)
            other.see(rows, order[~rows.held_out[order]])
            if number == 0:
                examples.add(file, rows, survey.trains)
    classifier = _Classified(survey, model, other)
    for path in paths:
        classifier.add(survey.rows(table(path)))
    return classifier.training(examples, settings)


@dataclass(frozen=True)
class _Rows:
    """Those rows of a file that show a class: `truth` is its number; held_out is of `trains`."""

    files: list[Path]
    values: Float[np.ndarray, "n d"]
    truth: Int[np.ndarray, " n"]
    trains: Bool[np.ndarray, " n"]
    chance: Float[np.ndarray, " n"]
    held_out: Bool[np.ndarray, " n"]

    def taken(self, which: Bool[np.ndarray, " n"]) -> "_Rows":
        """Some of the rows."""
        files = [file for file, use in zip(self.files, which, strict=True) if use]
        arrays = (self.values, self.truth, self.trains, self.chance, self.held_out)
        return _Rows(files, *(array[which] for array in arrays))

    def without_values(self) -> "_Rows":
        """Without the features, which take most of the memory."""
        return replace(self, values=self.values[:, :0].copy())


class _Survey:
    """What there is: the classes, how many pictures of each, and which are held out."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.classes: tuple[str, ...] = ()
        self.networks: tuple[str, ...] = ()
        self.network_keys: tuple[str, ...] = ()
        self.counts = np.zeros(0, np.int64)
        self.skipped: list[Skipped] = []
        self.trains, self.share, self.passes = 0, HELD_OUT, 1
        self._known = np.zeros(0, np.intp)

    def add(self, table: FeatureTable) -> None:
        """Look at a file. Raises InputError if it is of other classes or another network."""
        classes = table.collection.classes
        if not self.networks:
            self.classes, self.networks, self.network_keys = (
                classes, table.networks, table.network_keys,
            )  # fmt: skip
            self.counts = np.zeros(len(classes), np.int64)
        if classes != self.classes or table.network_keys != self.network_keys:
            raise InputError(
                "the files of features are of several networks or classes; expected one folder"
            )
        if not classes:
            raise InputError(
                "nothing says what the pictures show; expected features of class folders or of a "
                "list with classes"
            )
        shows = (table.collection.truth == 1).sum(1)
        if (shows != 1).any():
            i = int(np.argmax(shows != 1))
            raise InputError(
                f"{shown(table.collection.files[i])} shows {shows[i]} classes; expected one class "
                "a picture"
            )
        trains = np.array([part != "test" for part in table.collection.part], bool)
        self.counts += (table.collection.truth[trains] == 1).sum(0)

    def end(self) -> None:
        """Leave out what cannot be trained on. Raises InputError if two classes are not left."""
        kept = self.counts >= LEAST
        if kept.sum() < 2:
            raise InputError(
                f"{int(kept.sum())} classes have {LEAST} pictures to train on; expected at least "
                "two"
            )
        self._known = np.where(kept, np.cumsum(kept) - 1, -1)
        self.skipped = [
            Skipped(name, f"class {name!r} has {count} to train on, and needs {LEAST}")
            for name, count in zip(self.classes, self.counts.tolist(), strict=True)
            if count < LEAST
        ]
        self.classes = tuple(np.array(self.classes, object)[kept].tolist())
        self.counts = self.counts[kept]
        self.trains = int(self.counts.sum())
        self.share = min(HELD_OUT, MOST_HELD_OUT / self.trains)
        self.passes = min(_PASSES, max(1, -(-_ROWS // self.trains)))

    def rows(self, table: FeatureTable) -> _Rows:
        """The rows of a file that are used."""
        collection = table.collection
        truth = self._known[(collection.truth == 1).argmax(1)]
        used = np.flatnonzero(truth >= 0)
        files = [collection.files[i] for i in used]
        group = collection.group or ("",) * len(collection.files)
        keys = [group[i] or str(collection.files[i]) for i in used]
        trains = np.array([collection.part[i] != "test" for i in used], bool)
        chance = np.array([self._chance(key) for key in keys])
        return _Rows(
            files, table.values[used], truth[used], trains, chance, trains & (chance < self.share)
        )

    def _chance(self, key: str) -> float:
        """A number in [0, 1) of a picture or its group: the same in every pass."""
        text = f"{self._seed} {key}".encode("utf-8", "surrogateescape")
        return int.from_bytes(blake2b(text, digest_size=8).digest(), "little") / 2.0**64


class _Planes:
    """A plane a class, that moves with every row that it sees."""

    def __init__(self, survey: _Survey, settings: TrainingSettings, share: float) -> None:
        from sklearn.linear_model import SGDClassifier

        self._survey = survey
        count = survey.trains * share
        balanced = survey.trains / (len(survey.counts) * survey.counts)
        self._model = SGDClassifier(
            loss="hinge",
            alpha=1 / (settings.C * count),
            average=max(1, int(count * survey.passes / 2)),
            shuffle=False,
            random_state=settings.seed,
            class_weight=dict(enumerate(balanced.tolist())) if settings.balanced else None,
        )

    def see(self, rows: _Rows, order: Int[np.ndarray, " m"]) -> None:
        """Move with some rows, in this order."""
        if len(order):
            classes = np.arange(len(self._survey.classes))
            self._model.partial_fit(rows.values[order], rows.truth[order], classes)

    def planes(self) -> tuple[Float[np.ndarray, "classes d"], Float[np.ndarray, " classes"]]:
        """Weight and bias of each class."""
        return planes_of(self._model.coef_, self._model.intercept_)


class _Examples:
    """About EXAMPLES training rows, for the familiarity: those whose number is the smallest."""

    def __init__(self) -> None:
        self._files: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def add(self, file: int, rows: _Rows, count: int) -> None:
        """Take those of a file."""
        taken = rows.trains & (_spread(rows.chance, 1) < EXAMPLES / count)
        fold = (_spread(rows.chance[taken], 2) * FOLDS).astype(np.intp)
        self._files[file] = rows.values[taken], rows.truth[taken], fold

    def all(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Their features, classes and folds, in the files' order."""
        parts = [self._files[file] for file in sorted(self._files)]
        values, truth, fold = (np.concatenate(same) for same in zip(*parts, strict=True))
        return values, truth, fold


class _Classified:
    """The scores of what the planes that give them have not seen."""

    def __init__(self, survey: _Survey, model: _Planes, other: _Planes) -> None:
        self._survey = survey
        self._planes, self._others = model.planes(), other.planes()
        self._held_out: list[tuple[_Rows, np.ndarray]] = []
        self._test: list[tuple[_Rows, np.ndarray]] = []

    def add(self, rows: _Rows) -> None:
        """Score a file's rows."""
        for which, (weight, bias), kept in (
            (rows.held_out, self._others, self._held_out),
            (~rows.trains, self._planes, self._test),
        ):
            few = rows.taken(which)
            kept.append((few.without_values(), few.values @ weight.T + bias))

    def training(self, examples: _Examples, settings: TrainingSettings) -> Training:
        """The classifier, judged. Raises InputError if nothing was held out."""
        survey, (weight, bias) = self._survey, self._planes
        judged, chance = self._judgement(self._held_out)
        if not len(judged.files):
            raise InputError(
                f"of {survey.trains} pictures none is held out with seed {settings.seed}; expected "
                "more pictures, or another seed"
            )
        scores, truth = judged.scores, judged.truth
        halves = (_spread(chance, 3) * 2).astype(np.intp)
        values, own, fold = examples.all()
        unknown = choose_threshold(values, own, fold, np.arange(len(own)))
        classifier = Classifier(
            survey.classes,
            weight,
            bias,
            survey.networks,
            survey.network_keys,
            fit_temperature(scores, truth),
            unknown.threshold,
            values.astype(np.float16),
        )
        test, _ = self._judgement(self._test)
        return Training(
            classifier,
            judged,
            1,
            test if len(test.files) else None,
            reliability_table(_two_halves(scores, truth, halves), truth),
            unknown,
            (),
            tuple(survey.skipped),
            (_STREAMED, *judgement_notes(judged, settings.balanced)),
        )

    def _judgement(
        self, parts: list[tuple[_Rows, np.ndarray]]
    ) -> tuple[Judgement, Float[np.ndarray, " n"]]:
        files = tuple(file for rows, _ in parts for file in rows.files)
        truth = np.concatenate([rows.truth for rows, _ in parts])
        scores = np.concatenate([scores for _, scores in parts])
        chance = np.concatenate([rows.chance for rows, _ in parts])
        return Judgement(self._survey.classes, files, truth, scores), chance


def _two_halves(scores: np.ndarray, truth: np.ndarray, halves: np.ndarray) -> np.ndarray:
    """Probabilities with the temperature of the other half; of few pictures with their own."""
    if len(np.unique(halves)) < 2:
        return probabilities(scores, fit_temperature(scores, truth))
    return held_out_probabilities(scores, truth, halves)


def _spread(chance: Float[np.ndarray, " n"], which: int) -> Float[np.ndarray, " n"]:
    """Another number in [0, 1) of each: bits of the first that it does not depend on."""
    return np.asarray((chance * 2.0 ** (12 * which)) % 1.0)
