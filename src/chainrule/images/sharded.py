"""Features of any number of pictures: a folder of files, each of so many of them.

    FOLDER/features-00000.safetensors, features-00001.safetensors, ..., index.json

Each file is what `chainrule images features` writes, of the pictures of its place in the list. It
appears when all of them are done, so that a run that was stopped goes on with the files that are
not there. In memory are the list and the files that are under way; no feature else.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, overload

import numpy as np
from jaxtyping import Int8

from chainrule.chain.inference.precision import Precision, best_precision
from chainrule.errors import FileError
from chainrule.executors import Executor, Here
from chainrule.images.collection import Collection
from chainrule.images.far_features import BATCH, Batch, batch_features, first_of, ready
from chainrule.images.feature_file import KIND
from chainrule.images.listing import Skipped
from chainrule.images.network import FeatureSource
from chainrule.io.files import make_folder, write_json
from chainrule.io.model_file import read_model_file, write_model_file
from chainrule.io.names import shown
from chainrule.io.progress import Progress
from chainrule.io.texts import read_text

Pictures = Sequence[Path | str]


def feature_files(folder: Path) -> list[Path]:
    """The files of a folder that is complete, in order. Raises FileError."""
    index = folder / "index.json"
    try:
        document = json.loads(read_text(index))
        files = [folder / str(entry["file"]) for entry in document["files"] if entry["pictures"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileError(
            f"{shown(index)} cannot be read ({error}); expected a folder that `chainrule images "
            "features --shard` wrote to its end"
        ) from error
    if not files:
        raise FileError(f"{shown(folder)} holds no features; expected some")
    return files


def write_sharded(
    folder: Path,
    pictures: Pictures | Collection,
    network: FeatureSource,
    *,
    together: int = 4096,
    precision: Precision | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write the features of `pictures` into `folder`, `together` pictures a file: the index.

    Pictures are paths and addresses; of a collection the classes are written, too. One that cannot
    be read is listed in its file and in the index, and left out. Raises FileError if the folder
    cannot be written, or holds the features of other pictures or of another network.
    """
    precision = precision or best_precision()
    together = -(-together // BATCH) * BATCH  # whole batches
    make_folder(folder)
    known = pictures if isinstance(pictures, Collection) else None
    pictures = pictures.files if isinstance(pictures, Collection) else pictures
    shards = _Shards(folder, pictures, known, (network, precision), together)
    jobs = _Batches(pictures, together, shards.missing())
    done = len(pictures) - jobs.pictures
    if progress is not None:
        progress(done, len(pictures))
    under_way: dict[int, dict[int, Batch]] = {}
    results = (executor or Here()).results(
        batch_features, jobs, (network, precision), prepare=ready, name=first_of
    )
    for k, batch in results:
        shard, place = jobs.place(k)
        under_way.setdefault(shard, {})[place] = batch
        done += len(jobs[k])
        if len(under_way[shard]) == shards.batches(shard):
            shards.write(shard, under_way.pop(shard))
        if progress is not None:
            progress(done, len(pictures))
    return shards.write_index()


class _Shards:
    """The files of a folder."""

    def __init__(
        self,
        folder: Path,
        pictures: Pictures,
        known: Collection | None,
        source: tuple[FeatureSource, Precision],
        together: int,
    ) -> None:
        self._folder, self._pictures, self._together = folder, pictures, together
        self._known, (self._network, self._precision) = known, source
        self.count = -(-len(pictures) // together)

    def missing(self) -> list[int]:
        """Which files are not there. Raises FileError if one is of other work."""
        return [k for k in range(self.count) if self._there(k) is None]

    def batches(self, shard: int) -> int:
        """How many batches a file holds."""
        return -(-len(self._of(shard)) // BATCH)

    def write(self, shard: int, batches: dict[int, Batch]) -> None:
        """Write a file of all its batches."""
        ordered = [batches[place] for place in sorted(batches)]
        places = [
            place * BATCH + i for place, batch in sorted(batches.items()) for i in batch.there
        ]
        files = [str(self._of(shard)[place]) for place in places]
        rows = [batch.rows for batch in ordered if len(batch.rows)]
        skipped = [entry for batch in ordered for entry in batch.skipped]
        truth, settings = self._labels([shard * self._together + place for place in places])
        write_model_file(
            self._path(shard),
            KIND,
            {
                "features": np.concatenate(rows) if rows else np.zeros((0, 0), np.float32),
                "truth": truth,
            },
            {
                "model": self._network.name,
                "model_key": self._network.key,
                "files": files,
                **settings,
                "skipped": [asdict(entry) for entry in skipped],
                "of": self._work(shard),
            },
        )

    def _labels(self, places: Sequence[int]) -> tuple[Int8[np.ndarray, "n _"], dict[str, Any]]:
        """The truth of some pictures, and the settings that say what it is."""
        known = self._known
        if known is None:
            nothing = {"classes": [], "part": [""] * len(places), "group": [], "exclusive": False}
            return np.zeros((len(places), 0), np.int8), nothing
        return known.truth[list(places)], {
            "classes": known.classes,
            "part": [known.part[i] for i in places],
            "group": [known.group[i] for i in places] if known.group else [],
            "exclusive": known.exclusive,
        }

    def write_index(self) -> dict[str, Any]:
        """Write what is in which file, and what was left out."""
        entries: list[dict[str, Any]] = []
        skipped: list[dict[str, str]] = []
        for k in range(self.count):
            settings = self._there(k)
            assert settings is not None
            entries.append(
                {
                    "file": self._path(k).name,
                    "first": k * self._together,
                    "pictures": len(settings["files"]),
                }
            )
            skipped += settings["skipped"]
        index = {
            "model": self._network.name,
            "pictures": sum(entry["pictures"] for entry in entries),
            "files": entries,
            "skipped": skipped,
        }
        write_json(self._folder / "index.json", index)
        return index

    def _there(self, shard: int) -> dict[str, Any] | None:
        """The settings of a file that is there."""
        path = self._path(shard)
        if not path.exists():
            return None
        found = read_model_file(path, KIND, "a file that `chainrule images features` wrote")
        if found.settings.get("of") != self._work(shard):
            raise FileError(
                f"{shown(path)} is of other pictures, another network or another number a file; "
                "expected the same: choose another folder"
            )
        return found.settings

    def _work(self, shard: int) -> str:
        """What a file is of, as a digest."""
        names = "\0".join(str(picture) for picture in self._of(shard))
        text = f"{self._network.key} {self._precision} {names}"
        if self._known is not None:
            first = shard * self._together
            truth, settings = self._labels(range(first, first + len(self._of(shard))))
            text += f" {settings} {truth.tobytes().hex()}"
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

    def _of(self, shard: int) -> Pictures:
        return self._pictures[shard * self._together : (shard + 1) * self._together]

    def _path(self, shard: int) -> Path:
        return self._folder / f"features-{shard:05}.safetensors"


class _Batches(Sequence[Pictures]):
    """The batches of the files that are missing, each taken from the list when it is asked for."""

    def __init__(self, pictures: Pictures, together: int, shards: Sequence[int]) -> None:
        self._pictures, self._together, self._shards = pictures, together, shards
        self._in_each = together // BATCH
        ends = [min((k + 1) * together, len(pictures)) for k in shards]
        self.pictures = sum(end - k * together for k, end in zip(shards, ends, strict=True))
        # only the last file may have fewer batches, and it is the last of the missing ones
        self._count = sum(
            -(-(end - k * together) // BATCH) for k, end in zip(shards, ends, strict=True)
        )

    def place(self, k: int) -> tuple[int, int]:
        """The file of a batch, and its place in it."""
        return self._shards[k // self._in_each], k % self._in_each

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, k: int) -> Pictures: ...
    @overload
    def __getitem__(self, k: slice) -> list[Pictures]: ...
    def __getitem__(self, k: int | slice) -> Pictures | list[Pictures]:
        if isinstance(k, slice):
            return [self[i] for i in range(*k.indices(len(self)))]
        shard, place = self.place(k)
        first = shard * self._together + place * BATCH
        return self._pictures[first : min(first + BATCH, (shard + 1) * self._together)]


def skipped_of(index: dict[str, Any]) -> list[Skipped]:
    """What an index says was left out."""
    return [Skipped(**entry) for entry in index["skipped"]]
