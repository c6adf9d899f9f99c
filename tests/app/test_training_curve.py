"""The curve of a training, and how far it is."""

import pytest
from PyQt6.QtWidgets import QWidget

from app.panels.training_curve import TrainingCurve


@pytest.fixture
def curve(window: QWidget) -> TrainingCurve:
    return TrainingCurve(window)


def test_it_says_how_far_it_is_and_that_it_is_done(curve: TrainingCurve) -> None:
    curve.add(0.5, 1.25)
    assert curve.accessibleName() == "Training, 50 percent, loss 1.25"
    curve.end()
    assert curve.accessibleName() == "Trained, loss 1.25"


def test_a_new_training_begins_a_new_curve(curve: TrainingCurve) -> None:
    curve.add(0.5, 1.25)
    curve.begin()
    assert curve.losses == ()
