"""One evaluation from beginning to end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from experiments.datasets.dataset import EventDataset, Framing, Part
from experiments.datasets.errors import DatasetError
from experiments.datasets.layouts import LAYOUTS
from experiments.evaluation.choice import choose_examples, fewest_examples, judged_samples, searched_samples
from experiments.evaluation.extraction import Throughput, extract
from experiments.evaluation.feature_store import FeatureKey, FeatureStore
from experiments.evaluation.judge import Judge
from experiments.evaluation.options import FOLDER, EvaluationOptions
from experiments.evaluation.ranks import Ranks
from experiments.evaluation.results import Evaluation
from pipeline.clip import ClipModel, load_model

Say: TypeAlias = Callable[[str], None]


class Evaluator:
    """Runs an evaluation, in as many processes as there are.

    Parameters
    ----------
    options : EvaluationOptions
    cache : Path
        Folder of features.
    ranks : Ranks
    say : callable
        Told what is going on.
    on_sample : callable, optional
        Given how many samples are encoded and how many there are to do, of this process.
    """

    def __init__(
        self,
        options: EvaluationOptions,
        cache: Path,
        ranks: Ranks,
        say: Say,
        on_sample: Callable[[int, int], None] | None = None,
    ) -> None:
        self.options, self.cache, self.ranks = options, cache, ranks
        self.say, self.on_sample = say, on_sample

    def run(self) -> Evaluation | None:
        """Do it all; None in all processes but the first.

        Raises
        ------
        DatasetError, ModelError, StoreError, FewShotError, PromptError
            One sentence for the user.
        """
        dataset = self._open()
        for notice in dataset.notices:
            self.say(f"note: {notice}")
        self._check(dataset)
        model = self._load()
        key = self._key(model, dataset)
        store = FeatureStore(self.cache, key)
        wanted = self._wanted(dataset)
        throughput = extract(
            model, store, wanted, ranks=self.ranks, workers=self.options.workers, on_sample=self.on_sample
        )
        for text in throughput.unreadable:
            self.say(f"left out: {text}")
        total = self._all(throughput, model.device)
        if not self.ranks.first:
            return None
        if any(store.missing(part, indices, copy) for part, indices, copy in wanted):
            raise DatasetError(
                f"Features that other processes made are not in {store.folder}: choose a --cache that all machines "
                "share."
            )
        return Judge(self.options, dataset, model, store, self.say).evaluation(total, self.ranks.world)

    def _open(self) -> EventDataset:
        """Open the data set; the first process converts it, the others come after."""
        options = self.options
        if options.dataset == FOLDER:
            from experiments.datasets.own_folder import open_folder

            return self._renamed(open_folder(options.root, options.sensor))
        from experiments.datasets.neuromorphic import open_neuromorphic

        layout = LAYOUTS[options.dataset]
        framing = Framing(options.timesteps) if options.frame_folders else None
        if not self.ranks.first:
            self.ranks.wait()
        dataset = open_neuromorphic(layout, options.root, self.say, frame_folders=framing)
        if self.ranks.first:
            self.ranks.wait()
        return self._renamed(dataset)

    def _renamed(self, dataset: EventDataset) -> EventDataset:
        names = self.options.class_names
        if names is None:
            return dataset
        if len(names) != len(dataset.classes):
            raise DatasetError(
                f"{len(names)} class names were given and {dataset.name} has {len(dataset.classes)} classes: give one "
                f"a line, in this order: {', '.join(dataset.classes[:5])} ..."
            )
        return EventDataset(dataset.name, names, dataset.test, dataset.train, dataset.notices)

    def _check(self, dataset: EventDataset) -> None:
        if not len(dataset.test):
            raise DatasetError(f"{dataset.name} has no test samples in {self.options.root}: add some.")
        most, few = max(self.options.shots, default=0), fewest_examples(dataset)
        if most > few:
            raise DatasetError(
                f"{most} shots of each class were asked for and the smallest class of {dataset.name} has {max(few, 0)} "
                "to take: choose fewer with --shots."
            )
        if self.options.post_search and dataset.train is None:
            raise DatasetError("--post-search needs training samples: put the recordings into train and test folders.")

    def _load(self) -> ClipModel:
        options = self.options
        device = options.device
        if device == "auto" and self.ranks.world > 1:
            import torch

            if torch.cuda.is_available():
                device = f"cuda:{self.ranks.local_rank % torch.cuda.device_count()}"
        model = load_model(options.model, options.pretrained, device, options.precision)
        self.say(f"model: {model.name} ({model.tag}), {model.device}, {model.precision}")
        if model.notice:
            self.say(f"note: {model.notice}")
        if not model.trained:
            self.say("note: the model is untrained, so the figures mean nothing")
        return model

    def _key(self, model: ClipModel, dataset: EventDataset) -> FeatureKey:
        options = self.options
        return FeatureKey(
            dataset=dataset.name,
            model=model.name,
            tag=model.tag,
            weights_sha256=model.weights_sha256,
            precision=model.precision,
            width=model.width,
            timesteps=options.timesteps,
            threshold=options.theta,
            normalisation=options.normalisation,
            view=options.view,
            frames_from="frame folders" if options.frame_folders else "events",
        )

    def _wanted(self, dataset: EventDataset) -> list[tuple[Part, list[int], int]]:
        """Give every sample whose features are needed."""
        options = self.options
        judged = judged_samples(dataset, options.test_samples).tolist()
        wanted: list[tuple[Part, list[int], int]] = [(dataset.test, judged, 0)]
        examples: set[int] = set()
        train = dataset.train or dataset.test
        if options.shots:
            for seed in range(options.seeds):
                examples |= set(choose_examples(dataset, max(options.shots), seed).examples.tolist())
        wanted += [(train, sorted(examples), copy) for copy in range(1, options.turned_copies + 1)]
        if options.post_search:
            examples |= set(searched_samples(dataset).tolist())
        wanted.append((train, sorted(examples), 0))
        return wanted

    def _all(self, throughput: Throughput, device: str) -> Throughput:
        """Give the figures of all processes together."""
        samples, encoding_s, waiting_s = self.ranks.sums(
            [float(throughput.samples), throughput.encoding_s, throughput.waiting_s],
            device if device.startswith("cuda") else "cpu",
        )
        return Throughput(round(samples), self.ranks.greatest(throughput.wall_s), encoding_s, waiting_s)
