from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from chainrule.blocks import Convolution, ReLU
from chainrule.chain.inference import fused
from chainrule.errors import InputError
from chainrule.images.classifier import Classifier
from chainrule.images.explanation import explain, explain_own_class
from chainrule.images.features import joined_features
from chainrule.images.rechecked import RecheckedFeatures


def _picture(seed=0):
    pixels = np.random.default_rng(seed).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_fused_is_the_chain(small_network):
    x = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    expected = small_network.chain.apply(x, small_network.params)
    torch.testing.assert_close(small_network.logit_function()(x), expected)
    features = small_network.feature_function("float32")(x)
    torch.testing.assert_close(
        features @ small_network.params["classifier.weight"].T
        + small_network.params["classifier.bias"],
        expected,
    )


@pytest.mark.parametrize("cache", [1, 4_000, 20_000, 1 << 30])
@pytest.mark.parametrize("pictures", [0, 1, 5])
def test_fused_is_the_chain_however_many_pictures_go_at_once(
    small_network, monkeypatch, cache, pictures
):
    monkeypatch.setattr(fused, "CACHE", cache)
    x = torch.rand(pictures, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    expected = small_network.chain.apply(x, small_network.params)
    torch.testing.assert_close(small_network.logit_function()(x), expected)


def test_a_stage_takes_as_many_pictures_as_fit(monkeypatch):
    """By hand, in float32: 3 maps of 16 x 16 and 4 of 8 x 8 are 4,096 bytes, 4 + 5 2,304."""
    wide = ("conv1", Convolution(3, 4, 3, stride=2, padding=(0, 1, 0, 1)))
    narrow = ("conv2", Convolution(4, 5, 3, padding=1))
    layers, dtypes = [wide, ("relu1", ReLU()), narrow], [torch.float32] * 3
    # 32 maps of 4 x 8 x 8 take 32,768 bytes: enough to hand them on
    monkeypatch.setattr(fused, "CACHE", 32_768)
    stages = [(len(s), n) for s, n in fused._stages(layers, dtypes, (1, 3, 16, 16))]
    assert stages == [(2, 32_768 // 4_096), (1, 32_768 // 2_304)]
    monkeypatch.setattr(fused, "CACHE", 32_767)
    stages = [(len(s), n) for s, n in fused._stages(layers, dtypes, (1, 3, 16, 16))]
    assert stages == [(3, 7)]


def test_the_key_tells_networks_apart(small_network):
    other = dict(small_network.params)
    other["conv1.bias"] = other["conv1.bias"] + 1e-6
    keys = {
        small_network.key,
        replace(small_network, params=other).key,
        replace(small_network, feature_layer="relu2").key,
        replace(
            small_network, preprocessing=replace(small_network.preprocessing, mean=(0, 0, 0))
        ).key,
        replace(
            small_network,
            preprocessing=replace(small_network.preprocessing, mean_image=torch.zeros(3, 16, 16)),
        ).key,
    }
    assert len(keys) == 5
    # a file that was moved is the same network
    assert replace(small_network, name="other").key == small_network.key


def assert_explained(ours, x, A):
    """Hold an explanation to the gradients that autograd left at the picture and at the maps A."""
    derivative = x.grad[0].abs().amax(0)
    np.testing.assert_allclose(ours.derivative, derivative / derivative.max(), atol=1e-5)
    cam = torch.relu((A.grad.mean((2, 3), keepdim=True) * A).sum(1, keepdim=True)).detach()
    cam = torch.nn.functional.interpolate(cam, (16, 16), mode="bilinear")[0, 0]
    np.testing.assert_allclose(ours.grad_cam, cam / cam.max().clamp(min=1e-30), atol=1e-5)


def test_explanation_is_autograds(small_network):
    image = _picture()
    ours = explain(small_network, image, 1)
    x = small_network.preprocessing.input(image).requires_grad_()
    conv1, conv2 = (
        (small_network.params[f"{n}.weight"], small_network.params[f"{n}.bias"])
        for n in ("conv1", "conv2")
    )
    h = torch.relu(torch.conv2d(x, *conv1, padding=1))
    A = torch.relu(torch.conv2d(torch.nn.functional.pad(h, (0, 1, 0, 1)), *conv2, stride=2))
    A.retain_grad()
    score = (
        A.mean((2, 3)) @ small_network.params["classifier.weight"].T
        + small_network.params["classifier.bias"]
    )[0, 1]
    score.backward()
    assert_explained(ours, x, A)


def test_the_best_class_is_explained_by_default(small_network):
    image = _picture(1)
    assert explain(small_network, image).class_index == int(small_network.logits([image]).argmax())


def test_an_own_class_is_explained_as_autograd_has_it(small_network):
    """The score of a plane on features of length 1, through PyTorch's own operations."""
    generator = np.random.default_rng(4)
    weight, bias = generator.normal(size=(2, 5)), generator.normal(size=2)
    classifier = Classifier(
        ("a", "b"), weight.astype(np.float32), bias.astype(np.float32), ("small",),
        (small_network.key,), 1.0, 0.0, np.zeros((1, 5), np.float16),
    )  # fmt: skip
    image = _picture(2)
    ours = explain_own_class(small_network, classifier, image, 1)
    x = small_network.preprocessing.input(image).requires_grad_()
    below = small_network.chain.until("relu2")
    params = {name: small_network.params[name] for name in below.parameter_shapes()}
    A = below.to_torch(params)(x)
    A.retain_grad()
    u = torch.nn.functional.normalize(A.mean((2, 3)), dim=1)
    score = u[0] @ torch.from_numpy(classifier.weight[1]) + float(classifier.bias[1])
    score.backward()
    assert_explained(ours, x, A)
    best = explain_own_class(small_network, classifier, image).class_index
    scores = classifier.scores(joined_features([small_network.features(image)]))
    assert best == int(scores.argmax())
    with pytest.raises(InputError, match="trained on features of small"):
        explain_own_class(small_network, replace(classifier, network_keys=("x",)), image)


def test_doubtful_pictures_are_computed_again():
    """By hand: the scores are the features; pictures 1 and 3 are nearly undecided."""
    narrow = torch.tensor([[1.0, 0.0], [0.52, 0.5], [0.0, 3.0], [0.7, 0.74]])
    asked = []

    def wide(x):
        asked.append(x)
        return -x.flatten(1)

    features = RecheckedFeatures(lambda x: narrow.clone(), wide, lambda f: f)
    x = torch.arange(8.0).reshape(4, 2, 1, 1)
    expected = torch.tensor([[1.0, 0.0], [-2.0, -3.0], [0.0, 3.0], [-6.0, -7.0]])
    torch.testing.assert_close(features(x), expected)
    torch.testing.assert_close(asked[0], x[[1, 3]])


def test_bfloat16_is_left_where_two_classes_are_close(small_network):
    x = torch.rand(64, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    mean = small_network.logit_function()(x).mean(0)
    bias = small_network.params["classifier.bias"] - mean  # no class is ahead on the average
    weight = small_network.params["classifier.weight"]
    spread = {"classifier.weight": 3 * weight, "classifier.bias": 3 * bias}
    network = replace(small_network, params={**small_network.params, **spread})
    wide, rechecked = network.feature_function("float32")(x), network.rechecked_features()
    torch.testing.assert_close(rechecked.scores(wide), network.logit_function()(x))
    narrow, found = rechecked.narrow(x), network.feature_function("bfloat16")(x)
    doubtful = rechecked.doubtful(narrow)
    assert 0 < doubtful.sum() < 64
    torch.testing.assert_close(found[doubtful], wide[doubtful])
    torch.testing.assert_close(found[~doubtful], narrow[~doubtful], rtol=0, atol=0)
    assert not torch.allclose(found[~doubtful], wide[~doubtful], rtol=1e-4)
