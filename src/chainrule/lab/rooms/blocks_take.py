"""What is taken away from a board: the chain, the picture, what comes out, and code for it."""

import hashlib
import io

import numpy as np
from torch import Tensor

from chainrule.chain import Chain
from chainrule.chain.shown import as_typed

NAMES = ("chain.safetensors", "picture.png", "output.npy", "chain.py")

_CODE = '''\
"""A picture through a chain of blocks, as in the lab; prints the digest of what comes out.

The files of the lab lie beside it: chain.safetensors with the parameters, picture.png.
"""

import hashlib

import torch

from chainrule.blocks import {names}
from chainrule.chain import Chain, load_chain
from chainrule.io.pictures import read_picture
from chainrule.practical.on_picture import as_tensor

torch.set_num_threads(1)  # as in the lab: sums in the same order
chain = {chain}
chain, params, _ = load_chain("chain.safetensors", expected=chain)
x = as_tensor(read_picture("picture.png")).double(){grey}
y = chain.apply(x, params)
print(tuple(y.shape))
print(hashlib.sha256(y.contiguous().numpy().tobytes()).hexdigest())
'''


def digest(y: Tensor) -> str:
    """SHA-256 of an output's float64 numbers."""
    return hashlib.sha256(y.contiguous().numpy().tobytes()).hexdigest()


def code(chain: Chain, channels: int) -> str:
    """The Python file."""
    kinds = sorted({type(block).__name__ for _, block in chain.inside()}) or ["Block"]
    grey = "[:, :1]" if channels == 1 else ""
    return _CODE.format(names=", ".join(kinds), chain=as_typed(chain), grey=grey)


def as_array_file(y: Tensor) -> bytes:
    """An output as a .npy file of float64."""
    stream = io.BytesIO()
    np.save(stream, y.numpy(), allow_pickle=False)
    return stream.getvalue()
