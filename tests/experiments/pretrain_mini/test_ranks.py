"""Processes that train together: real ones, two of them."""

from pathlib import Path

import pytest
import torch

from experiments.pretrain_mini.ranks import averaged, run_ranks


def average(rank: int, processes: int, folder: Path) -> None:
    own = torch.tensor([float(rank), 10.0])
    found = averaged(own)
    assert own.tolist() == [float(rank), 10.0]  # what was given stays
    (folder / f"{rank}.txt").write_text(f"{processes} {torch.get_num_threads()} {found.tolist()}")


def fail(rank: int, processes: int) -> None:
    if rank == 1:
        raise ValueError("the second of them fails")
    averaged(torch.zeros(1))  # waits for the other


@pytest.mark.timeout(600)  # two processes import torch
def test_each_process_has_one_thread_and_gets_the_mean_over_all(tmp_path: Path) -> None:
    run_ranks(average, tmp_path, processes=2)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        "0.txt": "2 1 [0.5, 10.0]",
        "1.txt": "2 1 [0.5, 10.0]",
    }


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_when_one_fails_the_others_are_ended_and_it_is_told() -> None:
    with pytest.raises(Exception, match=r"the second of them fails|by peer"):
        run_ranks(fail, processes=2)
