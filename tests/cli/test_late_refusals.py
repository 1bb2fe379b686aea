"""What cannot be is refused before any work, in one sentence, and leaves no folder behind."""

import pytest
from PIL import Image


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("blocks", "blobs", "p.png", "--iterations", 10**12), "less than or equal to 1000000"),
        (("blocks", "blobs", "p.png", "--seed", 2**64), "than or equal to 18446744073709551615"),
        (("blocks", "check", "--cases", 10**11), "less than or equal to 10000"),
        (("glyphs", "show", "--text", "hi", "--seed", -1, "--out", "x.png"), "equal to 0"),
        (("reader", "train-letters", "--seed", 2**64, "--out", "l.safetensors"), "--seed"),
        (("reader", "train-letters", "--epochs", 10**11, "--out", "l.safetensors"), "--epochs"),
        (("reader", "train-lines", "--seed", 2**64, "--out", "l.safetensors"), "--seed"),
        (("report", "--workers", 5000, "--out", "r/d"), "workers: found 5000; expected a whole"),
        (("points", "infer", "--table", "deep.json", "--out", "i/d/e"), "deep.json is no JSON"),
        (("images", "fetch", "voc2007", "--mirror", "here", "--out", "v"), "expected one that beg"),
        (
            ("images", "train", "none", "--out", "m/d/m.safetensors"),
            "none is not there; expected a folder",
        ),
    ],
)
def test_a_setting_that_cannot_be(refused, tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    Image.new("L", (9, 9)).save("p.png")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    assert sentence in refused(*arguments)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep.json", "p.png"]
