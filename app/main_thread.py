"""The one way from other threads into the Qt thread: signals that Qt queues."""

from __future__ import annotations

from PyQt6.QtCore import QObject, pyqtSignal


class MainThread(QObject):
    """What the capture supervisor and the inference thread say, delivered in the Qt thread.

    Emitting is safe from any thread; slots connected by methods of objects that live in the Qt thread run there.
    """

    status = pyqtSignal(object)
    """pipeline.capture.messages.Status"""
    prediction = pyqtSignal(object)
    """pipeline.prediction.Prediction"""
    model_state = pyqtSignal(object)
    """pipeline.prediction.ModelState"""
    notice = pyqtSignal(str)
    """One sentence from the inference thread."""
    prompt_notices = pyqtSignal(object)
    """What is to be said of rows, by their ids: a mapping of int to str."""
    models = pyqtSignal(list)
    """(label, detail, key) of each model that can be had."""
    cameras = pyqtSignal(list)
    """(label, detail, serial) of each camera that was found."""
    webcams = pyqtSignal(list)
    """(number, name, device) of each webcam that was found."""


class TeachingNews(QObject):
    """What the inference thread and a training say of teaching, delivered in the Qt thread."""

    window = pyqtSignal(object)
    """pipeline.few_shot.shown.ShownWindow"""
    texts = pyqtSignal(object)
    """pipeline.few_shot.shown.RowTexts, or None"""
    progress = pyqtSignal(object)
    """pipeline.few_shot.classifier.TrainingProgress"""
    result = pyqtSignal(object)
    """pipeline.few_shot.training.TrainingResult"""
    told = pyqtSignal(str)
    """One sentence: of a file that was saved, or cannot be."""
    loaded = pyqtSignal(object)
    """pipeline.few_shot.taught.TaughtClasses"""
