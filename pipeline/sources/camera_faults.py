"""What can be wrong with a camera, each in one sentence: what, where, what to do."""

from __future__ import annotations

from pathlib import Path

from pipeline.sources.udev_rules import COMMANDS, INSTALL, RULES_FILE, rule
from pipeline.sources.usb_cameras import LINUX, CameraKind

EXTRA = "pip install neuromorphic-drivers"


def no_camera(serial: str | None) -> str:
    """None is connected, or not that one."""
    wanted = f"event camera {serial}" if serial else "event camera"
    return (
        f"No {wanted} was found on the USB: check the cable and the port, "
        "or use --simulate for a camera's view without one."
    )


def others_only(serial: str, there: list[str]) -> str:
    """The camera that was asked for is not there, others are."""
    return (
        f"No camera with the serial number {serial} is plugged in, only {', '.join(there)}: "
        "choose one of these, or check the cable of the other."
    )


def driver_missing(label: str) -> str:
    """It is plugged in, but its driver is not installed."""
    return (
        f"{label} is plugged in, but its driver is not installed: "
        f"run `{EXTRA}` in this program's environment and start again."
    )


def forbidden(label: str, vendor: int, node: Path) -> str:
    """The user has no permission."""
    if not LINUX:
        return f"{label} may not be opened by you: check the permissions of USB devices on this machine."
    first, second = COMMANDS
    return (
        f"{label} at {node} may not be opened by you: run `{INSTALL}`, or write the line {rule(vendor)} into "
        f"{RULES_FILE} and run `{first}` and `{second}`, then plug it in again."
    )


def another_forbidden(label: str) -> str:
    """It could be opened, were there not another that may not be."""
    return (
        f"{label} cannot be looked for because another camera may not be opened by you: "
        f"run `{INSTALL}`, or unplug the other."
    )


def busy(label: str) -> str:
    """Another program has it open."""
    return f"{label} is used by another program: close that program and try again."


def old_firmware(label: str, firmware: str, kind: CameraKind | None) -> str:
    """The driver wants another firmware."""
    if kind is not None and kind.maker != "iniVation":
        return f"{label} has firmware {firmware}, which its driver cannot read: update it with its maker's program."
    return f"{label} has firmware {firmware}, which does not fit: update it with iniVation's program DV."


def gone_while_opening(label: str) -> str:
    """Pulled out before it was open."""
    return f"{label} went away while it was opened: check its cable and plug it in again."


def silent_while_opening(label: str) -> str:
    """It does not answer what the driver asks."""
    return f"{label} does not answer: plug it in again, into another port if that does not help."


def unopened(label: str) -> str:
    """It cannot be opened for a reason that is not known."""
    return f"{label} cannot be opened: close programs that use it, or plug it in again."  # the log says more


def no_events(label: str) -> str:
    """It is a camera of another kind."""
    return f"{label} sends no events: choose an event camera."


def unplugged(label: str) -> str:
    """Gone from the USB."""
    return f"The camera {label} was unplugged: check its cable, or plug it in again; it then goes on by itself."


def stopped(label: str) -> str:
    """Still there, but its driver has given up: a bad transfer, or data that make no sense."""
    return (
        f"The camera {label} sent data that its driver cannot read, so it is started again: "
        "use another cable or port if that happens often."
    )


def nonsense(label: str) -> str:
    """What comes cannot be events, though the driver takes it for such."""
    return (
        f"The camera {label} sends nonsense, so it is started again: use another cable or port if that happens often."
    )


def dead(label: str, silent_s: float) -> str:
    """Nothing comes any more, not even what a camera sends before a still scene."""
    return (
        f"The camera {label} has sent nothing at all for {silent_s:.0f} s, so it is started again: "
        "use another cable or port if that happens often."
    )


def clock_set_back(label: str) -> str:
    """Its time does not go on."""
    return f"The clock of the camera {label} was set back, so it is started again: the times of its events go on."


def events_lost(label: str, *, surely: bool = True) -> str:
    """Say that the driver could not keep all until it was read, or so it seems."""
    return (
        f"This machine does not keep up with the camera {label}: events {'were' if surely else 'may have been'} lost, "
        "in a recording too. "
        "Close other programs, or lower the camera's event rate."
    )


def too_much_lost(label: str) -> str:
    """Its driver could keep so little until it was read that it no longer knows the time."""
    return (
        f"This machine did not read the camera {label} for long: events were lost, in a recording too, and it is "
        "started again. Close other programs if that happens often."
    )


def crashed(label: str) -> str:
    """Its driver took the capture process with it."""
    return f"The driver of {label} crashed or hung, so it is started again: plug it in again if it does not come back."


def slow_port(label: str, speed: str) -> str:
    """A notice: it works, but in the wrong port."""
    return (
        f"{label} is connected by {speed}: it works, but loses events where much moves; "
        "use a USB 3 port (often blue, or marked SS) and its own cable."
    )


def drifts(label: str, us_a_minute: float) -> str:
    """A notice: its clock and this computer's do not agree."""
    way = "gains" if us_a_minute > 0 else "loses"
    return (
        f"The clock of {label} {way} {abs(us_a_minute) / 1000:.0f} ms a minute against this computer's: "
        "recordings keep the camera's own time."
    )
