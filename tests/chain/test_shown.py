"""A chain's layers by name, and how it is shown."""

from xml.etree import ElementTree

import pytest
import torch

from chainrule import blocks
from chainrule.blocks import Convolution, ReLU, Residual
from chainrule.chain import Chain
from chainrule.chain.shown import in_one_line
from chainrule.errors import InputError

SMALL = Chain(
    [
        ("conv1", Convolution(1, 2, 3, padding=(0, 1, 0, 1))),
        ("body", Residual(Chain([("relu", ReLU())]))),
    ],
    input_shape=(1, 1, 8, 8),
)


def test_layers_by_name(everything):
    assert everything["stem"] == dict(everything.layers)["stem"]
    assert everything["body.norm"] == everything["again.norm"] == blocks.BatchNormalization(12)
    assert len(everything) == len(list(everything)) == len(everything.layers)
    assert list(everything)[:2] == ["stem", "sigmoid"]
    assert "stem" in everything
    assert "conv1" not in everything
    assert bool(Chain([]))


def test_a_name_that_is_not_there_gets_the_nearest(everything):
    with pytest.raises(InputError, match="no layer 'stam', did you mean 'stem'"):
        everything["stam"]
    with pytest.raises(
        InputError, match=r"no layer 'body.norn', did you mean 'norm'\?; expected one"
    ):
        everything["body.norn"]
    with pytest.raises(InputError, match=r"no layer 'relu.x'; expected one of none"):
        Chain([("relu", ReLU())])["relu.x"]


def test_a_chain_is_a_function(characters):
    params = characters.initial_parameters(torch.Generator().manual_seed(0))
    x = torch.ones(1, 1, 32, 32)
    assert torch.equal(characters(x, params), characters.apply(x, params))


def test_it_is_shown_as_it_is_typed():
    assert (
        repr(SMALL)
        == """\
Chain([
    ('conv1', Convolution(1, 2, 3, padding=(0, 1, 0, 1))),
    ('body', Residual(Chain([
        ('relu', ReLU()),
    ]))),
], input_shape=(1, 1, 8, 8))"""
    )


def test_what_is_shown_can_be_typed(everything):
    assert eval(repr(everything), {**vars(blocks), "Chain": Chain}) == everything


def test_in_messages_it_takes_one_line():
    assert in_one_line(SMALL) == (
        "Chain([('conv1', Convolution(1, 2, 3, padding=(0, 1, 0, 1))), "
        "('body', Residual(Chain([('relu', ReLU())])))], input_shape=(1, 1, 8, 8))"
    )


@pytest.mark.parametrize("known", [True, False])
def test_a_notebook_gets_a_table(everything, known):
    chain = everything if known else Chain([("a<b", ReLU()), *everything.layers])
    rows = ElementTree.fromstring(chain._repr_html_()).findall("tbody/tr")
    texts = [[cell.text or "" for cell in row] for row in rows]
    if known:
        lines = [line.split()[0] for line in str(chain.summary()).splitlines() if line[0] != "-"]
        assert [row[0] for row in texts] == lines[1:]
    else:
        assert [row[0] for row in texts] == list(chain)
        assert ["pool3", "MaxPooling(3, stride=1, padding=1)"] in texts
