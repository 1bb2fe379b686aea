"""The pictures of folders that are known by their names alone, as a browser gives them."""

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from chainrule.images.listing import Listing, is_clutter

_Tree = dict[str, Any]  # a folder's entries by their names: None for a file, a tree for a folder


class NamedListing(Listing):
    """As `Listing`, of names such as "photos/cat/1.jpg": no file is looked at.

    The folder that all of them lie in is `Path()`.
    """

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        self._tree: _Tree = {}
        for name in names:
            *folders, last = PurePosixPath(name).parts
            at: Any = self._tree
            for folder in folders:
                at = at.setdefault(folder, {}) if at is not None else None
            if at is not None:
                at.setdefault(last, None)

    def quiet(self) -> "NamedListing":
        """Another one of the same names."""
        result = NamedListing(())
        result._tree = self._tree
        return result

    def pictures(self, folder: Path) -> list[Path]:
        """The pictures in a folder and those under it."""
        return sorted(self._under(folder))

    def direct(self, folder: Path) -> tuple[list[Path], list[Path]]:
        """The pictures and the folders that lie in a folder itself."""
        at: _Tree = self._tree
        for part in folder.parts:
            at = at[part]
        pictures, folders = [], []
        for name, inner in sorted(at.items()):
            path = folder / name
            if inner is not None and self._takes_folder(path):
                folders.append(path)
            elif inner is None and not is_clutter(name) and self._takes_file(path):
                pictures.append(path)
        return pictures, folders

    def _under(self, folder: Path) -> Iterator[Path]:
        pictures, folders = self.direct(folder)
        yield from pictures
        for inner in folders:
            yield from self._under(inner)
