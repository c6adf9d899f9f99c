from collections.abc import Iterator

import pytest

from tests.cameras.observer import need_bus
from tests.cameras.usb_bus import UsbBus


@pytest.fixture
def bus() -> Iterator[UsbBus]:
    need_bus()
    with UsbBus() as bus:
        yield bus
