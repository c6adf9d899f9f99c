"""The distilled tower with and without empty patches on the bundled recordings: a table, and figures for a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from open_clip.transformer import VisionTransformer
from rich.table import Table

from benchmarks.measuring import Figure, StageResult
from experiments.empty_patches.agreement import Judged, Shown, judge, shown_by, together
from experiments.empty_patches.tower import LeavingOut, TowerSizes, patches_with_events, picture_without_events
from pipeline.bundled import BUNDLED_RECORDINGS
from pipeline.clip import load_model
from pipeline.prediction import Floats

TITLE = "Leaving out patches without an event (a trial)"
IN_ALL = "in all"
BAR = 0.99
"""Share of the windows whose top-1 must stay."""
LEARNT_ENOUGH = 0.9
"""Share of the windows in which the distilled tower must have its teacher's top-1 to answer for others."""
_QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Row:
    """A recording, or all of them.

    Attributes
    ----------
    name : str
    empty : float32 (frames,)
        Share of the patches that hold no event.
    teacher, whole, without, later : Judged
        By the bundled model; by the distilled tower with all patches, without the empty ones, and without them in the
        later half of its blocks only.
    """

    name: str
    empty: Floats
    teacher: Judged
    whole: Judged
    without: Judged
    later: Judged


@dataclass(frozen=True)
class Comparison:
    """What came out; the last row is all recordings together."""

    recordings: tuple[Shown, ...]
    rows: tuple[Row, ...]

    def result(self, speed: Sequence[Figure]) -> StageResult:
        """Give everything as a stage of the benchmarks; without `speed` a remark says why it is missing."""
        figures: list[Figure] = []
        for row in self.rows:
            figures += _figures(row)
        return StageResult(TITLE, (*figures, *speed), (*_remarks(self.rows[-1]), *_about_speed(speed)))


def compared(tower: VisionTransformer, teacher: str) -> Comparison:
    """Play the bundled recordings to the tower, with and without their empty patches, and to its teacher."""
    model = load_model(teacher, device="cpu", precision="fp32")
    own = model.images  # type: ignore[attr-defined]
    nothing = picture_without_events(model.preprocessing)
    blocks = len(tower.transformer.resblocks)
    ways = [own, *(LeavingOut(tower, nothing, first) for first in (None, 0, blocks // 2))]
    recordings = tuple(shown_by(path) for path in sorted(BUNDLED_RECORDINGS.glob("*.aedat4")))
    rows = []
    for shown in recordings:
        pictures = model.preprocessing.pictures(shown.pixels, normalisation="clip", view="crop")
        empty = 1 - patches_with_events(pictures, nothing, tower.patch_size[0]).mean(axis=1, dtype=np.float32)
        rows.append(Row(shown.name, empty, *(judge(model, shown, way) for way in ways)))
    whole = Row(
        IN_ALL,
        np.concatenate([row.empty for row in rows]),
        *(together([getattr(row, way) for row in rows]) for way in ("teacher", "whole", "without", "later")),
    )
    return Comparison(recordings, (*rows, whole))


def table(comparison: Comparison) -> Table:
    """Show it in the terminal."""
    drawn = Table(title=f"{TITLE}: the distilled tower on the bundled recordings", title_justify="left")
    drawn.add_column("recording")
    headings = ("frames", "empty patches, median", "windows", "same top-1", "same, later half", "cosine least, median")
    for heading in (*headings, "cosine, later half", "as its teacher", "right: teacher, whole, without"):
        drawn.add_column(heading, justify="right")
    for row in comparison.rows:
        same = row.without.same_as(row.whole)
        drawn.add_row(
            row.name,
            str(len(row.empty)),
            f"{np.median(row.empty):.1%}",
            str(len(same)),
            f"{np.mean(same):.2%}",
            f"{np.mean(row.later.same_as(row.whole)):.2%}",
            _least_and_median(row.without.cosines(row.whole)),
            _least_and_median(row.later.cosines(row.whole)),
            f"{np.mean(row.whole.same_as(row.teacher)):.1%}",
            ", ".join(_share(each.right) for each in (row.teacher, row.whole, row.without)),
        )
    return drawn


def _share(right: Sequence[bool]) -> str:
    return f"{np.mean(right):.1%}" if right else "–"


def _least_and_median(cosines: Floats) -> str:
    return f"{cosines.min():.4f}, {np.median(cosines):.4f}"


def _figures(row: Row) -> list[Figure]:
    name = "all bundled recordings" if row.name == IN_ALL else row.name
    shares = [
        ("without the empty patches", row.without.same_as(row.whole)),
        ("without them in the later half of the blocks", row.later.same_as(row.whole)),
        ("for comparison: its teacher instead of it", row.teacher.same_as(row.whole)),
    ]
    case = f"{name}: windows with the same top-1 as by the distilled tower with all patches"
    figures = [Figure(case, who, "%", (100 * float(np.mean(same)),)) for who, same in shares]
    if row.name == IN_ALL:
        case = f"{name}: cosine of a frame's features to those with all patches"
        figures.append(Figure(case, shares[0][0], "cosine", _spread(row.without.cosines(row.whole))))
        figures.append(Figure(case, shares[1][0], "cosine", _spread(row.later.cosines(row.whole))))
        case = f"{name}: patches of a frame without an event"
        sizes = TowerSizes()
        figures.append(Figure(case, f"{sizes.side} px, patches of {sizes.patch} px", "%", _spread(100 * row.empty)))
    return figures


def _spread(values: Floats) -> tuple[float, ...]:
    """Give the least, the quartiles and the greatest: their median and ends are those of all values."""
    return tuple(round(float(value), 4) for value in np.quantile(values, _QUANTILES))


def _remarks(row: Row) -> list[str]:
    same, later = (float(np.mean(way.same_as(row.whole))) for way in (row.without, row.later))
    names = ("its teacher", "the distilled tower", "the distilled tower without empty patches")
    right = [_share(each.right) for each in (row.teacher, row.whole, row.without)]
    shares = ", ".join(f"{name} {share}" for name, share in zip(names, right, strict=True))
    reached = [f"{name} {'reaches' if share >= BAR else 'misses'} it" for name, share in _ways(same, later)]
    like_teacher = float(np.mean(row.whole.same_as(row.teacher)))
    weak = (
        f"The distilled tower has its teacher's top-1 in only {like_teacher:.1%} of the windows: it has learnt too "
        "little to tell whether a well-trained tower may leave patches out."
    )
    return [
        *([weak] if like_teacher < LEARNT_ENOUGH else []),
        f"The bar for leaving them out is the same top-1 in {BAR:.0%} of the windows: {'; '.join(reached)}.",
        f"Of the windows in which one thing is shown all the time, named right: {shares}.",
        "The tower is a small Vision Transformer that learnt the bundled model's features with all patches present, in "
        "minutes; it is not a CLIP that somebody else has trained, and what such a one keeps in the tokens of empty "
        "patches is not measured here.",
    ]


def _ways(same: float, later: float) -> list[tuple[str, float]]:
    return [
        (f"leaving them out of all blocks ({same:.1%})", same),
        (f"leaving them out of the later half ({later:.1%})", later),
    ]


def _about_speed(speed: Sequence[Figure]) -> list[str]:
    if not speed:
        return ["How much time it saves is not measured on this processor: it has no bf16 instructions."]
    return [
        "The times are those of random weights; finding the empty patches is counted, making the encoder's input of a "
        "frame is not. Weights are laid out for all tokens."
    ]
