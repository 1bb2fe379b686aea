"""The store of runs, and of the files that were given to them."""

import pytest

from chainrule.lab.jobs.store import Store


def test_a_file_never_gets_the_number_of_one_that_was_dropped(tmp_path):
    store = Store(tmp_path)
    assert store.add_files("a", [(name, 1, {}) for name in ("x", "y")]) == ([1, 2], [])
    store.drop_file("a", 2)
    assert store.see_file("a", 2, {"reason": "late"}) == {"reason": "late"}
    assert store.add_files("a", [("y", 1, {})]) == ([3], [])
    assert store.files("a")[1].seen == {}
    assert store.add_files("b", [("z", 1, {})]) == ([1], [])
    store.close()


def test_what_is_found_out_about_a_file_takes_nothing_away(tmp_path):
    store = Store(tmp_path)
    store.add_files("a", [("x", 1, {"truth": "early"})])
    store.see_file("a", 1, {"width": 3})
    store.see_file("a", 1, {"truth": "said", "read": {"text": "seen"}})
    store.see_file("a", 1, {"read": None})
    assert store.files("a")[0].seen == {"truth": "said", "width": 3}
    store.close()


def test_files_that_cannot_be_put_in_their_places_are_not_noted(tmp_path):
    store = Store(tmp_path)
    store.add_files("a", [("x", 1, {})])

    def fails(numbers):
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        store.add_files("a", [("y", 1, {}), ("x", 2, {})], fails)
    assert [(kept.name, kept.number, kept.bytes) for kept in store.files("a")] == [("x", 1, 1)]
    assert store.add_files("a", [("x", 2, {}), ("z", 1, {})]) == ([2, 3], [1])
    store.close()
