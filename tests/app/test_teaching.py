"""A class taught from the running stream by real clicks, judged by what was taught, compared, taken back, saved."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.panels.menu import Menu
from app.panels.segmented import Segmented
from experiments.train_examples import run
from main import parse_options
from pipeline.bundled import TOUR
from pipeline.clip import load_model
from pipeline.encoder_pace import nearest_known
from pipeline.few_shot.classifier import TrainingProgress, TrainingWatch
from pipeline.few_shot.example_set import read_example_set, window_frames
from pipeline.few_shot.methods import make_classifier
from pipeline.few_shot.saving import FeatureSetting, TaughtClass, TaughtClasses, load_taught, save_taught
from pipeline.options import Options
from tests.app.test_controller import Joined, has_answer
from tests.app.user_input import click, key, key_down, key_up, move, press, release
from tests.pipeline.few_shot.windows import clusters
from tests.pipeline.tiny_clip import save_folder


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Options:
    model = save_folder(tmp_path_factory.mktemp("model") / "tiny")
    arguments = ["--prompts", "a star, my mug", "--model", f"local-dir:{model}", "--precision", "fp32"]
    return parse_options([*arguments, "--loop"])[0]


@pytest.fixture
def joined(options: Options, qtbot: QtBot) -> Iterator[Joined]:
    joined = Joined(options, qtbot)
    joined.shown(lambda: has_answer(joined))
    yield joined
    joined.close()


def viewport(joined: Joined) -> QWidget:
    found = joined.window.classes.view.viewport()
    assert found is not None
    return found


def teach_button(joined: Joined, place: int) -> QPoint:
    view = joined.window.classes.view
    return view._boxes(view.classes.order[place]).teach.center()


def least_likely(joined: Joined) -> int:
    """Place of the class that is wrong now, whatever the random model thinks."""
    prediction = joined.controller.prediction
    assert prediction is not None
    return int(prediction.probabilities[:2].argmin())


def taught_by_click(joined: Joined, place: int, in_all: int = 16) -> None:
    at = teach_button(joined, place)
    press(viewport(joined), at)
    release(viewport(joined), at)
    joined.shown(lambda: len(joined.controller.teaching.examples) == in_all)


def trained(joined: Joined) -> None:
    click(joined.window.teaching.train)
    joined.shown(lambda: joined.controller.teaching.taught is not None)


def segment(control: Segmented, name: str) -> None:
    click(control, control.segment(name).center().toPoint())


def test_a_class_that_was_wrong_is_right_once_it_was_taught_and_a_switch_compares(joined: Joined) -> None:
    place = least_likely(joined)
    row, label = joined.window.classes.rows()[place]
    taught_by_click(joined, place)
    assert {each.row for each in joined.controller.teaching.examples.all} == {row}
    assert len(joined.window.teaching.grid.tiles) == 16
    trained(joined)
    joined.shown(lambda: joined.controller.prediction is not None and joined.controller.prediction.taught)

    def answer() -> str:
        prediction = joined.controller.prediction
        assert prediction is not None
        return prediction.labels[int(prediction.probabilities[:2].argmax())]

    joined.shown(lambda: answer() == label)
    segment(joined.window.teaching.compare, "text")
    joined.shown(lambda: joined.controller.prediction is not None and not joined.controller.prediction.taught)
    joined.shown(lambda: answer() != label)


@pytest.mark.slow
def test_a_linear_probe_is_trained_when_each_class_was_shown_and_another_method_where_it_is_chosen(
    joined: Joined,
) -> None:
    for place in (0, 1):
        taught_by_click(joined, place, 16 * (place + 1))
    teaching, panel = joined.controller.teaching, joined.window.teaching
    trained(joined)
    assert teaching.taught is not None
    assert teaching.taught.classifier.name == "probe"
    assert panel.message.startswith("Linear probe: ")

    menu = panel.make_menu()
    next(action for action in menu.actions() if action.text() == "Spiking adapter (NeuroCLIP)").trigger()
    click(panel.train)
    joined.shown(lambda: teaching.taught is not None and teaching.taught.classifier.name == "adapter")
    assert len(panel.curve.losses) == 250
    assert panel.message.startswith("Spiking adapter (NeuroCLIP): ")


def test_an_example_is_removed_and_comes_back(joined: Joined) -> None:
    taught_by_click(joined, 0)
    grid = joined.window.teaching.grid
    first = grid.tiles[0].id
    click(grid, grid.cross(0).center().toPoint())
    assert len(grid.tiles) == 15
    assert first not in [tile.id for tile in grid.tiles]
    grid.setFocus(Qt.FocusReason.TabFocusReason)
    key(grid, Qt.Key.Key_Delete)
    assert len(grid.tiles) == 14
    click(joined.window.teaching.undo)
    click(joined.window.teaching.undo)
    assert len(grid.tiles) == 16


def test_what_was_taught_is_saved_cleared_and_loaded(joined: Joined, tmp_path: Path) -> None:
    taught_by_click(joined, 0)
    trained(joined)
    file = tmp_path / "mug.safetensors"
    teaching = joined.controller.teaching
    teaching.save(file)
    joined.shown(file.exists)
    teaching.clear()
    assert teaching.taught is None
    assert len(teaching.examples) == 0
    teaching.load(file)
    joined.shown(lambda: teaching.taught is not None)
    joined.shown(lambda: joined.controller.prediction is not None and joined.controller.prediction.taught)


@pytest.mark.slow
def test_exported_examples_train_to_the_same_outcome_from_the_command_line(joined: Joined, tmp_path: Path) -> None:
    for place in (0, 1):
        taught_by_click(joined, place, 16 * (place + 1))
    trained(joined)
    teaching = joined.controller.teaching
    files = [each.events_file for each in teaching.examples.all]
    joined.shown(lambda: all(file is not None and file.is_file() for file in files))
    teaching.export(tmp_path / "examples")
    joined.shown(lambda: joined.window.teaching.message.startswith("Exported: 32 examples"))
    assert teaching.taught is not None
    in_window = teaching.taught.classifier

    assert run([str(tmp_path / "examples"), "--output", str(tmp_path / "same.safetensors")]) == 0
    same = load_taught(tmp_path / "same.safetensors", teaching.taught.setting)
    assert same.classifier.name == in_window.name == "probe"
    for name, array in in_window.arrays().items():
        assert np.array_equal(same.classifier.arrays()[name], array), name

    found = read_example_set(tmp_path / "examples")
    assert [each.source for each in found.examples] == [str(TOUR)] * 32
    assert {path.parent.name for path in (tmp_path / "examples").rglob("*.aedat4")} == {"a star", "my mug"}
    model = load_model(joined.controller._options.model, precision="fp32")
    for each, taught in list(zip(found.examples, teaching.examples.all, strict=True))[::8]:
        assert (each.start_us, each.end_us, sum(each.timestep_counts)) == (
            taught.start_us,
            taught.end_us,
            taught.events,
        )
        features = model.encode_frames(window_frames(found, each), "clip", "crop").numpy()
        # Timesteps that the encoder had no time for stand there with the nearest one's feature; the newest never does.
        bound = 1e-4 * np.abs(taught.features).max()
        encoded = np.abs(features - taught.features).max(axis=1) < bound
        assert encoded[-1]
        assert np.abs(features[nearest_known(encoded.tolist())] - taught.features).max() < bound


def test_a_file_that_does_not_fit_says_why(joined: Joined, tmp_path: Path) -> None:
    file = tmp_path / "letter.safetensors"
    file.write_text("Dear reader", encoding="utf-8")
    joined.controller.teaching.load(file)
    joined.shown(lambda: joined.window.banner.message is not None)
    assert joined.controller.teaching.taught is None


def test_a_span_marked_on_the_timeline_gives_examples(joined: Joined) -> None:
    timeline = joined.window.transport.timeline
    start, end = timeline.span
    joined.controller.teaching._teach_span(joined.window.classes.rows()[0][0], (start, start + (end - start) // 4))
    joined.shown(lambda: len(joined.controller.teaching.examples) > 0)
    assert all(each.end_us <= start + (end - start) // 4 for each in joined.controller.teaching.examples.all)


def test_shift_and_the_arrow_keys_mark_a_span(joined: Joined) -> None:
    timeline = joined.window.transport.timeline
    key(timeline, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    key(timeline, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    marked = timeline.marked
    assert marked is not None
    assert marked[1] > marked[0]
    key(timeline, Qt.Key.Key_Escape)
    assert timeline.marked is None


# --- cancelling, keys, marking, taking back ---


def test_a_cancelled_training_changes_nothing(joined: Joined, monkeypatch: pytest.MonkeyPatch) -> None:
    teaching, panel = joined.controller.teaching, joined.window.teaching
    for place in (0, 1):
        taught_by_click(joined, place, 16 * (place + 1))
    reported = threading.Event()

    def told(self: TrainingWatch, progress: TrainingProgress) -> None:
        """Go on only when Cancel was clicked: however quick the machine is, the training is still going on then."""
        reported.set()
        assert self.cancel is not None
        assert self.cancel.wait(60)
        self.stop_if_cancelled()

    monkeypatch.setattr(TrainingWatch, "report", told)
    click(panel.train)
    joined.shown(reported.is_set)
    assert panel.train.accessibleName() == "Cancel the training"
    click(panel.train)
    joined.shown(lambda: panel.message.startswith("Cancelled"))
    assert teaching.taught is None
    assert panel.train.accessibleName() == "Train"
    assert len(teaching.examples) == 32


def test_t_teaches_the_current_class_until_it_is_let_go(joined: Joined) -> None:
    view, teaching = joined.window.classes.view, joined.controller.teaching
    click(viewport(joined), view._boxes(view.classes.order[1]).percentage.center())
    view.setFocus()
    key_down(view, Qt.Key.Key_T)
    cover = joined.window.teach_cover
    joined.shown(lambda: " of " in cover.text and int(cover.text.split()[-3]) >= 2)
    assert cover.text.startswith("Teaching “my mug”")
    key_up(view, Qt.Key.Key_T)
    joined.shown(lambda: len(teaching.examples) > 0)
    assert {each.row for each in teaching.examples.all} == {view.classes.order[1]}
    assert not cover.isVisible()


def test_a_span_drawn_with_shift_asks_for_the_class(joined: Joined) -> None:
    timeline, teaching = joined.window.transport.timeline, joined.controller.teaching
    joined.shown(lambda: timeline.span[1] > 0)
    left, right = (QPoint(timeline.width() * share // 10, timeline.height() // 2) for share in (2, 5))
    press(timeline, left, Qt.KeyboardModifier.ShiftModifier)
    move(timeline, right)
    release(timeline, right)
    marked = timeline.marked
    assert marked is not None
    joined.shown(lambda: isinstance(QApplication.activePopupWidget(), Menu))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, Menu)
    mug = next(action for action in menu.actions() if action.text() == "my mug")
    click(menu, menu.actionGeometry(mug).center())
    joined.shown(lambda: len(teaching.examples) > 0)
    assert {each.row for each in teaching.examples.all} == {joined.window.classes.rows()[1][0]}
    assert all(marked[0] <= each.start_us < each.end_us <= marked[1] for each in teaching.examples.all)
    assert timeline.marked is None


def test_undo_after_clear_brings_back_what_was_taught(joined: Joined) -> None:
    teaching, panel = joined.controller.teaching, joined.window.teaching
    taught_by_click(joined, 0)
    trained(joined)
    taught = teaching.taught
    teaching.clear()
    joined.shown(lambda: joined.controller.prediction is not None and not joined.controller.prediction.taught)
    assert not panel.compare.isVisible()
    click(panel.undo)
    assert len(panel.grid.tiles) == 16
    assert teaching.taught is taught
    assert panel.compare.isVisible()
    joined.shown(lambda: joined.controller.prediction is not None and joined.controller.prediction.taught)


def test_a_saved_adapter_of_another_kind_says_what_does_not_fit(joined: Joined, tmp_path: Path) -> None:
    setting = FeatureSetting("ViT-B-32", "openai", "ab" * 32, width=128, timesteps=5)
    examples = clusters()
    classifier = make_classifier("adapter", 14.0, epochs=1)
    classifier.fit(examples.features, examples.labels, examples.prompts)
    classes = tuple(TaughtClass(name, (name,)) for name in "abcd")
    save_taught(tmp_path / "other.safetensors", TaughtClasses(classifier, classes, setting))
    before = joined.window.classes.rows()
    joined.controller.teaching.load(tmp_path / "other.safetensors")
    joined.shown(lambda: joined.window.banner.message is not None)
    message = joined.window.banner.message
    assert message is not None
    assert "ViT-B-32 (openai)" in f"{message.title} {message.detail}"
    assert joined.controller.teaching.taught is None
    assert joined.window.classes.rows() == before
