"""The command that measures how long teaching takes."""

from experiments.time_few_shot import Size, measure


def test_every_method_gets_a_time() -> None:
    import torch

    threads = torch.get_num_threads()
    try:
        times = measure(Size(classes=3, shots=2, timesteps=2, width=16), threads=1, repeats=1)
    finally:
        torch.set_num_threads(threads)
    assert set(times) == {"zero-shot", "mean", "probe", "tip", "adapter"}
    assert all(seconds > 0 for seconds in times.values())
    assert times["adapter"] > times["zero-shot"]
