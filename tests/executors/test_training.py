"""Trainings in several processes, of `torchrun` and of a Ray cluster: the same bits."""

import json
import subprocess
import sys

import pytest

import ranks_work
from chainrule.errors import InputError
from chainrule.executors import ClusterError, Threads
from chainrule.reader.letters.files import load_letter_network


@pytest.mark.long
def test_a_cluster_trains_letters_to_the_bits_of_torchrun(nodes, few_letters_file, tmp_path):
    """Both by the command."""
    command = [
        "-m", "chainrule", "reader", "train-letters", "--letters", few_letters_file,
        "--epochs", "1", "--json",
    ]  # fmt: skip
    torchrun = [
        "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0",
        "--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0",
    ]  # fmt: skip
    ways = {
        "torchrun": [*torchrun, *command],
        "ray": [*command, "--on", nodes.address, "--workers", "2"],
    }
    found = {}
    for name, words in ways.items():
        out = tmp_path / f"{name}.safetensors"
        result = subprocess.run(
            [sys.executable, *words, "--out", out],
            capture_output=True, text=True, check=False, timeout=1200,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        document = json.loads(result.stdout)  # one process alone has spoken
        assert document["file"] == str(out)
        assert out.with_suffix(".checkpoint.safetensors").exists()
        (line,) = document["epochs"]
        del line["seconds"]
        found[name] = line, out.read_bytes()
    assert found["ray"] == found["torchrun"]
    network, parameters, _, _ = load_letter_network(out)
    assert set(parameters) == set(network.parameter_shapes())


@pytest.mark.long
def test_a_training_on_a_cluster_goes_on_when_a_process_is_lost(cluster, tmp_path):
    """Lines, to the curve of one process; the second process ends itself in the second epoch."""
    alone = ranks_work.figures(ranks_work.run("lines", None, 2))
    kill = ranks_work.KillOnce(str(tmp_path / "killed"), 20)
    lines, checkpoint = [], tmp_path / "lines.safetensors"
    found = ranks_work.figures(
        ranks_work.run(
            "lines",
            None,
            2,
            executor=cluster,
            more={"zero": kill},
            checkpoint=checkpoint,
            on_epoch=lambda line, parameters: lines.append(line["epoch"]),
        )
    )
    assert (tmp_path / "killed").exists()
    assert lines == [1, 2]  # the first epoch was not done again
    assert checkpoint.exists()
    for line, other in zip(found["history"], alone["history"], strict=True):
        assert {name: line[name] for name in other} == pytest.approx(other, rel=1e-6, abs=1e-9)


def test_what_cannot_share_a_training_is_refused(cluster, refused, workers_of):
    workers_of(cluster, 2)
    with pytest.raises(InputError, match="found Threads for a training; expected RayCluster"):
        ranks_work.run("fast", None, 1, executor=Threads(1))
    with pytest.raises(ClusterError, match="found 9 on a cluster of 2 cores"):
        ranks_work.run("fast", None, 1, executor=cluster, processes=9)
    assert "found 2 without --on" in refused("reader", "train-letters", "--workers", 2)
