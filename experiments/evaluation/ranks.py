"""Several processes that share the extraction of features, as ``torchrun`` starts them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import distributed

PATIENCE = timedelta(days=2)
"""Others wait while the first converts a data set of a hundred gigabytes."""


@dataclass(frozen=True)
class Ranks:
    """One process among all of them.

    Attributes
    ----------
    rank, world : int
        Its number, and how many there are, on all machines.
    local_rank : int
        Its number on this machine.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0

    @property
    def first(self) -> bool:
        """Whether this process does what only one does."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.world > 1:
            # On the processors: a barrier of the GPUs would bind one that this process may not use.
            distributed.all_reduce(torch.zeros(1))

    def sums(self, values: list[float], device: str = "cpu") -> list[float]:
        """Add numbers up over all processes."""
        tensor = torch.tensor(values, dtype=torch.float64, device=device)
        if self.world > 1:
            distributed.all_reduce(tensor)
        return [float(value) for value in tensor.cpu()]

    def greatest(self, value: float) -> float:
        """Give the greatest of all processes' numbers."""
        tensor = torch.tensor([value], dtype=torch.float64)
        if self.world > 1:
            distributed.all_reduce(tensor, distributed.ReduceOp.MAX)
        return float(tensor[0])


@contextmanager
def joined(*, gpu: bool) -> Iterator[Ranks]:
    """Join the other processes where ``torchrun`` started this one; alone otherwise.

    Parameters
    ----------
    gpu : bool
        Numbers on GPUs go by nccl; those on processors by gloo in any case.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks()
        return
    backend = "cpu:gloo,cuda:nccl" if gpu and distributed.is_nccl_available() else "gloo"
    distributed.init_process_group(backend, timeout=PATIENCE)
    try:
        yield Ranks(distributed.get_rank(), distributed.get_world_size(), int(os.environ.get("LOCAL_RANK", "0")))
    finally:
        distributed.destroy_process_group()
