"""Blocks composed into a chain."""

from chainrule.chain.chain import Chain
from chainrule.chain.files import load_chain, save_chain
from chainrule.chain.onnx import export_onnx
from chainrule.chain.summary import ReceptiveField, Row, Summary

__all__ = [
    "Chain",
    "ReceptiveField",
    "Row",
    "Summary",
    "export_onnx",
    "load_chain",
    "save_chain",
]
