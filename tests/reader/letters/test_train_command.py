"""`chainrule reader train-letters`: learns, resumes after a kill, refuses bad input."""

import json
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from chainrule.blocks import Convolution
from chainrule.chain import Chain, save_chain
from chainrule.errors import FileError
from chainrule.glyphs.letters import Letters, save_letters
from chainrule.reader.letters.files import load_letter_network
from chainrule.reader.letters.network import letter_network
from chainrule.training.checkpoints import read_checkpoint

EPOCH = {
    "epoch", "seconds", "energy_train", "energy_validation",
    "top1_train", "top1_validation", "top5_train", "top5_validation",
}  # fmt: skip


def test_json_model_and_events(command, few_letters_file, few_letters, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    result = command(
        "reader", "train-letters", "--letters", few_letters_file, "--recipe", "fast",
        "--epochs", 20,
        "--learning-rate", 0.005,
        "--out", "few.safetensors", "--tensorboard", "events", "--json", cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert set(document) == {"recipe", "seconds", "epochs", "file"}
    assert document["recipe"] == "fast"
    assert document["file"] == "few.safetensors"
    assert [set(line) for line in document["epochs"]] == [EPOCH] * 20
    assert document["epochs"][-1]["top1_validation"] < 0.2

    network, parameters, scaling, alphabet = load_letter_network(tmp_path / "few.safetensors")
    assert alphabet == "abcd"
    rows = few_letters.validation_rows
    x = scaling(torch.from_numpy(few_letters.images[rows]))[:, None]
    read = network.in_inference().apply(x, parameters).argmax(1).flatten().numpy()
    wrong = float((read != few_letters.labels[rows]).mean())
    assert wrong == pytest.approx(document["epochs"][-1]["top1_validation"])

    events = EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    written = [event.value for event in events.Scalars("top1/validation")]
    expected = [line["top1_validation"] for line in document["epochs"]]
    assert written == pytest.approx(expected, rel=1e-6)


def test_the_table_for_people(command, few_letters_file, tmp_path):
    result = command(
        "reader", "train-letters", "--letters", few_letters_file, "--recipe", "original",
        "--jitter", "--epochs", 2, cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[2:4]] == ["1", "2"]
    assert lines[-1].startswith("letters-original.safetensors: trained in ")
    assert (tmp_path / "letters-original.safetensors").exists()


@pytest.mark.slow
def test_a_killed_command_resumes_to_the_same_bits(command, few_letters_file, tmp_path):
    options = [
        "reader", "train-letters", "--letters", few_letters_file, "--jitter", "--epochs", 60,
        "--learning-rate", 0.002,
    ]  # fmt: skip
    whole = command(*options, "--out", tmp_path / "whole.safetensors")
    assert whole.returncode == 0, whole.stderr

    checkpoint = tmp_path / "killed.checkpoint.safetensors"
    arguments = [*map(str, options), "--out", str(tmp_path / "killed.safetensors")]
    process = subprocess.Popen([sys.executable, "-m", "chainrule", *arguments])
    while not checkpoint.exists():
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert len(read_checkpoint(checkpoint).history) < 60
    assert not (tmp_path / "killed.safetensors").exists()

    resumed = command(*arguments, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    a, b = (read_checkpoint(tmp_path / f"{n}.checkpoint.safetensors") for n in ("whole", "killed"))
    assert a.parameters.keys() == b.parameters.keys()
    assert all(torch.equal(a.parameters[name], b.parameters[name]) for name in a.parameters)
    assert all(torch.equal(a.moments[name], b.moments[name]) for name in a.moments)
    models = [load_letter_network(tmp_path / f"{n}.safetensors")[1] for n in ("whole", "killed")]
    assert all(torch.equal(models[0][name], models[1][name]) for name in a.parameters)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_command_says_how_to_go_on(few_letters_file, tmp_path, number, code):
    checkpoint = tmp_path / "a.checkpoint.safetensors"
    process = subprocess.Popen(
        [sys.executable, "-m", "chainrule", "reader", "train-letters", "--epochs", "10000",
         "--letters", few_letters_file, "--out", tmp_path / "a.safetensors"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        # what runs in a background takes no Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )  # fmt: skip
    deadline = time.monotonic() + 1200
    while not checkpoint.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    _, said = process.communicate(timeout=1200)
    assert process.returncode == code, said
    assert said.splitlines()[-1] == (
        f"chainrule: stopped; the last whole epoch is in {checkpoint}: the same command with "
        "--resume goes on"
    )
    assert "Traceback" not in said


def test_resuming_another_run_is_refused(command, refused, few_letters_file, tmp_path):
    options = ["reader", "train-letters", "--letters", few_letters_file, "--epochs", 1]
    assert command(*options, "--out", "a.safetensors", cwd=tmp_path).returncode == 0
    sentence = refused(*options, "--jitter", "--resume", "--out", "a.safetensors", cwd=tmp_path)
    assert "jitter False instead of True" in sentence


def test_resuming_what_is_not_there_is_refused(refused, few_letters_file, tmp_path):
    options = ["reader", "train-letters", "--letters", few_letters_file, "--epochs", 1]
    sentence = refused(*options, "--resume", "--out", "b.safetensors", cwd=tmp_path)
    assert "there is nothing to resume: b.checkpoint.safetensors does not exist" in sentence
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_cut_off_is_refused(command, refused, few_letters_file, tmp_path):
    options = ["reader", "train-letters", "--letters", few_letters_file, "--epochs", 1]
    assert command(*options, "--out", "a.safetensors", cwd=tmp_path).returncode == 0
    checkpoint = tmp_path / "a.checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-10])
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    sentence = refused(*options, "--resume", "--out", "a.safetensors", cwd=tmp_path)
    assert "is damaged or cut off" in sentence
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def letters_of(alphabet, validation):
    count = len(validation) * len(alphabet)
    return Letters(
        images=np.full((count, 32, 32), 200, np.uint8),
        labels=np.tile(np.arange(len(alphabet)), len(validation)),
        fonts=np.repeat(np.arange(len(validation)), len(alphabet)),
        families=np.repeat(np.arange(len(validation)), len(alphabet)),
        validation=np.repeat(np.array(validation), len(alphabet)),
        alphabet=alphabet,
        font_names=tuple(f"font {n}" for n in range(len(validation))),
        family_names=tuple(f"family {n}" for n in range(len(validation))),
    )


@pytest.mark.parametrize(
    ("alphabet", "validation", "expected"),
    [
        ("a", [False, True], "expected at least two characters"),
        ("ab", [False], "no validation family among 1"),
        ("ab", [True, True], "no training family among 2"),
    ],
)
def test_letters_that_cannot_be_trained_on(refused, tmp_path, alphabet, validation, expected):
    save_letters(tmp_path / "odd.safetensors", letters_of(alphabet, validation))
    sentence = refused("reader", "train-letters", "--letters", "odd.safetensors", cwd=tmp_path)
    assert expected in sentence
    assert [path.name for path in tmp_path.iterdir()] == ["odd.safetensors"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--recipe", "slow"], "'slow' is not one of"),
        (["--out", "model.pth"], "ends in .safetensors"),
        (["--epochs", "0"], "--epochs"),
        (["--seed", "-1"], "--seed"),
        (["--learning-rate", "0"], "expected a number above 0"),
        (["--letters", "missing.safetensors"], "missing.safetensors"),
        (["--out", "no.safetensors/model.safetensors"], "no.safetensors"),
    ],
)
def test_bad_options(refused, tmp_path, arguments, expected):
    (tmp_path / "no.safetensors").write_text("a file where a folder should be")
    assert expected in refused("reader", "train-letters", *arguments, cwd=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["no.safetensors"]


def test_a_loss_that_is_not_finite_stops_with_the_step_and_the_rate(
    refused, few_letters_file, tmp_path
):
    sentence = refused(
        "reader", "train-letters", "--letters", few_letters_file, "--recipe", "original",
        "--learning-rate", "1e30", cwd=tmp_path,
    )  # fmt: skip
    assert re.search(r"at step \d+ \(epoch \d+\) with learning rate 1e\+30", sentence)
    assert not list(tmp_path.iterdir())


def test_another_model_is_no_letter_network(tmp_path):
    network = letter_network(3)
    weights = network.initial_parameters(torch.Generator().manual_seed(0))
    save_chain(tmp_path / "other.safetensors", network, weights, {"kind": "other"})
    with pytest.raises(FileError, match="no letter network"):
        load_letter_network(tmp_path / "other.safetensors")


def test_another_architecture_is_no_letter_network(tmp_path):
    network = Chain([("conv", Convolution(1, 3, 32))], (1, 1, 32, 32))
    weights = network.initial_parameters(torch.Generator().manual_seed(0))
    metadata = {"kind": "chainrule letter network", "alphabet": "abc", "mean": 0.0, "scale": 1.0}
    save_chain(tmp_path / "other.safetensors", network, weights, metadata)
    with pytest.raises(FileError, match="holds another architecture"):
        load_letter_network(tmp_path / "other.safetensors")
