"""Files of the model hub: what is on this machine already, and fetching what is not. No torch.

The cache is asked first and needs no network. A download is preceded by one request with a short time limit, so
that a machine without a network is told so within seconds; the hub's own client would retry for most of a minute.
"""

from __future__ import annotations

import errno
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from logging import ERROR
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pipeline.model_errors import Following, LoadingCancelled, ModelError, first_line

REACH_S = 4.0
"""The hub must begin to answer one request within this time."""
REACH_IN_ALL_S = 8.0
"""The same with the name look-up, which has no time limit of its own."""
QUIET_S = 5.0
"""A download without a byte for so long is said to wait. The hub's client tries again by itself, then gives up."""
STALL_S = 300.0
"""A download without a byte for so long has failed, whatever the client hopes."""
_TICK_S = 0.1
_SPARE_BYTES = 64 << 20
"""Left free on the disk."""

_NO_SPACE = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}

T = TypeVar("T")


@dataclass(frozen=True)
class _FileOnHub:
    filename: str
    size: int | None


def cached_file(repository: str, *filenames: str) -> Path | None:
    """Give the first of these files that is on this machine, without a network; None when none is."""
    from huggingface_hub import try_to_load_from_cache

    for filename in filenames:
        found = try_to_load_from_cache(repository, filename)
        if isinstance(found, str):
            return Path(found)
    return None


def hub_name() -> str:
    """Give the name of the hub's host, for people."""
    from huggingface_hub import constants

    return urlsplit(constants.ENDPOINT).hostname or constants.ENDPOINT


def fetch_file(repository: str, *filenames: str, following: Following, what: str) -> Path:
    """Give the first of these files that exists on the hub, downloading it where it is not here yet.

    Parameters
    ----------
    repository : str
        ``owner/name``.
    filenames : str
        Alternatives, best first.
    following : Following
        Told of the download's progress, asked whether to stop.
    what : str
        Name for people, ``ViT-B-32 (openai)``.

    Raises
    ------
    ModelError
        Not cached and no network, no such file, no space, a broken transfer.
    LoadingCancelled
    """
    here = cached_file(repository, *filenames)
    if here is not None:
        return here
    following.say(f"Asking {hub_name()} for {what}")
    found = _in_time(lambda: _look_up(repository, filenames, what), following, _unreachable(what))
    _check_space(found, what)
    return _download(repository, found, following, what)


def _unreachable(what: str) -> str:
    return (
        f"The weights of {what} are not on this machine and {hub_name()} does not answer: "
        "connect to the network, or give a file with --pretrained."
    )


def _look_up(repository: str, filenames: tuple[str, ...], what: str) -> _FileOnHub:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    for filename in filenames:
        try:
            metadata = get_hf_file_metadata(hf_hub_url(repository, filename), timeout=REACH_S)
        except EntryNotFoundError:
            continue
        except GatedRepoError as error:
            raise ModelError(
                f"{hub_name()} gives the weights of {what} only to users who accepted their licence: "
                f"accept it there for {repository}, log in with `hf auth login`, and try again."
            ) from error
        except RepositoryNotFoundError as error:
            raise ModelError(
                f"{hub_name()} has no {repository} (or not for you): check the name of the model."
            ) from error
        except OfflineModeIsEnabled as error:
            raise ModelError(
                f"The weights of {what} are not on this machine and HF_HUB_OFFLINE forbids downloads: "
                "unset it, or give a file with --pretrained."
            ) from error
        except HfHubHTTPError as error:
            raise ModelError(
                f"{hub_name()} did not give the weights of {what} (status {error.response.status_code}): "
                "try again later, or give a file with --pretrained."
            ) from error
        # Whatever else goes wrong on the way to the hub means the same to the user: it was not reached.
        except Exception as error:
            raise ModelError(_unreachable(what)) from error
        return _FileOnHub(filename, metadata.size)
    raise ModelError(f"{repository} on {hub_name()} holds no weights that open_clip can read: choose another model.")


def _check_space(found: _FileOnHub, what: str) -> None:
    from huggingface_hub import constants

    if found.size is None:
        return
    folder = Path(constants.HF_HUB_CACHE)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < found.size + _SPARE_BYTES:
        raise ModelError(_disk_full(what, found.size))


def _disk_full(what: str, size: int | None) -> str:
    from huggingface_hub import constants

    needed = f" ({size / 1e6:.0f} MB)" if size is not None else ""
    return (
        f"The disk is too full for the weights of {what}{needed}: free some space, "
        f"or set HF_HOME to a folder on another disk (now {constants.HF_HUB_CACHE})."
    )


class _Transfer:
    """What the downloading thread has done so far; stands in for the progress bar that the hub's client expects."""

    def __init__(self, size: int | None, following: Following) -> None:
        self.size, self.done, self.moved_at = size, 0, time.monotonic()
        self._following = following

    def bar(self, *_: object, initial: int = 0, **__: object) -> _Transfer:
        self.done = initial
        return self

    def update(self, count: float = 1) -> None:
        self.done += int(count)
        self.update_transfer()

    def update_transfer(self, count: float = 0) -> None:
        """The hub's client reports bytes on the wire here where they differ from bytes of the file."""
        self.moved_at = time.monotonic()
        self._following.stop_if_cancelled()

    @property
    def share(self) -> float | None:
        return min(1.0, self.done / self.size) if self.size else None

    @property
    def format_dict(self) -> dict[str, Any]:
        return {}

    def set_postfix_str(self, *_: object, **__: object) -> None: ...

    def refresh(self) -> None: ...

    def close(self) -> None: ...

    def __enter__(self) -> _Transfer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def _download(repository: str, found: _FileOnHub, following: Following, what: str) -> Path:
    from huggingface_hub import hf_hub_download

    transfer = _Transfer(found.size, following)

    class Bar:
        """The client wants a class; every bar that it makes is this one transfer."""

        def __new__(cls, *arguments: object, **options: Any) -> Any:
            return transfer.bar(*arguments, **options)

        # Its presence tells the client that one bar counts both the file's bytes and those on the wire.
        update_transfer = _Transfer.update_transfer

    future = _start(lambda: hf_hub_download(repository, found.filename, etag_timeout=REACH_S, tqdm_class=Bar))
    megabytes = f" of {found.size / 1e6:.0f}" if found.size else ""
    with _client_quiet():
        while not wait([future], _TICK_S).done:
            quiet_s = time.monotonic() - transfer.moved_at
            waiting = f", nothing came for {quiet_s:.0f} s" if quiet_s > QUIET_S else ""
            following.say(f"Downloading {what}: {transfer.done / 1e6:.0f}{megabytes} MB{waiting}", transfer.share)
            if quiet_s > STALL_S:
                raise ModelError(f"The download of {what} has stopped: check the network and try again.")
    try:
        return Path(future.result())
    except LoadingCancelled:
        raise
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise ModelError(_disk_full(what, found.size)) from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise ModelError(
                f"The weights of {what} cannot be stored at {error.filename}: {error.strerror}; "
                "set HF_HOME to a folder that you may write."
            ) from error
        raise ModelError(_broken_transfer(what, error)) from error
    # The client's own errors, its transport's and its native parts' have no common class.
    except Exception as error:
        raise ModelError(_broken_transfer(what, error)) from error


@contextmanager
def _client_quiet() -> Iterator[None]:
    """Keep the client's warnings off the user's terminal; what they tell is told here."""
    from huggingface_hub.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity(ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _broken_transfer(what: str, error: Exception) -> str:
    return f"The download of {what} failed ({first_line(error)}): try again, or give a file with --pretrained."


def _start(call: Callable[[], T]) -> Future[T]:
    """Call on a thread that may be left behind: name look-ups and native downloads cannot be interrupted."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except Exception as error:  # handed to whoever asks for the result
            future.set_exception(error)

    threading.Thread(target=run, name="model download", daemon=True).start()
    return future


def _in_time(call: Callable[[], T], following: Following, too_late: str) -> T:
    future = _start(call)
    deadline = time.monotonic() + REACH_IN_ALL_S
    while not wait([future], _TICK_S).done:
        following.stop_if_cancelled()
        if time.monotonic() > deadline:
            raise ModelError(too_late)
    return future.result()
