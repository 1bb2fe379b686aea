"""A chain saved and loaded; nothing wrong is loaded silently."""

import json
from dataclasses import dataclass, field

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from chainrule.blocks import Block, Convolution, ReLU
from chainrule.chain import Chain, load_chain, save_chain
from chainrule.errors import FileError, InputError
from chainrule.io.model_file import read_model_file, write_model_file


@pytest.fixture
def saved(tmp_path):
    """A small chain in a file."""
    chain = Chain([("conv", Convolution(1, 2, 2)), ("relu", ReLU())], (1, 1, 4, 4))
    params = chain.initial_parameters(torch.Generator().manual_seed(0))
    path = tmp_path / "small.safetensors"
    save_chain(path, chain, params, {"alphabet": "ab"})
    return path, chain, params


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_what_is_saved_is_loaded(everything, tmp_path, dtype):
    params = everything.initial_parameters(torch.Generator().manual_seed(0), dtype=dtype)
    metadata = {"classes": ["a", "b"], "mean": 0.5}
    path = tmp_path / "chain.safetensors"
    save_chain(path, everything, params, metadata)
    chain, loaded, texts = load_chain(path)
    assert chain == everything
    assert texts == metadata
    assert list(loaded) == list(everything.parameter_shapes())
    assert all(loaded[name].dtype == dtype for name in loaded)
    assert all(torch.equal(loaded[name], params[name]) for name in params)
    assert [p.name for p in tmp_path.iterdir()] == ["chain.safetensors"]


def test_the_file_is_plain_safetensors_with_json(saved):
    path, _, params = saved
    with safe_open(path, framework="np") as file:
        assert set(file.keys()) == set(params)
        (text,) = file.metadata().values()
    architecture = json.loads(text.partition(" ")[2])["settings"]["architecture"]
    assert architecture["type"] == "Chain"
    assert architecture["layers"][0][1]["kernel_size"] == 2


def test_parameters_may_be_views_of_one_buffer_and_in_any_order(saved):
    path, chain, params = saved
    buffer = torch.cat([value.flatten() for value in params.values()])
    views = {
        "conv.weight": buffer[:8].view(2, 1, 2, 2).to(memory_format=torch.channels_last),
        "conv.bias": buffer[8:],
    }
    save_chain(path, chain, views)
    assert torch.equal(load_chain(path)[1]["conv.weight"], params["conv.weight"])


def test_no_cut_off_and_no_changed_byte_is_loaded(saved):
    path, _, _ = saved
    whole = path.read_bytes()
    for place in range(len(whole)):
        changed = whole[:place] + bytes([whole[place] ^ 0x11]) + whole[place + 1 :]
        for content in (whole[:place], changed):
            path.write_bytes(content)
            with pytest.raises(FileError, match=r"small\.safetensors (is|holds|has) "):
                load_chain(path)


@pytest.mark.parametrize(
    "content", [b"", b"GIF89a" + bytes(100), b"text\n" * 10, b"\x80\x04}q\x00."]
)
def test_what_is_no_model_is_refused(tmp_path, content):
    path = tmp_path / "picture.gif"
    path.write_bytes(content)
    with pytest.raises(
        FileError,
        match=r"picture\.gif is no file of chainrule's; expected",
    ):
        load_chain(path)


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path):
    with pytest.raises(FileError, match=r"none\.safetensors cannot be read"):
        load_chain(tmp_path / "none.safetensors")
    with pytest.raises(FileError, match="cannot be read"):
        load_chain(tmp_path)


def test_tensors_of_another_program_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(FileError, match="is no file of chainrule's; expected"):
        load_chain(path)


def forge(path, change):
    """Change the architecture in the file, in place, under a right checksum."""
    found = read_model_file(path, "chain", "", as_tensors=True)
    change(found.settings["architecture"])
    write_model_file(path, "chain", found.tensors, found.settings)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda a: a["layers"][1][1].update(type="Eval"), "a block of type 'Eval'; expected one"),
        (lambda a: a["layers"][1][1].update(type=["ReLU"]), r"a block of type \['ReLU'\]"),
        (lambda a: a["layers"][1][1].update(type="SoftmaxLogLoss"), "of type 'SoftmaxLogLoss'"),
        (
            lambda a: a["layers"][0][1].update(strides=2),
            "Convolution has no setting 'strides', did you mean 'stride'",
        ),
        (lambda a: a["layers"][1][1].update(slope=2), "ReLU has no setting 'slope'; expected none"),
        (lambda a: a["layers"][0][1].update(stride=0), "`stride` is 0; expected a whole number"),
        (lambda a: a["layers"][0][1].update(stride="2"), "`stride` is '2'; expected a whole"),
        (lambda a: a["layers"][0][1].update(out_channels=3), r"`conv.weight` has shape \(2, 1, 2"),
        (lambda a: a["layers"][0][1].pop("in_channels"), "Convolution lacks the setting 'in_ch"),
        (lambda a: a.update(layers=[["x"]]), "`layers` holds"),
        (lambda a: a.update(layers=3), "`layers` is 3; expected a list"),
        (lambda a: a.update(input_shape=[1, 1, 1, 1]), "layer 'conv': .*spans 2x2 pixels"),
        (lambda a: a.update(input_shape=7), "`input_shape` is 7; expected"),
        (lambda a: (a.clear(), a.update(type="ReLU")), "the header holds no chain"),
    ],
)
def test_an_architecture_that_cannot_be_is_refused(saved, change, sentence):
    path, _, _ = saved
    forge(path, change)
    with pytest.raises(FileError, match=f"holds no chain that can be loaded: .*{sentence}"):
        load_chain(path)


def test_another_architecture_than_expected_is_refused(saved, characters):
    path, chain, _ = saved
    assert load_chain(path, chain)[0] == chain
    with pytest.raises(FileError, match=r"layer 'conv' is Convolution\(1, 2, 2\) of x; exp"):
        load_chain(path, characters)
    with pytest.raises(FileError, match="another architecture, of 2 layers; expected 3"):
        load_chain(path, Chain([*chain.layers, ("more", ReLU())]))


def test_what_cannot_be_saved_leaves_no_file(saved, tmp_path):
    _, chain, params = saved
    path = tmp_path / "new.safetensors"
    with pytest.raises(InputError, match=r"`conv.bias` is missing"):
        save_chain(path, chain, {"conv.weight": params["conv.weight"]})
    with pytest.raises(InputError, match="settings are no JSON"):
        save_chain(path, chain, params, {"a": torch.zeros(1)})
    with pytest.raises(InputError, match="settings are no JSON"):
        save_chain(path, chain, params, {"a": float("nan")})
    assert not path.exists()
    with pytest.raises(FileError, match="cannot be written"):
        save_chain(tmp_path / "missing" / "a.safetensors", chain, params)


class Entrywise(Block):
    """What the blocks below share: y = x."""

    def forward(self, x, params):
        return x, None

    def backward(self, dy, params, saved):
        return dy, {}


@dataclass(frozen=True)
class Weighted(Entrywise):
    weights: object


@dataclass(frozen=True)
class Counted(Entrywise):
    inner: int = 1
    count: int = field(init=False, default=3)


@dataclass(frozen=True)
class Doubling(Entrywise):
    size: int

    def __post_init__(self):
        object.__setattr__(self, "size", 2 * self.size)


@dataclass(frozen=True)
class Growing(Entrywise):
    """Its parameters are not made by its settings."""

    def parameter_shapes(self):
        return {"weight": (2 if self is GROWING else 3, 2)}


GROWING = Growing()


class Plain(Entrywise):
    pass


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (Weighted(torch.ones(3)), "Tensor is not JSON serializable"),
        (Weighted(float("nan")), "not JSON compliant"),
        (Weighted({"a": 1}), "it has a block of type None"),
        (Weighted({1, 2}), "set is not JSON serializable"),
        (Weighted(Plain()), "Plain is no block of chainrule's"),
        (Counted(), "unexpected keyword argument 'count'"),
        (Doubling(4), "has other settings"),
        (GROWING, "has other parameters"),
        (Plain(), "Plain is no block of chainrule's"),
    ],
    ids=lambda value: "" if isinstance(value, str) else type(value).__name__,
)
def test_what_could_not_be_loaded_is_not_saved(tmp_path, block, reason):
    chain = Chain([("first", ReLU()), ("own", block)])
    params = {"own.weight": torch.zeros(2, 2)} if block is GROWING else {}
    path = tmp_path / "own.safetensors"
    path.write_bytes(b"what was there before")
    with pytest.raises(InputError, match=f"layer 'own' could not be loaded again: .*{reason}"):
        save_chain(path, chain, params, block_types=[Weighted, Counted, Doubling, Growing])
    assert path.read_bytes() == b"what was there before"
    assert [p.name for p in tmp_path.iterdir()] == ["own.safetensors"]


def test_a_block_of_ones_own_that_its_settings_make_is_saved(tmp_path):
    chain = Chain([("own", Weighted([1.5, 2])), ("more", Weighted(ReLU()))])
    path = tmp_path / "own.safetensors"
    save_chain(path, chain, {}, block_types=[Weighted])
    found, _, _ = load_chain(path, block_types=[Weighted])
    assert [block.weights for _, block in found.layers] == [(1.5, 2), ReLU()]


def test_parameters_of_a_kind_that_the_format_does_not_hold_are_refused(saved):
    path, chain, params = saved
    before = path.read_bytes()
    wide = {name: value.to(torch.complex128) for name, value in params.items()}
    with pytest.raises(InputError, match=r"holds torch\.complex128 entries; expected"):
        save_chain(path, chain, wide)
    assert path.read_bytes() == before
