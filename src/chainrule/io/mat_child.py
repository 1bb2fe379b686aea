"""The process that reads a MATLAB file: its path, bytes of memory. What it found is its output."""

import json
import sys
from typing import Any

from chainrule.io.mat_files import VERSION_7_3


def main() -> int:
    path, memory = sys.argv[1], int(sys.argv[2])
    _limit(memory)
    import numpy as np
    from scipy.io import loadmat

    try:
        content = loadmat(path, simplify_cells=False, struct_as_record=True)
    except NotImplementedError:
        return VERSION_7_3
    arrays: list[Any] = []
    tree = {
        "struct": {
            key: _node(value, arrays) for key, value in content.items() if not key.startswith("__")
        }
    }
    shapes = [(array.dtype.str, array.shape) for array in arrays]
    stream = sys.stdout.buffer
    stream.write(json.dumps({"tree": tree, "arrays": shapes}).encode() + b"\n")
    for array in arrays:
        stream.write(np.ascontiguousarray(array.T).reshape(-1).view(np.uint8).data)
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


def _node(value: Any, arrays: list[Any]) -> Any:
    """A struct, a cell, text or a number as JSON; an array as its place in `arrays`."""
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
            arrays.append(value)
            return {"array": len(arrays) - 1}
    return None if not isinstance(value, str | int | float | bool) else value


if __name__ == "__main__":
    sys.exit(main())
