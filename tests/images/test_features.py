import sqlite3
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from chainrule.errors import FileError
from chainrule.images.feature_file import save_features
from chainrule.images.features import network_features
from chainrule.images.in_order import in_order
from chainrule.images.listing import list_pictures
from chainrule.images.store import CacheWarning, FeatureStore, default_cache_folder
from chainrule.io.pictures import read_picture


def test_features_are_those_of_each_picture_alone(small_network, shapes):
    files = list_pictures(shapes)[0]
    found = network_features(files, small_network, precision="float32", batch_size=5)
    assert found.kept == list(range(24))
    function = small_network.feature_function("float32")
    for file, row in zip(files, found.values, strict=True):
        alone = function(small_network.preprocessing.input(read_picture(file)))
        np.testing.assert_allclose(row, alone[0], rtol=1e-5, atol=1e-6)


def test_unreadable_pictures_are_listed_and_left_out(small_network, shapes):
    bad = shapes / "disc" / "05.png"
    bad.write_bytes(bad.read_bytes()[:100])
    files = list_pictures(shapes)[0]
    found = network_features(files, small_network)
    assert found.kept == [i for i in range(24) if files[i] != bad]
    assert [s.file for s in found.skipped] == [str(bad)]
    assert len(found.values) == 23


def test_a_second_run_computes_nothing_again(small_network, shapes, tmp_path, monkeypatch):
    files = list_pictures(shapes)[0]
    first = network_features(files, small_network, cache=tmp_path / "c")

    def never(*_):
        raise AssertionError

    monkeypatch.setattr(type(small_network.preprocessing), "square", never)
    second = network_features(files, small_network, cache=tmp_path / "c")
    np.testing.assert_array_equal(first.values, second.values)


def test_a_run_that_stops_keeps_its_batches(small_network, shapes, tmp_path):
    files = list_pictures(shapes)[0]

    def stop(done, total):
        if done == 15:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        network_features(
            files, small_network, cache=tmp_path, batch_size=4, threads=1, progress=stop
        )
    with sqlite3.connect(tmp_path / "features.sqlite") as db:
        assert db.execute("SELECT COUNT(*) FROM checked_features").fetchone()[0] == 12
    db.close()
    found = network_features(files, small_network, cache=tmp_path)
    np.testing.assert_allclose(
        found.values, network_features(files, small_network).values, atol=1e-6
    )


def test_a_changed_picture_is_never_read_stale(small_network, shapes, tmp_path):
    files = list_pictures(shapes)[0]
    before = network_features(files, small_network, cache=tmp_path).values
    files[0].write_bytes(files[-1].read_bytes())
    after = network_features(files, small_network, cache=tmp_path).values
    np.testing.assert_array_equal(after[0], before[-1])
    np.testing.assert_array_equal(after[1:], before[1:])


def test_precisions_and_networks_do_not_share(small_network, shapes, tmp_path):
    files = list_pictures(shapes)[0]
    for precision in ("float32", "bfloat16"):
        network_features(files, small_network, precision=precision, cache=tmp_path)
    with sqlite3.connect(tmp_path / "features.sqlite") as db:
        assert db.execute("SELECT COUNT(*) FROM checked_features").fetchone()[0] == 48
    db.close()


def test_without_a_store_the_work_goes_on(small_network, shapes, tmp_path):
    (tmp_path / "features.sqlite").write_bytes(b"no database" * 100)
    (tmp_path / "file").touch()
    files = list_pictures(shapes)[0]
    expected = network_features(files, small_network).values
    for folder in (tmp_path, tmp_path / "file" / "no folder"):
        with pytest.warns(CacheWarning, match="going on without"):
            found = network_features(files, small_network, cache=folder)
        np.testing.assert_array_equal(found.values, expected)


def test_a_damaged_name_in_the_file_is_no_traceback(tmp_path):
    FeatureStore(tmp_path, "m").close()
    path = tmp_path / "features.sqlite"
    path.write_bytes(path.read_bytes().replace(b"checked_features", b"\xa7hecked_features", 1))
    with pytest.warns(CacheWarning, match="going on without"):
        store = FeatureStore(tmp_path, "m")
    assert store.get(b"picture") is None
    store.close()


def test_every_damaged_byte_of_a_row_is_computed_again(tmp_path):
    store = FeatureStore(tmp_path, "m")
    row = np.arange(4, dtype=np.float32)
    store.put({b"picture": row})
    np.testing.assert_array_equal(store.get(b"picture"), row)
    store.close()
    with sqlite3.connect(tmp_path / "features.sqlite") as db:
        (whole,) = db.execute("SELECT value FROM checked_features").fetchone()
        for i in range(len(whole)):
            damaged = bytes([*whole[:i], whole[i] ^ 4, *whole[i + 1 :]])
            db.execute("UPDATE checked_features SET value = ?", (damaged,))
            db.commit()
            store = FeatureStore(tmp_path, "m")
            assert store.get(b"picture") is None
            store.close()
    db.close()


def test_results_come_in_order_and_not_too_far_ahead():
    running = []
    lock = threading.Lock()

    def work(path):
        with lock:
            running.append(int(path.name))
        time.sleep(0.001 * (int(path.name) % 3))
        if path.name == "7":
            raise FileError("seven")
        return int(path.name)

    results = []
    items = [Path(str(i)) for i in range(60)]
    for given, result in enumerate(in_order(items, work, threads=4, ahead=8), 1):
        assert max(running) < given + 8
        results.append(result)
    assert isinstance(results[7], FileError)
    assert [r for r in results if isinstance(r, int)] == [i for i in range(60) if i != 7]


def test_the_file_says_what_its_rows_are(small_network, shapes, tmp_path):
    import json

    from safetensors import safe_open

    from chainrule.images.collection import read_collection

    collection = read_collection(shapes)
    values = np.arange(24 * 5, dtype=np.float32).reshape(24, 5)
    save_features(tmp_path / "f.safetensors", collection, values, small_network)
    with safe_open(tmp_path / "f.safetensors", framework="numpy") as file:
        text = file.metadata()["chainrule"].partition(" ")[2]
        np.testing.assert_array_equal(file.get_tensor("features"), values)
        np.testing.assert_array_equal(file.get_tensor("truth"), collection.truth)
    settings = json.loads(text)["settings"]
    assert settings["files"] == [str(f) for f in collection.files]
    assert settings["classes"] == ["disc", "square"]


@pytest.mark.parametrize("given", [RuntimeError("no home"), Path("~/.cache/chainrule")], ids=str)
def test_a_user_without_a_home_keeps_nothing(monkeypatch, given):
    """As new and as old versions of platformdirs tell of it."""

    def user_cache_path(*_, **__):
        if isinstance(given, Exception):
            raise given
        return given

    monkeypatch.setattr("chainrule.images.store.user_cache_path", user_cache_path)
    folder = default_cache_folder()
    assert folder.is_absolute()
    with pytest.warns(CacheWarning, match="going on without"):
        FeatureStore(folder, "model").close()
