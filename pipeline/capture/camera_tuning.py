"""The settings of the camera that is open: applied, kept for its serial number, told to the application."""

from __future__ import annotations

import time
from collections.abc import Callable

from pipeline.capture.cleaning import Cleaning
from pipeline.capture.hot_pixels import HotPixelCount
from pipeline.capture.messages import CameraState, Notice, Status
from pipeline.sources import camera_config
from pipeline.sources.base import EventBatch, Source
from pipeline.sources.camera_config import HOT_PIXELS, CameraConfig
from pipeline.sources.camera_settings import Pixel, SettingError

UNCOVERED = "Too many pixels send events: cover the lens, hold the camera still and search again."


class CameraTuning:
    """What is set of one open camera.

    Parameters
    ----------
    source : Source
        Has `controls`.
    config : CameraConfig or None
        None: as it was kept for this camera.
    say : callable
        Takes `CameraState` and `Notice`.

    Raises
    ------
    SettingError
        A file that the user has named asks for what this camera does not offer.
    """

    def __init__(self, source: Source, config: CameraConfig | None, say: Callable[[Status], None]) -> None:
        assert source.controls is not None
        self._info = info = source.info
        self._say = say
        self._cleaning = Cleaning(info.name, info.resolution)
        self._controls = source.controls
        self._controls.extend(self._cleaning.controls)
        self._hot: tuple[Pixel, ...] = ()
        self._count: HotPixelCount | None = None
        self._notices: list[str] = []
        config = config or camera_config.kept(info.camera, info.serial)
        self._keeps = config.keep
        self._begin(config)

    @property
    def config(self) -> CameraConfig:
        """What to set when the same camera is opened again."""
        return CameraConfig(self._controls.changed, self._hot, keep=self._keeps)

    def tell(self, message: str = "", *, failed: bool = False) -> None:
        """Say how everything is set."""
        for notice in self._notices:
            self._say(Notice(notice))
        self._notices.clear()
        self._say(
            CameraState(
                self._controls.settings,
                self._hot,
                searching=self.searching,
                message=message,
                failed=failed,
                keeps=self._keeps,
            )
        )

    def set(self, key: str, value: object) -> None:
        """Set one thing, keep it, and tell; where that cannot be, say why."""
        try:
            self._controls.set(key, value)
        except SettingError as error:
            self.tell(str(error), failed=True)
            return
        if key.startswith("flip_"):
            self._mask()
        self._keep()
        self.tell()

    def reset(self) -> None:
        """Set everything as the device has it by itself; hot pixels stay left out."""
        message = ""
        try:
            self._controls.reset()
        except SettingError as error:
            message = str(error)
        self._mask()
        self._keep()
        self.tell(message, failed=bool(message))

    @property
    def searching(self) -> bool:
        """Whether hot pixels are being looked for: then every event counts."""
        return self._count is not None

    def find_hot_pixels(self) -> None:
        """Count events for a few seconds, then leave out the pixels that send far more than the rest."""
        self._count = HotPixelCount(self._info.resolution, time.monotonic())
        self.tell()

    def forget_hot_pixels(self) -> None:
        """Leave out none any more."""
        self._hot, self._count = (), None
        self._mask()
        self._keep()
        self.tell("All pixels count again.")

    def clean(self, batch: EventBatch) -> EventBatch:
        """Give what is left of a batch to be judged and drawn; counts it where hot pixels are being looked for."""
        if self._count is not None:
            self._count.add(batch.events)
            if self._count.is_over(time.monotonic()):
                self._end_search(self._count)
        return self._cleaning.clean(batch)

    # --- inside ---

    def _begin(self, config: CameraConfig) -> None:
        values = dict(config.values)
        if config.file:
            try:
                self._controls.set_all(values)
            except SettingError as error:
                raise SettingError(f"{config.file}: {error}") from error
        else:
            self._set_what_fits(values)
        self._set_hot(config.hot_pixels)

    def _set_what_fits(self, values: dict[str, object]) -> None:
        """Set what was kept; of another firmware's or program's version not all may fit."""
        for key, value in self._in_order(values):
            try:
                self._controls.set_all({key: value})
            except SettingError as error:
                self._notices.append(str(error))

    def _in_order(self, values: dict[str, object]) -> list[tuple[str, object]]:
        """Give them in the order in which they depend on each other."""
        known = [each.key for each in self._controls.settings]
        return sorted(values.items(), key=lambda each: known.index(each[0]) if each[0] in known else len(known))

    def _end_search(self, count: HotPixelCount) -> None:
        self._count = None
        found = count.found(time.monotonic())
        if found is None:
            self.tell(UNCOVERED, failed=True)
            return
        pixels = [self._unflipped((int(x), int(y))) for x, y in found]
        self._set_hot(tuple(pixels))
        self._keep()
        self.tell(_found_words(len(pixels)))

    def _unflipped(self, pixel: Pixel) -> Pixel:
        width, height = self._info.resolution
        x, y = pixel
        across, upside_down = self._flips
        return width - 1 - x if across else x, height - 1 - y if upside_down else y

    @property
    def _flips(self) -> tuple[bool, bool]:
        return (
            bool(self._controls.value("flip_horizontal", False)),
            bool(self._controls.value("flip_vertical", False)),
        )

    def _set_hot(self, pixels: tuple[Pixel, ...]) -> None:
        width, height = self._info.resolution
        outside = [pixel for pixel in pixels if pixel[0] >= width or pixel[1] >= height]
        if outside:
            self._notices.append(
                f"{HOT_PIXELS} has {len(outside)} places outside the {width} × {height} pixels of {self._info.name}: "
                "they are passed over."
            )
        self._hot = tuple(pixel for pixel in pixels if pixel not in outside)
        self._mask()

    def _mask(self) -> None:
        across, upside_down = self._flips
        self._cleaning.set_hot_pixels(self._hot, flip_horizontal=across, flip_vertical=upside_down)

    def _keep(self) -> None:
        if not self._keeps:
            return
        try:
            camera_config.keep(self._info.camera, self._info.serial, self._controls.changed, self._hot)
        except OSError as error:
            self._keeps = False
            file = camera_config.kept_file(self._info.camera, self._info.serial)
            self._notices.append(f"The settings cannot be kept in {file}: {error.strerror or error}.")


def _found_words(count: int) -> str:
    match count:
        case 0:
            return "No pixel stands out."
        case 1:
            return "1 hot pixel is left out."
        case _:
            return f"{count} hot pixels are left out."
