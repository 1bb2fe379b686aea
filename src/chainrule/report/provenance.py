"""What a report was made with: versions and the processor, and no date."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import chainrule
from chainrule.io.cores import available_cores

_LIBRARIES = ("numpy", "numba", "torch", "scipy", "scikit-learn")


def provenance() -> dict[str, str]:
    """Name and value of each; a library that is not installed is left out."""
    found = {"chainrule": chainrule.__version__, "Python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {**found, "processor": _processor(), "cores": str(available_cores())}


def _processor() -> str:
    """The processor's name where the system tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name" and value.strip() not in ("", "unknown"):
            return value.strip()
    return platform.processor() or platform.machine()
