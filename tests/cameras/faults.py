"""What can be wrong with a camera or its cable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Refusal: TypeAlias = Literal["", "permission", "busy"]
TransferError: TypeAlias = Literal["", "halt", "protocol", "overflow"]


@dataclass(frozen=True)
class Faults:
    """Give a camera new ones at any time: ``camera.faults = replace(camera.faults, stalled=True)``.

    Attributes
    ----------
    refuse : {"", "permission", "busy"}
        Nobody may open the device file (bus.popen with ``privileged=False``), or its interface is taken.
    taken_at_first : int
        So many times somebody asks for its interface, it is taken; then it is free.
    still : bool
        Nothing moves before the lens: time goes on, no events. What the scene shows meanwhile is lost.
    stalled : bool
        The stream dies without a word: transfers wait for ever, requests are still answered.
    mute : bool
        Requests are not answered any more, so that they run into the driver's time limits.
    refuses_requests : bool
        Vendor requests are answered with a halt of the control endpoint.
    garbage : bool
        Random bytes instead of events, as many bytes less one.
    cut_short : int
        Bytes that are missing at the end of each transfer.
    transfer_error : {"", "halt", "protocol", "overflow"}
        How transfers of the stream fail: the endpoint halts, the bits were wrong, more came than there was room for.
    late_transfers_s : float
        Seconds that each transfer of the stream comes too late.
    late_answers_s : float
        Seconds that each request waits for its answer.
    pulled_out_at_request, pulled_out_at_transfer : int or None
        Pulled out in place of the answer to the n-th request, or the n-th transfer of the stream, both counted
        from 1 since it was plugged in.
    """

    refuse: Refusal = ""
    taken_at_first: int = 0
    still: bool = False
    stalled: bool = False
    mute: bool = False
    refuses_requests: bool = False
    garbage: bool = False
    cut_short: int = 0
    transfer_error: TransferError = ""
    late_transfers_s: float = 0.0
    late_answers_s: float = 0.0
    pulled_out_at_request: int | None = None
    pulled_out_at_transfer: int | None = None


NO_FAULTS = Faults()
