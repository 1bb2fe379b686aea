"""The process that reads a MATLAB file: its path, a folder for the result, bytes of memory."""

import json
import sys
from pathlib import Path
from typing import Any

from chainrule.io.mat_files import VERSION_7_3


def main() -> int:
    path, folder, memory = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    _limit(memory)
    import numpy as np
    from scipy.io import loadmat

    try:
        content = loadmat(path, simplify_cells=False, struct_as_record=True)
    except NotImplementedError:
        return VERSION_7_3
    arrays: dict[str, Any] = {}
    tree = {
        "struct": {
            key: _node(value, arrays) for key, value in content.items() if not key.startswith("__")
        }
    }
    (folder / "tree.json").write_text(json.dumps(tree), encoding="utf-8")
    np.savez(folder / "arrays.npz", **arrays)
    return 0


def _limit(memory: int) -> None:
    """Bound the memory and the length of a file, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_CORE):
        _, hard = resource.getrlimit(kind)
        limit = 0 if kind == resource.RLIMIT_CORE else memory
        resource.setrlimit(
            kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard)
        )


def _node(value: Any, arrays: dict[str, Any]) -> Any:
    """A struct, a cell, text or a number as JSON; arrays stand in `arrays` by their name."""
    import numpy as np

    if isinstance(value, np.ndarray):
        if value.dtype.names is not None:
            structs = [
                {"struct": {name: _node(s[name], arrays) for name in value.dtype.names}}
                for s in value.ravel("F")
            ]
            return structs[0] if len(structs) == 1 else structs
        if value.dtype == object:
            return [_node(cell, arrays) for cell in value.ravel("F")]
        if value.dtype.kind in "US":
            return str(value.ravel()[0]) if value.size == 1 else [str(v) for v in value.ravel()]
        if value.dtype.kind in "fiub":
            name = f"a{len(arrays)}"
            arrays[name] = value
            return {"array": name}
    return None if not isinstance(value, str | int | float | bool) else value


if __name__ == "__main__":
    sys.exit(main())
