"""The benches' jobs: the same bits in this thread, in processes and on a cluster."""

import hashlib
import itertools
import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from chainrule.blocks import Convolution, Flatten, FullyConnected, GlobalAveragePooling, ReLU
from chainrule.chain import Chain
from chainrule.checking import check_blocks
from chainrule.checking.cases import CASES
from chainrule.executors import Here, Processes
from chainrule.glyphs.fonts import find_fonts, open_font
from chainrule.glyphs.letters import build_letters
from chainrule.glyphs.lines import build_line_fonts, load_line_fonts, render_line
from chainrule.images.classification import classify_files
from chainrule.images.features import network_features
from chainrule.images.network import Network
from chainrule.images.preprocessing import Preprocessing
from chainrule.points.inference import InferenceSettings, PublishedRun, RunSetting, infer
from chainrule.reader.far_reading import read_far
from chainrule.reader.model_file import load_reader

DRAWS = dict(itertools.islice(CASES.items(), 6))


@pytest.fixture
def network():
    """A small one for pictures of 16 x 16 pixels."""
    chain = Chain(
        [
            ("conv1", Convolution(3, 4, 3, padding=1)),
            ("relu1", ReLU()),
            ("pool", GlobalAveragePooling()),
            ("flatten", Flatten()),
            ("classifier", FullyConnected(4, 3)),
        ],
        (1, 3, 16, 16),
    )
    params = chain.initial_parameters(torch.Generator().manual_seed(3))
    names = ("one", "two", "three")
    return Network("small", chain, params, Preprocessing(16, 16), names, "pool", "relu1")


@pytest.fixture
def pictures(tmp_path):
    """70 pictures, three batches; one is none, and one is not there."""
    generator = np.random.default_rng(5)
    paths = [tmp_path / f"{i}.png" for i in range(70)]
    for path in paths:
        Image.fromarray(generator.integers(0, 255, (20, 24, 3), np.uint8)).save(path)
    paths[3].write_bytes(b"no picture")
    paths[68].unlink()
    return paths


def digest(value):
    return hashlib.sha256(pickle.dumps(value)).hexdigest()


def test_an_inference_has_the_same_bits(cluster):
    settings = InferenceSettings(0, 4, 1, repeats=1, trials=2, points=60)
    runs = [PublishedRun(name, RunSetting(2, 0.1, 600), 0.1, 0.2, 300) for name in "ab"]
    assert infer(runs, settings, executor=cluster) == infer(runs, settings, workers=1)


def test_blocks_are_checked_with_the_same_bits(cluster):
    here = check_blocks(2, 1, draws=DRAWS, executor=Here())
    assert check_blocks(2, 1, draws=DRAWS, executor=cluster) == here


def test_letters_and_line_fonts_are_drawn_with_the_same_bits(cluster, fonts_folder):
    fonts = [open_font(path) for path in find_fonts([fonts_folder])[::2]]
    here, report = build_letters(fonts, "abcd")
    there, its_report = build_letters(fonts, "abcd", executor=cluster)
    assert its_report == report
    assert report.dropped
    assert there.font_names == here.font_names
    assert (there.images == here.images).all()
    drawn, dropped = build_line_fonts(fonts, "abcd ", styles=1)
    with Processes(2) as processes:
        for executor in (cluster, processes):
            far, its_dropped = build_line_fonts(fonts, "abcd ", styles=1, executor=executor)
            assert its_dropped == dropped
            assert [digest(font.inks) for font in far] == [digest(font.inks) for font in drawn]


def test_features_are_computed_with_the_same_bits(cluster, network, pictures, tmp_path):
    here = network_features(pictures, network, executor=Here())
    seen = []
    there = network_features(
        pictures,
        network,
        executor=cluster,
        cache=tmp_path / "cache",
        progress=lambda done, total: seen.append((done, total)),
    )
    assert (there.values == here.values).all()
    assert there.kept == here.kept == [i for i in range(70) if i not in (3, 68)]
    assert there.skipped == here.skipped
    assert [entry.file for entry in there.skipped] == [str(pictures[3]), str(pictures[68])]
    assert seen[-1] == (70, 70)
    # what was computed cluster is in the cache here
    cached = network_features(pictures, network, cache=tmp_path / "cache")
    assert (cached.values == here.values).all()
    named = classify_files(pictures, network, top=2, executor=Here())
    assert classify_files(pictures, network, top=2, executor=cluster) == named


def test_far_features_are_those_of_today(network, pictures):
    far = network_features(pictures, network, precision="float32", executor=Here())
    today = network_features(pictures, network, precision="float32")
    assert far.kept == today.kept
    assert far.skipped == today.skipped
    np.testing.assert_allclose(far.values, today.values, rtol=1e-5, atol=1e-6)


def test_lines_are_read_with_the_same_bits(cluster, tmp_path):
    fonts = load_line_fonts()
    images = [render_line(font, "the same line").image for font in fonts[:70]]
    sources = [*images[:69], tmp_path / "absent.png"]
    reader = load_reader("fast")
    here, unopened = read_far(reader, sources, Here())
    there, its_unopened = read_far(reader, sources, cluster)
    assert there == here
    assert its_unopened == unopened == {69}
    assert [line.text for line in here[:69]] == [line.text for line in reader.read(images[:69])]
