"""Events from another program over the network, through dv-processing."""

from __future__ import annotations

import os
import queue
import socket
import ssl
import threading
import time

import dv_processing as dv

from pipeline.events import Resolution
from pipeline.sources.aedat4 import Header, HeaderError, header_length, parse_header
from pipeline.sources.base import NetworkSpec, SourceError, SourceInfo, SourceLost
from pipeline.sources.intake import NATIVE_ERRORS
from pipeline.sources.live import InputSource
from pipeline.sources.live_clock import LiveClock

PATIENCE_S = 2.0
"""A peer that has not answered completely after this long will not."""
SLACK_US = 500_000
"""A peer may be late by this much before time passes without its events."""


class NetworkSource(InputSource):
    """Events of a `NetworkWriter` of dv-processing: TCP, TLS or a UNIX socket.

    dv-processing's reader waits for ever for a peer that says nothing, with Python's global lock held. So the
    peer's greeting is read first by other means; then the reader connects.

    Parameters
    ----------
    spec : NetworkSpec

    Raises
    ------
    SourceError
        The address or the certificates are wrong, or there is something else than a `NetworkWriter`.
    SourceLost
        Nobody is there: connecting again may work.
    """

    def __init__(self, spec: NetworkSpec) -> None:
        self._label = str(spec)
        _check(spec)
        address = _address(spec)
        greeting = _greeting(spec, address)
        if not greeting.streams:
            raise SourceError(f"{self._label} sends no events, only other data: connect to an event stream.")
        stream = greeting.streams[0]
        if stream.resolution is None:
            raise SourceError(
                f"{self._label} does not say how many pixels its sensor has: "
                "set the resolution of the stream where it is sent."
            )
        try:
            reader = _reader(spec, address)
        except NATIVE_ERRORS as error:
            raise SourceLost(
                f"{self._label} answered but then closed the connection: it may have too many clients; try again."
            ) from error
        model, _, serial = stream.camera.rpartition("_")
        self.info = SourceInfo(
            kind="network",
            name=self._label,
            resolution=stream.resolution,
            camera=model or serial,
            serial=serial if model else "",
        )
        super().__init__(reader, Resolution(*stream.resolution), LiveClock(SLACK_US))

    def _lost(self) -> SourceLost:
        return SourceLost(f"{self._label} has closed the connection: start the sender again.")


def _check(spec: NetworkSpec) -> None:
    """Raise when something is missing on this side."""
    if spec.unix_path is not None:
        if not hasattr(socket, "AF_UNIX"):
            raise SourceError(f"{spec} is a UNIX socket, which this system does not have: use HOST:PORT.")
        return
    if not spec.host or not 0 < spec.port < 65536:
        raise SourceError(f"{spec} is no address: write HOST:PORT with a port from 1 to 65535.")
    if (spec.certificate_chain is None) != (spec.private_key is None):
        raise SourceError(f"TLS to {spec} needs two files, the certificate chain and its private key: give both.")


def _address(spec: NetworkSpec) -> str:
    """Give the host's number, which is all that dv-processing understands; IPv4 where there is a choice."""
    if spec.unix_path is not None:
        return ""
    answers: queue.SimpleQueue[list[str] | OSError | UnicodeError] = queue.SimpleQueue()
    # A name server that does not answer is waited for long; the thread then ends by itself.
    threading.Thread(target=_look_up, args=(spec.host, spec.port, answers), daemon=True).start()
    try:
        answer = answers.get(timeout=PATIENCE_S)
    except queue.Empty:
        raise SourceLost(
            f"The name {spec.host} could not be looked up within {PATIENCE_S:.0f} s: check the network connection."
        ) from None
    if isinstance(answer, Exception):
        raise SourceError(f"There is no host {spec.host}: check the name and the network connection.") from answer
    return next((number for number in answer if ":" not in number), answer[0])


def _look_up(host: str, port: int, answers: queue.SimpleQueue[list[str] | OSError | UnicodeError]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        answers.put(error)
    else:
        answers.put([str(address[4][0]) for address in found])


def _greeting(spec: NetworkSpec, address: str) -> Header:
    """Connect as a client would, and read the first thing a `NetworkWriter` says: its streams."""
    deadline = time.monotonic() + PATIENCE_S
    try:
        with _connected(spec, address) as peer:
            said = _received(peer, 12, deadline)
            said += _received(peer, header_length(said) - 8, deadline)
        return parse_header(said)
    except EOFError as error:
        raise SourceLost(
            f"{spec} has closed the connection at once: it may have too many clients, or it sends something else than "
            "events; check the address."
        ) from error
    except HeaderError as error:
        raise SourceError(
            f"{spec} is not a stream of dv-processing: check the port, and that a NetworkWriter sends there."
        ) from error
    except TimeoutError as error:
        raise SourceLost(
            f"{spec} did not answer within {PATIENCE_S:.0f} s: check the address, any firewall between"
            f"{_maybe_tls(spec)}, and that a NetworkWriter of dv-processing sends there."
        ) from error
    except ssl.SSLError as error:
        raise SourceError(
            f"{spec} refuses the encrypted connection: check that it uses TLS, and the certificates."
        ) from error
    except ConnectionRefusedError as error:
        raise SourceLost(f"Nobody listens at {spec}: start the sender, or check the address.") from error
    except FileNotFoundError as error:
        raise SourceLost(f"There is no socket {spec.unix_path}: start the sender, or check the path.") from error
    except PermissionError as error:
        raise SourceError(f"You may not connect to {spec}: check the permissions.") from error
    except OSError as error:
        raise SourceLost(f"{spec} cannot be reached ({_reason(error)}): check the address and the network.") from error


def _connected(spec: NetworkSpec, address: str) -> socket.socket:
    if spec.unix_path is not None:
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        peer.settimeout(PATIENCE_S)
        try:
            peer.connect(os.fspath(spec.unix_path))
        except BaseException:
            peer.close()
            raise
        return peer
    context = None if spec.certificate_chain is None else _tls(spec)
    peer = socket.create_connection((address, spec.port), timeout=PATIENCE_S)
    if context is None:
        return peer
    try:
        return context.wrap_socket(peer)
    except BaseException:
        peer.close()
        raise


def _tls(spec: NetworkSpec) -> ssl.SSLContext:
    """Prepare for TLS as dv-processing's reader does it: it shows its certificate and does not ask for the peer's."""
    assert spec.certificate_chain is not None
    assert spec.private_key is not None
    for file in (spec.certificate_chain, spec.private_key):
        if not file.is_file():
            raise SourceError(f"There is no file {file} for the TLS connection to {spec}: check its name and folder.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        # An empty password: an encrypted key is refused rather than asked about in the terminal.
        context.load_cert_chain(spec.certificate_chain, spec.private_key, password="")
    except PermissionError as error:
        raise SourceError(f"The TLS files for {spec} may not be read: check the permissions of both.") from error
    except (ssl.SSLError, OSError, ValueError) as error:
        raise SourceError(
            f"{spec.certificate_chain} and {spec.private_key} are no certificate chain and its unencrypted private "
            "key (PEM): check both files."
        ) from error
    return context


def _received(peer: socket.socket, count: int, deadline: float) -> bytes:
    said = bytearray()
    while len(said) < count:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        peer.settimeout(left_s)
        piece = peer.recv(count - len(said))
        if not piece:
            raise EOFError
        said += piece
    return bytes(said)


def _maybe_tls(spec: NetworkSpec) -> str:
    return "" if spec.certificate_chain is not None or spec.unix_path is not None else ", whether it is encrypted (TLS)"


def _reader(spec: NetworkSpec, address: str) -> dv.io.NetworkReader:
    if spec.unix_path is not None:
        return dv.io.NetworkReader(os.fspath(spec.unix_path))
    if spec.certificate_chain is not None and spec.private_key is not None:
        files = os.fspath(spec.certificate_chain), os.fspath(spec.private_key)
        return dv.io.NetworkReader(address, spec.port, *files)
    return dv.io.NetworkReader(address, spec.port)


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
