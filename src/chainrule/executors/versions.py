"""What must be the same on every machine that takes part in a run."""

import functools
import hashlib
import platform
from importlib.metadata import version
from pathlib import Path

_LIBRARIES = ("numpy", "numba", "torch")  # whose arithmetic the results come from


@functools.cache
def versions() -> str:
    """chainrule with a digest of its source, Python and the libraries, as a text."""
    import chainrule

    folder = Path(chainrule.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    python = ".".join(platform.python_version_tuple()[:2])
    # a build's own mark ("+cpu") says nothing of the version
    libraries = [f"{name} {version(name).partition('+')[0]}" for name in _LIBRARIES]
    return (
        f"chainrule {chainrule.__version__} (source {digest.hexdigest()[:8]}), Python {python}, "
        + ", ".join(libraries)
    )
