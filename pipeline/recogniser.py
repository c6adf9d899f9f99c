"""From event frames to predictions: features are kept, so that each frame is encoded once.

Windows that slide by one timestep share all frames but one, and the encoder is frozen: encoding only the new frame
gives the same numbers as encoding the window afresh. Where a live stream is faster than the encoder, windows are
sampled: timesteps that are not encoded take the feature of the nearest one that is.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from pipeline.bank_features import BankFeatures
from pipeline.clip import ClipModel, checked_weights
from pipeline.encoder_pace import EncoderPace, nearest_known
from pipeline.few_shot.shots import unit
from pipeline.few_shot.shown import RowTexts, ShownWindow
from pipeline.few_shot.taught import FeatureSetting, TaughtClasses, places_of_rows
from pipeline.nearest_concepts import towards_concepts
from pipeline.prediction import SOMETHING_ELSE, SOMETHING_ELSE_ID, EventFrame, Floats, Prediction
from pipeline.preprocessing import known_normalisation, known_view
from pipeline.prompts import ActiveRow, PromptList, Template
from pipeline.something_else import Numbers, likeness, with_something_else

GROUP = 8
"""Frames of a recording encoded together; groups lie at multiples of it, whatever portions the frames come in."""
TEXTS_KEPT = 8192
"""Features of texts that were used before and may be used again."""
FEWEST_EVENTS, PIXELS_PER_EVENT = 20, 1000
UNKNOWN = "The small model may not know this."
Scale: TypeAlias = Literal["window", "reference"]


@dataclass
class _Timestep:
    """A frame of the current run, and its feature once it was encoded."""

    frame: EventFrame
    feature: Floats | None = None
    unit: Floats | None = None
    """The feature, float32 (C,), scaled to length 1."""

    def set_feature(self, feature: Floats) -> None:
        self.feature = feature
        self.unit = unit(feature)


class Recogniser:
    """Judges windows of event frames against prompts. Belongs to one thread.

    Parameters
    ----------
    model : ClipModel
    timesteps : int
        T, frames a window.
    normalisation, view : str
        See `ClipModel.encode_frames`.
    temperature : float
        τ of the softmax.
    scale : "window" or "reference"
        Probabilities are softmax(s · mean cosine / τ), or with the reference's √T beside s (DESIGN: its logits are
        those of the T concatenated unit vectors; arXiv 2306.12073).
    timestep_weights : T floats, optional
        Weights of the timesteps in the mean, oldest first.
    no_motion_events : int, optional
        A window with fewer events is "no motion". None: 20, or a thousandth of the pixels where that is more.
    something_else : bool
        Judge the row "something else" as well, once `prepare_bank` has encoded all its texts.
    pace : EncoderPace, optional
        Where it says that the encoder does not keep up, `push` and `repeat` encode the newest frame only. None: every
        frame of a window is encoded, however long that takes.
    """

    def __init__(
        self,
        model: ClipModel,
        *,
        timesteps: int = 10,
        normalisation: str = "clip",
        view: str = "crop",
        temperature: float = 1.0,
        scale: Scale = "window",
        timestep_weights: Sequence[float] | None = None,
        no_motion_events: int | None = None,
        something_else: bool = False,
        pace: EncoderPace | None = None,
    ) -> None:
        if timesteps < 1:
            raise ValueError(f"timesteps={timesteps}: a window has at least one.")
        if not (math.isfinite(temperature) and temperature > 0):
            raise ValueError(f"temperature={temperature}: it must be above 0.")
        if scale not in ("window", "reference"):
            raise ValueError(f"scale={scale!r}: choose window or reference.")
        self.model = model
        self._timesteps = timesteps
        self._normalisation, self._view = known_normalisation(normalisation), known_view(view)
        self._temperature, self._scale = temperature, scale
        self._weights = checked_weights(timestep_weights, timesteps) if timestep_weights is not None else None
        self._no_motion_events = no_motion_events
        self._texts = _TextFeatures(model)
        self._rows: tuple[ActiveRow, ...] = ()
        self._row_features: Floats | None = None
        self._judged: Floats | None = None
        """Unit vectors of the rows, moved towards what a small model knows once its bank is encoded, (N, C)."""
        self._template: Template | None = None
        self._something_else = something_else
        self._bank = BankFeatures(model)
        self._others: Floats | None = None
        """Unit vectors of the bank's texts that mean none of the rows, (M, C); None: something else is not judged."""
        self._notices: dict[int, str] = {}
        self._taught: TaughtClasses | None = None
        self._taught_places: tuple[int | None, ...] = ()
        """The taught class of each row."""
        self._pace = pace
        self._kept: deque[_Timestep] = deque(maxlen=timesteps)
        self._waiting: list[EventFrame] = []
        self._run_start = 0
        self._last: EventFrame | None = None
        self._skipped = 0
        self._predicted = False
        self._judged_partial: bool | None = None
        """Whether the window judged last was shorter than T; None: frames have come since."""

    # --- what is asked ---

    @property
    def timesteps(self) -> int:
        return self._timesteps

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the rows that are judged, in the order of the arrays in a prediction."""
        labels = tuple(row.label for row in self._rows)
        return labels if self._others is None else (*labels, SOMETHING_ELSE)

    @property
    def notices(self) -> dict[int, str]:
        """What is to be said of rows, by their ids: too long; not known to a model with a small world of its own."""
        return dict(self._notices)

    @property
    def frames(self) -> list[EventFrame]:
        """The newest frames of the current run, at most T: what another recogniser needs to go on."""
        return [timestep.frame for timestep in self._kept]

    def set_prompts(self, prompts: PromptList) -> dict[int, str]:
        """Judge these rows from now on; only texts that are new are encoded.

        Returns
        -------
        dict
            For rows whose text is longer than the encoder can see: a sentence, by the row's id.
        """
        self.prepare(prompts)
        self._rows, self._template = prompts.active, prompts.template
        self._row_features = self._texts.of_rows(self._rows)
        self._find_taught_rows()
        self._compare_with_bank()
        return self.notices

    def set_taught(self, taught: TaughtClasses | None) -> None:
        """Judge by what was taught, from the next judgement on; None: by the texts alone.

        Beside rows that were not taught, and beside "something else", what was taught decides in so far as a window
        looks like the examples (`pipeline.few_shot.familiarity`). Windows whose features are of another kind than the
        examples (another model, T, view or normalisation) are judged by the texts alone.
        """
        self._taught = taught
        self._find_taught_rows()

    def _find_taught_rows(self) -> None:
        self._taught_places = () if self._taught is None else places_of_rows(self._taught.classes, self._rows)

    def set_something_else(self, wanted: bool) -> None:
        """Judge the row "something else" from now on, or leave it out."""
        if wanted != self._something_else:
            self._something_else = wanted
            self._compare_with_bank()

    def prepare_bank(self, at_most: int | None = None) -> int:
        """Encode other texts that "something else" and `notices` need, but no more than `at_most`.

        Returns
        -------
        int
            How many are left. With 0 they count from the next judgement on.
        """
        if self._template is None or not self.bank_waits:
            return 0
        left = self._bank.encode(self._template, at_most)
        if not left:
            self._compare_with_bank()
        return left

    @property
    def bank_waits(self) -> bool:
        """Whether `prepare_bank` has something to do."""
        if self._template is None or not self._rows or self._bank.of(self._template) is not None:
            return False
        bank = self.model.bank
        strange = bank.is_world and any(not bank.named_by(_texts_of(row)) for row in self._rows)
        return self._something_else or strange

    def _compare_with_bank(self) -> None:
        """Find out which texts of the bank are none of the rows, and what rows mean that the model was not taught."""
        seen = self.model.context_length
        too_long = f"Too long: the model sees only the first {seen} tokens of this text."
        self._notices = {
            row.id: too_long for row in self._rows if any(self._texts.is_cut(text) for text in row.prompts)
        }
        self._others = None
        self._judged = None if self._row_features is None else unit(self._row_features)
        bank, concepts = self.model.bank, self._bank.of(self._template) if self._template is not None else None
        if concepts is None or self._row_features is None:
            return
        rows = unit(self._row_features)
        alike = likeness(rows, concepts)
        named = [bank.named_by(_texts_of(row)) for row in self._rows]
        if bank.is_world:
            taught = np.array([bool(places) for places in named])[:, None]
            self._judged = unit(np.where(taught, rows, towards_concepts(rows, concepts)).astype(np.float32))
            for row, best, places in zip(self._rows, alike.max(1), named, strict=True):
                if best < bank.settings.unknown_below and not places:
                    self._notices.setdefault(row.id, UNKNOWN)
        if self._something_else:
            other = alike.max(0) < bank.settings.same_meaning
            other[list(frozenset().union(*named))] = False
            self._others = unit(concepts)[other]

    def prepare(self, prompts: PromptList, at_most: int | None = None) -> int:
        """Encode texts of these rows that are new, but no more than `at_most`; gives how many are left."""
        return self._texts.encode_new(list(prompts.texts()), at_most)

    def set_timesteps(self, timesteps: int) -> None:
        """Make a window this many frames from now on; weights of timesteps are dropped."""
        if timesteps < 1:
            raise ValueError(f"timesteps={timesteps}: a window has at least one.")
        if timesteps != self._timesteps:
            self._timesteps, self._weights = timesteps, None
            self._kept = deque(self._kept, maxlen=timesteps)

    def set_view(self, view: str) -> None:
        """Fill the encoder's square another way; frames that are kept are encoded anew when they are needed."""
        if known_view(view) != self._view:
            self._view = view
            self._forget_features()

    def set_normalisation(self, normalisation: str) -> None:
        """Normalise another way; frames that are kept are encoded anew when they are needed."""
        if known_normalisation(normalisation) != self._normalisation:
            self._normalisation = normalisation
            self._forget_features()

    def _forget_features(self) -> None:
        for timestep in self._kept:
            timestep.feature = timestep.unit = None

    # --- what teaching needs ---

    @property
    def feature_setting(self) -> FeatureSetting:
        """What the features are, but for the framer's part."""
        return FeatureSetting.of(self.model, self._timesteps, normalisation=self._normalisation, view=self._view)

    def shown_window(self) -> ShownWindow | None:
        """Give the window judged last with the features that it was judged by; None where it is not complete.

        A window is complete with T timesteps. Those that are not encoded stand there with the nearest one's feature.
        """
        if len(self._kept) < self._timesteps or not self._encoded_count:
            return None
        frames = self.frames
        events = sum(frame.events for frame in frames)
        return ShownWindow(
            features=self._features(),
            frame=max(frames, key=lambda frame: frame.events).pixels,
            start_us=frames[0].start_us,
            end_us=frames[-1].end_us,
            events=events,
            segment=frames[0].segment,
            empty=events < self._fewest_events(frames[0]),
            setting=self.feature_setting,
            first_index=frames[0].index,
        )

    def row_texts(self) -> RowTexts | None:
        """Give the rows that are judged with their texts' features; None while there are none."""
        if self._row_features is None:
            return None
        return RowTexts(self._rows, self._row_features, float(self.model.scale), self.feature_setting)

    # --- live: the newest window ---

    def follow(self, frames: Sequence[EventFrame]) -> None:
        """Take frames without judging them; they count neither as predicted nor as skipped."""
        for frame in frames:
            self._follow(frame)

    def go_on_from(self, other: Recogniser) -> None:
        """Take over another recogniser's place in the stream: its frames, to be encoded anew, and its count."""
        self._kept = deque((_Timestep(frame) for frame in other.frames), maxlen=self._timesteps)
        self._run_start, self._last = other._run_start, other._last
        self._skipped, self._predicted = other._skipped, other._predicted
        if self._pace is not None:
            for frame in other.frames:
                self._pace.arrived(frame)

    def push(self, frames: Sequence[EventFrame]) -> Prediction | None:
        """Take the frames that are there and judge the newest window once; None while it is not complete.

        Frames of it that are not encoded yet are encoded together; the newest one alone where the encoder does not keep
        up. Windows in between count as skipped.
        """
        if not frames:
            return None
        due = sum(self._follow(frame) for frame in frames)
        complete = len(self._kept) == self._timesteps
        self._skipped += max(0, due - 1) if complete else due
        return self.repeat() if complete else None

    def repeat(self, *, partial: bool = False) -> Prediction | None:
        """Judge the newest window again, with what was set meanwhile; None where there is none.

        With `partial` a run that is shorter than a window is judged as it is.
        """
        if not self._kept or (len(self._kept) < self._timesteps and not partial):
            return None
        self._encode_wanted()
        self._judged_partial = len(self._kept) < self._timesteps
        return self._judge()

    @property
    def unencoded(self) -> int:
        """Timesteps of the window judged last that were not encoded themselves."""
        return 0 if self._judged_partial is None else len(self._kept) - self._encoded_count

    def encode_another(self) -> Prediction | None:
        """Encode one of `unencoded`, the newest; with the last of them the window is judged again."""
        missing = [timestep for timestep in self._kept if timestep.feature is None]
        self._encode(missing[-1:])
        if len(missing) > 1 or self._judged_partial is None:
            return None
        return self.repeat(partial=self._judged_partial)

    def _encode_wanted(self) -> None:
        """Encode what is not encoded of the window that is kept; where that takes too long, the newest frame only."""
        newest = self._kept[-1]
        if self._pace is not None and not self._pace.keeps_up:
            if newest.feature is None:
                self._encode([newest])
            if not self._pace.keeps_up:  # asked again: the encoder may have been timed for the first time
                return
        self._encode([timestep for timestep in self._kept if timestep.feature is None])

    def _follow(self, frame: EventFrame) -> int:
        """Take one frame into the current run, or begin a new one; gives how many windows it makes due."""
        last = self._last
        self._last, self._judged_partial = frame, None
        if self._pace is not None:
            self._pace.arrived(frame)
        if last is not None and _continues(last, frame):
            if frame.index > last.index + 1:
                self._kept.clear()
            first_due = max(self._run_start + self._timesteps - 1, last.index + 1)
            due = max(0, frame.index - first_due + 1)
        else:
            # Frames between two runs were never seen; they made windows due where the old run was long enough.
            due = 0
            if last is not None and last.index - self._run_start + 1 >= self._timesteps:
                due = max(0, frame.index - last.index - 1)
            due += self._timesteps == 1
            self._kept.clear()
            self._run_start = frame.index
        self._kept.append(_Timestep(frame))
        return due

    # --- analysis: every window ---

    def analyse(self, frames: Sequence[EventFrame]) -> list[Prediction]:
        """Take the next frames of a recording and judge every window that they complete, in order.

        Frames are encoded in groups that depend on their index only, so that the numbers do not depend on the
        portions in which they come; the last few are judged with those that follow, or by `finish`.
        """
        predictions: list[Prediction] = []
        for frame in frames:
            if self._waiting and not self._joins(frame):
                predictions += self._judge_waiting()
            self._waiting.append(frame)
            if frame.index % GROUP == GROUP - 1:
                predictions += self._judge_waiting()
        return predictions

    def finish(self) -> list[Prediction]:
        """Judge the windows that are left at the end of a recording.

        A recording shorter than a window gives one prediction from the frames that there are.
        """
        predictions = self._judge_waiting()
        if not self._predicted and self._kept:
            predictions.append(self._judge())
        return predictions

    def _joins(self, frame: EventFrame) -> bool:
        last = self._waiting[-1]
        return frame.index // GROUP == last.index // GROUP and frame.pixels.shape == last.pixels.shape

    def _judge_waiting(self) -> list[Prediction]:
        waiting, self._waiting = [_Timestep(frame) for frame in self._waiting], []
        self._encode(waiting)
        predictions = []
        for timestep in waiting:
            self._follow(timestep.frame)
            self._kept[-1] = timestep
            if len(self._kept) == self._timesteps:
                predictions.append(self._judge())
        return predictions

    # --- numbers ---

    def _encode(self, timesteps: list[_Timestep]) -> None:
        if not timesteps:
            return
        if len(timesteps) == 1:
            pixels = timesteps[0].frame.pixels[None]
        else:
            pixels = np.stack([timestep.frame.pixels for timestep in timesteps])
        with nullcontext() if self._pace is None else self._pace.timed(len(timesteps)):
            features = self.model.frame_features(pixels, self._normalisation, self._view)
        for timestep, feature in zip(timesteps, features, strict=True):
            timestep.set_feature(feature)

    @property
    def _encoded_count(self) -> int:
        return sum(timestep.feature is not None for timestep in self._kept)

    def _sources(self) -> list[_Timestep]:
        """Give for each timestep that is kept the one whose feature it has: itself, or the nearest that is encoded."""
        kept = list(self._kept)
        if self._encoded_count == len(kept):
            return kept
        return [kept[place] for place in nearest_known([timestep.feature is not None for timestep in kept])]

    def _features(self) -> Floats:
        """Give the features of the timesteps that are kept, (T, C)."""
        return np.stack([timestep.feature for timestep in self._sources() if timestep.feature is not None])

    def _judge(self) -> Prediction:
        """Judge the frames that are kept, one of them encoded at least."""
        frames = self.frames
        events = sum(frame.events for frame in frames)
        moving = events >= self._fewest_events(frames[0])
        cosines, probabilities = self._numbers() if moving else (self._no_numbers(), self._no_numbers())
        self._predicted = True
        return Prediction(
            start_us=frames[0].start_us,
            end_us=frames[-1].end_us,
            events=events,
            state="ok" if moving else "no_motion",
            row_ids=self._row_ids,
            labels=self.labels,
            cosines=cosines,
            probabilities=probabilities,
            timesteps=len(frames),
            segment=frames[0].segment,
            skipped_windows=self._skipped,
            encoded=self._encoded_count,
            taught=moving and self._judges_taught(len(frames)),
        )

    def _judges_taught(self, timesteps: int) -> bool:
        """Whether something was taught that fits a window of so many timesteps."""
        taught = self._taught
        if taught is None or all(place is None for place in self._taught_places):
            return False
        return timesteps == self._timesteps and taught.setting.serves(self.feature_setting)

    def _with_taught(self, by_text: Numbers) -> Numbers:
        """Give the probabilities of rows, and perhaps of something else, with what was taught.

        Where nothing else is judged than classes of which examples were shown, these alone are compared.
        """
        if self._taught is None or not self._judges_taught(len(self._kept)):
            return by_text
        window = self._features()
        logits = np.asarray(self._taught.classifier.logits(window), np.float64)
        shown = [
            (row, float(logits[place]))
            for row, place in enumerate(self._taught_places)
            if place is not None and self._taught.shots[place] and np.isfinite(logits[place])
        ]
        if not shown:
            return by_text
        rows, known = [row for row, _ in shown], np.array([logit for _, logit in shown])
        powers = np.exp(known - known.max())
        familiarity = self._taught.familiarity
        familiar = 1.0 if familiarity is None or len(rows) == len(by_text) else familiarity.of(window)
        judged: Numbers = (1 - familiar) * by_text
        judged[rows] += familiar * powers / powers.sum()
        return judged

    def _fewest_events(self, frame: EventFrame) -> int:
        if self._no_motion_events is not None:
            return self._no_motion_events
        return max(FEWEST_EVENTS, frame.pixels.size // PIXELS_PER_EVENT)

    @property
    def _row_ids(self) -> tuple[int, ...]:
        ids = tuple(row.id for row in self._rows)
        return ids if self._others is None else (*ids, SOMETHING_ELSE_ID)

    def _no_numbers(self) -> Floats:
        return np.full(len(self._row_ids), np.nan, np.float32)

    def _numbers(self) -> tuple[Floats, Floats]:
        """Give cosines and probabilities of the window that is kept.

        In numpy: torch gives Python's lock away at every step, and may get it back only after a picture was painted.
        """
        if self._judged is None or not self._rows:
            return self._no_numbers(), self._no_numbers()
        window = self._mean_direction()
        count = len(self._kept)
        cosines = _products(self._judged, window)
        factor = self.model.scale * (math.sqrt(count) if self._scale == "reference" else 1.0) / self._temperature
        logits = cosines.astype(np.float64) * factor
        if self._others is None:
            powers = np.exp(logits - logits.max())
            return cosines, self._with_taught(powers / powers.sum()).astype(np.float32)
        others = _products(self._others, window)
        by_text = with_something_else(logits, others.astype(np.float64) * factor, self.model.bank.settings)
        nearest = np.float32(others.max() if len(others) else -1.0)
        return np.append(cosines, nearest), self._with_taught(by_text).astype(np.float32)

    def _mean_direction(self) -> Floats:
        """Give the mean of the timesteps' unit vectors, weighted: a text's cosine to it is the mean of its cosines."""
        units = np.stack([timestep.unit for timestep in self._sources() if timestep.unit is not None])
        weights = self._weights[-len(units) :] if self._weights is not None else None
        if weights is None or not any(weights):
            mean: Floats = units.mean(0)
            return mean
        shares = np.array(weights, np.float32)
        return _products(units.T, shares / shares.sum())


def _products(vectors: Floats, vector: Floats) -> Floats:
    """Give the product of each vector, (N, C), with one, (C,).

    Not by ``@``: OpenBLAS would start a thread on a second core, which keeps it busy for some time afterwards to be
    there should another product follow. Here one follows with the next timestep, and the core is needed elsewhere.
    """
    products: Floats = np.einsum("nc,c->n", vectors, vector)
    return products


def _texts_of(row: ActiveRow) -> tuple[str, ...]:
    """What a row may be named by: its label and, where it has one of its own, its full prompt."""
    return (row.label, *row.prompts)


def _continues(last: EventFrame, frame: EventFrame) -> bool:
    """Tell whether a frame belongs to the same run as the last one: a window never spans two."""
    return frame.segment == last.segment and frame.pixels.shape == last.pixels.shape and frame.index > last.index


@dataclass(frozen=True)
class _Text:
    """A text as the model sees it: its unit vector, and whether its end is not seen."""

    unit: Floats
    cut: bool


class _TextFeatures:
    """What one model makes of texts; the most recently used ones are kept."""

    def __init__(self, model: ClipModel) -> None:
        self._model = model
        self._known: OrderedDict[str, _Text] = OrderedDict()

    def encode_new(self, texts: list[str], at_most: int | None) -> int:
        """Encode those that are not known, at most so many; gives how many are left."""
        new = []
        for text in texts:
            if text in self._known:
                self._known.move_to_end(text)
            else:
                new.append(text)
        now = new if at_most is None else new[:at_most]
        if now:
            units = unit(self._model.text_features(now))
            for text, direction in zip(now, units, strict=True):
                self._known[text] = _Text(direction, self._model.token_count(text) > self._model.context_length)
        while len(self._known) > max(TEXTS_KEPT, len(texts)):
            self._known.popitem(last=False)
        return len(new) - len(now)

    def is_cut(self, text: str) -> bool:
        return self._known[text].cut

    def of_rows(self, rows: tuple[ActiveRow, ...]) -> Floats | None:
        """Give each row's feature, (N, C): the mean of its texts' unit vectors."""
        if not rows:
            return None
        return np.stack([np.mean([self._known[text].unit for text in row.prompts], axis=0) for row in rows])
