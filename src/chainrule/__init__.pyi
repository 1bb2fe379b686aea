from . import (
    benchmarks,
    blocks,
    chain,
    checking,
    errors,
    glyphs,
    images,
    io,
    points,
    practical,
    reader,
    report,
    training,
)
from .chain import Chain, export_onnx, load_chain, save_chain
from .checking import check_blocks, check_derivatives, check_projection
from .errors import ChainruleError, DivergedError, FileError, InputError, ShapeError
from .images import PhotoClassifier, load_network
from .points import TwoLayerClassifier
from .reader.front_door import fit_reader, load_reader
from .training import Settings, train

__version__: str

__all__ = [
    "Chain",
    "ChainruleError",
    "DivergedError",
    "FileError",
    "InputError",
    "PhotoClassifier",
    "Settings",
    "ShapeError",
    "TwoLayerClassifier",
    "benchmarks",
    "blocks",
    "chain",
    "check_blocks",
    "check_derivatives",
    "check_projection",
    "checking",
    "errors",
    "export_onnx",
    "fit_reader",
    "glyphs",
    "images",
    "io",
    "load_chain",
    "load_network",
    "load_reader",
    "points",
    "practical",
    "reader",
    "report",
    "save_chain",
    "train",
    "training",
]
