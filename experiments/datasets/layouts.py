"""What each data set is, where it comes from, and how it lies on disk: spikingjelly's layouts.

Below the root lie ``download`` (what was downloaded), ``extract`` (unpacked) and ``events_np`` (one .npz a sample);
each is made from the one before, and any of them is enough to begin with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from experiments.datasets import class_names


@dataclass(frozen=True)
class Layout:
    """One data set.

    Attributes
    ----------
    name, title : str
        For command lines, and for people.
    page : str
        The official page.
    module, cls : str
        spikingjelly's class for it.
    resolution : (width, height), px
    extracted : tuple of str
        Folders and files that ``extract`` holds.
    folders : tuple of str
        The classes' folders, in the order of the classes; empty: whichever there are, in alphabetical order.
    word : callable
        From a class's folder to the word for it.
    samples : dict
        How many there are, by part.
    has_parts : bool
        Train and test lie apart; otherwise the first nine tenths of each class, by name, are for training, as the
        reference does it with CIFAR10-DVS.
    template : str
        The default template: a preset's name, or a text.
    threshold : int
        θ.
    events_have_ties : bool
        Timestamps are so coarse that the order of events is not given by them.
    """

    name: str
    title: str
    page: str
    module: str
    cls: str
    resolution: tuple[int, int]
    extracted: tuple[str, ...]
    folders: tuple[str, ...]
    word: Callable[[str], str]
    samples: Mapping[str, int]
    has_parts: bool
    template: str
    threshold: int = 0
    events_have_ties: bool = False


def _numbered(count: int, prefix: str = "") -> tuple[str, ...]:
    return tuple(f"{prefix}{number}" for number in range(count))


CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        layout.name: layout
        for layout in (
            Layout(
                "n-mnist",
                "N-MNIST",
                "https://www.garrickorchard.com/datasets/n-mnist",
                "spikingjelly.datasets.n_mnist",
                "NMNIST",
                (34, 34),
                tuple(f"{part}/{digit}" for part in ("Train", "Test") for digit in range(10)),
                _numbered(10),
                class_names.digit,
                {"train": 60_000, "test": 10_000},
                True,
                "n-mnist",
            ),
            Layout(
                "cifar10-dvs",
                "CIFAR10-DVS",
                "https://figshare.com/articles/dataset/CIFAR10-DVS_New/4724671",
                "spikingjelly.datasets.cifar10_dvs",
                "CIFAR10DVS",
                (128, 128),
                CIFAR10,
                CIFAR10,
                class_names.plain,
                {"all": 10_000},
                False,
                "cifar10-dvs",
                threshold=1,
            ),
            Layout(
                "es-imagenet",
                "ES-ImageNet",
                "https://github.com/lyh983012/ES-imagenet-master",
                "spikingjelly.datasets.es_imagenet",
                "ESImageNet",
                (256, 256),
                ("ES-imagenet-0.18/train", "ES-imagenet-0.18/val", "ES-imagenet-0.18/vallabel.txt"),
                _numbered(1000, "class"),
                class_names.imagenet_object,
                {"train": 1_257_035, "test": 49_881},
                True,
                "es-imagenet",
                events_have_ties=True,
            ),
            Layout(
                "n-caltech101",
                "N-Caltech101",
                "https://www.garrickorchard.com/datasets/n-caltech101",
                "spikingjelly.datasets.n_caltech101",
                "NCaltech101",
                (240, 180),
                ("Caltech101",),
                (),
                class_names.caltech_object,
                {},
                False,
                "es-imagenet",
            ),
            Layout(
                "dvs128-gesture",
                "DVS128 Gesture",
                "https://research.ibm.com/interactive/dvsgesture/",
                "spikingjelly.datasets.dvs128_gesture",
                "DVS128Gesture",
                (128, 128),
                ("DvsGesture/trials_to_train.txt", "DvsGesture/trials_to_test.txt"),
                _numbered(11),
                class_names.gesture,
                {"train": 1_176, "test": 288},
                True,
                "A grey image of a person: {}.",
            ),
        )
    }
)
"""By name."""
