"""A chain as an ONNX file."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import Any

import torch

from chainrule.blocks.block import Parameters
from chainrule.chain.chain import Chain
from chainrule.chain.wiring import by_name
from chainrule.errors import InputError
from chainrule.io.files import written_whole


def export_onnx(
    path: str | os.PathLike[str],
    chain: Chain,
    params: Parameters,
    input_shape: Any = None,
) -> None:
    """Write the chain, as in inference, to an ONNX file with its weights; input "x", output "y".

    The inputs have the names that the chain has for them. The file takes any number of images,
    each of the size of `input_shape` (N, C, H, W), which is the chain's own unless given (for
    several inputs a tuple of shapes). Written whole or not at all.

    Raises InputError if no input shape is known or the packages of the extra `onnx` are not there,
    ShapeError if the input does not fit, FileError if the file cannot be written.
    """
    shape = input_shape or chain.input_shape
    if shape is None:
        raise InputError("the chain has no `input_shape`; expected one, for ONNX needs the sizes")
    chain.shape(shape)
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"ONNX export needs the package {error.name}; expected it to be installed "
            "(pip install 'chainrule[onnx]')"
        ) from error
    module = chain.to_torch(params).eval()
    dtype = next((p.dtype for p in params.values()), torch.float32)
    names = tuple(chain.inputs)
    # two images: of one, the exporter makes a constant
    x = tuple(torch.zeros(2, *s[1:], dtype=dtype) for s in by_name(shape, names).values())
    batch = torch.export.Dim("batch")
    # a graph's module takes any number of inputs
    varying: Any = ({0: batch},) if chain.is_line else (tuple({0: batch} for _ in names),)
    with written_whole(path) as temporary, _quiet():
        torch.onnx.export(
            module,
            x,
            str(temporary),
            input_names=list(names),
            output_names=["y"],
            dynamic_shapes=varying,
            external_data=False,
            dynamo=True,
            verbose=False,
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter from talking: of packages it could use, of its own use of torch, and, up to
    onnxscript 0.6, on standard output, of what it has rewritten."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
