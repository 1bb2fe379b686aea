"""In which precision this processor runs a network fastest."""

from typing import Literal

import torch

Precision = Literal["float32", "bfloat16"]


def best_precision() -> Precision:
    """ "bfloat16" where the processor multiplies it (AVX-512 BF16 or AMX), else "float32"."""
    # absent before PyTorch 2.9: then the precision that is right everywhere
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    fast = any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
    there = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return "bfloat16" if fast and there else "float32"
