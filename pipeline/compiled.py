"""Loops over events, compiled by numba: once for each machine, then loaded from a cache on disk.

Keep each compiled function in the file of the compiled functions that it calls: numba looks only at the
file of the caller when it decides whether a cached one is still good.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import types
from numba.core.cgutils import get_or_insert_function as insert_function
from numba.extending import intrinsic

from pipeline.events import EVENT_DTYPE, EventArray

_READ, _NEAR, _DATA = 0, 2, 1
"""For ``llvm.prefetch``: not to be written, into the second nearest cache, no code."""
_Function = TypeVar("_Function", bound=Callable[..., Any])
Words = npt.NDArray[np.int64]
"""Events as loops see them best, (2n,): the time, then x, y and polarity, which one read brings together."""


def compiled(function: _Function) -> _Function:
    """Compile the function at its first call; it lets go of Python's global lock while it runs.

    The cache lies beside the source, or in the user's cache folder where that place is read-only. Where
    neither can be written, the function is compiled anew in each process.
    """
    try:
        return cast("_Function", numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # numba's word for "no place for a cache"
        return cast("_Function", numba.njit(nogil=True)(function))


def plain(events: EventArray) -> EventArray:
    """Give the events in the one form that the loops are compiled for, copied only where they have another.

    Joining padded structured arrays packs them (`numpy.concatenate`), slices have steps, and mapped files
    cannot be written: for numba each is another type, and would be compiled while the stream waits.
    """
    flags = events.flags
    if events.dtype == EVENT_DTYPE and flags.c_contiguous and flags.writeable:
        return events
    result = np.empty(len(events), EVENT_DTYPE)
    for name in EVENT_DTYPE.names or ():  # one by one: as a whole numpy goes by the fields' order, not by their names
        result[name] = events[name]
    return result


def words_of(events: EventArray) -> Words:
    """Give the same memory as words. The events must be `plain`."""
    return events.view(np.int64)


def _fetch_early(context: Any, array: Any, place: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
        prefetch = insert_function(builder.module, kind, "llvm.prefetch.p0")  # type: ignore[no-untyped-call]
        builder.call(prefetch, [address, number(_READ), number(_NEAR), number(_DATA)])
        return context.get_dummy_value()

    return types.void(array, types.uint64), code


fetch_early = cast("Callable[[npt.NDArray[Any], np.uint64], None]", intrinsic(_fetch_early))
"""Ask the processor to bring element `place` of a contiguous array near; beyond its end too, where nothing happens.

For compiled loops only: numba has no word for LLVM's ``llvm.prefetch``.
"""
