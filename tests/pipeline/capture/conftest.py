from collections.abc import Iterator

import pytest

from tests.pipeline.capture.listening import Listened


@pytest.fixture(scope="session", autouse=True)
def _log_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The capture processes of the tests write their log elsewhere than those of the user."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_STATE_HOME", "LOCALAPPDATA"):
            patch.setenv(name, str(tmp_path_factory.mktemp("log")))
        yield


@pytest.fixture(scope="module")
def listened_throughout() -> Iterator[Listened]:
    listened = Listened()
    with listened.capture:
        yield listened


@pytest.fixture
def listened(listened_throughout: Listened) -> Listened:
    """One capture process for all tests of a module: it goes from source to source, as for a user."""
    listened_throughout.forget()
    return listened_throughout
