"""Where arrays of torch can lie on this machine."""

from chainrule.errors import InputError


def check_device(name: str) -> None:
    """Raise InputError unless `name` is "cpu", or "cuda" and torch sees a GPU."""
    import torch

    if name == "cpu" or (name == "cuda" and torch.cuda.is_available()):
        return
    seen = "cpu or cuda" if torch.cuda.is_available() else "cpu: torch sees no GPU here"
    raise InputError(f"--device: found {name!r}; expected {seen}")
