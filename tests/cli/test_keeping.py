"""What a stopped training of lines says of its checkpoints."""

from pathlib import Path

import pytest

from chainrule.cli import keeping
from chainrule.cli.reader_train_lines import LineOptions
from chainrule.cli.sharing import Shared


@pytest.fixture
def stopped(monkeypatch):
    """What is said if a training of these options stops after its checkpoint is written, or not."""

    def stop(options, fold=None, written=True):
        monkeypatch.setattr(keeping, "_kept", [])
        with options.kept_and_watched("training", fold) as kept:
            if written:
                Path(kept["checkpoint"]).write_text("an epoch")
            return keeping.kept()

    return stop


def options(folder, resume=False, folds=None, first=True):
    return LineOptions(
        {}, 0, folder / "m.safetensors", resume, None, True, Shared(first, {}), folds
    )


def test_the_last_whole_epoch_is_named(stopped, tmp_path):
    assert stopped(options(tmp_path), written=False) == ""
    said = stopped(options(tmp_path))
    assert said == (
        f"the last whole epoch is in {tmp_path / 'm.checkpoint.safetensors'}: the same command "
        "with --resume goes on"
    )
    assert stopped(options(tmp_path), written=False) == ""  # it is another run's
    assert stopped(options(tmp_path, resume=True), written=False) == said
    assert stopped(options(tmp_path, first=False)) == ""  # one of several processes says it


def test_what_an_earlier_fold_keeps_is_kept_in_the_next(stopped, tmp_path):
    assert "m.fold1.checkpoint" in stopped(options(tmp_path, folds=4), 1)
    assert stopped(options(tmp_path, folds=4), 1, written=False) == ""
    for fold in (2, None):
        assert "--resume goes on" in stopped(options(tmp_path, folds=4), fold, written=False)
