"""Pictures with the classes they show: folders of classes, a VOC tree, or a CSV list."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import Int8

from chainrule.errors import FileError
from chainrule.images.listing import Listing, Skipped
from chainrule.io.names import shown
from chainrule.io.progress import Progress

__all__ = ["Collection", "Skipped", "read_collection", "without_classes"]


@dataclass(frozen=True)
class Collection:
    """`truth[i, c]` is 1 if picture i shows class c, -1 if not, 0 if that is 'difficult' to say.

    `part[i]` is "train", "test", or "" where the collection leaves it open. Pictures of one
    `group[i]` (other than "") belong together: no split puts them on both sides. `exclusive` says
    that a picture shows one class only, as in folders of classes.
    """

    files: tuple[Path, ...]
    classes: tuple[str, ...]
    truth: Int8[np.ndarray, "n classes"]
    part: tuple[str, ...]
    skipped: tuple[Skipped, ...] = field(default=())
    group: tuple[str, ...] = field(default=())
    exclusive: bool = False

    def taken(self, kept: Sequence[int], skipped: Sequence[Skipped] = ()) -> "Collection":
        """The pictures `kept`, with `skipped` added to what was left out."""
        index = np.asarray(kept, dtype=np.intp)
        return replace(
            self,
            files=tuple(self.files[i] for i in index),
            truth=self.truth[index],
            part=tuple(self.part[i] for i in index),
            group=tuple(self.group[i] for i in index) if self.group else (),
            skipped=(*self.skipped, *skipped),
        )

    def without_class(self, name: str, reason: str) -> "Collection":
        """Without a class, and without the pictures that show no other."""
        c = self.classes.index(name)
        left = [i for i in range(len(self.classes)) if i != c]
        kept = np.flatnonzero((self.truth[:, c] != 1) | (self.truth[:, left] == 1).any(1))
        rest = self.taken(kept.tolist(), [Skipped(name, reason)])
        return replace(
            rest, classes=tuple(self.classes[i] for i in left), truth=rest.truth[:, left]
        )


def read_collection(
    path: Path | str, progress: Progress | None = None, *, classes_needed: bool = True
) -> Collection:
    """The pictures of a folder of class folders, a VOC tree, or a CSV list.

    - Class folders: `path/cat/1.jpg` shows a cat. A file that is no picture by its name is
      skipped. If there are folders `train` and `test` (or `val`) that hold the class folders, or
      the class folders hold them, they are the parts (`seg_train` and `seg_test`, too): with a
      test part, `val` is trained on; without, it is the test part. One folder around all this, or
      between the parts and their classes, makes no difference.
    - VOC: `JPEGImages` and `ImageSets/Main/CLASS_SPLIT.txt` in `path`, or in the one VOC folder
      under it. "trainval" is the training part and "test" the test; without a test, "train" and
      "val".
    - CSV: a header with the columns `file` (relative to the list) and `classes` (separated by
      semicolons; may be empty), and perhaps `split` (train or test) and `group` (pictures that
      belong together). A file in several rows shows the classes of all of them.

    Without `classes_needed` a folder whose pictures lie in no class folder is taken too.

    Raises FileError if there is nothing of the kind, or a list says what makes no sense.
    """
    from chainrule.images.class_folders import read_class_folders
    from chainrule.images.csv_list import read_csv_list
    from chainrule.images.voc_tree import find_voc_tree, read_voc_tree

    path = Path(path)
    if path.is_file():
        return read_csv_list(path)
    if not path.is_dir():
        raise FileError(f"{shown(path)} is not there; expected a folder of pictures or a CSV list")
    tree = find_voc_tree(path)
    if tree is not None:
        return read_voc_tree(tree)
    if not classes_needed:
        listing = Listing(progress)
        if listing.direct(path)[0]:
            found = Listing(progress)
            return without_classes(found.pictures(path), found.skipped)
    return read_class_folders(path, progress)


def without_classes(files: Sequence[Path], skipped: Sequence[Skipped] = ()) -> Collection:
    """Pictures of which nothing is known."""
    truth = np.zeros((len(files), 0), dtype=np.int8)
    return Collection(tuple(files), (), truth, ("",) * len(files), tuple(skipped))
