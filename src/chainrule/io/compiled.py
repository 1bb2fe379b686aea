"""Functions that Numba compiles, and the folder that keeps their machine code."""

import contextlib
import hashlib
import logging
import multiprocessing
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar

from numba import config, njit
from numba.core import caching
from numba.misc.appdirs import AppDirs

_COMPILED = (b"@njit", b"@compiled", b"@intrinsic")
_NO_FOLDER = "no folder for it can be written"


def compiled(function: Callable[..., Any]) -> Any:
    """Compile with Numba, without the interpreter's lock, and keep the machine code on disk.

    It is kept in the folder that NUMBA_CACHE_DIR names, else beside the source, else in the user's
    cache, in the first of these that can be written. Where none can, or the disk is full, the
    function is compiled in each process anew, and the logger "chainrule" says so, once.

    What was kept is used until its file changes, one that this imports, or one that a file with
    compiled code among those imports. (Numba's own cache sees a change of the function's own file
    only, not of what it calls.) What was damaged is made again.

    Only what Python calls needs this: what compiled code calls, plain `njit`, is kept with it.
    """
    dispatcher = njit(nogil=True)(function)
    dispatcher._cache = _Cache(function)
    return dispatcher


class _Cache(caching.NullCache):  # type: ignore[misc]
    """Numba's cache, opened when it is first needed; without a folder, or without luck, none."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    @cached_property
    def _kept(self) -> Any:
        try:
            return _FunctionCache(self._function)
        except RuntimeError:  # no folder
            return None

    @property
    def cache_path(self) -> Any:
        return self._kept and self._kept.cache_path

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        if self._kept is None:
            return None
        try:
            return self._kept.load_overload(signature, target_context)
        except Exception:  # a damaged file can fail in any way
            with contextlib.suppress(OSError):
                self._kept.flush()
            return None

    def save_overload(self, signature: Any, data: Any) -> None:
        if self._kept is None:
            _say_once(_NO_FOLDER)
            return
        try:
            self._kept.save_overload(signature, data)
        except OSError as error:
            _say_once(f"{self._kept.cache_path}: {error.strerror or error}")


_said: list[str] = []
_SAID = "CHAINRULE_COMPILED_CODE_SAID"  # tells the processes that this one starts


def say_if_none_is_kept() -> None:
    """Say at once that no folder can be written, if so: worker processes started later need not."""
    if _Locator.from_function(say_if_none_is_kept, __file__) is None:
        _say_once(_NO_FOLDER)


def _say_once(reason: str) -> None:
    if _said or (_SAID in os.environ and multiprocessing.parent_process() is not None):
        return
    _said.append(reason)
    os.environ[_SAID] = "1"
    logging.getLogger("chainrule").warning(
        "compiled code cannot be kept (%s), so every start compiles anew; the variable "
        "NUMBA_CACHE_DIR can name a folder for it",
        reason,
    )


class _Locator(caching._CacheLocator):  # type: ignore[misc]
    """A folder that can be written, and what the kept code depends on."""

    def __init__(self, folder: Path, function: Callable[..., Any], source: str) -> None:
        self._folder, self._function, self._source = folder, function, source

    @classmethod
    def from_function(cls, function: Callable[..., Any], source: str) -> "_Locator | None":
        for folder in _folders(source):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                tempfile.TemporaryFile(dir=folder).close()
            except OSError:
                continue
            return cls(folder, function, source)
        return None

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        source = Path(self._source)
        names = self._function.__module__.split(".")
        if source.name == "__init__.py":
            names.append("__init__")
        return _stamp(source, source.parents[len(names) - 1], names[0])

    def get_disambiguator(self) -> str:
        return str(self._function.__code__.co_firstlineno)


class _CacheImpl(caching.CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes: ClassVar = [_Locator]


class _FunctionCache(caching.FunctionCache):  # type: ignore[misc]
    _impl_class = _CacheImpl


def _folders(source: str) -> Iterator[Path]:
    """Where the machine code may lie, in the order of Numba's own cache."""
    own = _Locator.get_suitable_cache_subpath(source)
    if config.CACHE_DIR:
        yield Path(config.CACHE_DIR, own)
    yield Path(source).parent / "__pycache__"
    of_user = Path(AppDirs(appname="numba", appauthor=False).user_cache_dir)
    if of_user.is_absolute():  # without a home it begins with "~"
        yield of_user / own


@cache
def _stamp(source: Path, root: Path, package: str) -> str:
    """A checksum of a file with compiled code and of all that it can take code or constants from.

    root: the folder of the package. Of the files that are imported, those without compiled code
    count (a constant is compiled in), but not what they import in turn.
    """
    imports = re.compile(rf"^from ({re.escape(package)}[.\w]*) import".encode(), re.MULTILINE)
    digest = hashlib.sha256(Path(__file__).read_bytes())
    left, seen = [source], {Path(__file__)}
    while left:
        path = left.pop()
        if path in seen or not path.exists():
            continue
        seen.add(path)
        text = path.read_bytes()
        digest.update(hashlib.sha256(text).digest())
        if any(mark in text for mark in _COMPILED):
            for name in imports.findall(text):
                module = root.joinpath(*name.decode().split("."))
                left += [module.with_suffix(".py"), module / "__init__.py"]
    return digest.hexdigest()
