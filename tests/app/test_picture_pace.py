"""When pictures are looked for."""

import numpy as np
import pytest

from app.picture_pace import IDLE_MS, PicturePace


def shown_at(made_ms: np.ndarray) -> np.ndarray:
    """When each of these pictures is shown that is not overtaken."""
    pace, now, seen, shown = PicturePace(), 0.0, -1, []
    while now < made_ms[-1]:
        newest = int(np.searchsorted(made_ms, now, "right")) - 1
        if newest > seen:
            seen = newest
            shown.append(now)
        now += pace.wait_ms(bool(shown) and shown[-1] == now)
    return np.array(shown)


@pytest.mark.parametrize("jitter_ms", [0.0, 1.5])
def test_every_picture_is_shown_soon_after_it_was_made(jitter_ms: float) -> None:
    random = np.random.default_rng(1)
    made = np.arange(600) * 1000 / 60 + random.uniform(-jitter_ms, jitter_ms, 600)
    intervals = np.diff(shown_at(made))
    assert len(intervals) >= 595
    assert np.percentile(intervals, 99) < 25


def test_a_slow_stream_is_not_looked_at_all_the_time() -> None:
    pace = PicturePace()
    waits = [pace.wait_ms(found=False) for _ in range(100)]
    assert waits.count(IDLE_MS) > 80
    pace.wait_ms(found=True)
    assert pace.wait_ms(found=False) < IDLE_MS
