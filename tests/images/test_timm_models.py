"""timm is not installed with the tests: a module with the same functions stands in for it."""

import json
import os

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

STAND_IN = """
import torch
from timm import data

def is_model(name):
    return name != "absent"

def create_model(name, pretrained, num_classes):
    assert pretrained and num_classes == 0
    if name == "offline":
        raise OSError("no route\\nto host")
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1, bias=False), torch.nn.AdaptiveAvgPool2d(1))
    weight = torch.tensor([[1.0, 0, 0], [0, 0.5, 0]]) * (2 if name == "other" else 1)
    model[0].weight.data = weight[:, :, None, None]
    model.name = name
    return model
"""
DATA = """
def resolve_model_data_config(model):
    return {
        "input_size": (1 if model.name == "grey" else 3, 28, 28),
        "interpolation": "bicubic",
        "mean": (0.5, 0.0, 0.0),
        "std": (0.25, 0.5, 1.0),
        "crop_pct": 0.875,
        "crop_mode": "border" if model.name == "border" else "center",
    }
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A folder in front of the installed packages."""
    folder = tmp_path / "packages"
    folder.mkdir()
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    monkeypatch.setenv("PYTHONPATH", path)
    return folder


@pytest.fixture
def stand_in(package):
    (package / "timm").mkdir()
    (package / "timm" / "__init__.py").write_text(STAND_IN)
    (package / "timm" / "data.py").write_text(DATA)


def test_without_timm_its_extra_is_asked_for(package, shapes, refused, tmp_path):
    (package / "timm.py").write_text("raise ModuleNotFoundError(name='timm')")
    out = ("--out", tmp_path / "f.safetensors")
    sentence = refused("images", "features", shapes, *out, "--model", "timm:resnet50")
    assert "the package timm, which is not installed" in sentence
    assert "chainrule[timm]" in sentence


def test_features_are_the_models(stand_in, command, tmp_path):
    """By hand: (204 / 255 - 0.5) / 0.25 = 1.2; 0.5 (51 / 255 - 0) / 0.5 = 0.2."""
    folder = tmp_path / "photos" / "plain"
    folder.mkdir(parents=True)
    Image.new("RGB", (60, 40), (204, 51, 7)).save(folder / "a.png")
    for name, factor in (("one", 1), ("other", 2)):
        out = tmp_path / f"{name}.safetensors"
        result = command(
            "images", "features", folder.parent, "--out", out, "--model", f"timm:{name}", "--json"
        )
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout)["model"] == f"timm:{name}"
        expected = [[1.2 * factor, 0.2 * factor]]
        np.testing.assert_allclose(load_file(out)["features"], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent", "timm has no such model"),
        ("offline", "cannot be had (no route to host)"),
        ("grey", "sees 1 x 28 x 28 pixels"),
        ("border", "by the mode 'border'; expected center or squash"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused(stand_in, shapes, refused, name, reason):
    out = ("--out", shapes.parent / "f.safetensors")
    assert reason in refused("images", "features", shapes, *out, "--model", f"timm:{name}")


def test_naming_pictures_needs_a_chain(shapes, refused):
    sentence = refused("images", "classify", shapes / "disc", "--model", "timm:resnet50")
    assert "for features, timm:NAME" in sentence
