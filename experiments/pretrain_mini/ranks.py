"""One process of one thread on each core, their gradients averaged: two threads get in each other's way."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def run_ranks(work: Callable[..., None], *arguments: Any, processes: int) -> None:
    """Call `work(rank, processes, *arguments)` in as many processes, joined by gloo, and wait for them.

    Raises
    ------
    RuntimeError
        One of them failed; the others have been ended.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.spawn(_start, args=(work, processes, port, arguments), nprocs=processes)  # type: ignore[attr-defined,no-untyped-call]


def _start(rank: int, work: Callable[..., None], processes: int, port: int, arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=processes)
    try:
        work(rank, processes, *arguments)
    finally:
        dist.destroy_process_group()


def autocast_pays(device: torch.device) -> bool:
    """Whether bfloat16 computes faster than float32 here, the same for all processes: many CPUs only pretend to it."""
    from pipeline.precision import matrices_gain_from_bf16

    votes = torch.tensor(float(device.type != "cpu" or matrices_gain_from_bf16()))
    return float(averaged(votes)) > 0.5


def averaged(values: torch.Tensor) -> torch.Tensor:
    """Give the mean over all processes."""
    total = values.clone()
    dist.all_reduce(total)
    return total / dist.get_world_size()


@contextmanager
def progress(what: str, total: int, done: int, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """Show a bar in one of the processes; gives what counts on."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), disable=not shown) as bar:
        task = bar.add_task(what, total=total, completed=done)
        yield lambda count: bar.advance(task, count)
