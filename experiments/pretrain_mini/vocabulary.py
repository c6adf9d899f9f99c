"""The tokenizer of the bundled model: the pieces of BERT's WordPiece vocabulary that its world needs most."""

from __future__ import annotations

import json
import random
import string
from collections import Counter
from pathlib import Path

from tokenizers import Tokenizer

from experiments.pretrain_mini.corpus import Corpus

SIZE = 8192
CONTEXT = 32
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
END = SPECIAL.index("[SEP]")
"""Token at whose place the text tower's feature is taken."""
_DRAWN = 300_000


def choose_pieces(corpus: Corpus, teacher: Path, *, size: int = SIZE) -> list[str]:
    """Give the vocabulary, ordered: special tokens, all single characters, then the commonest pieces of the corpus.

    WordPiece takes the longest piece that fits, so a word that was left out is spelt with shorter pieces.
    """
    tokenizer = Tokenizer.from_file(str(teacher / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    rng = random.Random(0)
    texts = [corpus.draw(rng).text for _ in range(_DRAWN)]
    texts += corpus.nouns.items
    counts: Counter[str] = Counter()
    for start in range(0, len(texts), 10_000):
        for encoded in tokenizer.encode_batch(texts[start : start + 10_000], add_special_tokens=False):
            counts.update(encoded.tokens)
    known = tokenizer.get_vocab()
    characters = [c for c in string.printable if not c.isspace() and not c.isupper()]
    chosen = dict.fromkeys(SPECIAL)
    chosen.update(dict.fromkeys(c for c in characters if c in known))
    chosen.update(dict.fromkeys(f"##{c}" for c in characters if f"##{c}" in known))
    for piece, _ in counts.most_common():
        if len(chosen) == size:
            break
        chosen[piece] = None
    return list(chosen)


def write_tokenizer(pieces: list[str], teacher: Path, folder: Path) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json`, as transformers and open_clip read them."""
    described = json.loads((teacher / "tokenizer.json").read_text())
    described["model"]["vocab"] = {piece: index for index, piece in enumerate(pieces)}
    described["truncation"] = described["padding"] = None
    described["added_tokens"] = [
        {
            "id": index,
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for index, token in enumerate(SPECIAL)
    ]
    for token in ("[CLS]", "[SEP]"):
        described["post_processor"]["special_tokens"][token]["ids"] = [SPECIAL.index(token)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(described, ensure_ascii=False))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": CONTEXT,
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
