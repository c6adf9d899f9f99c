"""Arrays that are used again: never while anybody can still see them."""

import numpy as np
import numpy.typing as npt
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.frame_arrays import LINE_BYTES, MOST_ARRAYS, FrameArrays

Pixels = npt.NDArray[np.uint8]


def address(array: Pixels) -> int:
    return int(array.__array_interface__["data"][0])


def test_an_array_that_nobody_holds_is_given_again() -> None:
    arrays = FrameArrays()
    first = address(arrays.take(10_000))
    others = [np.empty(10_000, np.uint8) for _ in range(50)]  # they would take its place, were it given back
    assert address(arrays.take(10_000)) == first
    assert first not in map(address, others)


@given(st.lists(st.integers(0, 12), max_size=80))
def test_what_is_held_keeps_its_content(holding: list[int]) -> None:
    arrays, held = FrameArrays(), []
    for number, hold in enumerate(holding):
        pixels = arrays.take(64)
        pixels[:] = number
        held.append((number, pixels.reshape(8, 8)[2:, ::3]))  # only a part of it, through views of views
        del held[: max(0, len(held) - hold)]
        del pixels
        assert all((part == value).all() for value, part in held)


def test_a_tensor_of_it_holds_it() -> None:
    arrays = FrameArrays()
    tensor = torch.from_numpy(arrays.take(100).reshape(10, 10))
    tensor.fill_(7)
    arrays.take(100)[:] = 9
    assert (tensor == 7).all()


def test_what_is_kept_for_ever_does_not_stand_in_the_way() -> None:
    arrays = FrameArrays()
    kept = [arrays.take(100) for _ in range(MOST_ARRAYS)]
    given = [address(arrays.take(100)) for _ in range(MOST_ARRAYS + 5)]
    assert len({*map(address, kept)} & set(given)) == 0
    assert given[-1] in given[:-1]


def test_another_size_is_another_array() -> None:
    arrays = FrameArrays()
    assert arrays.take(100).size == 100
    assert arrays.take(50).size == 50


def test_each_begins_where_a_line_of_the_cache_does() -> None:
    arrays = FrameArrays()
    held = [arrays.take(size) for size in (1, 100, 100, 89_960, 307_200, 307_200)]
    assert {address(array) % LINE_BYTES for array in held} == {0}
