"""Points with two classes: two half-moons, a file, or one of scikit-learn's tables."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from chainrule.errors import FileError, InputError, ShapeError
from chainrule.io.checks import seed_number
from chainrule.io.names import shown
from chainrule.points.dialect import is_number
from chainrule.points.tables import LABEL_NAMES, Column, Table, read_table

MOONS = ("double-moon", "inferred-moons")  # drawn, from no file
_LONGEST = 1000  # characters of a label; a class is a name
SOURCES = (*MOONS, "breast-cancer")


@dataclass(frozen=True)
class Points:
    """Points of two classes.

    features (n, d) float64, finite; labels (n,) float64 in {-1, +1}; class_names: what -1 and +1
    are called; feature_names: d names (default x1, x2, ...); label_name: the label column's;
    notes: what was assumed of a file. `Points.of` takes arrays and lists of any kind.

    Raises ShapeError, InputError.
    """

    features: Float64[np.ndarray, "n d"]
    labels: Float64[np.ndarray, " n"]
    class_names: tuple[str, str] = ("-1", "+1")
    feature_names: tuple[str, ...] = ()
    label_name: str = "label"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n, d = self.features.shape
        if len(self.labels) != n:
            raise ShapeError(
                f"labels: found shape {self.labels.shape}; expected ({n},) as features have "
                f"shape ({n}, {d})"
            )
        if n == 0 or d == 0:
            raise ShapeError(f"features: found shape ({n}, {d}); expected at least one of each")
        if not np.isfinite(self.features).all():
            raise InputError("features: found NaN or infinity; expected finite numbers")
        if not np.isin(self.labels, (-1.0, 1.0)).all():
            raise InputError("labels: found other values; expected -1 and +1 only")
        if not self.feature_names:
            object.__setattr__(self, "feature_names", tuple(f"x{k + 1}" for k in range(d)))
        elif len(self.feature_names) != d:
            raise ShapeError(f"feature names: found {len(self.feature_names)}; expected {d}")

    def __len__(self) -> int:
        """How many points there are."""
        return len(self.labels)

    @classmethod
    def of(cls, features: Any, labels: Any) -> "Points":
        """Points of lists, arrays or tables: features (n, d) or (n,), labels (n,) or (n, 1).

        Numbers of any kind; labels of exactly two values, the lesser of which becomes -1. Raises
        ShapeError, InputError.
        """
        try:
            X = np.asarray(features)
            if X.dtype.kind == "c":
                raise TypeError("complex ones")
            X = X.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"features: found no numbers ({error}); expected numbers") from error
        y = np.asarray(labels)
        X = X.reshape(-1, 1) if X.ndim == 1 else X
        y = y.reshape(-1) if y.ndim == 2 and y.shape[1] == 1 else y
        if X.ndim != 2 or y.ndim != 1:
            raise ShapeError(
                f"features have shape {X.shape}, labels {y.shape}; expected (n, d) and (n,)"
            )
        try:
            distinct = np.unique(y)
        except TypeError as error:
            raise InputError(
                f"labels: found values that have no order ({error}); expected numbers or words"
            ) from error
        if len(distinct) != 2:
            raise InputError(f"labels: found {len(distinct)} value(s); expected exactly two")
        names = str(distinct[0]), str(distinct[1])
        return cls(np.ascontiguousarray(X), np.where(y == distinct[1], 1.0, -1.0), names)


def as_points(what: str, points: Any) -> Points:
    """Points as they are; a pair (features, labels) by `Points.of`. Raises InputError."""
    if isinstance(points, Points):
        return points
    if isinstance(points, tuple | list) and len(points) == 2:
        return Points.of(*points)
    raise InputError(
        f"{what}: found {type(points).__name__}; expected Points or a pair (features, labels)"
    )


@dataclass(frozen=True)
class Dataset:
    """Training and validation points, and how the features were standardized.

    A feature of the source is `mean + scale * feature` of the points here; mean (d,) is 0 and
    scale (d,) is 1 where nothing was standardized.
    """

    training: Points
    validation: Points
    mean: Float64[np.ndarray, " d"] = field(repr=False)
    scale: Float64[np.ndarray, " d"] = field(repr=False)


def load_dataset(
    source: str | os.PathLike[str] = "double-moon",
    *,
    label: str | None = None,
    validation_share: float = 0.5,
    standardize: bool | None = None,
    seed: int = 0,
) -> Dataset:
    """Load what a training needs: training points, validation points, the standardization.

    source: half-moons, 1000 training and 1000 validation points drawn apart (`double-moon`; or
    `inferred-moons`, as near to the original's points as its tables tell: seed 0 is the draw that
    was inferred, any other draws anew from the same moons; see `chainrule.points.inference`),
    `breast-cancer` (scikit-learn's table), or a CSV or NPZ file, of which `validation_share` of
    each class is drawn for validation. standardize: give every feature mean 0 and variance 1 over
    the training points; by default all sources but the half-moons are, because gradient steps on
    features of unlike size kill the hidden units or do nothing.

    Raises InputError, and FileError for a file that does not hold such points.
    """
    name = _name(source)
    if name in MOONS:
        check_no_label(name, label)
        _check_seed(seed)
        training, validation = _training_and_validation(name, seed)
    else:
        points = load_points(source, label=label)
        training, validation = split(points, validation_share, seed=seed)
        standardize = True if standardize is None else standardize
    return dataset_of(training, validation, bool(standardize))


def dataset_of(training: Points, validation: Points, standardize: bool) -> Dataset:
    """The two parts, standardized by the training points if asked for."""
    mean, scale = standardization(training.features, standardize)
    if standardize:
        training, validation = (_shifted(p, mean, scale) for p in (training, validation))
    return Dataset(training, validation, mean, scale)


def standardization(features: np.ndarray, wanted: bool) -> tuple[np.ndarray, np.ndarray]:
    """What to take from each feature (n, d), and what to divide it by then: two arrays (d,)."""
    d = features.shape[1]
    if not wanted:
        return np.zeros(d), np.ones(d)
    spread = features.std(axis=0)
    # a constant feature stays constant
    return features.mean(axis=0), np.where(spread > 0, spread, 1.0)


def double_moon(
    n: int = 1000,
    *,
    radius: float = 1.0,
    width: float = 0.42,
    distance: float = -0.34,
    scale: float = 3.1,
    seed: int | np.random.SeedSequence = 0,
) -> Points:
    """Draw n points on two half-moons, half on each (the upper one has the odd point).

    The upper moon, class -1: rho (cos a, sin a), with rho uniform in radius +- width/2 and a in
    [0, pi]; the lower one, class +1: rho (cos a, -sin a) + (radius, -distance); all times
    `scale`. A distance below 0 lets the moons interlock (Haykin, Neural Networks and Learning
    Machines, 3rd ed., section 1.5, where the upper moon is +1).

    The defaults are not the original data: they were fitted by trying. `inferred-moons` (see
    `load_dataset`) is nearer to it.

    Raises InputError on a setting out of range.
    """
    if n < 2:
        raise InputError(f"points on the half-moons: found {n}; expected at least 2")
    for name, value in (("radius", radius), ("scale", scale)):
        if not 0 < value < np.inf:
            raise InputError(f"{name}: found {value}; expected a number above 0")
    if not 0 <= width <= 2 * radius:
        raise InputError(f"width: found {width}; expected 0 to {2 * radius:g}, twice the radius")
    if not np.isfinite(distance):
        raise InputError(f"distance: found {distance}; expected a finite number")
    _check_seed(seed)
    generator = np.random.default_rng(seed)
    rho = generator.uniform(radius - width / 2, radius + width / 2, n)
    angle = generator.uniform(0, np.pi, n)
    lower = np.arange(n) % 2 == 1
    x = rho * np.cos(angle) + np.where(lower, radius, 0.0)
    y = rho * np.sin(angle) * np.where(lower, -1.0, 1.0) - np.where(lower, distance, 0.0)
    return Points(scale * np.stack([x, y], axis=1), np.where(lower, 1.0, -1.0))


def draw_moons(name: str, seed: int) -> Points:
    """Draw 1000 new points from the half-moons that MOONS has by name."""
    if name == "double-moon":
        return double_moon(seed=seed)
    from chainrule.points.moons import NAMED_MOONS

    return NAMED_MOONS[name].moons.draw(1000, seed)


def load_points(source: str | os.PathLike[str], *, label: str | None = None) -> Points:
    """Load the points of a CSV or NPZ file, or of scikit-learn's table `breast-cancer`.

    What a file may hold: see `chainrule.points.tables.read_table`. The label column is `label`; by
    default the one called label, labels, class or target, or y (unless there is an x beside it),
    or else the last. It holds exactly two values, numbers or words; the lesser is class -1. All
    other columns are features.

    Raises FileError if the file does not hold that, InputError on an unknown name.
    """
    if _name(source) == "breast-cancer":
        check_no_label("breast-cancer", label)
        return _breast_cancer()
    return points_of(*columns_of(source, label))


def columns_of(
    source: str | os.PathLike[str], label: str | None
) -> tuple[Table, list[Column], Column]:
    """A file's table, the columns that are features, and the one with the labels.

    Raises FileError.
    """
    if not Path(source).exists() and not Path(source).suffix:
        raise FileError(
            f"{shown(source)}: found no such file; expected a file of points, or one of "
            f"{', '.join(SOURCES)}"
        )
    table = read_table(source)
    chosen = label_column(table, label)
    features = [column for k, column in enumerate(table.columns) if k != chosen]
    if not features:
        raise FileError(
            f"{shown(source)}: found one column, {table.names[0]!r}; expected feature columns and "
            "a label column, separated by commas"
        )
    return table, features, table.columns[chosen]


def points_of(table: Table, features: list[Column], label: Column) -> Points:
    """The points of two classes in these columns of a table. Raises FileError."""
    codes, names = class_codes(table.path, label)
    if len(names) != 2:
        raise FileError(wrong_classes(table.path, label, names, "exactly two"))
    return Points(
        feature_array(table.path, features, label.name),
        np.where(codes == 1, 1.0, -1.0),
        (names[0], names[1]),
        tuple(column.name for column in features),
        label.name,
        table.notes,
    )


def split(points: Points, validation_share: float = 0.5, *, seed: int = 0) -> tuple[Points, Points]:
    """Draw `validation_share` of each class for validation; give (training, validation).

    Each class keeps at least one point in both parts. Raises InputError if that cannot be.
    """
    codes = (points.labels > 0).astype(int)
    drawn = held_out(codes, points.class_names, points.label_name, validation_share, seed)
    return _subset(points, ~drawn), _subset(points, drawn)


def held_out(
    codes: np.ndarray, names: tuple[str, ...], label_name: str, share: float, seed: int
) -> np.ndarray:
    """Draw `share` of each class for validation: bool (n,), for codes (n,) of the names.

    Each class keeps at least one point in both parts. Raises InputError if that cannot be.
    """
    if not 0 < share < 1:
        raise InputError(f"validation share: found {share}; expected a number between 0 and 1")
    _check_seed(seed)
    generator = np.random.default_rng(seed)
    drawn = np.zeros(len(codes), bool)
    for code, name in enumerate(names):
        members = np.flatnonzero(codes == code)
        if len(members) < 2:
            raise InputError(
                f"label column {label_name!r}, class {name!r}: found {len(members)} point(s); "
                "expected at least 2, one to train on and one to validate"
            )
        count = min(max(round(share * len(members)), 1), len(members) - 1)
        drawn[generator.permutation(members)[:count]] = True
    return drawn


def _training_and_validation(name: str, seed: int) -> tuple[Points, Points]:
    training, validation = np.random.SeedSequence(seed).spawn(2)
    if name == "double-moon":
        return double_moon(seed=training), double_moon(seed=validation)
    from chainrule.points.moons import NAMED_MOONS

    named = NAMED_MOONS[name]
    if seed == 0:
        return named.draw(1000)
    return named.moons.draw(1000, training), named.moons.draw(1000, validation)


def _subset(points: Points, rows: np.ndarray) -> Points:
    return replace(points, features=points.features[rows], labels=points.labels[rows])


def _shifted(points: Points, mean: np.ndarray, scale: np.ndarray) -> Points:
    return replace(points, features=(points.features - mean) / scale)


def _name(source: str | os.PathLike[str]) -> str:
    """The name of a built-in source, however its words are joined."""
    return str(source).replace("_", "-")


def _check_seed(seed: int | np.random.SeedSequence) -> None:
    if not isinstance(seed, np.random.SeedSequence):
        seed_number(seed)


def check_no_label(source: str, label: str | None) -> None:
    """Raise InputError if a label column is named for points that come from no file."""
    if label is not None:
        raise InputError(f"label: found {label!r}; expected none, as {source} is no file")


def _breast_cancer() -> Points:
    from sklearn.datasets import load_breast_cancer

    table = load_breast_cancer()
    return Points(
        table.data.astype(np.float64),
        np.where(table.target == 1, 1.0, -1.0),
        (str(table.target_names[0]), str(table.target_names[1])),
        tuple(map(str, table.feature_names)),
    )


def label_column(table: Table, label: str | None) -> int:
    """Which column holds the labels. Raises FileError if `label` names none, or several."""
    if label is None:
        lowered = [name.lower() for name in table.names]
        usual = [
            name for name in LABEL_NAMES if name in lowered and (name != "y" or "x" not in lowered)
        ]
        return lowered.index(usual[0]) if usual else len(lowered) - 1
    matches = [k for k, name in enumerate(table.names) if name == label]
    if len(matches) != 1:
        found = "no" if not matches else f"{len(matches)}"
        names = ", ".join(table.names[:20]) + (", ..." if len(table.names) > 20 else "")
        raise FileError(
            f"{shown(table.path)}: found {found} column(s) called {label!r}; expected one of: "
            f"{names}"
        )
    return matches[0]


def feature_array(path: Path, features: list[Column], label_name: str) -> np.ndarray:
    """The columns as float64 (n, d), finite. Raises FileError at the first value that is none."""
    return np.stack([finite_column(path, column, label_name) for column in features], axis=1)


def finite_column(path: Path, column: Column, label_name: str = "") -> np.ndarray:
    """The column as finite float64. Raises FileError at the first value that is none.

    label_name: the column that was taken as the label, for the sentence: maybe it is this one.
    """
    if column.is_numeric and np.isfinite(column.values).all():
        return column.values
    numbers = (float(v) if is_number(v) else np.nan for v in column.values)
    row = next(k for k, number in enumerate(numbers) if not np.isfinite(number))
    raise FileError(
        f"{shown(path)}, column {column.name!r}, point {row + 1}: found "
        f"{str(column.values[row])[:60]!r}; expected a finite number"
        + (f" (the label column is {label_name!r}; another by --label)" if label_name else "")
    )


def class_codes(path: Path, column: Column) -> tuple[np.ndarray, tuple[str, ...]]:
    """The labels as places (n,) in the sorted classes, and what these are called.

    Raises FileError at the first label that is missing.
    """
    values = column.values
    missing = ~np.isfinite(values) if column.is_numeric else values == ""
    if missing.any():
        row = int(missing.argmax())
        raise FileError(
            f"{shown(path)}, label column {column.name!r}, point {row + 1}: found "
            f"{str(column.values[row])!r}; expected a label"
        )
    if not column.is_numeric and (longest := max(map(len, set(map(str, values))))) > _LONGEST:
        raise FileError(
            f"{shown(path)}, label column {column.name!r}: found a label of {longest:,} "
            f"characters; expected at most {_LONGEST:,}"
        )
    if column.is_numeric:
        distinct, codes = np.unique(values, return_inverse=True)
        return codes, tuple(map(class_name, distinct))
    texts = list(map(str, values))
    names = sorted(set(texts))  # sorting each of a million words takes a second
    places = {name: place for place, name in enumerate(names)}
    return np.fromiter((places[text] for text in texts), np.int64, len(texts)), tuple(names)


def wrong_classes(path: Path, column: Column, names: tuple[str, ...], expected: str) -> str:
    """The sentence for a label column with too few or too many classes."""
    values = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return (
        f"{shown(path)}: the label column {column.name!r} holds {len(names)} value(s) "
        f"({values}); expected {expected}, or another column by --label"
    )


def class_name(value: object) -> str:
    """What a label is called: 1.0 is "1"."""
    number = isinstance(value, float | np.floating)
    return f"{value:.15g}" if number else str(value)
