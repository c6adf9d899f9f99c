"""The words for the classes of the data sets, by the names of their folders."""

from __future__ import annotations

from collections.abc import Callable

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
"""As NeuroCLIP's code names them (arXiv 2306.12073)."""

GESTURES = (
    "hand clapping",
    "right hand wave",
    "left hand wave",
    "right arm clockwise",
    "right arm counter clockwise",
    "left arm clockwise",
    "left arm counter clockwise",
    "arm roll",
    "air drums",
    "air guitar",
    "other gestures",
)
"""gesture_mapping.csv of DVS128 Gesture, whose folders spikingjelly counts from 0."""

_CALTECH = {"BACKGROUND_Google": "background", "Faces_easy": "face", "Faces": "faces"}


def digit(folder: str) -> str:
    """N-MNIST: ``0`` to ``9``."""
    return DIGITS[int(folder)]


def gesture(folder: str) -> str:
    """DVS128 Gesture: ``0`` to ``10``."""
    return GESTURES[int(folder)]


def plain(folder: str) -> str:
    """CIFAR10-DVS and the user's own: the folder's name is the word; underscores are blanks."""
    return folder.replace("_", " ")


def caltech_object(folder: str) -> str:
    """N-Caltech101: the folder's name, with a word for those that are none."""
    return _CALTECH.get(folder, plain(folder))


def imagenet_object(folder: str) -> str:
    """ES-ImageNet: ``class0`` to ``class999``, in ImageNet's order; CLIP's words for them."""
    from open_clip import IMAGENET_CLASSNAMES

    return str(IMAGENET_CLASSNAMES[int(folder.removeprefix("class"))])


NameOfFolder = Callable[[str], str]
