"""`uv run python -m experiments.pretrain_mini`: the bundled model from nothing, with a fixed seed.

The steps: fetch the pictures and words, draw the pictures, choose the vocabulary and distil the text tower, train the
image tower on event frames made on the fly, write the open_clip folder. Each goes on from its checkpoint where it was
left; what is finished is not done again.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from platformdirs import user_cache_path

from experiments.pretrain_mini.fetch import FetchError, fetch

MODEL = Path(__file__).parents[2] / "models" / "neuroclip-mini"
NEEDED = ("inflect", "resvg_py", "sklearn", "scipy", "PIL", "transformers")


def main() -> int:
    """Run the steps; give the exit status."""
    options = _options()
    missing = [name for name in NEEDED if not _installed(name)]
    if missing:
        print(
            f"error: the training needs {', '.join(missing)}: start it with "
            "`uv run --group pretrain python -m experiments.pretrain_mini`.",
            file=sys.stderr,
        )
        return 2
    try:
        fetch(options.data)
    except FetchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    _train(options)
    return 0


def _train(options: argparse.Namespace) -> None:
    from experiments.pretrain_mini import definitions, image_tower, pictures, text_tower, vocabulary
    from experiments.pretrain_mini.captions import Reader, caption_texts
    from experiments.pretrain_mini.concepts import read_concepts
    from experiments.pretrain_mini.corpus import Corpus
    from experiments.pretrain_mini.export import export
    from experiments.pretrain_mini.ranks import run_ranks

    concepts = read_concepts()
    names = sorted({word for concept in concepts for word in (*concept.words, *concept.pictures)})
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    drawn = out / "pictures"
    if not (drawn / "pictures.json").exists():
        pictures.build(options.data, concepts, drawn, options.processes)
    if options.warm is not None and not (out / text_tower.READY).exists():
        text_tower.take_weights(options.warm, out)
    if not (out / "tokenizer.json").exists():
        pieces = vocabulary.choose_pieces(Corpus(options.data / "words", names), options.data / "teacher")
        vocabulary.write_tokenizer(pieces, options.data / "teacher", out)
    if options.warm is None:
        run_ranks(text_tower.distil, options.data, out, names, options.text_steps, processes=options.processes)
        run_ranks(
            definitions.define, options.data, out, concepts, options.definition_steps, processes=options.processes
        )
    texts = caption_texts(Reader(out), concepts, definitions.entries(options.data / "words", concepts))
    run_ranks(image_tower.train, drawn, out, concepts, texts, options.frames, options.warm, processes=options.processes)
    export(out, options.model, concepts)
    print(f"written: {options.model}")


def _options() -> argparse.Namespace:
    cache = user_cache_path("neuroclip-live")
    parser = argparse.ArgumentParser(prog="python -m experiments.pretrain_mini", description=__doc__)
    parser.add_argument("--data", type=Path, default=cache / "pretraining", help="where fetched pictures and words lie")
    parser.add_argument("--out", type=Path, default=cache / "pretraining" / "run", help="checkpoints and logs")
    parser.add_argument("--model", type=Path, default=MODEL, help="the folder to write")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="one thread each")
    parser.add_argument("--text-steps", type=int, default=1850, help="of distillation")
    parser.add_argument("--definition-steps", type=int, default=200, help="of learning what definitions mean")
    parser.add_argument("--frames", type=int, default=2_200_000, help="to train the image tower on")
    parser.add_argument("--warm", type=Path, help="an earlier model folder to start from")
    return parser.parse_args()


def _installed(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None


if __name__ == "__main__":
    raise SystemExit(main())
