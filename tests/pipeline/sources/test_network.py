"""Events over the network, from real senders; what is wrong is said within seconds."""

import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest

from pipeline.sources.base import NetworkSpec, SourceLost
from pipeline.sources.network import NetworkSource
from tests.needs import need_program
from tests.network_replay import free_port
from tests.pipeline.sources.contract import check_message, error_of, read_until
from tests.pipeline.sources.made_recordings import SMALL, START_US, made_events
from tests.pipeline.sources.sending import Sender, Stranger

LOOPBACK = "127.0.0.1"
needs_unix_sockets = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no UNIX sockets")


def opening_error(spec: NetworkSpec) -> str:
    message = error_of(lambda: NetworkSource(spec))
    check_message(message)
    return message


def test_every_event_arrives_over_tcp() -> None:
    with Sender() as sender:
        source = NetworkSource(NetworkSpec(LOOPBACK, sender.port))
        sent = sender.send_square()
        assert (read_until(source, lambda batch, count: count >= len(sent)) == sent).all()
        source.close()


def test_it_tells_who_sends() -> None:
    with Sender() as sender:
        source = NetworkSource(NetworkSpec("localhost", sender.port))
        info = source.info
        assert (info.kind, info.name) == ("network", f"localhost:{sender.port}")
        assert (info.camera, info.serial, info.resolution) == ("DVXplorer", "TEST0001", SMALL)
        source.close()


@needs_unix_sockets
def test_every_event_arrives_over_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "events"
    with Sender(unix_path=path) as sender:
        source = NetworkSource(NetworkSpec(unix_path=path))
        assert source.info.name == f"unix:{path}"
        sent = sender.send_square()
        assert (read_until(source, lambda batch, count: count >= len(sent)) == sent).all()
        source.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority of our own, and a certificate and key each for a sender and a viewer."""
    openssl = need_program("openssl", "openssl")
    folder = tmp_path_factory.mktemp("certificates")

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True)

    new = ("req", "-newkey", "rsa:2048", "-nodes")
    run(*new, "-x509", "-days", "2", "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")
    for name in ("sender", "viewer"):
        run(*new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signed = ("x509", "-req", "-days", "2", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
        run(*signed, "-in", f"{name}.csr", "-out", f"{name}.pem")
    return folder


def encrypted_sender(certificates: Path) -> Sender:
    return Sender(tls=(certificates / "sender.pem", certificates / "sender.key", certificates / "ca.pem"))


def viewer(certificates: Path, port: int) -> NetworkSpec:
    return NetworkSpec(
        LOOPBACK, port, certificate_chain=certificates / "viewer.pem", private_key=certificates / "viewer.key"
    )


def test_every_event_arrives_over_tls(certificates: Path) -> None:
    with encrypted_sender(certificates) as sender:
        source = NetworkSource(viewer(certificates, sender.port))
        sent = sender.send_square()
        assert (read_until(source, lambda batch, count: count >= len(sent)) == sent).all()
        source.close()


def test_tls_that_the_sender_does_not_speak_is_told(certificates: Path) -> None:
    with Sender() as sender:
        assert "encrypted" in opening_error(viewer(certificates, sender.port))


def test_a_sender_that_wants_tls_is_told() -> None:
    # It waits for the first word of an encrypted connection, as this peer does.
    with Stranger(b"") as stranger:
        assert "TLS" in opening_error(NetworkSpec(LOOPBACK, stranger.port))


def test_a_certificate_of_another_authority_is_refused(certificates: Path, tmp_path: Path) -> None:
    openssl = need_program("openssl", "openssl")
    new = (openssl, "req", "-newkey", "rsa:2048", "-nodes", "-x509", "-subj", "/CN=stranger")
    files = ("-keyout", "key.pem", "-out", "chain.pem")
    subprocess.run([*new, *files], cwd=tmp_path, check=True, capture_output=True)
    with encrypted_sender(certificates) as sender:
        spec = NetworkSpec(
            LOOPBACK, sender.port, certificate_chain=tmp_path / "chain.pem", private_key=tmp_path / "key.pem"
        )
        opening_error(spec)


def test_missing_and_wrong_certificate_files_are_named(tmp_path: Path) -> None:
    missing, text = tmp_path / "missing.pem", tmp_path / "text.pem"
    text.write_text("no key", encoding="utf-8")
    with Stranger(b"") as stranger:
        spec = NetworkSpec(LOOPBACK, stranger.port, certificate_chain=missing, private_key=missing)
        assert str(missing) in opening_error(spec)
        spec = NetworkSpec(LOOPBACK, stranger.port, certificate_chain=text, private_key=text)
        assert str(text) in opening_error(spec)
    assert "both" in opening_error(NetworkSpec(LOOPBACK, 4000, certificate_chain=text))


def test_nobody_there_is_worth_another_try() -> None:
    with pytest.raises(SourceLost, match="Nobody listens"):
        NetworkSource(NetworkSpec(LOOPBACK, free_port()))


@needs_unix_sockets
def test_a_socket_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nothing"
    assert str(path) in opening_error(NetworkSpec(unix_path=path))


@needs_unix_sockets
def test_a_socket_path_that_is_too_long_is_refused(tmp_path: Path) -> None:
    assert "unix:" in opening_error(NetworkSpec(unix_path=tmp_path / ("x" * 200)))


def test_an_unknown_host_is_named() -> None:
    assert "no-such-host.invalid" in opening_error(NetworkSpec("no-such-host.invalid", 4000))


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_out_of_range_is_refused(port: int) -> None:
    assert "port" in opening_error(NetworkSpec(LOOPBACK, port))


@pytest.mark.parametrize(
    "words",
    [
        b"HTTP/1.0 400 Bad Request\r\n\r\n",
        bytes(64),
        b"\xff\xff\xff\x7f\x18\x00\x00\x00IOHE",
        b"\x40\x00\x00\x00\x18\x00\x00\x00IOHE" + b"\xff" * 56,
        np.random.default_rng(7).bytes(4000),
    ],
    ids=["web server", "zeros", "endless header", "damaged header", "random bytes"],
)
def test_a_peer_that_is_something_else_is_told(words: bytes) -> None:
    with Stranger(words) as stranger:
        assert "NetworkWriter" in opening_error(NetworkSpec(LOOPBACK, stranger.port))


def test_a_peer_that_says_nothing_is_given_up() -> None:
    with Stranger(b"\xcc\x02\x00\x00\x18\x00\x00\x00IO") as stranger, pytest.raises(SourceLost, match="did not answer"):
        NetworkSource(NetworkSpec(LOOPBACK, stranger.port))


def test_a_peer_that_hangs_up_at_once_is_told() -> None:
    with Stranger(b"", hangs_up=True) as stranger, pytest.raises(SourceLost, match=f"{stranger.port}"):
        NetworkSource(NetworkSpec(LOOPBACK, stranger.port))


def test_a_stream_without_a_resolution_is_told() -> None:
    with Sender(with_resolution=False) as sender:
        assert "how many pixels" in opening_error(NetworkSpec(LOOPBACK, sender.port))


def test_what_was_sent_is_read_before_the_loss_is_told_and_it_can_be_opened_again() -> None:
    port = free_port()
    with Sender(port=port) as sender:
        source = NetworkSource(NetworkSpec(LOOPBACK, port))
        sent = sender.send_square()
        assert len(read_until(source, lambda batch, count: count >= len(sent))) == len(sent)
    with pytest.raises(SourceLost) as lost:
        read_until(source, lambda batch, count: False)
    check_message(str(lost.value))
    source.close()
    with Sender(port=port) as sender:
        source = NetworkSource(NetworkSpec(LOOPBACK, port))
        sent = sender.send_square()
        assert len(read_until(source, lambda batch, count: count >= len(sent))) == len(sent)
        source.close()


def test_events_outside_the_sensor_are_left_out_and_counted() -> None:
    inside, outside = made_events([START_US, START_US + 1]), made_events([START_US + 2], x=SMALL.width)
    below = made_events([START_US + 3], y=-1)
    last = made_events([START_US + 4])
    with Sender() as sender:
        source = NetworkSource(NetworkSpec(LOOPBACK, sender.port))
        sent = np.empty(5, inside.dtype)
        np.concatenate([inside, outside, below, last], out=sent)
        sender.send(sent)
        read = read_until(source, lambda batch, count: count >= 3)
        assert read["timestamp"].tolist() == [START_US, START_US + 1, START_US + 4]
        assert source.outside == 2
        source.close()


def test_time_before_the_first_event_is_unknown() -> None:
    with Sender() as sender:
        source = NetworkSource(NetworkSpec(LOOPBACK, sender.port))
        batch = source.read()
        assert (len(batch.events), batch.until_us) == (0, 0)
        source.close()
