import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QColor, QImage
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.contrast import mixed
from app.panels.history import HistoryPanel
from app.panels.history_plot import AREA_SHARE, ELSE_SHARE, HistoryPlot
from app.panels.history_samples import BANDS, ELSE, KEPT_S, MOST_SAMPLES, OTHERS, Samples
from app.theme import DARK, LARGE, LIGHT, SMALL
from tests.app.painted import Painted
from tests.app.user_input import click

ROWS = [(1, "a person", 0), (2, "umbrella", 1), (3, "a cup of coffee", 2)]


@pytest.fixture
def panel(qtbot: QtBot) -> HistoryPanel:
    panel = HistoryPanel()
    qtbot.addWidget(panel)
    panel.set_theme(DARK)
    panel.set_measures(LARGE)
    panel.set_rows(ROWS)
    panel.resize(672, 192)
    panel.show()
    return panel


def area(number: int) -> QColor:
    return mixed(DARK.colour("bg1"), DARK.class_colour(number), AREA_SHARE)


def picture(panel: HistoryPanel) -> QImage:
    return panel.plot.pixmap.toImage()


def column(image: QImage, share: float) -> list[str]:
    """Colours from the top down, at this share of the width."""
    x = min(image.width() - 1, int(share * image.width()))
    return [image.pixelColor(x, y).name() for y in range(image.height())]


def fill(panel: HistoryPanel, seconds: float, values: dict[int, float] | None, start: float = 1000.0) -> float:
    """Predictions ten times a second; the time of the last one."""
    count = round(seconds * 10)
    for k in range(count + 1):
        panel.append(start + k / 10, values)
    return start + count / 10


class TestPicture:
    def test_areas_are_as_high_as_the_probability(self, panel: HistoryPanel) -> None:
        fill(panel, 30, {1: 0.25, 2: 0.75, 3: 0.0})
        colours = column(picture(panel), 0.5)
        share = colours.count(area(1).name()) / len(colours)
        assert share == pytest.approx(0.75, abs=0.05)
        assert colours[-3] == area(0).name(), "the user's first row is at the bottom"

    def test_the_newest_is_at_the_right_and_moves_left_with_time(self, panel: HistoryPanel) -> None:
        end = fill(panel, 15, {1: 1.0})
        fill(panel, 15, {2: 1.0}, start=end + 0.1)
        image = picture(panel)
        assert area(0).name() in column(image, 0.25)
        assert area(1).name() in column(image, 0.95)
        panel.tick(end + 15 + 10)
        image = picture(panel)
        assert area(0).name() not in column(image, 0.25)
        assert area(1).name() in column(image, 0.4)
        assert area(1).name() not in column(image, 0.95), "nothing is made up where there was no prediction"

    def test_something_else_is_a_quiet_area_at_the_top_and_has_its_name(self, panel: HistoryPanel) -> None:
        panel.set_rows([*ROWS, (-1, "something else", ELSE)])
        fill(panel, 30, {1: 0.25, 2: 0.0, 3: 0.0, -1: 0.75})
        colours = column(picture(panel), 0.95)
        quiet = mixed(DARK.colour("bg1"), DARK.colour("text3"), ELSE_SHARE).name()
        assert colours.count(quiet) / len(colours) == pytest.approx(0.75, abs=0.05)
        assert colours[3] == quiet
        samples = panel.plot.samples
        assert [samples.label(run) for run in samples.runs] == ["something else"]

    def test_something_else_has_a_line(self, panel: HistoryPanel) -> None:
        panel.set_rows([*ROWS, (-1, "something else", ELSE)])
        panel.set_style("lines")
        fill(panel, 30, {1: 0.25, 2: 0.0, 3: 0.0, -1: 0.75})
        image = picture(panel)
        dashed = [DARK.text3.lower() in column(image, share / 100) for share in range(40, 60)]
        assert any(dashed)

    def test_no_motion_is_hatched(self, panel: HistoryPanel) -> None:
        end = fill(panel, 20, {1: 1.0})
        fill(panel, 10, None, start=end + 0.1)
        image = picture(panel)
        right = {image.pixelColor(x, 60).name() for x in range(int(image.width() * 0.8), image.width())}
        assert area(0).name() not in right
        assert len(right) > 1, "lines, not a plain area"
        assert panel._samples.label(panel._samples.runs[-1]) == "no motion"

    def test_only_the_new_strip_is_painted(self, panel: HistoryPanel) -> None:
        end = fill(panel, 30, {1: 0.5, 2: 0.5})
        panel.plot.painted_columns = 0
        fill(panel, 10, {1: 0.4, 2: 0.6}, start=end + 0.1)
        width = panel.plot.pixmap.width()
        assert width / 3 <= panel.plot.painted_columns < 4 * width, "100 predictions cost less than four repaints"

    def test_ticks_without_predictions_paint_only_new_columns(self, panel: HistoryPanel) -> None:
        end = fill(panel, 30, {1: 1.0})
        panel.plot.painted_columns = 0
        for k in range(1, 101):
            panel.tick(end + k / 20)
        assert panel.plot.painted_columns < 100 * 8

    def test_predictions_that_come_fast_are_drawn_together(
        self, panel: HistoryPanel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        drawn: list[float] = []
        advance = panel.plot.advance

        def counted(now: float, since: float | None = None) -> bool:
            drawn.append(now)
            return advance(now, since)

        monkeypatch.setattr(panel.plot, "advance", counted)
        for k in range(1000):
            panel.append(1000 + k / 500, {1: 1.0})
        assert 40 <= len(drawn) <= 70, "two seconds, thirty times a second"
        panel.tick(1002.05)
        assert area(0).name() in column(picture(panel), 0.99), "the last ones too"

    def test_what_lies_below_is_not_painted_as_the_picture_moves(self, panel: HistoryPanel, qtbot: QtBot) -> None:
        fill(panel, 30, {1: 1.0})
        QApplication.processEvents()
        axes, plot = Painted(panel), Painted(panel._shown)
        panel.tick(1031.0)
        qtbot.waitUntil(lambda: plot.count > 0)
        assert axes.count == 0

    def test_a_hidden_panel_paints_nothing_and_catches_up(self, panel: HistoryPanel) -> None:
        panel.hide()
        panel.plot.painted_columns = 0
        fill(panel, 30, {1: 1.0})
        assert panel.plot.painted_columns == 0
        panel.show()
        assert area(0).name() in column(picture(panel), 0.5)

    @pytest.mark.parametrize("style", ["stacked", "lines"])
    def test_painting_strip_by_strip_gives_the_picture_painted_at_once(self, panel: HistoryPanel, style: str) -> None:
        panel.set_style(style)
        chance = random.Random(3)
        level = 0.5
        for k in range(400):
            level = min(0.95, max(0.05, level + chance.uniform(-0.1, 0.1)))
            motion = not 150 < k < 200
            panel.append(1000 + k / 10, {1: level, 2: (1 - level) * 0.7, 3: (1 - level) * 0.3} if motion else None)
            panel.tick(1000 + k / 10 + 0.05)
        by_strips = picture(panel)
        panel.plot.invalidate()
        panel.plot.advance(1000 + 399 / 10 + 0.05)
        at_once = picture(panel)
        different = sum(
            abs(by_strips.pixelColor(x, y).lightness() - at_once.pixelColor(x, y).lightness()) > 24
            for x in range(at_once.width())
            for y in range(0, at_once.height(), 3)
        )
        assert different < at_once.width() * at_once.height() / 3 * 0.004

    def test_lines_are_lines(self, panel: HistoryPanel) -> None:
        panel.set_style("lines")
        fill(panel, 30, {1: 0.75, 2: 0.25, 3: 0.0})
        colours = column(picture(panel), 0.5)
        assert 1 <= colours.count(DARK.class_colour(0).name()) <= 3
        assert colours.count(area(0).name()) == 0

    def test_lines_from_the_fifth_on_are_dashed_and_stay_so_when_they_scroll(self, panel: HistoryPanel) -> None:
        panel.set_rows([(k, f"class {k}", k) for k in range(6)])
        panel.set_style("lines")
        values = {0: 0.6, 4: 0.4}
        end = fill(panel, 40, values)
        image = picture(panel)

        def drawn(value: float) -> list[bool]:
            y = round((image.height() - 2) * (1 - value) + 0.5)
            return [image.pixelColor(x, y).lightness() > 60 for x in range(50, image.width() - 50)]

        assert all(drawn(0.6))
        pattern = drawn(0.4)
        assert 0.5 < sum(pattern) / len(pattern) < 0.9
        assert pattern[:400] == pattern[10:410], "one dash and one gap are 10 px"
        assert end > 0


class TestSwitch:
    def test_the_user_chooses_lines(self, panel: HistoryPanel) -> None:
        fill(panel, 5, {1: 1.0})
        click(panel.style_choice, panel.style_choice.segment("lines").center().toPoint())
        assert not panel.plot.stacked
        click(panel.style_choice, panel.style_choice.segment("stacked").center().toPoint())
        assert panel.plot.stacked

    def test_the_span_can_be_set(self, panel: HistoryPanel) -> None:
        fill(panel, 30, {1: 1.0})
        panel.set_span(60)
        image = picture(panel)
        assert area(0).name() not in column(image, 0.25)
        assert area(0).name() in column(image, 0.75)
        with pytest.raises(ValueError, match="5 to 300"):
            panel.set_span(0)


class TestClasses:
    def test_removing_a_class_greys_its_past_and_frees_its_colour(self, panel: HistoryPanel) -> None:
        fill(panel, 30, {1: 0.2, 2: 0.8})
        panel.set_rows([(1, "a person", 0), (9, "a new one", 1)])
        colours = column(picture(panel), 0.5)
        assert area(1).name() not in colours
        assert area(OTHERS).name() in colours

    def test_500_classes_cost_as_much_memory_as_nine(self) -> None:
        samples = Samples()
        samples.set_rows([(k, f"class {k}", min(k, 8)) for k in range(500)])
        samples.add(1.0, dict.fromkeys(range(500), 1 / 500))
        (sample,) = samples.between(0, 2)
        assert sample.bands is not None
        assert len(sample.bands) == BANDS
        assert sum(sample.bands) == pytest.approx(1)
        assert sample.bands[OTHERS] == pytest.approx(492 / 500)
        assert sample.best_other == pytest.approx(1 / 500)

    def test_a_large_area_is_named_once(self, panel: HistoryPanel) -> None:
        end = fill(panel, 10, {1: 0.9, 2: 0.1})
        fill(panel, 10, {1: 0.1, 2: 0.9}, start=end + 0.1)
        runs = panel._samples.runs
        assert [panel._samples.label(run) for run in runs] == ["a person", "umbrella"]
        box = panel._plot_box()
        places = [panel._label_place(run, box) for run in runs]
        assert all(place is not None and box.contains(place[0]) for place in places)

    def test_a_short_flicker_is_not_named(self, panel: HistoryPanel) -> None:
        end = fill(panel, 5, {1: 0.9})
        end = fill(panel, 0.3, {2: 0.9}, start=end + 0.1)
        fill(panel, 5, {1: 0.9}, start=end + 0.1)
        box = panel._plot_box()
        flicker = panel._samples.runs[1]
        assert panel._samples.label(flicker) == "umbrella"
        assert panel._label_place(flicker, box) is None


class TestMemory:
    def test_a_minute_is_kept(self) -> None:
        samples = Samples()
        samples.set_rows(ROWS)
        for k in range(6000):
            samples.add(k / 10, {1: 1.0 if k % 100 < 50 else 0.0})
        assert KEPT_S * 10 <= len(samples) <= KEPT_S * 10 + 300
        assert len(samples.runs) <= KEPT_S / 5 / 2 + 3

    def test_a_fast_recogniser_does_not_fill_the_memory(self) -> None:
        samples = Samples()
        for k in range(MOST_SAMPLES + 5000):
            samples.add(k / 10_000, None)
        assert len(samples) <= MOST_SAMPLES + 300

    def test_clearing_forgets_all(self, panel: HistoryPanel) -> None:
        fill(panel, 10, {1: 1.0})
        panel.clear()
        assert panel.sample_count == 0
        assert area(0).name() not in column(picture(panel), 0.9)

    def test_when_time_goes_back_the_history_starts_afresh(self, panel: HistoryPanel) -> None:
        fill(panel, 10, {1: 1.0})
        panel.append(5.0, {2: 1.0})
        assert panel.sample_count == 1

    @settings(max_examples=50, deadline=None)
    @given(
        st.lists(st.tuples(st.floats(0, 30), st.one_of(st.none(), st.floats(0, 1))), max_size=40),
        st.floats(0, 100),
    )
    def test_runs_tell_who_had_more_than_half(self, steps: list[tuple[float, float | None]], start: float) -> None:
        samples = Samples()
        samples.set_rows(ROWS)
        time = start
        for wait, value in steps:
            time += wait
            samples.add(time, None if value is None else {1: value, 2: 1 - value})
        for run in samples.runs:
            assert run.start <= run.end <= time
            inside = [sample for sample in samples.between(run.start, run.end) if run.start <= sample.time <= run.end]
            assert any((sample.bands is None) == (run.band is None) for sample in inside)
        assert [run.start for run in samples.runs] == sorted(run.start for run in samples.runs)


def test_it_is_drawn_in_every_form_before_and_after_the_first_prediction(panel: HistoryPanel) -> None:
    for theme in (DARK, LIGHT):
        for measures in (LARGE, SMALL):
            panel.clear()
            panel.set_theme(theme)
            panel.set_measures(measures)
            assert not panel.grab().isNull()
            fill(panel, 40, {1: 0.5, 2: 0.5})
            assert not panel.grab().isNull()
    panel.resize(60, 60)
    assert not panel.grab().isNull()


def test_a_screen_with_more_pixels_gets_a_sharper_picture() -> None:
    plot = HistoryPlot(Samples())
    plot.resize(QSize(300, 100), 2.0)
    assert plot.pixmap.size() == QSize(600, 200)
    assert plot.advance(100.0)
    assert plot.x(100.0) == pytest.approx(300, abs=1)
    assert plot.x(70.0) == pytest.approx(0, abs=1)


def test_the_style_switch_is_reached_by_keyboard(panel: HistoryPanel) -> None:
    assert panel.style_choice.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_an_untrained_models_answers_have_no_colour(panel: HistoryPanel) -> None:
    panel.set_untrained(True)
    for tenth in range(20):
        panel.append(tenth / 10, {1: 0.5, 2: 0.3, 3: 0.2})
    panel.tick(2.0)
    shades = [QColor(name) for name in set(column(picture(panel), 0.99))]
    assert len(shades) >= 3
    assert all(shade.hslSaturationF() < 0.2 for shade in shades)
