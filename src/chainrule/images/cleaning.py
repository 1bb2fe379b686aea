"""What is wrong with a collection: probable wrong labels, duplicates, files that cannot be read."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chainrule.errors import InputError
from chainrule.images.collection import Collection
from chainrule.images.duplicates import equal_files, near_duplicates, without_copies
from chainrule.images.features import joined_features, network_features
from chainrule.images.judgement import Judgement
from chainrule.images.listing import Skipped
from chainrule.images.network import FeatureSource
from chainrule.images.parts import group_numbers
from chainrule.images.suspects import Suspect, suspects
from chainrule.images.svm import cross_validated_scores, fold_numbers
from chainrule.images.training import checked
from chainrule.io.progress import Progress


@dataclass(frozen=True)
class Findings:
    """`suspects`, the surest first; `duplicates`, groups of files that show one photograph; and
    what was left out, with the reason."""

    suspects: tuple[Suspect, ...]
    duplicates: tuple[tuple[str, ...], ...]
    skipped: tuple[Skipped, ...]

    def document(self) -> dict[str, Any]:
        """What `chainrule images clean --json` prints."""
        return {
            "suspects": [asdict(entry) for entry in self.suspects],
            "duplicates": [list(files) for files in self.duplicates],
            "skipped": [asdict(entry) for entry in self.skipped],
        }


def examine(
    collection: Collection,
    network: FeatureSource,
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Findings:
    """Look at every picture, of all parts; nothing is moved or changed.

    Raises FileError, InputError as `chainrule.images.training.train_classifier`; but where there
    are not two classes, only duplicates and unreadable files are listed.
    """
    copies = [[str(collection.files[i]) for i in group] for group in equal_files(collection.files)]
    exact = {files[0]: files for files in copies if len(files) > 1}
    found = network_features(collection.files, network, cache=cache, progress=progress)
    readable = collection.taken(found.kept, found.skipped)
    values = joined_features([found.values]) if found.kept else found.values
    groups = near_duplicates(readable.files, values if found.kept else None)
    duplicates = _merged(exact, [[str(readable.files[i]) for i in group] for group in groups])
    row = {file: i for i, file in enumerate(readable.files)}
    try:
        single = checked(_without_parts(without_copies(readable)))
    except InputError:
        return Findings((), duplicates, readable.skipped)
    kept = values[[row[file] for file in single.files]]
    truth = (single.truth == 1).argmax(1)
    names = len(single.classes)
    fold = fold_numbers(truth, group_numbers(single), 0)
    scores = cross_validated_scores(kept, truth, fold, names, C=1.0, seed=0)
    judgement = Judgement(single.classes, single.files, truth, scores)
    return Findings(tuple(suspects(judgement)), duplicates, single.skipped)


def _without_parts(collection: Collection) -> Collection:
    from dataclasses import replace

    return replace(collection, part=("",) * len(collection.files))


def _merged(exact: dict[str, list[str]], near: list[list[str]]) -> tuple[tuple[str, ...], ...]:
    """Groups of equal files and of near ones, joined where they share a file."""
    groups = [set(files) for files in [*exact.values(), *near]]
    joined: list[set[str]] = []
    for group in groups:
        touching = [other for other in joined if other & group]
        joined = [other for other in joined if not other & group]
        joined.append(group.union(*touching))
    return tuple(tuple(sorted(group)) for group in sorted(joined, key=min))
