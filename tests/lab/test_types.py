"""The page's types: TypeScript's compiler reads its JSDoc. It is installed by `make types-js`."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from chainrule.lab.server.static import PAGE

ROOT = Path(__file__).parents[2]
MODULES = ROOT / ".venv" / "node" / "node_modules"
TYPES = {
    "preact": "preact/src/index.d.ts",
    "preact/hooks": "preact/hooks/src/index.d.ts",
    "htm": "htm/dist/htm.d.ts",
    "uplot": "uplot/dist/uPlot.d.ts",
}
pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (MODULES / ".bin" / "tsc").exists(),
    reason="needs TypeScript's compiler (npm, then `make types-js`)",
)


def complaints(page, folder):
    """What the compiler says of a page's own files."""
    options = {
        "checkJs": True, "allowJs": True, "noEmit": True, "strict": True, "skipLibCheck": True,
        "target": "es2023", "module": "esnext", "moduleResolution": "bundler", "types": [],
        "lib": ["es2023", "dom", "dom.iterable"],
        "paths": {name: [str(MODULES / file)] for name, file in TYPES.items()},
    }  # fmt: skip
    files = [str(path) for path in page.rglob("*.js") if path.parent.name != "vendor"]
    settings = folder / "tsconfig.json"
    settings.write_text(json.dumps({"compilerOptions": options, "files": files}))
    command = [str(MODULES / ".bin" / "tsc"), "-p", str(settings)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.findall(r"error TS\d+: .*", result.stdout)
    assert bool(found) == (result.returncode != 0), result
    return found


def test_the_compiler_has_nothing_to_say(tmp_path):
    assert complaints(PAGE, tmp_path) == []


@pytest.mark.parametrize(
    ("file", "planted"),
    [
        ("shared/format.js", "/** @type {number} */ export const x = whole(3);"),
        ("points/live.js", "export const x = new Live('a').nothing;"),
        ("points/curves.js", "export const x = new uPlot(3);"),
        ("app.js", "useState(1, 2, 3);"),
    ],
)
def test_a_planted_error_is_found(tmp_path, file, planted):
    page = tmp_path / "page"
    shutil.copytree(PAGE, page)
    path = page / file
    path.write_text(path.read_text("utf-8") + planted + os.linesep, "utf-8")
    assert len(complaints(page, tmp_path)) == 1
