"""Features of pictures where they lie, in a folder of files that a run goes on with."""

import functools
import http.server
import io
import json
import threading

import numpy as np
import pytest
from PIL import Image

from chainrule.errors import FileError
from chainrule.executors import Threads
from chainrule.images import classifier as classifier_module
from chainrule.images.classifier import Classifier, predict, predict_in_parts
from chainrule.images.feature_file import load_features
from chainrule.images.features import network_features
from chainrule.images.listing import listed_pictures, named_pictures
from chainrule.images.sharded import write_sharded

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def folder(tmp_path):
    """40 pictures; one is none."""
    generator = np.random.default_rng(5)
    root = tmp_path / "photographs"
    root.mkdir()
    for i in range(40):
        pixels = generator.integers(0, 255, (20, 24, 3), np.uint8)
        Image.fromarray(pixels).save(root / f"{i:02}.png")
    (root / "07.png").write_bytes(b"no picture")
    return root


@pytest.fixture
def in_memory(folder):
    """The same in fsspec's memory."""
    memory = fsspec.filesystem("memory")
    for path in folder.iterdir():
        memory.pipe(f"/bucket/{path.name}", path.read_bytes())
    memory.pipe("/bucket/notes.txt", b"no picture by its name")
    yield "memory://bucket"
    memory.rm("/bucket", recursive=True)


@pytest.fixture
def served(folder):
    """The same on a server on loopback."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def rows(folder):
    """All files' features, and what they are of."""
    tables = [load_features([path]) for path in sorted(folder.glob("*.safetensors"))]
    names = [file.name for table in tables for file in table.collection.files]
    return np.concatenate([table.values for table in tables]), names


def test_pictures_in_memory_are_those_of_a_folder(folder, in_memory, small_network, tmp_path):
    addresses = listed_pictures(in_memory)
    assert addresses == [f"memory:///bucket/{i:02}.png" for i in range(40)]
    index = write_sharded(
        tmp_path / "out", addresses, small_network, together=32, precision="float32"
    )
    assert index == json.loads((tmp_path / "out" / "index.json").read_text())
    assert [(e["first"], e["pictures"]) for e in index["files"]] == [(0, 31), (32, 8)]
    assert [entry["file"] for entry in index["skipped"]] == ["memory:///bucket/07.png"]
    values, names = rows(tmp_path / "out")
    expected = network_features(sorted(folder.iterdir()), small_network, precision="float32")
    unit = expected.values / np.linalg.norm(expected.values, axis=1, keepdims=True)
    np.testing.assert_allclose(values, unit, rtol=1e-5, atol=1e-6)
    assert names == [f"{i:02}.png" for i in range(40) if i != 7]


def test_a_run_goes_on_with_the_files_that_are_not_there(folder, small_network, tmp_path):
    pictures, out = sorted(folder.iterdir()), tmp_path / "out"
    first = write_sharded(out, pictures, small_network, together=32)
    whole = {path.name: path.read_bytes() for path in out.iterdir()}
    assert len(whole) == 3
    for gone in ("features-00000.safetensors", "features-00001.safetensors"):
        (out / gone).unlink()
        seen = []

        def see(*done, seen=seen):
            seen.append(done)

        again = write_sharded(out, pictures, small_network, together=32, progress=see)
        assert seen[0] == ((8, 40) if gone.endswith("0.safetensors") else (32, 40))
        assert seen[-1] == (40, 40)
        assert again == first
        assert {path.name: path.read_bytes() for path in out.iterdir()} == whole
    with pytest.raises(FileError, match="is of other pictures, another network"):
        write_sharded(out, pictures[1:], small_network, together=32)


def test_a_server_is_listed_and_read_by_workers(folder, served, small_network, tmp_path):
    here = write_sharded(tmp_path / "here", sorted(folder.iterdir()), small_network, together=32)
    with Threads(2) as executor:
        there = write_sharded(
            tmp_path / "there",
            listed_pictures(served),
            small_network,
            together=32,
            executor=executor,
        )
    assert there["files"] == here["files"]
    (found, names), (expected, _) = rows(tmp_path / "there"), rows(tmp_path / "here")
    assert (found == expected).all()
    assert names[0] == "00.png"


def test_the_command_takes_an_address_or_a_list(command, served, folder, tmp_path):
    out = tmp_path / "out"
    names = tmp_path / "names.txt"
    names.write_text(f"{served}00.png\n{folder / '07.png'}\n\n{folder / '01.png'}\n")
    result = command("images", "features", names, "--shard", 4096, "--out", out, "--json")
    assert result.returncode == 0, result.stderr
    assert "07.png" in result.stderr
    assert json.loads(result.stdout)["pictures"] == 2
    with Image.open(io.BytesIO((folder / "00.png").read_bytes())) as picture:
        assert picture.size == (24, 20)
    assert load_features([out / "features-00000.safetensors"]).values.shape == (2, 1280)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("http://127.0.0.1:1/", "cannot be listed"),
        ("memory://nothing", "cannot be listed: nothing is there"),
        ("nosuch://bucket", "cannot be listed"),
    ],
)
def test_an_address_without_pictures_is_refused(refused, tmp_path, source, sentence):
    assert sentence in refused("images", "features", source, "--out", tmp_path / "out")


def test_pictures_at_addresses_are_predicted_part_by_part(
    folder, in_memory, small_network, monkeypatch, tmp_path
):
    names = tmp_path / "names.txt"
    names.write_text(f"{in_memory}/00.png\n{folder / '01.png'}\n")
    listed, _ = named_pictures([in_memory, str(names)], addresses=True)
    assert len(listed) == 42
    generator = np.random.default_rng(0)
    classifier = Classifier(
        ("one", "two"), generator.normal(size=(2, 5)), np.zeros(2), (small_network.name,),
        (small_network.key,), 1.0, 0.0, np.ones((6, 5), np.float16),
    )  # fmt: skip
    whole, kept, skipped = predict(classifier, [small_network], sorted(folder.iterdir()))
    monkeypatch.setattr(classifier_module, "PART", 32)
    seen = []
    parts = list(
        predict_in_parts(
            classifier, [small_network], listed, progress=lambda *done: seen.append(done)
        )
    )
    assert len(parts) == 2
    scores = np.concatenate([answers.scores for answers, _, _ in parts])
    files = [str(file) for _, files, _ in parts for file in files]
    np.testing.assert_allclose(scores[:39], whole.scores, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(scores[39:], whole.scores[:2], rtol=1e-5, atol=1e-6)
    assert files[:39] == [f"memory:///bucket/{i:02}.png" for i in kept]
    assert [one.file for _, _, left in parts for one in left] == ["memory:///bucket/07.png"]
    assert [one.file for one in skipped] == [str(folder / "07.png")]
    assert seen[-1] == (42, 42)
