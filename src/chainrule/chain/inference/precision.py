"""In which precision this processor runs a network fastest."""

from collections.abc import Sequence
from typing import Literal

import torch

Precision = Literal["float32", "bfloat16"]
ByteSums = Literal["whole", "pairs"]


def byte_sums() -> ByteSums | None:
    """How this processor sums products of bytes; None if that is not known to be fast.

    "whole": in 32 bits (VNNI or AMX). "pairs": the products of two neighbours in 16 bits first, cut
    off at 32767 (AVX2), which is as exact for weights so small that no two can reach that.
    """
    if not hasattr(torch.ops.onednn, "qconv2d_pointwise"):
        return None
    if _has_any(("avx512_vnni", "avx_vnni", "amx_int8")):
        return "whole"
    return "pairs" if _has_any(("avx2",)) else None


def best_precision() -> Precision:
    """ "bfloat16" where the processor multiplies it (AVX-512 BF16 or AMX), else "float32"."""
    return "bfloat16" if _has_any(("avx512_bf16", "amx_bf16")) else "float32"


def _has_any(names: Sequence[str]) -> bool:
    """Whether the processor has one of these, and PyTorch the library that uses them."""
    # absent before PyTorch 2.9: then the precision that is right everywhere
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    there = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return there and any(capabilities.get(name, False) for name in names)
