"""5.1: a pretrained network names photographs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.images.classification import classify_files
from chainrule.images.efficientnet import load_efficientnet_lite0
from chainrule.images.explanation import explain
from chainrule.images.figures import classification_figure
from chainrule.images.network import Guess
from chainrule.io.pictures import read_picture
from chainrule.io.progress import Progress
from chainrule.report.experiments import photographs
from chainrule.report.facts.values import Found
from chainrule.report.finding import Figure, Finding, Table, picture
from chainrule.report.settings import ReportSettings


@dataclass(frozen=True)
class ClassificationFinding(Finding):
    """The five best classes of each photograph; from: which photographs they are."""

    network: str
    kind: str
    files: tuple[str, ...]
    best: tuple[tuple[Guess, ...], ...]
    drawings: tuple[Figure, ...]

    def found(self) -> dict[str, Found]:
        first = self.best[0]
        data = f"the photograph {self.files[0]}"
        return {
            "5.1.class": Found(first[0].name, data=data),
            "5.1.probability": Found(
                first[0].probability, f"{first[0].probability:.3f}", data=data
            ),
            "5.1.five": Found("; ".join(guess.name for guess in first), data=data),
        }

    def figures(self) -> tuple[Figure, ...]:
        return self.drawings

    def tables(self) -> tuple[Table, ...]:
        header = ("photograph", "first", "second", "third", "fourth", "fifth")
        rows = tuple(
            (file, *(f"{g.name} {g.probability:.3f}" for g in best))
            for file, best in zip(self.files, self.best, strict=True)
        )
        return (Table("five", header, rows),)

    def document(self) -> dict[str, Any]:
        return {
            "model": self.network,
            "images": [
                {
                    "file": file,
                    "classes": [{"name": g.name, "probability": g.probability} for g in best],
                }
                for file, best in zip(self.files, self.best, strict=True)
            ],
        }


def run(
    settings: ReportSettings, progress: Progress | None = None, *made: Path | None
) -> ClassificationFinding:
    """Name each photograph, and ask which pixels decided."""
    (tree,) = made
    network = load_efficientnet_lite0()
    result = classify_files(photographs.named_files(settings, tree), network)
    drawings = []
    for number, (file, best) in enumerate(zip(result.files, result.best, strict=True), start=1):
        image = read_picture(file)
        figure = classification_figure(
            image,
            [guess.name for guess in best],
            [guess.probability for guess in best],
            explain(network, image, best[0].index),
            network.preprocessing.square(image),
        )
        drawings.append(picture(f"named{number}", figure, wide=True))
        if progress is not None:
            progress(number, len(result.files))
    return ClassificationFinding(
        network.name,
        photographs.source(settings).kind,
        tuple(file.name for file in result.files),
        result.best,
        tuple(drawings),
    )
