"""One run at a time in a folder."""

import pytest

from chainrule.errors import FileError, InputError
from chainrule.io import lock
from chainrule.io.lock import only_run


def test_a_lock_that_its_holder_removes_while_it_is_opened_is_taken_anew(tmp_path, monkeypatch):
    """Else the next run makes another file, and both think that they are alone."""
    take, taken = lock._take, []

    def removed_first(stream):
        if not taken:
            (tmp_path / ".chainrule.lock").unlink()
        taken.append(stream)
        return take(stream)

    monkeypatch.setattr(lock, "_take", removed_first)
    with (
        only_run(tmp_path, "a study"),
        pytest.raises(InputError, match="in use by another run of a study"),
        only_run(tmp_path, "a study"),
    ):
        pass
    assert len(taken) == 3
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    with (
        pytest.raises(FileError, match=r"\.chainrule\.lock cannot be written"),
        only_run(tmp_path / "missing", "a study"),
    ):
        pass
