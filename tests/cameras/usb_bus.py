"""A make-believe USB host: two root hubs, ports, devices that come and go while programs use them."""

from __future__ import annotations

import heapq
import itertools
import os
import selectors
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from tests.cameras.preload import Announcer, Caller, ProgramGone, environment, link, make_tree, obstacle, socket_path
from tests.cameras.usb_device import RootHub, SuperspeedRootHub, UsbDevice
from tests.cameras.usb_files import OpenFile

USB2, USB3 = 1, 2
"""Numbers of the two buses."""
SPEEDS = {USB2: 480, USB3: 5000}
TICK_S = 0.002
"""How often devices are asked for data while transfers wait."""
LOOK_S = 0.02
"""How often it is looked whether more programs listen for devices."""
_ADDRESSES = 128
"""On one bus; 0 is for devices without one, 1 the root hub's."""
_HOST = "/devices/pci0000:00/0000:00:14.0"
_EVERYONE, _NOBODY = 0o666, 0o000
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Place:
    """Where a device is plugged in: bus, port, and the address that the host gave it."""

    bus: int
    port: int
    address: int

    @property
    def name(self) -> str:
        return f"{self.bus}-{self.port}" if self.port else f"usb{self.bus}"

    @property
    def node(self) -> str:
        return f"/dev/bus/usb/{self.bus:03d}/{self.address:03d}"

    @property
    def path(self) -> str:
        """Of the device in /sys, without that."""
        return f"{_HOST}/usb{self.bus}" + (f"/{self.name}" if self.port else "")

    @property
    def minor(self) -> int:
        return (self.bus - 1) * 128 + self.address - 1

    @property
    def speed(self) -> int:
        """In Mbit/s."""
        return SPEEDS[self.bus]


class UsbBus:
    """Devices for programs that are started by `popen`; served by a thread of this process.

    To be closed (or left, as a context) when the programs have ended: one that still has a device open is aborted
    by umockdev.

    Raises
    ------
    RuntimeError
        This machine cannot have one (`preload.obstacle` says why without raising).
    """

    def __init__(self) -> None:
        reason = obstacle()
        if reason is not None:
            raise RuntimeError(reason)
        self.root = Path(tempfile.mkdtemp(prefix="usb-"))
        self._announcer = Announcer(self.root)
        self._selector = selectors.DefaultSelector()
        self._files: list[OpenFile] = []
        self._plugs: list[Plug] = []
        self._listening: dict[str, Plug] = {}
        """For each device file that ever was, the device that it belongs to now or did last."""
        self._last_address: dict[int, int] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._calls: list[Callable[[], None]] = []
        self._alarm, self._bell = socket.socketpair()
        self._selector.register(self._alarm, selectors.EVENT_READ, self._called)
        self._closing = False
        self._looked = 0.0
        self._failure: BaseException | None = None
        (self.root / "sys/bus/usb/devices").mkdir(parents=True)
        for bus in SPEEDS:
            self._insert(SuperspeedRootHub() if bus == USB3 else RootHub(), Place(bus, 0, 1))
        self._thread = threading.Thread(target=self._serve, name="usb bus", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def plug_in(self, device: UsbDevice, *, bus: int | None = None, address: int | None = None) -> Place:
        """Plug a device in, and tell programs of it.

        Parameters
        ----------
        device : UsbDevice
        bus : int, optional
            USB2 or USB3; as fast as the device can by default.
        address : int, optional
            The next free one by default, as Linux does.
        """
        if bus is None:
            bus = USB3 if device.superspeed else USB2
        chosen = bus

        def insert() -> Place:
            return self._insert(device, self._free_place(chosen, address)).place

        return self._do(insert)

    def unplug(self, device: UsbDevice) -> None:
        """Pull a device out; nothing happens where it is out already."""

        def pull_out() -> None:
            for plug in self._plugs:
                if plug.device is device:
                    plug.pull_out()

        self._do(pull_out)

    def set_faults(self, device: UsbDevice, **changes: Any) -> None:
        """Change some of a device's faults; takes effect before this returns."""

        def change() -> None:
            device.faults = type(device.faults)(**{**vars(device.faults), **changes})
            for plug in self._plugs:
                plug.allow()

        self._do(change)

    def do(self, action: Callable[[], _Result]) -> _Result:
        """Do something to a device between two requests, and wait until it is done."""
        return self._do(action)

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """Give the environment of a program that shall see this bus instead of the machine's own."""
        return environment(self.root, os.environ if base is None else base)

    def command(self, command: Sequence[str | os.PathLike[str]], *, privileged: bool = True) -> list[str]:
        """Give the command line, such that permissions count for it even if this is the superuser's process."""
        words = [os.fspath(word) for word in command]
        if privileged or os.geteuid() != 0:
            return words
        lost = "-dac_override,-dac_read_search"
        return ["setpriv", f"--inh-caps={lost}", f"--bounding-set={lost}", "--", *words]

    def popen(
        self,
        command: Sequence[str | os.PathLike[str]],
        *,
        env: Mapping[str, str] | None = None,
        privileged: bool = True,
        **options: Any,
    ) -> subprocess.Popen[Any]:
        """Start a program on this bus; further options are those of `subprocess.Popen`."""
        return subprocess.Popen(self.command(command, privileged=privileged), env=self.environment(env), **options)

    def run(
        self,
        command: Sequence[str | os.PathLike[str]],
        *,
        env: Mapping[str, str] | None = None,
        privileged: bool = True,
        **options: Any,
    ) -> subprocess.CompletedProcess[Any]:
        """Run a program on this bus to its end; further options are those of `subprocess.run`."""
        return subprocess.run(self.command(command, privileged=privileged), env=self.environment(env), **options)

    def close(self) -> None:
        """Take the bus away."""
        if self._closing:
            return
        with suppress(RuntimeError):
            self._do(self._finish)
        self._thread.join()
        for file in self._files:
            file.caller.close()
        for plug in {*self._plugs, *(file.plug for file in self._files)}:
            plug.close()
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()
        self._bell.close()
        self._announcer.close()
        shutil.rmtree(self.root, ignore_errors=True)
        if self._failure is not None:
            raise RuntimeError("The thread of the USB bus has failed.") from self._failure

    def later(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do something after a while; only for devices and their files."""
        heapq.heappush(self._timers, (time.monotonic() + delay_s, next(self._numbers), action))

    def withdraw(self, plug: Plug) -> None:
        """Take the traces of a device that was pulled out away; only for plugs."""
        place = plug.place
        self._announcer.announce("remove", plug.properties())
        with suppress(FileNotFoundError):
            (self.root / f"sys/bus/usb/devices/{place.name}").unlink()
            (self.root / f"sys/dev/char/189:{place.minor}").unlink()
        shutil.rmtree(self.root / f"sys{place.path}", ignore_errors=True)

    def _finish(self) -> None:
        self._closing = True

    def _do(self, action: Callable[[], _Result]) -> _Result:
        """Let the serving thread do it."""
        if threading.current_thread() is self._thread:
            return action()
        if self._failure is not None or self._closing:
            raise RuntimeError("The USB bus has ended.") from self._failure
        future: Future[_Result] = Future()

        def call() -> None:
            try:
                future.set_result(action())
            except BaseException as error:
                future.set_exception(error)

        self._calls.append(call)
        self._bell.send(b"!")
        return future.result()

    def _serve(self) -> None:
        try:
            while not self._closing:
                for key, _ in self._selector.select(self._patience_s()):
                    key.data()
                self._look_who_listens()
                self._ring_timers()
                for file in list(self._files):
                    file.feed()
        except BaseException as error:
            self._failure = error
            self._closing = True
            for call in self._calls:
                call()
            raise

    def _look_who_listens(self) -> None:
        if time.monotonic() - self._looked > LOOK_S:
            self._announcer.adopt()
            self._looked = time.monotonic()

    def _patience_s(self) -> float:
        """How long nothing can happen by itself."""
        wait = TICK_S if any(file.waits for file in self._files) else LOOK_S
        if self._timers:
            wait = min(wait, max(self._timers[0][0] - time.monotonic(), 0.0))
        return wait

    def _ring_timers(self) -> None:
        while self._timers and self._timers[0][0] <= time.monotonic():
            _, _, action = heapq.heappop(self._timers)
            with suppress(ProgramGone):
                action()

    def _called(self) -> None:
        self._alarm.recv(4096)
        self._announcer.adopt()
        calls, self._calls = self._calls, []
        for call in calls:
            call()

    def _free_place(self, bus: int, address: int | None) -> Place:
        here = [plug.place for plug in self._plugs if plug.place.bus == bus and not plug.gone]
        used = {place.port for place in here}  # the hub's own is 0
        port = next(number for number in itertools.count(1) if number not in used)
        taken = {place.address for place in here}
        if address is None:
            last = self._last_address.get(bus, 1)
            onwards = [*range(last + 1, _ADDRESSES), *range(2, last + 1)]
            address = self._last_address[bus] = next(number for number in onwards if number not in taken)
        elif address in taken:
            raise ValueError(f"The address {address} of bus {bus} is taken.")
        return Place(bus, port, address)

    def _insert(self, device: UsbDevice, place: Place) -> Plug:
        if any(plug.device is device and not plug.gone for plug in self._plugs):
            raise ValueError(f"The device {device.serial} is plugged in already.")
        plug = Plug(self, device, place)
        self._plugs = [*(other for other in self._plugs if not other.gone), plug]
        self._listen(plug)
        make_tree(self.root, plug.files())
        link(self.root, f"/sys{place.path}/subsystem", "/sys/bus/usb")
        link(self.root, f"/sys/bus/usb/devices/{place.name}", f"/sys{place.path}")
        link(self.root, f"/sys/dev/char/189:{place.minor}", f"/sys{place.path}")
        device.plugged_in(place.speed)
        self._announcer.announce("add", plug.properties())
        return plug

    def _listen(self, plug: Plug) -> None:
        """Serve the device's file; its socket stays for ever, since a program may hold the file of one long gone."""
        node = plug.place.node
        known = node in self._listening
        self._listening[node] = plug
        if known:
            return
        path = socket_path(self.root, node)
        path.parent.mkdir(parents=True, exist_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        self._selector.register(listener, selectors.EVENT_READ, lambda: self._accept(listener, node))

    def _accept(self, listener: socket.socket, node: str) -> None:
        connection, _ = listener.accept()
        file = OpenFile(Caller(connection), self._listening[node])
        file.plug.opened.append(file)
        self._files.append(file)
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._serve_file(file))

    def _serve_file(self, file: OpenFile) -> None:
        try:
            file.handle()
        except ProgramGone:
            self._selector.unregister(file.caller)
            self._files.remove(file)
            file.plug.closed(file)
            file.caller.close()


class Plug:
    """A device in its place, from plugging in to pulling out: its device file and who has it open."""

    def __init__(self, bus: UsbBus, device: UsbDevice, place: Place) -> None:
        self.bus = bus
        self.device = device
        self.place = place
        self.gone = False
        self.opened: list[OpenFile] = []
        self._owners: dict[int, OpenFile] = {}
        self._requests = self._transfers = self._claims = 0
        self._node = bus.root / place.node.lstrip("/")
        self._signalled = True
        self._pipe: int | None = self._make_node()
        self.signal()

    def files(self) -> dict[str, str | bytes]:
        """What /sys tells of it."""
        device, place = self.device, self.place
        superspeed = place.speed >= 5000
        told = {
            "busnum": place.bus, "devnum": place.address, "speed": place.speed, "bConfigurationValue": 1,
            "bNumConfigurations": 1, "idVendor": f"{device.vendor:04x}", "idProduct": f"{device.product:04x}",
            "bcdDevice": f"{device.release:04x}", "manufacturer": device.strings[1], "product": device.strings[2],
            "serial": device.strings[3], "dev": f"189:{place.minor}",
            "uevent": "\n".join(f"{name}={value}" for name, value in self._facts().items()),
        }  # fmt: skip
        files: dict[str, str | bytes] = {f"/sys{place.path}/{name}": f"{value}\n" for name, value in told.items()}
        descriptors = device.device_descriptor(superspeed) + device.configuration_descriptor(superspeed)
        return files | {f"/sys{place.path}/descriptors": descriptors}

    def properties(self) -> dict[str, str]:
        """What udev tells programs of it."""
        facts = self._facts()
        return {"DEVPATH": self.place.path, "SUBSYSTEM": "usb", **facts, "DEVNAME": self.place.node}

    def allow(self) -> None:
        """Let everyone or nobody open it, as its faults say."""
        if not self.gone:
            self._node.chmod(_NOBODY if self.device.faults.refuse == "permission" else _EVERYONE)

    def claim(self, interface: int, file: OpenFile) -> bool:
        """Give the interface to one program; False when it is another's."""
        self._claims += 1
        if self._claims <= self.device.faults.taken_at_first:
            return False
        if self.device.faults.refuse == "busy" or self._owners.get(interface, file) is not file:
            return False
        self._owners[interface] = file
        return True

    def release(self, interface: int, file: OpenFile) -> None:
        if self._owners.get(interface) is file:
            del self._owners[interface]
            self.device.released()

    def closed(self, file: OpenFile) -> None:
        """One program fewer has it open."""
        self.opened.remove(file)
        for interface in [number for number, owner in self._owners.items() if owner is file]:
            self.release(interface, file)
        self.signal()

    def count_request(self) -> bool:
        """Note a request; False when it was pulled out at this one."""
        self._requests += 1
        if self._requests == self.device.faults.pulled_out_at_request:
            self.pull_out()
        return not self.gone

    def count_transfer(self) -> None:
        """Note a transfer of data; it may be the last."""
        self._transfers += 1
        if self._transfers == self.device.faults.pulled_out_at_transfer:
            self.pull_out()

    def pull_out(self) -> None:
        if self.gone:
            return
        self.gone = True
        self._node.unlink()
        for file in list(self.opened):
            file.pulled_out()
        self.device.released()
        self.bus.withdraw(self)
        self.signal()

    def signal(self) -> None:
        """Let programs that poll() the device file know whether there is something to reap.

        A real one is writable then. This one is a pipe, full of nothing as long as there is nothing to reap.
        """
        ready = self.gone or any(file.has_finished for file in self.opened)
        if self.gone and not self.opened:
            self.close()
        if ready == self._signalled or self._pipe is None:
            return
        self._signalled = ready
        with suppress(BlockingIOError):
            while True:
                if ready:
                    os.read(self._pipe, 1 << 16)
                else:
                    os.write(self._pipe, bytes(1 << 12))

    def close(self) -> None:
        """Let go of the device file, for programs that have it open."""
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    def _make_node(self) -> int:
        self._node.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(self._node)
        pipe = os.open(self._node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.allow()
        numbers = self.bus.root / "dev/.node" / self.place.node.removeprefix("/dev/").replace("/", "_")
        numbers.parent.mkdir(exist_ok=True)
        numbers.unlink(missing_ok=True)
        numbers.symlink_to(f"189:{self.place.minor}")
        return pipe

    def _facts(self) -> dict[str, str]:
        device, place = self.device, self.place
        return {
            "MAJOR": "189", "MINOR": str(place.minor), "DEVNAME": place.node.removeprefix("/dev/"),
            "DEVTYPE": "usb_device", "DRIVER": "usb",
            "PRODUCT": f"{device.vendor:x}/{device.product:x}/{device.release:x}", "TYPE": "0/0/0",
            "BUSNUM": f"{place.bus:03d}", "DEVNUM": f"{place.address:03d}",
        }  # fmt: skip
