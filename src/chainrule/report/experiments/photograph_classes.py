"""5.2: classes of photographs found by a pretrained network's features, and by visual words."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.images.efficientnet import load_efficientnet_lite0
from chainrule.images.evaluation import KINDS, Evaluation, EvaluationSettings, Row, evaluate
from chainrule.images.figures import NAMES, precision_recall_figure
from chainrule.images.store import default_cache_folder
from chainrule.io.progress import Progress
from chainrule.io.temporary import temporary_folder
from chainrule.report.experiments import photographs
from chainrule.report.facts.values import Found
from chainrule.report.finding import Figure, Finding, Table, chart
from chainrule.report.settings import ReportSettings

CLASSES = ("aeroplane", "motorbike", "person")  # the original's
C = 1.0
QUICK_KINDS = ("cnn", "bovw")  # the two that the original compares


@dataclass(frozen=True)
class PhotographClasses(Finding):
    """The evaluation; kind and data as of `photographs.Source`."""

    evaluation: Evaluation
    kind: str
    data: str

    def found(self) -> dict[str, Found]:
        precision = {
            f"5.2.{name}.{key}": self._precision(name, features)
            for name in CLASSES
            for key, features in (("assignment2", "bovw"), ("cnn", "cnn"))
        }
        leads = [self._of(n, "cnn") - self._of(n, "bovw") for n in self.compared]
        least = min((self._of(n, "cnn") for n in self.compared), default=np.nan)
        return precision | {
            "5.2.C": Found(f"{C:g}"),
            "5.2.much_better": Found(
                min(leads, default=np.nan),
                f"they lead by {min(leads):.3f} or more" if leads else "not these classes",
                self.data,
            ),
            "5.2.above": Found(
                least, f"{least:.3f} or more" if leads else "not these classes", self.data
            ),
            "5.2.pictures": Found("below"),
        }

    @property
    def compared(self) -> list[str]:
        """The original's classes, if these are its photographs; else all that were ranked."""
        names = dict.fromkeys(row.class_name for row in self.evaluation.rows)
        return [n for n in names if n in CLASSES] if self.kind == "voc2007" else list(names)

    def _of(self, name: str, features: str) -> float:
        return next(
            row.average_precision
            for row in self.evaluation.rows
            if (row.class_name, row.features) == (name, features)
        )

    def _precision(self, name: str, features: str) -> Found:
        names = {row.class_name for row in self.evaluation.rows}
        if name not in names:
            return Found(np.nan, "no such class", self.data)
        value = self._of(name, features)
        return Found(value, f"{value:.4f}", self.data)

    def mean(self, features: str) -> float:
        """The mean average precision of a kind of features over the classes."""
        own = [r.average_precision for r in self.evaluation.rows if r.features == features]
        return float(np.mean(own))

    @property
    def kinds(self) -> dict[str, str]:
        """The kinds of features that were compared, by their names."""
        there = {row.features for row in self.evaluation.rows}
        return {kind: name for kind, name in NAMES.items() if kind in there}

    @property
    def tested(self) -> int:
        """Pictures that were ranked."""
        first = self.evaluation.rows[0]
        return first.positives + first.negatives

    def figures(self) -> tuple[Figure, ...]:
        drawn = precision_recall_figure(self.evaluation.rows)
        return (chart("curves", drawn, wide=len(self.compared) > 1),)

    def tables(self) -> tuple[Table, ...]:
        header = ("features", "class", "AP", "95 % interval", "AP, 11 points", "positives",
                  "negatives")  # fmt: skip
        return (Table("precision", header, tuple(map(_cells, self.evaluation.rows))),)

    def document(self) -> dict[str, Any]:
        return {
            "rows": [row.document() for row in self.evaluation.rows],
            "skipped": len(self.evaluation.skipped),
        }


def run(
    settings: ReportSettings, progress: Progress | None = None, *made: Path | None
) -> PhotographClasses:
    """Fit a linear SVM a class on one part of the pictures, and rank the other."""
    (tree,) = made
    network = load_efficientnet_lite0()
    source = photographs.source(settings)
    if settings.photos is None:
        with temporary_folder() as temporary:
            cut = photographs.tiles(photographs.packaged(), temporary)
            kinds = QUICK_KINDS if settings.quick else KINDS
            # tiles of one sky would count as copies of each other
            alone = EvaluationSettings(seed=settings.seed, C=C, near_duplicates=False)
            result = evaluate(cut, kinds, network, alone, progress=progress)
        return PhotographClasses(result, source.kind, source.data)
    voc = source.kind == "voc2007"
    result = evaluate(
        photographs.collection(settings, tree),
        QUICK_KINDS if voc else KINDS,
        network,
        EvaluationSettings(
            CLASSES if voc else (),
            C,
            settings.seed,
            near_duplicates=not voc,  # VOC's parts are taken as everyone takes them
        ),
        # features of ten thousand photographs take minutes: a stopped report goes on with them
        cache=default_cache_folder() if voc else None,
        progress=progress,
    )
    return PhotographClasses(result, source.kind, source.data)


def _cells(row: Row) -> tuple[str, ...]:
    low, high = row.interval
    return (
        NAMES[row.features],
        row.class_name,
        f"{row.average_precision:.3f}",
        f"{low:.3f} to {high:.3f}",
        f"{row.average_precision_11_point:.3f}",
        str(row.positives),
        str(row.negatives),
    )
