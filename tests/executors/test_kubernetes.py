"""The file for KubeRay in the how-to, as what Ray itself makes of such a file."""

import re
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="Ray is not installed: pip install 'chainrule[ray]'")

import yaml
from ray.autoscaler._private.kuberay import autoscaling_config
from ray.scripts.scripts import start

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "cluster.md"


def test_ray_finds_in_the_file_the_nodes_that_the_page_speaks_of():
    cluster = yaml.safe_load(re.search(r"```\n(apiVersion: .*?)```", HOW_TO.read_text(), re.S)[1])
    options = {name.removeprefix("--") for option in start.params for name in option.opts}
    groups = [cluster["spec"]["headGroupSpec"], *cluster["spec"]["workerGroupSpecs"]]
    for group in groups:
        assert group["rayStartParams"].keys() <= options
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
    cluster["metadata"]["namespace"] = "default"  # Kubernetes gives it one
    found = autoscaling_config._derive_autoscaling_config_from_ray_cr(cluster)
    types = found["available_node_types"]
    assert found["cluster_name"] == "chainrule"
    assert types["headgroup"]["resources"]["CPU"] == 0  # no jobs on the head
    assert types["workers"]["resources"] == {"CPU": 8, "memory": 16 * 2**30}
    assert (types["workers"]["min_workers"], types["workers"]["max_workers"]) == (0, 16)
