"""Joins the panel of the examples, the class list and the timeline with what the pipeline does to teach."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PyQt6.QtCore import QObject
from PyQt6.QtGui import QCursor
from PyQt6.QtWidgets import QFileDialog

from app.main_thread import TeachingNews
from app.panels.example_grid import Tile
from app.panels.menu import Menu
from app.panels.teaching import METHODS
from app.window import MainWindow
from app.wording import split_message
from pipeline.bundled import recordings_folder
from pipeline.capture.kept_events import SUFFIX as EVENTS_SUFFIX
from pipeline.capture.messages import Command, FramerSettings, KeepEvents, WriteWindows
from pipeline.few_shot.capturing import SHOTS, WindowCapture
from pipeline.few_shot.classifier import TrainingProgress
from pipeline.few_shot.errors import FewShotError
from pipeline.few_shot.example_export import export_examples
from pipeline.few_shot.examples import Example, ExampleHistory, Examples, thumbnail
from pipeline.few_shot.shown import RowTexts, ShownWindow
from pipeline.few_shot.taught import FeatureSetting, TaughtClasses, class_labels
from pipeline.few_shot.training import Training, TrainingResult
from pipeline.prompts import PromptRow
from pipeline.worker import RecognitionWorker

HELD_S = 0.4
"""Who holds Teach longer than this ends it by letting go; a click goes on until there are enough."""
EXPORTED = "examples"
"""Name that is offered for a folder of exported examples."""
_FILES = "Taught classes (*.safetensors)"
_GOOD_NEWS = ("Saved: ", "Exported: ")


@dataclass
class _Showing:
    """A class that is being shown."""

    row: int
    capture: WindowCapture
    began: float
    first_index: int | None = None
    """From this event frame on events are kept; None: that is not known yet, and no window is taken."""


class Teaching(QObject):
    """Examples, training and comparison. Lives in the Qt thread.

    Parameters
    ----------
    window : MainWindow
    worker : RecognitionWorker
    framer : callable
        Gives the framer's settings now.
    play_from : callable
        Goes to a time of the recording, µs, and plays from there.
    send : callable
        Takes commands for the capture process.
    source : callable
        Gives the path of the recording that plays; empty for a live source.
    """

    def __init__(
        self,
        window: MainWindow,
        worker: RecognitionWorker,
        framer: Callable[[], FramerSettings],
        play_from: Callable[[int], None],
        send: Callable[[Command], None],
        source: Callable[[], str],
    ) -> None:
        super().__init__(window)
        self._send, self._source = send, source
        self._window, self._worker, self._framer, self._play_from = window, worker, framer, play_from
        self._history = ExampleHistory()
        self._showing: _Showing | None = None
        self._training: Training | None = None
        self._waiting_for_texts: Callable[[RowTexts], None] | None = None
        self._taught: TaughtClasses | None = None
        self._events_folder: Path | None = None
        self._windows_written = 0
        self._news = TeachingNews(self)
        self._connect()

    def _connect(self) -> None:
        news, panel, classes = self._news, self._window.teaching, self._window.classes
        news.window.connect(self._window_arrived)
        news.texts.connect(self._texts_arrived)
        news.progress.connect(self._progressed)
        news.result.connect(self._training_ended)
        news.told.connect(self._tell)
        news.loaded.connect(self._loaded)
        classes.view.teach_pressed.connect(self.teach)
        classes.view.teach_released.connect(self._released)
        classes.rows_changed.connect(lambda _: self._show())
        timeline = self._window.transport.timeline
        timeline.span_marked.connect(self._span_marked)
        panel.train_clicked.connect(self.train)
        panel.cancel_clicked.connect(self._cancel)
        panel.undo_clicked.connect(self.undo)
        panel.clear_clicked.connect(self.clear)
        panel.removed.connect(lambda number: self._change(self.examples.without([number])))
        panel.compared.connect(self._compare)
        panel.save_clicked.connect(self._choose_save)
        panel.load_clicked.connect(self._choose_load)
        panel.export_clicked.connect(self._choose_export)

    @property
    def examples(self) -> Examples:
        """What was shown."""
        return self._history.now

    @property
    def taught(self) -> TaughtClasses | None:
        """What was trained or loaded last."""
        return self._taught

    def close(self) -> None:
        """End a training, and forget the events of examples that were not exported."""
        self._worker.watch_windows(None)
        if self._training is not None:
            self._training.cancel()
            self._training.join(5.0)
        if self._events_folder is not None:
            shutil.rmtree(self._events_folder, ignore_errors=True)

    # --- showing ---

    def teach(self, row: int, span_us: tuple[int, int] | None = None) -> None:
        """Capture windows as examples of this row's class; a second time ends it."""
        going_on = self._showing
        if going_on is not None:
            self._finish()
            if going_on.row == row:
                return
        self._showing = _Showing(row, WindowCapture(SHOTS, span_us), time.monotonic())
        self._window.classes.view.show_taught(row)
        self._window.classes.teach_button.setChecked(True)
        self._show_count()
        self._worker.watch_windows(self._news.window.emit)
        self._send(KeepEvents(True))

    def keeping(self, first_index: int) -> None:
        """From this event frame on the capture process keeps events: whole windows of it are taken."""
        if self._showing is not None:
            self._showing.first_index = first_index

    def source_opened(self) -> None:
        """Ask again for what may have been asked of the process before."""
        if self._showing is not None:
            self._send(KeepEvents(True))

    def stream_ended(self) -> None:
        """Keep what a span that reaches to the recording's end has given."""
        if self._showing is not None:
            self._finish()

    def _released(self) -> None:
        showing = self._showing
        if showing is not None and time.monotonic() - showing.began > HELD_S:
            self._finish()

    def _window_arrived(self, shown: ShownWindow) -> None:
        showing = self._showing
        if showing is None or showing.first_index is None or shown.first_index < showing.first_index:
            return  # before the beginning, or given before the end was known there
        showing.capture.add(shown)
        self._show_count()
        if showing.capture.done:
            self._finish()

    def _show_count(self) -> None:
        showing = self._showing
        if showing is not None:
            colour = self._window.classes.colour_number(showing.row)
            label = self._labels().get(showing.row, "")
            self._window.teach_cover.show_teaching(label, colour, showing.capture.count, showing.capture.wanted)

    def _finish(self) -> None:
        showing, self._showing = self._showing, None
        if showing is None:
            return
        self._worker.watch_windows(None)
        self._window.classes.view.show_taught(None)
        self._window.teach_cover.hide()
        self._window.transport.timeline.clear_mark()
        chosen = showing.capture.chosen()
        files = self._write_windows(chosen)
        if not chosen:
            self._window.teaching.say("Nothing moved, so nothing was kept: move the object or the camera.")
            return
        self._change(self.examples.with_more(map(self._example, [showing.row] * len(chosen), chosen, files)))
        refused = showing.capture.refused
        self._window.teaching.say(f"{len(chosen)} examples kept; {refused} empty windows refused." if refused else "")

    def _write_windows(self, chosen: tuple[ShownWindow, ...]) -> list[Path]:
        """Have the events of these windows written; gives the files, which are there a moment later."""
        if self._events_folder is None:
            self._events_folder = Path(tempfile.mkdtemp(prefix="neuroclip-live-"))
        first, self._windows_written = self._windows_written, self._windows_written + len(chosen)
        files = [self._events_folder / f"{first + number}{EVENTS_SUFFIX}" for number in range(len(chosen))]
        windows = tuple((file, shown.first_index) for file, shown in zip(files, chosen, strict=True))
        if chosen:
            self._send(WriteWindows(windows, len(chosen[0].features)))
        self._send(KeepEvents(False))
        return files

    def _example(self, row: int, shown: ShownWindow, events_file: Path) -> Example:
        return Example(
            id=0,
            row=row,
            features=shown.features,
            start_us=shown.start_us,
            end_us=shown.end_us,
            events=shown.events,
            thumbnail=thumbnail(shown.frame),
            setting=self._with_framer(shown.setting),
            source=self._source(),
            events_file=events_file,
        )

    def _with_framer(self, setting: FeatureSetting) -> FeatureSetting:
        framer = self._framer()
        by_events = framer.timestep_events
        return replace(
            setting,
            timestep_us=framer.timestep_us if by_events is None else None,
            timestep_events=by_events,
            threshold=framer.threshold,
        )

    def _span_marked(self, start_us: int, end_us: int) -> None:
        """Ask which class is shown in the span."""
        timeline = self._window.transport.timeline
        menu = Menu(self._window.theme, timeline)
        menu.add_header("Examples of")
        for row, label in self._labels().items():
            menu.add(label, lambda row=row: self._teach_span(row, (start_us, end_us)), icon="hand-pointing")  # type: ignore[misc]
        menu.aboutToHide.connect(menu.deleteLater)
        where = QCursor.pos() if timeline.underMouse() else timeline.mapToGlobal(timeline.rect().center())
        menu.popup(where)

    def _teach_span(self, row: int, span_us: tuple[int, int]) -> None:
        self.teach(row, span_us)
        self._play_from(span_us[0])

    # --- the set ---

    def _change(self, after: Examples, lost: TaughtClasses | None = None) -> None:
        self._history = self._history.then(after, lost)
        self._show()

    def undo(self) -> None:
        """Take the last step back; what Clear has forgotten is known again."""
        lost, self._history = self._history.lost, self._history.undone()
        self._show()
        if lost is not None:
            self._use(lost)

    def clear(self) -> None:
        """Forget all examples and what was taught, which can be undone."""
        self._change(Examples(), self._taught)
        self._taught = None
        self._worker.set_taught(None)
        self._window.teaching.set_taught(False)
        self._window.teaching.say("")

    def _labels(self) -> dict[int, str]:
        return {number: PromptRow(number, text).label for number, text in self._window.classes.rows()}

    def _show(self) -> None:
        labels, classes = self._labels(), self._window.classes
        tiles = [
            Tile(each.id, labels[row], classes.colour_number(row), each.thumbnail)
            for row in labels
            for each in self.examples.of(row)
        ]
        self._window.teaching.set_examples(tiles, can_undo=bool(self._history.before))
        classes.set_examples(self.examples.counts())

    # --- training ---

    def train(self) -> None:
        """Learn from the examples, in the background."""
        if self._training is None:
            self._ask_texts(self._begin_training)

    def _ask_texts(self, then: Callable[[RowTexts], None]) -> None:
        self._waiting_for_texts = then
        self._worker.ask_row_texts(self._news.texts.emit)

    def _texts_arrived(self, texts: RowTexts | None) -> None:
        then, self._waiting_for_texts = self._waiting_for_texts, None
        if texts is None:
            self._tell("There is no model or no class yet: wait for the model, or type a class.")
        elif then is not None:
            then(texts)

    def _begin_training(self, texts: RowTexts) -> None:
        self._window.teaching.set_training(True)
        self._window.teaching.say("Training; the stream goes on.")
        self._training = Training(
            self.examples,
            texts,
            self._with_framer(texts.setting),
            on_progress=self._news.progress.emit,
            on_result=self._news.result.emit,
            method=self._window.teaching.method or None,
        )
        self._training.start()

    def _cancel(self) -> None:
        if self._training is not None:
            self._training.cancel()

    def _progressed(self, progress: TrainingProgress) -> None:
        self._window.teaching.set_progress(progress.done / progress.total, progress.loss)

    def _training_ended(self, result: TrainingResult) -> None:
        self._training = None
        self._window.teaching.set_training(False)
        if result.taught is not None:
            self._use(result.taught)
        elif result.message is not None:
            self._tell(result.message)
        else:
            self._window.teaching.say("Cancelled; what was taught before goes on.")

    def _use(self, taught: TaughtClasses) -> None:
        self._taught = taught
        self._worker.set_taught(taught)
        self._window.classes.teach_button.setChecked(True)
        self._window.teaching.set_taught(True)
        figures = taught.classifier.figures
        right = "" if figures.accuracy is None else f": {figures.accuracy * 100:.0f}% of the examples right"
        name = dict(METHODS).get(taught.classifier.name, taught.classifier.name)
        self._window.teaching.say(f"{name}{right}.")

    def _compare(self, by_taught: bool) -> None:
        self._worker.set_taught(self._taught if by_taught else None)

    # --- files ---

    def _choose_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self._window, "Save what was taught", str(recordings_folder() / "taught.safetensors"), _FILES
        )
        if path:
            self.save(Path(path))

    def save(self, path: Path) -> None:
        """Write what was taught to a file, in the background."""
        taught = self._taught
        if taught is not None:
            path = path if path.suffix else path.with_suffix(".safetensors")
            threading.Thread(target=self._save, args=(path, taught), name="save taught", daemon=True).start()

    def _save(self, path: Path, taught: TaughtClasses) -> None:
        from pipeline.few_shot.saving import save_taught

        try:
            save_taught(path, taught)
        except FewShotError as error:
            self._news.told.emit(str(error))
        else:
            self._news.told.emit(f"Saved: {path.name}")

    def _choose_export(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self._window, "Export the examples to a new folder", str(recordings_folder() / EXPORTED)
        )
        if path:
            self.export(Path(path))

    def export(self, folder: Path) -> None:
        """Write the examples as a small data set, in the background."""
        examples = self.examples.all

        def write(texts: RowTexts) -> None:
            arguments = (folder, examples, texts, self._with_framer(texts.setting))
            threading.Thread(target=self._export, args=arguments, name="export examples", daemon=True).start()

        self._ask_texts(write)

    def _export(self, folder: Path, examples: tuple[Example, ...], texts: RowTexts, setting: FeatureSetting) -> None:
        try:
            exported = export_examples(folder, examples, texts, setting)
        except FewShotError as error:
            self._news.told.emit(str(error))
            return
        left_out = f"; {exported.left_out} had no events any more" if exported.left_out else ""
        self._news.told.emit(f"Exported: {exported.written} examples to {folder.name}{left_out}")

    def _choose_load(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self._window, "Load taught classes", str(recordings_folder()), f"{_FILES};;All files (*)"
        )
        if path:
            self.load(Path(path))

    def load(self, path: Path) -> None:
        """Judge by the classes in a file; they become the rows. What does not fit the running model is said."""

        def read(texts: RowTexts) -> None:
            running = self._with_framer(texts.setting)
            threading.Thread(target=self._load, args=(path, running), name="load taught", daemon=True).start()

        self._ask_texts(read)

    def _load(self, path: Path, running: FeatureSetting) -> None:
        from pipeline.few_shot.saving import load_taught

        try:
            taught = load_taught(path, running)
        except FewShotError as error:
            self._news.told.emit(str(error))
        else:
            self._news.loaded.emit(taught)

    def _loaded(self, taught: TaughtClasses) -> None:
        """Judge by a file's classes; those without a row get one."""
        classes = self._window.classes
        new = unknown_rows(taught, list(self._labels().values()))
        if new:
            classes.set_rows([*(text for _, text in classes.rows()), *new], undoable=True)
        self._use(taught)

    def _tell(self, text: str) -> None:
        if text.startswith(_GOOD_NEWS):
            self._window.teaching.say(text)
        else:
            self._window.banner.show_message("error", *split_message(text), None)


def unknown_rows(taught: TaughtClasses, labels: list[str]) -> list[str]:
    """Name the taught classes that have no row."""
    there = {label.casefold() for label in labels}
    return [label for label in class_labels(taught.classes) if label.casefold() not in there]
