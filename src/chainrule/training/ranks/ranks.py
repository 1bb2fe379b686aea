"""The processes of a training, and what they tell each other."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from chainrule.io.temporary import temporary_folder

_PATIENCE = timedelta(minutes=10)  # for a process that does not come


@dataclass(frozen=True)
class Ranks:
    """So many processes, of which this one is `number` (from 0); they are connected.

    All draw the same batches from the same seed, and each goes through its part of the rows: so a
    batch does not depend on how many there are. What they add up comes out with the same bits in
    all of them, and from run to run with as many.
    """

    number: int
    size: int

    def part(self, n: int) -> slice:
        """This process' rows of a batch of n; with fewer rows than processes, all of them."""
        if n < self.size:
            return slice(0, n)
        return slice(self.number * n // self.size, (self.number + 1) * n // self.size)

    def summed(self, *tensors: Tensor) -> list[Tensor]:
        """The sum of each tensor over all processes; they travel together."""
        flat = torch.cat([tensor.detach().reshape(-1) for tensor in tensors])
        dist.all_reduce(flat)
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        return [part.view(tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]

    def summed_by_name(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """As `summed`, by name; the names are the same in all processes."""
        found: dict[str, Tensor] = {}
        for dtype in sorted({value.dtype for value in tensors.values()}, key=str):
            same = {name: value for name, value in tensors.items() if value.dtype == dtype}
            found.update(zip(same, self.summed(*same.values()), strict=True))
        return {name: found[name] for name in tensors}

    @contextlib.contextmanager
    def file_of_first(self, path: str | Path | None) -> Iterator[Path | None]:
        """A file that process 0 has, for all: a copy elsewhere, and not there if it is not.

        So the machines need no folder that all of them see.
        """
        if path is None:
            yield None
            return
        path = Path(path)
        content = path.read_bytes() if self.number == 0 and path.exists() else b""
        content = self.sent(0, content)
        if self.number == 0 or not content:
            yield path
            return
        with temporary_folder() as folder:
            copy = folder / path.name
            copy.write_bytes(content)
            yield copy

    def sent(self, number: int, content: bytes) -> bytes:
        """What process `number` has as `content`, in all of them; the others' does not count."""
        length = torch.tensor([len(content)])
        dist.broadcast(length, number)
        data = torch.zeros(int(length), dtype=torch.uint8)
        if self.number == number and content:
            data = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        if int(length):
            dist.broadcast(data, number)
        return data.numpy().tobytes()


@contextlib.contextmanager
def joined_ranks() -> Iterator[Ranks | None]:
    """The processes that `torchrun` has started, connected; None if it has started none.

    What is on a processor travels by gloo, what is on a GPU by NCCL; "cuda" is then the GPU of this
    process. The environment (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT) says who is
    who.
    """
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        yield None
        return
    backend = "gloo"
    if torch.cuda.is_available():
        backend = "cpu:gloo,cuda:nccl"
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group(backend, timeout=_PATIENCE)
    try:
        yield Ranks(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
