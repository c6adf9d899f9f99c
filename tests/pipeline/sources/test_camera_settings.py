"""Settings and controls without a camera: what fits, what is said of what does not, what depends on what."""

from typing import Any

import pytest

from pipeline.sources.camera_controls import Controls, choice, number, region, switch
from pipeline.sources.camera_settings import SettingError, Value


class Device:
    """Keeps what is written to it, and refuses the number 13."""

    def __init__(self) -> None:
        self.written: list[tuple[str, Any]] = []

    def writer(self, key: str) -> Any:
        def write(value: Any) -> None:
            if value == 13:
                raise RuntimeError("native words\nStacktrace 0x00")
            self.written.append((key, value))

        return write


def controls(device: Device) -> Controls:
    return Controls("Toy 7", [
        number("level", "Level", "A", 9, (0, 17), device.writer("level")),
        number("period", "Period", "A", 500, (0, 2000), device.writer("period"), step=250, unit="µs"),
        choice("rate", "Rate", "A", "slow", [("slow", "Slow"), ("fast", "Fast")], device.writer("rate")),
        switch("auto", "Automatic", "B", True, device.writer("auto")),
        number("exposure", "Exposure", "B", 10, (1, 99), device.writer("exposure"), only_if=("auto", False)),
        region((640, 480), device.writer("region")),
    ])  # fmt: skip


def values(made: Controls) -> dict[str, Value]:
    return {each.key: each.value for each in made.settings}


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("level", 0, 0),
        ("level", 17, 17),
        ("period", 1900, 1750),
        ("rate", "fast", "fast"),
        ("auto", False, False),
        ("region", [600, 400, 40, 80], (600, 400, 40, 80)),
    ],
)
def test_what_fits_is_written_and_known(key: str, value: object, kept: Value) -> None:
    device = Device()
    made = controls(device)
    made.set(key, value)
    assert device.written == [(key, kept)]
    assert values(made)[key] == kept
    assert made.changed == {key: kept}


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("level", 18, "level = 18 cannot be: it is a whole number from 0 to 17."),
        ("level", -1, "level = -1 cannot be"),
        ("level", True, "level = true cannot be"),
        ("level", 3.0, "level = 3.0 cannot be"),
        ("level", "3", 'level = "3" cannot be'),
        ("period", 2001, "from 0 to 2000 µs in steps of 250."),
        ("rate", "Fast", 'rate = "Fast" cannot be: it is one of "slow", "fast".'),
        ("auto", 1, "auto = 1 cannot be: it is true or false."),
        ("region", [600, 400, 41, 80], "[600, 400, 41, 80] cannot be: it is [x, y, width, height] within 640 × 480"),
        ("region", [0, 0, 0, 480], "region = [0, 0, 0, 480] cannot be"),
        ("region", [0, 0, 640], "region = [0, 0, 640] cannot be"),
        ("exposure", 20, "exposure has no effect unless auto = false: set that first."),
        ("gain", 1, "Toy 7 has no setting gain: it offers level, period, rate, auto, exposure, region."),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(key: str, value: object, told: str) -> None:
    device = Device()
    made = controls(device)
    before = values(made)
    with pytest.raises(SettingError) as error:
        made.set(key, value)
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert (device.written, values(made)) == ([], before)


def test_what_the_device_refuses_stays_and_its_own_words_are_not_shown() -> None:
    made = controls(Device())
    with pytest.raises(SettingError, match=r"^Toy 7 refused level = 13: it stays 9\.$"):
        made.set("level", 13)
    assert made.changed == {}


def test_several_are_set_in_the_order_in_which_they_depend_on_each_other() -> None:
    device = Device()
    made = controls(device)
    made.set_all({"exposure": 20, "auto": False, "level": 9})
    assert device.written == [("auto", False), ("exposure", 20)]


def test_what_has_no_effect_is_passed_over_where_several_are_set() -> None:
    device = Device()
    made = controls(device)
    made.set_all({"exposure": 20})
    assert (device.written, made.changed) == ([], {})


def test_reset() -> None:
    device = Device()
    made = controls(device)
    begun = values(made)
    made.set_all({"exposure": 20, "auto": False, "level": 2})
    made.reset()
    assert values(made) == begun
    assert ("level", 9) in device.written
    assert device.written[-1] != ("exposure", 20)


def test_a_device_that_is_closed_is_held_no_longer_and_goes_on_when_it_is_back() -> None:
    before, after = Device(), Device()
    made = controls(before)
    made.extend(Controls("Toy 7", [switch("filter", "Filter", "C", False, before.writer("filter"))]))
    made.set("level", 2)
    changed = made.changed
    made.let_go()
    with pytest.raises(SettingError, match="Toy 7 is away"):
        made.set("level", 3)
    made.set("filter", True)
    made.take_over(controls(after), changed)
    assert after.written == [("level", 2)]
    assert made.changed == {"level": 2, "filter": True}
