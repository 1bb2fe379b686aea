"""Print constraints for `make minima`: each package that users need at its declared minimum.

What only the tests need stays at the version of constraints.txt. With --tried it says which
versions are installed in the Python that runs it.
"""

import platform
import re
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

USERS = (
    "addresses", "glyphs", "images", "lab", "onnx", "pdf", "ray", "report", "tables", "tensorboard",
)  # fmt: skip
WITH = ["pyparsing==3.2.*"]  # Matplotlib's lowest line calls what later ones of it warn of


def minima(root: Path) -> list[str]:
    """Lines `name==version.*`: of what is declared the lowest line of releases."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    declared = [*project["dependencies"], *(entry for name in USERS for entry in extras[name])]
    found = (re.fullmatch(r"([\w.-]+)(?:\[.*\])?>=([\w.]+)", entry) for entry in declared)
    lowest = {match[1]: f"{match[1]}=={match[2]}.*" for match in found if match}
    tools = {re.split(r"[>\[]", entry)[0] for entry in extras["test"]} - lowest.keys()
    tested = (root / "constraints.txt").read_text("utf-8").splitlines()
    return [*lowest.values(), *WITH, *(line for line in tested if line.split("==")[0] in tools)]


def tried(root: Path) -> str:
    """The Python and the packages that were declared, as they are installed."""
    names = [line.split("==")[0] for line in minima(root) if line.endswith(".*")]
    return f"tried with Python {platform.python_version()}: " + ", ".join(
        f"{name} {version(name)}" for name in names
    )


if __name__ == "__main__":
    root = Path(sys.argv[1])
    print(tried(root) if "--tried" in sys.argv else "\n".join(minima(root)))
