"""The models by name."""

from __future__ import annotations

from tests.cameras.davis346 import Davis346
from tests.cameras.dvs128 import Dvs128
from tests.cameras.dvxplorer import Dvxplorer
from tests.cameras.event_camera import EventCamera
from tests.cameras.evk4 import Evk4

MODELS: dict[str, type[EventCamera]] = {
    "dvs128": Dvs128,
    "dvxplorer": Dvxplorer,
    "davis346": Davis346,
    "evk4": Evk4,
}
