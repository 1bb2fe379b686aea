"""A chain as an ONNX file."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from chainrule.blocks.block import Parameters, Shape
from chainrule.chain.chain import Chain
from chainrule.errors import InputError
from chainrule.io.files import written_whole


def export_onnx(
    path: str | os.PathLike[str],
    chain: Chain,
    params: Parameters,
    input_shape: Shape | None = None,
) -> None:
    """Write the chain, as in inference, to an ONNX file with its weights; input "x", output "y".

    The file takes any number of images, each of the size of `input_shape` (N, C, H, W), which is
    the chain's own unless given. Written whole or not at all.

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
    x = torch.zeros(2, *shape[1:], dtype=dtype)  # two images: of one, the exporter makes a constant
    with written_whole(path) as temporary, _quiet():
        torch.onnx.export(
            module,
            (x,),
            str(temporary),
            input_names=["x"],
            output_names=["y"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            external_data=False,
            dynamo=True,
            verbose=False,
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter from talking: of packages it could use, and of its own use of torch."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
