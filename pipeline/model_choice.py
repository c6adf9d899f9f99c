"""Which model a name, a tag, a file or a folder means. Knows open_clip's tables; builds nothing."""

from __future__ import annotations

import difflib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.bundled import BUNDLED_MODELS
from pipeline.model_download import cached_file, fetch_file
from pipeline.model_errors import Following, ModelError, first_line
from pipeline.open_clip_tables import architecture_names, published_weights
from pipeline.weights import architectures_of

AUTO = "auto"
UNTRAINED = "untrained"
BUNDLED = BUNDLED_MODELS / "neuroclip-mini"
UNTRAINED_ARCHITECTURE = BUNDLED_MODELS / "untrained" / "open_clip_config.json"
LOCAL_DIR, HUB = "local-dir:", "hf-hub:"
CONFIG_FILE = "open_clip_config.json"
HUB_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
FOLDER_WEIGHTS = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
    "model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.pth",
    "model.pth",
)
"""open_clip's own order of preference in a folder."""
HUB_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
WEIGHT_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".npz", ".npy")
_GOOD_TAGS = ("datacomp_xl", "dfn", "laion2b", "webli", "datacomp", "openai")
_SHOWN = 8


@dataclass(frozen=True)
class Recommended:
    """A real model worth offering, with its number of parameters."""

    name: str
    tag: str
    repository: str
    parameters: int
    remark: str
    needs_transformers: bool = False


RECOMMENDED = (
    Recommended("MobileCLIP2-S0", "dfndr2b", "timm/MobileCLIP2-S0-OpenCLIP", 74_835_073, "fastest on a processor"),
    Recommended("ViT-B-32", "datacomp_xl_s13b_b90k", "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K", 151_277_313, "fast"),
    Recommended("ViT-B-32", "laion2b_s34b_b79k", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K", 151_277_313, "fast"),
    Recommended("ViT-B-32", "openai", "timm/vit_base_patch32_clip_224.openai", 151_277_313, "the CLIP of many papers"),
    Recommended(
        "ViT-B-16", "datacomp_xl_s13b_b90k", "laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K", 149_620_737, "more exact"
    ),
    Recommended("ViT-B-16", "openai", "timm/vit_base_patch16_clip_224.openai", 149_620_737, "NeuroCLIP's encoder"),
    Recommended(
        "ViT-L-14", "datacomp_xl_s13b_b90k", "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K", 427_616_513, "for a GPU"
    ),
    Recommended("ViT-L-14", "openai", "timm/vit_large_patch14_clip_224.openai", 427_616_513, "for a GPU"),
    Recommended(
        "ViT-B-16-SigLIP2",
        "webli",
        "timm/ViT-B-16-SigLIP2",
        375_187_970,
        "for a GPU; needs the package transformers",
        needs_transformers=True,
    ),
)
"""In the order in which ``auto`` takes them on a processor; on a GPU the largest goes first."""


@dataclass(frozen=True)
class ListedModel:
    """One line of ``--list-models``.

    Attributes
    ----------
    parameters : int or None
        Where it is known.
    size : int or None
        Of the weights file in bytes, where it is on this machine.
    here : bool
        It can be loaded without a network.
    """

    name: str
    tag: str
    parameters: int | None
    size: int | None
    here: bool
    remark: str


@dataclass(frozen=True)
class ModelPlan:
    """What will be loaded; every file named here is on this machine.

    Attributes
    ----------
    name, tag : str
        For people.
    architecture : str
        A name that open_clip knows, or ``local-dir:FOLDER``.
    weights : Path or None
        None only for the untrained architecture.
    quick_gelu : bool
        The weights were trained with QuickGELU, whatever the architecture's name says.
    preprocessing : mapping
        Mean and standard deviation that belong to the weights, in open_clip's terms.
    """

    name: str
    tag: str
    architecture: str
    weights: Path | None
    quick_gelu: bool = False
    preprocessing: Mapping[str, Any] = field(default_factory=dict)

    @property
    def trained(self) -> bool:
        return self.weights is not None

    @property
    def folder(self) -> Path | None:
        """The model's own folder; None where it has none."""
        return Path(self.architecture.removeprefix(LOCAL_DIR)) if self.architecture.startswith(LOCAL_DIR) else None

    def __str__(self) -> str:
        return f"{self.name} ({self.tag})"


def list_models() -> tuple[ListedModel, ...]:
    """Give the models worth offering, those on this machine marked. Needs neither torch nor a network."""
    listed = []
    if (BUNDLED / CONFIG_FILE).is_file():
        weights = _weights_in(BUNDLED)
        listed.append(
            ListedModel(BUNDLED.name, "bundled", None, weights.stat().st_size, True, "comes with the program")
        )
    for model in RECOMMENDED:
        file = cached_file(model.repository, *HUB_WEIGHTS)
        held = file.stat().st_size if file is not None else None
        listed.append(ListedModel(model.name, model.tag, model.parameters, held, file is not None, model.remark))
    listed.append(
        ListedModel(UNTRAINED, UNTRAINED, None, None, True, "random weights, to try the program; labels mean nothing")
    )
    return tuple(listed)


def known_architecture(name: str) -> str:
    """Give open_clip's spelling of this name (``vit-b/32`` is ``ViT-B-32``).

    Raises
    ------
    ModelError
        Unknown; names the nearest.
    """
    by_folded = {known.casefold(): known for known in architecture_names()}
    wanted = name.replace("/", "-").casefold()
    if wanted in by_folded:
        return by_folded[wanted]
    near = difflib.get_close_matches(wanted, by_folded, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(by_folded[key] for key in near)}?" if near else "--list-models names some."
    raise ModelError(f'There is no model "{name}": {hint}')


def check_name(name: str) -> None:
    """Refuse an unknown name at once, before anything heavy is imported; raises ModelError."""
    if name != AUTO and not _has_own_weights(name):
        known_architecture(name)


def plan_model(name: str, pretrained: str | None, *, following: Following) -> ModelPlan:
    """Find out what is to be loaded for an explicit choice, fetching its weights where they are not here.

    Raises
    ------
    ModelError
        Unknown architecture, tag or file; not here and no network.
    LoadingCancelled
    """
    if _has_own_weights(name):
        if pretrained is not None:
            raise ModelError(f"The model {name} brings its own weights: leave --pretrained {pretrained} out.")
        return _plan_with_own_weights(name, following)
    if name == AUTO:
        return _plan_file_alone(pretrained or "")
    architecture = known_architecture(name)
    if pretrained is None:
        return _plan_tag(architecture, _best_tag(architecture), following)
    return _plan_given(architecture, pretrained, following)


def plans_for_auto(*, gpu: bool) -> list[ModelPlan]:
    """Give what is on this machine, best first: real models, the bundled one, the untrained architecture."""
    models = [model for model in RECOMMENDED if _usable(model)]
    if gpu:
        models.sort(key=lambda model: -model.parameters)
    plans = []
    for model in models:
        if cached_file(model.repository, *HUB_WEIGHTS) is not None:
            plans.append(_plan_tag(model.name, model.tag, Following()))
    if (BUNDLED / CONFIG_FILE).is_file():
        plans.append(_plan_folder(BUNDLED, BUNDLED.name, "bundled"))
    return [*plans, untrained_plan()]


def untrained_plan() -> ModelPlan:
    """Give the small architecture with random weights."""
    return ModelPlan(UNTRAINED, UNTRAINED, str(UNTRAINED_ARCHITECTURE), None)


def _has_own_weights(name: str) -> bool:
    return name in (UNTRAINED, BUNDLED.name, "bundled") or name.startswith((LOCAL_DIR, HUB)) or _is_folder(name)


def _is_folder(name: str) -> bool:
    """Tell a model's folder from an architecture that happens to have the name of some folder here."""
    path = Path(name).expanduser()
    return path.is_dir() and (len(path.parts) > 1 or (path / CONFIG_FILE).is_file())


def _usable(model: Recommended) -> bool:
    return not model.needs_transformers or importlib.util.find_spec("transformers") is not None


def _plan_with_own_weights(name: str, following: Following) -> ModelPlan:
    if name == UNTRAINED:
        return untrained_plan()
    if name.startswith(HUB):
        return _plan_hub(name.removeprefix(HUB), following)
    if name in (BUNDLED.name, "bundled"):
        return _plan_folder(BUNDLED, BUNDLED.name, "bundled")
    folder = Path(name.removeprefix(LOCAL_DIR)).expanduser()
    return _plan_folder(folder, folder.resolve().name, "folder")


def _plan_folder(folder: Path, name: str, tag: str) -> ModelPlan:
    if not folder.is_dir():
        raise ModelError(f"There is no folder {folder}: check the path after {LOCAL_DIR} in the name.")
    config = folder / CONFIG_FILE
    if not config.is_file():
        raise ModelError(f"The folder {folder} holds no {CONFIG_FILE}, so its architecture is unknown: add that file.")
    try:
        described = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{config} cannot be read ({first_line(error)}): write it again.") from error
    if not isinstance(described, dict) or not isinstance(described.get("model_cfg"), dict):
        raise ModelError(f'{config} has no "model_cfg", so the architecture is unknown: write it again.')
    preprocessing = described.get("preprocess_cfg")
    return ModelPlan(
        name=name,
        tag=tag,
        architecture=f"{LOCAL_DIR}{folder}",
        weights=_weights_in(folder),
        preprocessing=preprocessing if isinstance(preprocessing, dict) else {},
    )


def _weights_in(folder: Path) -> Path:
    for name in FOLDER_WEIGHTS:
        if (folder / name).is_file():
            return folder / name
    others = sorted(file for file in folder.iterdir() if file.suffix in (".safetensors", ".bin", ".pth"))
    if len(others) == 1:
        return others[0]
    found = f"several weights files ({', '.join(file.name for file in others)})" if others else "no weights"
    raise ModelError(f"The folder {folder} holds {found}: name one of them {FOLDER_WEIGHTS[0]}.")


def _plan_hub(repository: str, following: Following) -> ModelPlan:
    if repository.count("/") != 1:
        raise ModelError(f'"{HUB}{repository}" is no repository: write {HUB}OWNER/NAME.')
    was_here = cached_file(repository, *HUB_WEIGHTS) is not None
    weights = fetch_file(repository, *HUB_WEIGHTS, following=following, what=repository)
    config = fetch_file(repository, CONFIG_FILE, following=following, what=repository)
    described = json.loads(config.read_text(encoding="utf-8"))
    if not was_here and described.get("model_cfg", {}).get("text_cfg", {}).get("hf_tokenizer_name"):
        _fetch_tokenizer(repository, following)
    return ModelPlan(
        name=repository.rsplit("/", 1)[1],
        tag=repository,
        architecture=f"{LOCAL_DIR}{config.parent}",
        weights=weights,
        preprocessing=described.get("preprocess_cfg", {}),
    )


def _fetch_tokenizer(repository: str, following: Following) -> None:
    """Fetch what there is of a tokenizer's files; one that lacks some is refused when it is built."""
    for name in HUB_TOKENIZER_FILES:
        try:
            fetch_file(repository, name, following=following, what=repository)
        except ModelError:
            continue


def _location(described: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    repository, _, filename = str(described["hf_hub"]).rpartition("/")
    if not filename:
        return repository, HUB_WEIGHTS
    return repository, (str(Path(filename).with_suffix(".safetensors")), filename)


def _best_tag(architecture: str) -> str:
    tags = published_weights(architecture)
    if not tags:
        raise ModelError(f"No weights of {architecture} are published: give a file with --pretrained FILE.")
    recommended = [model.tag for model in RECOMMENDED if model.name == architecture]
    rest = sorted(tags, key=lambda tag: next((n for n, part in enumerate(_GOOD_TAGS) if part in tag), len(_GOOD_TAGS)))
    ordered = list(dict.fromkeys([*recommended, *rest]))
    for tag in ordered:
        repository, filenames = _location(tags[tag])
        if cached_file(repository, *filenames) is not None:
            return tag
    return ordered[0]


def _plan_tag(architecture: str, tag: str, following: Following) -> ModelPlan:
    described = published_weights(architecture)[tag]
    repository, filenames = _location(described)
    weights = fetch_file(repository, *filenames, following=following, what=f"{architecture} ({tag})")
    return ModelPlan(
        name=architecture,
        tag=tag,
        architecture=architecture,
        weights=weights,
        quick_gelu=bool(described.get("quick_gelu", False)),
        preprocessing=described,
    )


def _plan_given(architecture: str, pretrained: str, following: Following) -> ModelPlan:
    tags = published_weights(architecture)
    tag = pretrained.lower().replace("-", "_")
    if tag in tags:
        return _plan_tag(architecture, tag, following)
    file = Path(pretrained).expanduser()
    if file.is_file():
        return _plan_file(architecture, file)
    if file.is_dir():
        raise ModelError(f"{file} is a folder: load it with --model {LOCAL_DIR}{file}, without --pretrained.")
    if file.suffix.lower() in WEIGHT_SUFFIXES or len(file.parts) > 1:
        raise ModelError(f"There is no file {file}: check the path, or give a tag of {architecture}.")
    if not tags:
        raise ModelError(f"No weights of {architecture} are published: give a file with --pretrained FILE.")
    near = difflib.get_close_matches(tag, tags, n=_SHOWN, cutoff=0.5) or list(tags)[:_SHOWN]
    raise ModelError(f'{architecture} has no weights "{pretrained}": choose {", ".join(near)}, or give a file.')


def _plan_file_alone(pretrained: str) -> ModelPlan:
    file = Path(pretrained).expanduser()
    if not file.is_file():
        raise ModelError(f"--pretrained {pretrained} alone does not say which model: name it with --model as well.")
    fitting = architectures_of(file)
    if not fitting:
        raise ModelError(f"{file} does not say which model its weights belong to: name it with --model as well.")
    return _plan_file(fitting[0], file)


def _plan_file(architecture: str, file: Path) -> ModelPlan:
    """Find mean, standard deviation and activation that belong to a weights file.

    open_clip takes OpenAI's for every file, which is wrong for architectures with their own. The tag whose name
    stands in the path tells both; otherwise the architecture's tags are asked, which nearly always agree.
    """
    base = architecture.removesuffix("-quickgelu")
    tags = published_weights(base) or published_weights(architecture)
    path = "/".join(file.resolve().parts[-4:]).lower().replace("-", "_")
    named = max((tag for tag in tags if tag in path), key=len, default=None)
    described: Mapping[str, Any] = tags[named] if named is not None else next(iter(tags.values()), {})
    return ModelPlan(
        name=architecture,
        tag=file.name,
        architecture=architecture,
        weights=file,
        quick_gelu=named is not None and bool(described.get("quick_gelu", False)),
        preprocessing={key: described[key] for key in ("mean", "std") if key in described},
    )
