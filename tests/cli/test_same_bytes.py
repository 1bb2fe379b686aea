"""The same command gives the same files, byte for byte, whatever the hash seed."""

import pytest


@pytest.mark.parametrize(
    "arguments",
    [
        ("points", "train", "--iterations", 2000, "--frames", 3),
        ("points", "train", "--iterations", 2000, "--frames", 0, "--history", "npz"),
        ("points", "study", "--hidden", 2, "--iterations", 500, "--trials", 1, "--workers", 1),
        ("points", "check"),
        ("blocks", "apply", "--block", "laplacian"),
    ],
)
def test_twice_the_same(command, command_anew, tmp_path, arguments):
    folders = [tmp_path / "one", tmp_path / "two"]
    for run, folder in zip((command, command_anew), folders, strict=True):
        result = run(*arguments, "--out", folder)
        assert result.returncode == 0, result.stderr
    names = sorted(path.name for path in folders[0].iterdir())
    assert names
    assert names == sorted(path.name for path in folders[1].iterdir())
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name


@pytest.mark.parametrize("name", ["g.svg", "g.png", "g.pdf"])
def test_figures_twice_the_same(command, command_anew, tmp_path, name):
    contents = []
    for run, folder in ((command, "one"), (command_anew, "two")):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / name
        result = run("glyphs", "show", "--letter", "g", "--out", path)
        assert result.returncode == 0, result.stderr
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
