"""Whose drawings the pictures come from, and which of them are never trained on."""

from __future__ import annotations

EMOJI = frozenset({"noto", "noto-v1", "twemoji", "fxemoji"})
"""Sets in colour; the others are icons of one colour."""

HELD_OUT_ICONS = frozenset({"lucide", "lucide-lab"})
HELD_OUT_EMOJI = frozenset({"fxemoji"})
HELD_OUT_FONTS = frozenset({"manrope", "libertine", "cantarell"})
HELD_OUT_PAIRS = frozenset({"eva"})
"""A set that draws everything both outlined and filled."""
HELD_OUT = HELD_OUT_ICONS | HELD_OUT_EMOJI | HELD_OUT_PAIRS
MISLABELLED = frozenset(
    [
        ("lucide", "group"),
        ("lucide", "goal"),
        ("lucide", "settings-2"),
        ("lucide", "bolt"),
        ("lucide", "milk"),
        ("lucide", "milk-off"),
        ("lucide-lab", "rugby"),
        ("lucide-lab", "light-switch"),
        ("lucide-lab", "football-goal"),
    ]
)
"""Pictures that do not show what a concept of the same name is: a group of selected things, the bolt of a nut."""
HELD_OUT_CONCEPTS = 334
"""Concepts of which neither a picture nor a name is trained on."""

ICON_SETS = (
    "mdi",
    "material-symbols",
    "ic",
    "tabler",
    "ph",
    "lucide",
    "lucide-lab",
    "bi",
    "ion",
    "fa",
    "fa6-solid",
    "fa7-solid",
    "fa7-regular",
    "heroicons",
    "ant-design",
    "clarity",
    "ep",
    "eva",
    "f7",
    "flowbite",
    "fontisto",
    "gg",
    "gravity-ui",
    "grommet-icons",
    "humbleicons",
    "iconamoon",
    "icons8",
    "flat-color-icons",
    "ix",
    "jam",
    "la",
    "lets-icons",
    "lineicons",
    "mage",
    "majesticons",
    "map",
    "material-icon-theme",
    "medical-icon",
    "meteocons",
    "meteor-icons",
    "mynaui",
    "nimbus",
    "oi",
    "ooui",
    "pepicons-pencil",
    "pepicons-pop",
    "pixelarticons",
    "prime",
    "proicons",
    "quill",
    "radix-icons",
    "raphael",
    "si",
    "simple-line-icons",
    "stash",
    "system-uicons",
    "teenyicons",
    "akar-icons",
    "basil",
    "bytesize",
    "ci",
    "cil",
    "el",
    "eos-icons",
    "gis",
    "wi",
    "weui",
    "zondicons",
    "duo-icons",
    "noto",
    "noto-v1",
    "twemoji",
    "fxemoji",
)

_STYLES = frozenset(
    [
        "outline",
        "outlined",
        "filled",
        "fill",
        "solid",
        "bold",
        "thin",
        "light",
        "duotone",
        "rounded",
        "round",
        "sharp",
        "twotone",
        "line",
        "linear",
        "regular",
        "alt",
        "alternate",
        "variant",
        "broken",
        "o",
        "24",
        "16",
        "12",
        "15",
        "20",
        "48",
        "32",
        "baseline",
        "black",
        "border",
        "stroke",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "8",
        "9",
        "fa",
        "two",
        "tone",
        "flat",
        "logo",
        "icon",
        "s",
        "ios",
        "md",
        "duo",
    ]
)
_FRONT_STYLES = frozenset(
    ["outline", "baseline", "round", "sharp", "twotone", "ios", "md", "logo", "solid", "regular", "bold", "light"]
)


def plain_name(icon: str, hand: str) -> str:
    """Give what the icon is called without the words for its style: "umbrella-outline-24" is "umbrella"."""
    words = icon.split("-")
    while len(words) > 1 and words[-1] in _STYLES:
        words.pop()
    while len(words) > 1 and hand not in EMOJI and words[0] in _FRONT_STYLES:
        words.pop(0)
    return " ".join(words)


def joined_name(name: str) -> str:
    """The name without blanks: one set writes "fallingleaf"."""
    return name.replace(" ", "").replace("-", "").replace("'", "")


OUTLINED, FILLED, UNKNOWN = 1, 2, 0
_FILL_WORDS = ("fill", "filled", "solid")
_OUTLINE_WORDS = ("outline", "outlined", "line", "linear", "thin", "light")


def look(icon: str, names: frozenset[str]) -> int:
    """Say whether the icon is the outlined or the filled one of a pair, or neither.

    Parameters
    ----------
    icon : str
    names : frozenset of str
        All names of its set.
    """
    words = icon.split("-")
    if any(word in words for word in _FILL_WORDS):
        return FILLED
    if any(word in words for word in _OUTLINE_WORDS):
        return OUTLINED
    if any(f"{icon}-{word}" in names for word in _FILL_WORDS):
        return OUTLINED
    if any(f"{icon}-{word}" in names for word in ("outline", "outlined")):
        return FILLED
    return UNKNOWN
