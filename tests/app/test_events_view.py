"""The view of the events."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pytest
from PyQt6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt6.QtGui import QColor, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QImage, QRegion, QWheelEvent
from PyQt6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from app.panels.banner import Banner
from app.panels.chips import clock_text, rate_text
from app.panels.events_view import EventsView
from app.panels.kept_picture import KeptPicture
from app.theme import DARK, LARGE, LIGHT, SMALL, Theme
from tests.app.painted import Painted
from tests.app.user_input import click, double_click, key, move, press, release

CLICK = Qt.MouseButton.LeftButton


@pytest.fixture
def view(qtbot: QtBot) -> EventsView:
    made = EventsView()
    qtbot.addWidget(made)
    made.resize(1000, 600)
    made.set_theme(DARK)
    made.set_sensor("DVXplorer", 320, 240)
    made.show()
    return made


def picture(colour: str, width: int = 320, height: int = 240) -> np.ndarray:
    shade = QColor(colour)
    return np.tile(np.array([shade.blue(), shade.green(), shade.red(), 255], np.uint8), (height, width, 1))


def grabbed(view: EventsView) -> QImage:
    return view.grab().toImage()


def at(view: EventsView, x: int, y: int) -> QColor:
    return QColor(grabbed(view).pixel(x, y))


def test_the_picture_is_shown_in_its_own_colours(view: EventsView) -> None:
    view.set_picture(picture("#FFC478"))
    assert at(view, 500, 300) == QColor("#FFC478")
    assert at(view, 50, 300) == QColor(DARK.canvas)


def test_a_read_only_picture_and_a_cut_out_are_fine(view: EventsView) -> None:
    pixels = np.concatenate([picture("#00FF00"), picture("#FF0000")], axis=1)
    pixels.flags.writeable = False
    view.set_picture(pixels[:, 320:])
    assert at(view, 500, 300) == QColor("#FF0000")


def test_frames_of_a_camera_stand_beside_the_events_in_their_own_proportions(view: EventsView) -> None:
    view.set_picture(picture("#123456"))
    assert not view.camera_frame_shown
    view.set_camera_frame(picture("#FF8040", 346, 260))
    frame = view.camera_frame
    assert frame.isVisible()
    assert frame.width() / frame.height() == pytest.approx(346 / 260, rel=0.02)
    assert frame.geometry().bottom() < view.model_view.y()
    assert at(view, frame.geometry().center().x(), frame.geometry().center().y()) == QColor("#FF8040")
    view.resize(500, 320)
    assert view.rect().contains(frame.geometry())
    view.set_camera_frame(None)
    assert not frame.isVisible()


def test_the_picture_lives_as_long_as_it_is_shown(view: EventsView) -> None:
    view.set_picture(picture("#123456"))
    waste = [np.full((240, 320, 4), 255, np.uint8) for _ in range(20)]
    assert at(view, 500, 300) == QColor("#123456")
    assert len(waste) == 20


@pytest.mark.parametrize(
    "bad", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 4), np.float32), np.zeros((0, 4, 4), np.uint8)]
)
def test_what_is_no_picture_is_refused(view: EventsView, bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        view.set_picture(bad)


def test_what_the_model_does_not_see_is_dark(view: EventsView) -> None:
    view.set_picture(picture("#FFFFFF"))
    assert at(view, 500, 300) == QColor("#FFFFFF")
    outside = at(view, 150, 300)
    canvas = QColor(DARK.canvas)
    assert outside.red() == pytest.approx(255 - 0.58 * (255 - canvas.red()), abs=2)


def test_the_whole_picture_is_bright_when_the_model_sees_it_all(view: EventsView) -> None:
    view.set_picture(picture("#FFFFFF"))
    view.set_crop("stretch")
    assert at(view, 150, 300) == QColor("#FFFFFF")


def test_the_switch_hides_what_the_model_sees(view: EventsView, qtbot: QtBot) -> None:
    view.set_picture(picture("#FFFFFF"))
    with qtbot.waitSignal(view.model_view_toggled) as said:
        click(view.model_view)
    assert said.args == [False]
    assert at(view, 150, 300) == QColor("#FFFFFF")


def test_the_program_sets_the_switch_silently(view: EventsView, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(view.model_view_toggled):
        view.set_model_view(False)
    assert not view.model_view.isChecked()


def test_a_rendering_is_chosen_by_click(view: EventsView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.rendering_chosen) as said:
        click(view.renderings, view.renderings.segment("recency").center().toPoint())
    assert said.args == ["recency"]


def test_in_the_small_window_the_renderings_are_a_menu(view: EventsView, qtbot: QtBot) -> None:
    view.set_measures(SMALL)
    assert view.renderings.isHidden()
    chosen: list[str] = []
    view.rendering_chosen.connect(chosen.append)
    click(view.rendering_menu)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert [action.text() for action in menu.actions()] == ["Decay", "Polarity", "Recency", "Model frame"]
    key(menu, Qt.Key.Key_Down)
    key(menu, Qt.Key.Key_Down)
    key(menu, Qt.Key.Key_Return)
    assert chosen == ["polarity"]
    assert view.rendering_menu.text() == "Polarity"
    view.set_measures(LARGE)
    assert not view.renderings.isHidden()
    assert view.renderings.current == "polarity"


def test_a_narrow_view_gets_the_menu_in_a_large_window_too(view: EventsView) -> None:
    view.resize(480, 400)
    assert view.renderings.isHidden()
    assert not view.rendering_menu.isHidden()


def test_zoom_buttons_and_fit(view: EventsView, qtbot: QtBot) -> None:
    view.set_picture(picture("#FFFFFF"))
    assert view.zoom_chip.percent == "250%"
    click(view.zoom_chip.plus)
    assert view.zoom_chip.percent == "300%"
    click(view.zoom_chip.minus)
    assert view.zoom_chip.percent == "200%"
    click(view.zoom_chip.fit)
    assert view.zoom_chip.percent == "250%"


def wheel(view: EventsView, turns: int, position: QPointF) -> None:
    event = QWheelEvent(
        position, view.mapToGlobal(position), QPoint(0, 0), QPoint(0, 120 * turns),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view, event)


def test_the_wheel_enlarges_around_the_pointer_and_dragging_moves(view: EventsView, qtbot: QtBot) -> None:
    half = np.concatenate([picture("#FF0000", 160), picture("#0000FF", 160)], axis=1)
    view.set_model_view(False)
    view.set_picture(half)
    wheel(view, 4, QPointF(200, 300))
    assert view.scale > 6
    assert at(view, 400, 300) == QColor("#FF0000")
    press(view, QPoint(900, 300))
    move(view, QPoint(300, 300))
    release(view, QPoint(300, 300))
    assert at(view, 700, 300) == QColor("#0000FF")


def test_a_double_click_fits(view: EventsView, qtbot: QtBot) -> None:
    view.set_picture(picture("#FFFFFF"))
    view.zoom_in()
    double_click(view, QPoint(500, 300))
    assert view.scale == 2.5


def test_a_card_greys_the_picture_and_its_button_says_so(view: EventsView, qtbot: QtBot) -> None:
    view.set_picture(picture("#FF0000"))
    view.set_rate(210_000)
    view.show_card("camera-slash", "Camera unplugged", "Plug it in again.", "Choose another source")
    dim = at(view, 300, 100)
    assert dim.saturation() < 60
    assert dim.lightness() < 80
    assert "–" in view.sensor_chip.accessibleName()
    assert view.card.accessibleName() == "Camera unplugged. Plug it in again."
    with qtbot.waitSignal(view.card_clicked):
        click(view.card.findChildren(type(view.rendering_menu))[0])
    view.hide_card()
    assert at(view, 300, 100) == QColor("#FF0000")


def test_a_card_without_a_button_and_below_a_banner(view: EventsView) -> None:
    view.show_card("plugs", "Connection lost", "It is tried again.", None)
    view.keep_below(300)
    assert view.card.y() >= 300
    view.keep_below(0)
    assert view.card.geometry().center().y() == pytest.approx(300, abs=2)


def test_the_recording_chip(view: EventsView) -> None:
    assert view.recording_chip.isHidden()
    view.set_recording(42.74)
    assert view.recording_chip.accessibleName() == "Recording, 00:42.7"
    assert view.recording_chip.x() > view.sensor_chip.geometry().right()
    view.set_recording(None)
    assert view.recording_chip.isHidden()


def test_the_sensor_chip_keeps_the_last_rates(view: EventsView) -> None:
    for rate in range(60):
        view.set_rate(float(rate))
    assert view.sensor_chip.rates == tuple(float(rate) for rate in range(20, 60))
    assert view.sensor_chip.accessibleName() == "Sensor DVXplorer 320 × 240, 59 ev/s"


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (None, "–"),
        (0, "0 ev/s"),
        (812, "812 ev/s"),
        (21_400, "21 kev/s"),
        (210_000, "0.21 Mev/s"),
        (123e6, "123 Mev/s"),
    ],
)
def test_rates_for_people(rate: float | None, text: str) -> None:
    assert rate_text(rate) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "00:00.0"), (42.74, "00:42.7"), (754, "12:34.0"), (3723, "1:02:03")])
def test_recording_times_for_people(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


# --- dropping files ---


def urls(*paths: str) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path) for path in paths])
    return data


def enter(view: EventsView, data: QMimeData) -> QDragEnterEvent:
    event = QDragEnterEvent(QPoint(50, 50), Qt.DropAction.CopyAction, data, CLICK, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view, event)
    return event


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("sparks.aedat4", "Drop to play sparks.aedat4"),
        ("Classes.TXT", "Drop to add the classes in Classes.TXT"),
        ("holiday.jpg", "holiday.jpg cannot be played"),
    ],
)
def test_the_curtain_says_what_dropping_does(view: EventsView, name: str, title: str) -> None:
    data = urls(f"/somewhere/{name}")
    enter(view, data)
    assert not view.curtain.isHidden()
    assert view.curtain.title == title
    QApplication.sendEvent(view, QDragLeaveEvent())
    assert view.curtain.isHidden()


def test_what_can_be_played_is_handed_on(view: EventsView, qtbot: QtBot) -> None:
    data = urls("/a/notes.pdf", "/a/one.aedat4", "/a/two.aedat4")
    enter(view, data)
    event = QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, data, CLICK, Qt.KeyboardModifier.NoModifier)
    with qtbot.waitSignal(view.dropped) as said:
        QApplication.sendEvent(view, event)
    assert said.args == [[QUrl.fromLocalFile(path).toLocalFile() for path in ("/a/one.aedat4", "/a/two.aedat4")]]
    assert view.curtain.isHidden()


def test_more_formats_can_be_named(view: EventsView) -> None:
    view.set_droppable([".aedat4", ".raw"])
    enter(view, (data := urls("/a/sparks.raw")))
    assert view.curtain.title == "Drop to play sparks.raw"
    assert view.curtain.hint == "aedat4, raw — or a list of classes (txt)"
    assert data.hasUrls()


def test_text_that_is_dragged_is_not_for_the_view(view: EventsView) -> None:
    data = QMimeData()
    data.setText("hello")
    enter(view, data)
    assert view.curtain.isHidden()


# --- the whole ---


def test_everything_that_can_be_used_has_a_name_and_tab_reaches_it(view: EventsView) -> None:
    for widget in (view.renderings, view.zoom_chip.minus, view.zoom_chip.plus, view.zoom_chip.fit, view.model_view):
        assert widget.accessibleName()
        assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_the_light_theme_changes_canvas_and_chips(view: EventsView) -> None:
    view.set_theme(LIGHT)
    assert at(view, 50, 300) == QColor(LIGHT.canvas)
    assert at(view, 20, 30) == QColor(LIGHT.chip)


def test_only_a_new_picture_paints_the_view(view: EventsView, qtbot: QtBot) -> None:
    view.set_picture(picture("#FFFFFF"))
    view.hide()
    with qtbot.waitExposed(view):
        view.show()
    QApplication.processEvents()
    paints = Painted(view)
    view.set_recording(None)
    view.hide_card()
    view.set_sensor("DVXplorer", 320, 240)
    QApplication.processEvents()
    before = paints.count
    for _ in range(5):
        QApplication.processEvents()
    assert paints.count == before
    view.set_picture(picture("#FF0000"))
    view.set_picture(picture("#00FF00"))
    QApplication.processEvents()
    assert paints.count == before + 1


def painted_since(paints: Sequence[Painted], before: Sequence[int]) -> bool:
    return all(each.count > then for each, then in zip(paints, before, strict=True))


def kept(widget: QWidget) -> KeptPicture:
    found = getattr(widget, "kept", None)
    assert isinstance(found, KeptPicture)
    return found


def test_what_floats_over_the_picture_is_copied_and_not_painted_again(view: EventsView, qtbot: QtBot) -> None:
    view.resize(1200, 600)
    banner = Banner(view)
    banner.show_message("warning", "Title", "Detail", "Act")
    with qtbot.waitExposed(view):
        view.show()
    chip = view.zoom_chip
    floating = (view.renderings, chip, chip.minus, chip.plus, chip.fit, view.model_view, banner)
    view.set_picture(picture("#FFFFFF", 1200, 600))
    paints = [Painted(widget) for widget in floating]
    qtbot.waitUntil(lambda: all(each.count for each in paints))
    made = [kept(widget).made for widget in floating]
    for shade in ("#FF0000", "#00FF00", "#0000FF"):
        before = [each.count for each in paints]
        view.set_picture(picture(shade, 1200, 600))
        qtbot.waitUntil(partial(painted_since, paints, before))
    assert [kept(widget).made for widget in floating] == made


def test_what_changes_in_a_chip_is_painted(view: EventsView) -> None:
    view.set_picture(picture("#FFFFFF", 1200, 600))
    changes: list[tuple[QWidget, Callable[[], None]]] = [
        (view.zoom_chip, view.zoom_in),
        (view.zoom_chip, lambda: view.set_theme(LIGHT)),
        (view.renderings, lambda: view.set_rendering("polarity")),
        (view.model_view, lambda: view.model_view.setChecked(False)),
        (view.model_view, lambda: view.model_view.setEnabled(False)),
    ]
    for widget, change in changes:
        before, made = view.grab().toImage(), kept(widget).made
        view.grab()
        assert kept(widget).made == made
        change()
        assert view.grab().toImage() != before
        assert kept(widget).made == made + 1


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_a_picture_over_a_whole_chip_leaves_the_same_screen_as_painting_all(view: EventsView, theme: Theme) -> None:
    """What is painted only where a picture is leaves nothing of the picture before."""
    view.set_theme(theme)
    view.set_picture(picture("#FFFFFF", 333, 241))
    screen = view.grab().toImage()
    view.set_picture(picture("#FF0000", 333, 241))
    part = view._place.box.toAlignedRect().intersected(view.rect())
    view.render(screen, part.topLeft(), QRegion(part))
    assert screen == view.grab().toImage()
