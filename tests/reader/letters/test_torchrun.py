"""Letters are trained by several processes that `torchrun` starts."""

import json
import subprocess
import sys


def test_torchrun_trains_letters_by_the_command(few_letters_file, tmp_path):
    out = tmp_path / "model.safetensors"
    result = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2",
            "--master-port", "0", "--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0",
            "-m", "chainrule", "reader", "train-letters", "--letters", few_letters_file,
            "--epochs", "1", "--out", out, "--json",
        ],
        capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)  # one process alone has spoken
    assert document["file"] == str(out)
    assert [line["epoch"] for line in document["epochs"]] == [1]
    assert out.exists()
