"""Print constraints for `make minima`: each package that users need at its declared minimum.

What only the tests need stays at the version of constraints.txt.
"""

import re
import sys
import tomllib
from pathlib import Path

USERS = ("glyphs", "images", "lab", "report", "tables", "onnx")


def minima(root: Path) -> list[str]:
    """Lines `name==version.*`: of what is declared the lowest line of releases."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    declared = [*project["dependencies"], *(entry for name in USERS for entry in extras[name])]
    found = (re.fullmatch(r"([\w.-]+)>=([\w.]+)", entry) for entry in declared)
    lowest = {match[1]: f"{match[1]}=={match[2]}.*" for match in found if match}
    tools = {re.split(r"[>\[]", entry)[0] for entry in extras["test"]} - lowest.keys()
    tested = (root / "constraints.txt").read_text("utf-8").splitlines()
    return [*lowest.values(), *(line for line in tested if line.split("==")[0] in tools)]


if __name__ == "__main__":
    print("\n".join(minima(Path(sys.argv[1]))))
