"""How well the bundled model names what it has never seen: the table of its model card.

Every picture here is held out from training (hands, fonts, writers, or whole concepts), and every window comes from
the application's own simulator and framer, not from the generator that made the training frames: 300 ms of events, ten
event frames of 30 ms, encoded by `pipeline.load_model` as the application does it, named by the mean cosine.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import rotate

from experiments.pretrain_mini.hands import OUTLINED
from experiments.pretrain_mini.twins import plural
from pipeline.nearest_concepts import towards_concepts
from pipeline.something_else import ElseSettings, likeness, with_something_else

if TYPE_CHECKING:
    from pipeline.clip import ClipModel

TIMESTEPS, TIMESTEP_US = 10, 30_000
_START_US = 600_000
SIDES = {"gen1": (346, 260), "vga": (640, 480), "hd": (1280, 720)}

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Showing:
    """How a window is made: sensor, motion, noise. What spins is upright in the middle of the window."""

    sensor: tuple[int, int] = (346, 260)
    scene: str = "waving"
    size: float = 0.68
    pace: float = 0.65
    dark_on_light: bool = False
    noise_hz: float = 0.05
    spin_hz: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Score:
    """A row of the table: how many of n were right, what share is hoped for, and the 95 % interval (Wilson)."""

    name: str
    right: int
    n: int
    bar: float | None

    @property
    def share(self) -> float:
        return self.right / max(self.n, 1)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval: Journal of the American Statistical Association 22 (1927)."""
        z, n, p = 1.96, max(self.n, 1), self.share
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return middle - half, middle + half

    def figures(self) -> dict[str, Any]:
        """Everything about it, for a JSON file or the model card."""
        low, high = self.interval
        return asdict(self) | {"share": self.share, "low": low, "high": high}


def window_frames(cover: Floats, light: Floats, showing: Showing) -> npt.NDArray[np.uint8]:
    """Show a drawing for 300 ms and give its event frames, uint8 (10, H, W).

    Parameters
    ----------
    cover, light : float32 (n, n)
        Coverage, and the light thrown back by it, both 0 to 1; no coverage at all is an empty scene.
    showing : Showing
    """
    from pipeline.event_framing import event_frames
    from pipeline.events import Resolution
    from pipeline.simulation.drawing import Texture
    from pipeline.simulation.pixel_model import DAYLIGHT, PixelModel
    from pipeline.simulation.saccades import SaccadeScene, SaccadeStyle
    from pipeline.simulation.simulation import Simulation
    from pipeline.simulation.things import Thing
    from pipeline.simulation.waving import CrowdedScene, WavingScene, WavingStyle

    resolution = Resolution(*showing.sensor)
    thing = Thing("shown", Texture(cover, light))
    if showing.scene == "two":
        style = WavingStyle(size=showing.size, background=0.25, dark_on_light=showing.dark_on_light)
        scene: Any = CrowdedScene(resolution, [thing, thing], showing.seed, style)
        start = _START_US
    elif showing.scene == "saccades":
        saccades = SaccadeStyle(size=showing.size, background=0.25, dark_on_light=showing.dark_on_light)
        scene = SaccadeScene(resolution, [thing], showing.seed, saccades)
        start = saccades.fade_us
    else:
        style = WavingStyle(
            size=showing.size,
            pace=showing.pace,
            background=0.25,
            dark_on_light=showing.dark_on_light,
            spin_hz=showing.spin_hz,
        )
        scene, start = WavingScene(resolution, [thing], showing.seed, style), _START_US
    settings = replace(DAYLIGHT, noise_hz=showing.noise_hz)
    simulation = Simulation(scene, PixelModel(resolution, settings, showing.seed))
    simulation.skip_to(start)
    end = start + TIMESTEPS * TIMESTEP_US
    events = simulation.up_to(end + 20_000)
    edges = np.searchsorted(events["timestamp"], start + TIMESTEP_US * np.arange(TIMESTEPS + 1))
    frames = np.full((TIMESTEPS, resolution.height, resolution.width), 127, np.uint8)
    for timestep, (first, last) in enumerate(pairwise(edges.tolist())):
        if last > first:
            frames[timestep] = event_frames(events[first:last], resolution, timesteps=1)[0]
    return frames


@dataclass(frozen=True)
class Task:
    """One window to make and read: a picture (or none), and what it shows."""

    row: str
    picture: int
    concept: int
    showing: Showing


class Setting:
    """What every process needs: the models, the pictures, the concepts."""

    def __init__(self, models: Sequence[Path], pictures: Path) -> None:
        import torch

        from experiments.pretrain_mini.concepts import read_concepts, unseen_prompts
        from experiments.pretrain_mini.pictures import load
        from pipeline import load_model

        torch.set_num_threads(1)
        self.models = [load_model(str(model), device="cpu", precision="fp32") for model in models]
        self.pictures = load(pictures)
        self.concepts = read_concepts()
        self.prompts = unseen_prompts(self.concepts)
        drew = {(concept, hand) for concept, hand, hidden in zip(
            self.pictures.concept.tolist(), self.pictures.hand, self.pictures.held_out.tolist(), strict=True
        ) if not hidden}  # fmt: skip
        self.hands_of = np.bincount([concept for concept, _ in drew], minlength=len(self.concepts))

    def features(self, task: Task) -> list[Floats]:
        """Give the mean of the window's unit features for each model, float32 (C,)."""
        cover, light = self.drawing(task.picture)
        if task.showing.spin_hz:
            turned = 360 * task.showing.spin_hz * (_START_US + TIMESTEPS * TIMESTEP_US / 2) / 1e6
            cover, light = (rotate(plane, turned, reshape=False, order=1) for plane in (cover, light))
        frames = window_frames(cover, light, task.showing)
        return [_unit(np.asarray(model.encode_frames(frames), np.float32)).mean(0) for model in self.models]

    def drawing(self, picture: int) -> tuple[Floats, Floats]:
        """Give coverage and light of a picture; icons of one colour are white."""
        if picture < 0:
            return np.zeros((128, 128), np.float32), np.zeros((128, 128), np.float32)
        planes = np.asarray(self.pictures.pyramid.large[picture], np.float32) / 255
        shade = 0.05 + 0.95 * planes[1] if self.pictures.tinted[picture] else np.full_like(planes[0], 0.92)
        return planes[0], planes[0] * shade


class Bench:
    """Draws the tasks of all rows, at random with a fixed seed."""

    def __init__(self, setting: Setting, share: float) -> None:
        self.setting, self.share = setting, share
        pictures, concepts = setting.pictures, setting.concepts
        self.hidden = np.array([concept.held_out for concept in concepts])
        self.hands = np.array(pictures.hand)
        self.rng = np.random.default_rng(2306_12073)

    def pick(self, wanted: npt.NDArray[np.bool_], count: int) -> npt.NDArray[np.int64]:
        """Give held-out pictures, each concept as often as another."""
        places = np.flatnonzero(wanted)
        concepts = self.setting.pictures.concept[places]
        _, inverse, counts = np.unique(concepts, return_inverse=True, return_counts=True)
        chances = 1.0 / counts[inverse]
        count = max(12, round(count * self.share))
        return self.rng.choice(places, min(count, len(places)), replace=False, p=chances / chances.sum())

    def tasks(self) -> list[Task]:
        """Give every window that the table needs."""
        pictures = self.setting.pictures
        known = ~self.hidden[pictures.concept]
        from experiments.pretrain_mini.hands import HELD_OUT_EMOJI, HELD_OUT_ICONS, HELD_OUT_PAIRS

        icons = np.isin(self.hands, sorted(HELD_OUT_ICONS)) & known
        emoji = np.isin(self.hands, sorted(HELD_OUT_EMOJI)) & known
        fonts = np.char.startswith(self.hands, "font ") & pictures.held_out
        writers = (self.hands == "handwriting") & pictures.held_out
        pairs = np.isin(self.hands, sorted(HELD_OUT_PAIRS)) & known & (pictures.look > 0)
        unseen = self.hidden[pictures.concept]
        rows: list[Task] = []
        rows += self._row("icons", self.pick(icons, 600), self._usual)
        rows += self._row("elsewhere", self.pick(icons, 300), self._elsewhere)
        rows += self._row("beyond", self.pick(icons, 300), self._beyond)
        rows += self._row("emoji", self.pick(emoji, 500), self._usual)
        rows += self._row("glyphs", self.pick(fonts, 360), self._usual)
        rows += self._row("digits", self.pick(writers, 300), self._saccades)
        rows += self._row("unseen", self.pick(unseen, 300), self._usual)
        prompted = icons & np.isin(pictures.concept, list(self.setting.prompts))
        rows += self._row("prompted", self.pick(prompted, 400), self._usual)
        rows += self._row("looks", self.pick(pairs, 240), self._usual)
        rows += self._row("big", self.pick(icons, 120), lambda: replace(self._usual(), size=0.95))
        rows += self._row("small", self.pick(icons, 120), lambda: replace(self._usual(), size=0.36))
        rows += self._row("two", self.pick(icons, 120), lambda: replace(self._usual(), scene="two", size=0.5))
        rows += self._row("one", self.pick(icons, 120), lambda: replace(self._usual(), size=0.45))
        nothing = max(12, round(150 * self.share))
        rows += [Task("noise", -1, len(self.hidden) - 1, self._noise()) for _ in range(nothing)]
        return rows

    def _row(self, name: str, chosen: npt.NDArray[np.int64], showing: Callable[[], Showing]) -> list[Task]:
        concepts = self.setting.pictures.concept
        return [Task(name, int(picture), int(concepts[picture]), showing()) for picture in chosen]

    def _seed(self) -> int:
        return int(self.rng.integers(1 << 30))

    def _usual(self) -> Showing:
        return Showing(
            dark_on_light=bool(self.rng.random() < 0.5), seed=self._seed(), size=float(self.rng.uniform(0.55, 0.8))
        )

    def _elsewhere(self) -> Showing:
        spin = float(self.rng.choice([-0.25, 0.25]))
        return replace(self._usual(), sensor=SIDES["hd"], pace=1.5, noise_hz=1.0, spin_hz=spin)

    def _beyond(self) -> Showing:
        """More noise than the training's 0.12 a pixel and timestep, and a turn that its frames hardly ever make."""
        return replace(self._elsewhere(), pace=2.0, noise_hz=4.5, spin_hz=float(self.rng.choice([-0.5, 0.5])))

    def _saccades(self) -> Showing:
        return replace(self._usual(), scene="saccades", size=0.8)

    def _noise(self) -> Showing:
        sensor = list(SIDES.values())[int(self.rng.integers(2))]
        return Showing(
            sensor=sensor, noise_hz=float(np.exp(self.rng.uniform(np.log(0.05), np.log(3)))), seed=self._seed()
        )


class Judge:
    """Names windows by their features."""

    def __init__(self, setting: Setting, model: ClipModel, tasks: Sequence[Task], features: Floats) -> None:
        from experiments.pretrain_mini.wordings import with_article

        self.concepts = setting.concepts
        self.tasks, self.features = tasks, features
        self.model = model
        names = [with_article("a {}", concept.name) if concept.pictures else concept.name for concept in self.concepts]
        self.named = self.encode(names)
        self.scale = model.scale
        self.prompts = setting.prompts
        self.hidden = np.array([concept.held_out for concept in self.concepts])
        self.hands_of = setting.hands_of
        """How many hands drew each concept for the training, (C,)."""
        self.rng = np.random.default_rng(42)

    def encode(self, texts: list[str]) -> Floats:
        """Give text features, unit length, float32 (N, C)."""
        return _unit(np.asarray(self.model.encode_texts(texts), np.float32))

    def described(self, texts: list[str]) -> Floats:
        """Give features of texts that name no concept: moved towards the concepts, as the application does it."""
        return np.asarray(towards_concepts(self.encode(texts), self.named[~self.hidden]), np.float32)

    def of(self, row: str) -> tuple[Floats, npt.NDArray[np.int64]]:
        places = [place for place, task in enumerate(self.tasks) if task.row == row]
        return self.features[places], np.array([self.tasks[place].concept for place in places])

    def among(self, row: str, count: int, pool: npt.NDArray[np.int64], texts: Floats | None = None) -> tuple[int, int]:
        """Count right answers among `count` concepts of the pool, the true one always among them."""
        features, truth = self.of(row)
        texts = self.named if texts is None else texts
        right = 0
        for feature, concept in zip(features, truth.tolist(), strict=True):
            others = self.rng.choice(pool[pool != concept], min(count, len(pool)) - 1, replace=False)
            right += bool((texts[others] @ feature).max(initial=-1) < texts[concept] @ feature)
        return right, len(truth)

    def within(self, row: str, pool: npt.NDArray[np.int64]) -> tuple[int, int]:
        """Count right answers of the windows that show a concept of the pool, among the whole pool."""
        features, truth = self.of(row)
        inside = np.isin(truth, pool)
        answers = pool[(features[inside] @ self.named[pool].T).argmax(1)]
        return int((answers == truth[inside]).sum()), int(inside.sum())

    def one_of_two(
        self, row: str, right_text: Callable[[Task], str], wrong_text: Callable[[Task], str]
    ) -> tuple[int, int]:
        tasks = [task for task in self.tasks if task.row == row]
        features, _ = self.of(row)
        right = self.described([right_text(task) for task in tasks])
        wrong = self.described([wrong_text(task) for task in tasks])
        return int(((right * features).sum(1) > (wrong * features).sum(1)).sum()), len(tasks)

    def scores(self, looks: npt.NDArray[np.int64]) -> list[Score]:
        """Give the table's rows."""
        known = np.flatnonzero(~self.hidden & np.array([bool(c.pictures) for c in self.concepts]))
        unknown = np.flatnonzero(self.hidden)
        common = known[np.argsort(-self.hands_of[known], kind="stable")]
        numerals = np.array([i for i, c in enumerate(self.concepts) if c.name.startswith("digit ")])
        glyphs = np.array([i for i, c in enumerate(self.concepts) if c.name.startswith(("digit ", "letter "))])
        typed = self._typed()
        prompted = np.array(sorted(self.prompts))
        told = [self.prompts[concept] for concept in prompted.tolist()]
        prompts, as_told = np.zeros_like(self.named), np.zeros_like(self.named)
        prompts[prompted], as_told[prompted] = self.described(told), self.encode(told)
        table = [
            *(
                Score(f"line icons, among {n}", *self.among("icons", n, known), bar)
                for n, bar in ((300, 0.90), (600, 0.80), (1000, 0.73))
            ),
            *(
                Score(f"line icons, the {n} concepts that most hands draw", *self.within("icons", common[:n]), None)
                for n in (300, 600, 1000)
            ),
            Score(
                "line icons, 1280x720, half again as fast, spinning, 1 Hz of noise, among 300",
                *self.among("elsewhere", 300, known),
                0.75,
            ),
            Score(
                "line icons, faster, spinning and noisier than trained on, among 300",
                *self.among("beyond", 300, known),
                None,
            ),
            Score("emoji, among 600", *self.among("emoji", 600, known), 0.60),
            Score("line icons, ten concepts as typed", *self.among("icons", 10, known, typed), 0.97),
            Score("emoji, ten concepts as typed", *self.among("emoji", 10, known, typed), 0.90),
            Score("glyphs of unseen fonts, among 36", *self.among("glyphs", 36, glyphs), 0.96),
            Score("digits of unseen writers with saccades, among 10", *self.among("digits", 10, numerals), 0.95),
            Score("unseen prompts, among 334", *self.among("prompted", 334, prompted, prompts), 0.45),
            Score("unseen prompts, among 10", *self.among("prompted", 10, prompted, prompts), 0.78),
            Score(
                "the same, not moved towards known concepts, among 334",
                *self.among("prompted", 334, prompted, as_told),
                None,
            ),
            Score(
                "the same, not moved towards known concepts, among 10",
                *self.among("prompted", 10, prompted, as_told),
                None,
            ),
            Score("concepts never seen, among 334", *self.among("unseen", 334, unknown), None),
            Score("concepts never seen, among 10", *self.among("unseen", 10, unknown), None),
            self._noise(),
        ]
        looked = self.one_of_two(
            "looks", lambda task: self._look(task, looks), lambda task: self._look(task, 3 - looks)
        )
        table.append(Score("outlined against filled", *looked, 0.90))
        big = self.one_of_two("big", lambda task: f"big {self._name(task)}", lambda task: f"small {self._name(task)}")
        small = self.one_of_two(
            "small", lambda task: f"small {self._name(task)}", lambda task: f"big {self._name(task)}"
        )
        table.append(Score("big against small", big[0] + small[0], big[1] + small[1], 0.90))
        one = self.one_of_two("one", lambda task: f"one {self._name(task)}", lambda task: f"two {self._names(task)}")
        two = self.one_of_two("two", lambda task: f"two {self._names(task)}", lambda task: f"one {self._name(task)}")
        table.append(Score("one against two", one[0] + two[0], one[1] + two[1], 0.90))
        return table

    def something_else(self, row: str, settings: ElseSettings) -> tuple[Floats, Floats]:
        """Give the probability of "something else" for windows whose thing is among ten rows, and for the same without.

        As `pipeline.recogniser` does it: the bank is what the model knows, less what means the same as a row.
        """
        rng = np.random.default_rng(11)
        features, truth = self.of(row)
        typed = self._typed()
        known = np.flatnonzero(~self.hidden & np.array([bool(c.pictures) for c in self.concepts]))
        alike = likeness(self.named, self.named)
        probabilities = np.empty((2, len(truth)), np.float32)
        for place, (feature, concept) in enumerate(zip(features, truth.tolist(), strict=True)):
            others = rng.choice(known[known != concept], 10, replace=False)
            for case, rows in enumerate((np.array([concept, *others[1:]]), others)):
                bank = self.named[(alike[rows] < settings.same_meaning).all(0)]
                logits = self.scale * (typed[rows] @ feature), self.scale * (bank @ feature)
                probabilities[case, place] = with_something_else(*logits, settings)[-1]
        return probabilities[0], probabilities[1]

    def _name(self, task: Task) -> str:
        return self.concepts[task.concept].name

    def _names(self, task: Task) -> str:
        return plural(self._name(task))

    def _look(self, task: Task, looks: npt.NDArray[np.int64]) -> str:
        return f"{'outlined' if looks[task.picture] == OUTLINED else 'filled'} {self._name(task)}"

    def _typed(self) -> Floats:
        from experiments.pretrain_mini.wordings import with_article

        rng = np.random.default_rng(7)
        texts = []
        for concept in self.concepts:
            word = concept.words[int(rng.integers(len(concept.words)))] if rng.random() < 0.4 else concept.name
            texts.append(with_article("a {}", word) if rng.random() < 0.6 else word)
        return self.encode(texts)

    def _noise(self) -> Score:
        noise = self.encode(["nothing but noise"])[0]
        right = total = 0
        features, _ = self.of("noise")
        objects, truth = self.of("icons")
        for feature in features:
            other = int(self.rng.choice(truth))
            right += bool(noise @ feature > self.named[other] @ feature)
        for feature, concept in zip(objects, truth.tolist(), strict=True):
            right += bool(noise @ feature < self.named[concept] @ feature)
        total = len(features) + len(objects)
        return Score('"nothing but noise" against an object', right, total, 0.98)


def area_under_curve(typed: Floats, untyped: Floats) -> float:
    """Give the area under the ROC curve: how often the untyped has the higher value, halves for equal ones."""
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([typed, untyped]))[len(typed) :]
    return float((ranks.sum() - len(untyped) * (len(untyped) + 1) / 2) / (len(typed) * len(untyped)))


def _unit(features: Floats) -> Floats:
    return np.asarray(features / np.linalg.norm(features, axis=1, keepdims=True), np.float32)


_setting: Setting | None = None


def _prepare(models: Sequence[Path], pictures: Path) -> None:
    global _setting
    _setting = Setting(models, pictures)


def _features(task: Task) -> list[Floats]:
    assert _setting is not None
    return _setting.features(task)


def evaluate(
    models: Sequence[Path], pictures: Path, *, share: float = 1.0, processes: int = 2
) -> list[tuple[list[Score], Judge]]:
    """Make every window, let each model read it, and give the table's rows for each."""
    from rich.progress import track

    setting = Setting(models, pictures)
    tasks = Bench(setting, share).tasks()
    with multiprocessing.get_context("spawn").Pool(processes, _prepare, (models, pictures)) as pool:
        read = list(track(pool.imap(_features, tasks, chunksize=8), "windows", len(tasks)))
    judges = [
        Judge(setting, model, tasks, np.stack(own))
        for model, own in zip(setting.models, zip(*read, strict=True), strict=True)
    ]
    return [(judge.scores(setting.pictures.look), judge) for judge in judges]


def main() -> None:
    """Run the evaluation and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, nargs="+", default=[Path("models/neuroclip-mini")], help="folders")
    parser.add_argument("--pictures", type=Path, required=True, help="the folder of pictures that the training made")
    parser.add_argument("--share", type=float, default=1.0, help="of the windows; less is quicker")
    parser.add_argument("--output", type=Path, help="a JSON file for the figures (of the last model)")
    options = parser.parse_args()
    done = evaluate(options.model, options.pictures, share=options.share, processes=os.cpu_count() or 1)
    for folder, (scores, judge) in zip(options.model, done, strict=True):
        print(f"\n{folder}")
        figures = _printed(scores, judge)
    if options.output is not None:
        options.output.write_text(json.dumps(figures, indent=1) + "\n")


def _printed(scores: Sequence[Score], judge: Judge) -> dict[str, Any]:
    """Print a model's table; give its figures."""
    for score in scores:
        low, high = score.interval
        bar = f", bar {score.bar:.0%}" if score.bar is not None else ""
        print(f"{score.name:58} {score.share:6.1%}  ({low:.1%} to {high:.1%}, n {score.n}{bar})")
    settings = judge.model.bank.settings
    areas = {row: area_under_curve(*judge.something_else(row, settings)) for row in ("icons", "emoji")}
    for row, area in areas.items():
        print(f"something else, {row}: area under the ROC curve {area:.3f} (bar 0.9)")
    return {"rows": [score.figures() for score in scores], "something else": areas}


if __name__ == "__main__":
    main()
