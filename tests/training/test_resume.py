"""A run that was stopped goes on to the same bits, or says why it cannot."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from chainrule.blocks import Block, Flatten, FullyConnected, SoftmaxLogLoss
from chainrule.chain import Chain
from chainrule.errors import FileError, InputError, OtherRunError
from chainrule.training import train
from chainrule.training.checkpoints import read_checkpoint
from chainrule.training.state import in_words
from training_bars import CHAIN, SETTINGS, Bars, run, same

FOLDERS = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
CONSTANT = replace(SETTINGS, schedule="constant")


class StoppedError(Exception):
    pass


def stopped_after(epochs, path, settings=SETTINGS, **options):
    """Start a run, and stop it after so many epochs."""

    def stop(line, parameters):
        if line["epoch"] == epochs:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(settings, checkpoint=path, on_epoch=stop, **options)


@pytest.mark.parametrize(
    "settings",
    [SETTINGS, replace(SETTINGS, optimizer="adam", learning_rate=0.01),
     replace(SETTINGS, patience=3)],
    ids=["sgd", "adam", "patience"],
)  # fmt: skip
def test_a_resumed_run_ends_in_the_same_bits(tmp_path, settings):
    path = tmp_path / "run.safetensors"
    stopped_after(2, path, settings)
    assert len(read_checkpoint(path).history) == 2
    resumed = run(settings, checkpoint=path, resume=True)
    assert same(resumed.parameters, run(settings).parameters)
    assert len(resumed.history) == 4


def test_a_run_until_an_epoch_goes_on_to_the_same_bits(tmp_path):
    path = tmp_path / "run.safetensors"
    begun = run(SETTINGS, checkpoint=path, until=2)
    assert len(begun.history) == 2
    # what is there is enough: nothing is trained
    again = run(SETTINGS, checkpoint=path, resume=True, until=1)
    assert same(again.parameters, begun.parameters)
    resumed = run(SETTINGS, checkpoint=path, resume=True)
    assert same(resumed.parameters, run(SETTINGS).parameters)


SCRIPT = """
import sys, time
sys.path[:0] = {folders!r}
from pathlib import Path
import torch
torch.set_num_threads(1)
import training_bars as bars
def slowly(done, total):
    time.sleep(float(sys.argv[2]))
path = Path(sys.argv[1])
bars.run(checkpoint=path, resume=path.exists(), progress=slowly)
"""


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_bits(tmp_path):
    script = SCRIPT.format(folders=FOLDERS)
    whole, killed = tmp_path / "whole.safetensors", tmp_path / "killed.safetensors"
    subprocess.run([sys.executable, "-c", script, whole, "0"], check=True)

    process = subprocess.Popen([sys.executable, "-c", script, killed, "0.1"])  # 3 s are left then
    while not killed.exists():
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(read_checkpoint(killed).history) < SETTINGS.epochs  # killed in the middle
    subprocess.run([sys.executable, "-c", script, killed, "0"], check=True)

    a, b = read_checkpoint(whole), read_checkpoint(killed)
    assert same(a.parameters, b.parameters)
    assert same(a.moments, b.moments)
    assert torch.equal(a.generator, b.generator)


def test_a_checkpoint_of_another_run_says_what_differs(tmp_path):
    path = tmp_path / "run.safetensors"
    run(checkpoint=path)
    with pytest.raises(OtherRunError, match=r"learning_rate 0\.05 instead of 0\.1"):
        run(replace(SETTINGS, learning_rate=0.1), checkpoint=path, resume=True)


def test_a_checkpoint_of_other_arrays_of_the_same_size_is_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    bars, others = Bars(95, 1), Bars(95, 2)
    run(data=(bars.images, bars.labels), checkpoint=path)
    run(data=(bars.images.numpy(), bars.labels.numpy()), checkpoint=path, resume=True)
    with pytest.raises(OtherRunError, match="training data"):
        run(data=(others.images, others.labels), checkpoint=path, resume=True)


def test_resuming_without_a_file_says_so(tmp_path):
    with pytest.raises(InputError, match="resume is True without a checkpoint; expected the file"):
        run(resume=True)
    with pytest.raises(FileError, match=r"nothing to resume: .*none\.safetensors does not exist"):
        run(checkpoint=tmp_path / "none.safetensors", resume=True)


def test_more_epochs_can_be_resumed_where_the_schedule_does_not_look_at_their_number(tmp_path):
    path = tmp_path / "run.safetensors"
    run(replace(CONSTANT, epochs=2), checkpoint=path)
    more = run(CONSTANT, checkpoint=path, resume=True)
    assert len(more.history) == 4
    assert same(more.parameters, run(CONSTANT).parameters)


def test_more_epochs_of_a_schedule_that_looks_at_their_number_are_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    run(replace(SETTINGS, epochs=2), checkpoint=path)
    with pytest.raises(OtherRunError, match="epochs 2 instead of 4"):
        run(SETTINGS, checkpoint=path, resume=True)


def test_fewer_epochs_than_there_were_are_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    run(CONSTANT, checkpoint=path)
    with pytest.raises(OtherRunError, match="epochs 4 instead of 2"):
        run(replace(CONSTANT, epochs=2), checkpoint=path, resume=True)


def test_a_run_that_is_out_of_patience_stays_so_and_goes_on_with_more(tmp_path):
    path = tmp_path / "run.safetensors"
    # at this rate the loss soon rises
    settings = replace(CONSTANT, epochs=12, patience=1, learning_rate=1.0)
    first = run(settings, checkpoint=path)
    assert len(first.history) < 12
    again = run(settings, checkpoint=path, resume=True)
    assert len(again.history) == len(first.history)
    assert same(again.parameters, first.parameters)
    more = run(replace(settings, patience=12), checkpoint=path, resume=True)
    assert len(more.history) == 12


class Scaled(Block):
    """A block that is no dataclass: its settings are attributes."""

    def __init__(self, factor):
        self.factor = factor
        self.pattern = np.arange(3.0)

    def forward(self, x, params):
        return x * self.factor, None

    def backward(self, dy, params, saved):
        return dy * self.factor, {}


def with_own(factor):
    return Chain([("flat", Flatten()), ("own", Scaled(factor)), ("full", FullyConnected(64, 3))])


OWN = """
import sys
sys.path[:0] = {folders!r}
from pathlib import Path
from dataclasses import replace
import training_bars as bars, test_resume
path = Path(sys.argv[1])
settings = replace(bars.SETTINGS, schedule="constant", epochs=int(sys.argv[2]))
bars.run(settings, test_resume.with_own(float(sys.argv[3])), checkpoint=path, resume=path.exists())
"""


def test_a_block_that_is_no_dataclass_resumes_in_a_new_process(tmp_path):
    script = OWN.format(folders=FOLDERS)
    path = tmp_path / "own.safetensors"

    def start(epochs, factor):
        command = [sys.executable, "-c", script, path, str(epochs), str(factor)]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    for epochs in (1, 2):
        done = start(epochs, 0.5)
        assert done.returncode == 0, done.stderr
        assert len(read_checkpoint(path).history) == epochs
    other = start(3, 0.25)
    assert "Scaled(factor=0.5" in other.stderr  # it is another block, and says so
    assert len(read_checkpoint(path).history) == 2


def test_blocks_in_words_hold_no_place_in_memory():
    assert in_words(with_own(0.5).layers) == in_words(with_own(0.5).layers)
    assert in_words(with_own(0.5).layers) != in_words(with_own(0.25).layers)
    assert "0x" not in in_words(with_own(lambda x: x).layers)
    assert "padding=(0, 0, 1, 1)" in in_words(
        Chain([("c", CHAIN["conv"].__class__(1, 4, 3, padding=(0, 0, 1, 1)))])
    )


def test_a_checkpoint_cut_off_anywhere_is_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    run(replace(SETTINGS, epochs=1), checkpoint=path)
    content = path.read_bytes()
    for length in range(0, len(content), 997):
        path.write_bytes(content[:length])
        with pytest.raises(FileError, match="expected"):
            read_checkpoint(path)


def test_a_pair_of_a_loader_and_one_of_arrays_describe_different_runs(tmp_path):
    """Their orders are not the same, so neither goes on from the other."""
    path = tmp_path / "run.safetensors"
    bars = Bars(95, 1)
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(bars.images, bars.labels), batch_size=10, shuffle=True
    )
    run(data=(bars.images, bars.labels), checkpoint=path)
    with pytest.raises(OtherRunError, match="training data"):
        run(data=loader, checkpoint=path, resume=True)


def test_own_parameters_go_on(tmp_path):
    path = tmp_path / "run.safetensors"
    chain = with_own(0.5)
    start = chain.initial_parameters(torch.Generator().manual_seed(0))
    settings = replace(CONSTANT, epochs=1)
    train(chain, start, SoftmaxLogLoss(), Bars(95, 1), settings, checkpoint=str(path))
    again = train(
        chain, start, SoftmaxLogLoss(), Bars(95, 1), settings, checkpoint=str(path), resume=True
    )
    assert len(again.history) == 1
