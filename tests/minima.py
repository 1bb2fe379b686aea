"""Print constraints that hold every declared dependency at its minimum: for `make minima`."""

import re
import sys
import tomllib
from pathlib import Path


def minima(path: Path) -> list[str]:
    """Each `name>=version` of the project and its extras as `name==version`."""
    project = tomllib.loads(path.read_text("utf-8"))["project"]
    declared = [*project["dependencies"], *sum(project["optional-dependencies"].values(), [])]
    found = [re.fullmatch(r"([\w.-]+)>=([\w.]+)", entry) for entry in declared]
    return sorted({f"{match[1]}=={match[2]}" for match in found if match})


if __name__ == "__main__":
    print("\n".join(minima(Path(sys.argv[1]))))
