"""What becomes of the rows that a user types."""

from __future__ import annotations

import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.prompts import (
    PRESETS,
    PromptError,
    PromptList,
    PromptRow,
    Template,
    clean_text,
    parse_prompt_lines,
    parse_prompts,
)

PLAIN = PRESETS["plain"]


def texts_of(*rows: str, template: Template = PLAIN) -> list[tuple[str, ...]]:
    return [row.prompts for row in PromptList.of(rows, template).active]


def labels_of(*rows: str) -> list[str]:
    return [row.label for row in PromptList.of(rows, PLAIN).active]


def test_a_label_is_put_into_the_template() -> None:
    assert texts_of("cup") == [("a photo of a cup",)]


def test_a_full_prompt_is_used_as_it_stands_and_its_label_is_shown() -> None:
    (row,) = PromptList.of(["mug = my red mug, seen from above"], PLAIN).active
    assert (row.label, row.prompts) == ("mug", ("my red mug, seen from above",))


@pytest.mark.parametrize(
    ("text", "label", "prompt"),
    [
        ("a = b = c", "a", "b = c"),
        ("= b", "= b", None),
        ("a =", "a =", None),
        ("=", "=", None),
        ("=a=b", "=a", "b"),
        ("no sign", "no sign", None),
    ],
)
def test_a_row_splits_at_the_first_equals_sign_with_something_on_both_sides(
    text: str, label: str, prompt: str | None
) -> None:
    row = PromptRow(0, text)
    assert (row.label, row.prompt) == (label, prompt)


@pytest.mark.parametrize(
    ("label", "filled"),
    [
        ("umbrella", "a photo of a umbrella"),
        ("an umbrella", "a photo of an umbrella"),
        ("The moon", "a photo of The moon"),
        ("theatre", "a photo of a theatre"),
        ("a", "a photo of a a"),
    ],
)
def test_a_label_with_an_article_replaces_the_templates_article(label: str, filled: str) -> None:
    assert PLAIN.fill(label) == (filled,)


def test_an_ensemble_gives_one_text_for_each_of_its_templates() -> None:
    template = PRESETS["drawings"]
    assert len(template.texts) > 3
    (prompts,) = texts_of("cup", template=template)
    assert len(set(prompts)) == len(template.texts)
    assert all("cup" in prompt and "{" not in prompt for prompt in prompts)


def test_the_papers_three_templates_are_word_for_word() -> None:
    assert PRESETS["n-mnist"].fill("7") == ('A black and white photo of the Arabic numeral number: "7".',)
    assert PRESETS["cifar10-dvs"].fill("horse") == ("A low quality stick figure of the object horse.",)
    assert PRESETS["es-imagenet"].fill("horse") == ("A low quality point cloud image of horse.",)


def test_presets_are_found_by_name_and_have_different_titles() -> None:
    assert all(Template.named_or_text(name.upper()) is preset for name, preset in PRESETS.items())
    assert len({preset.title for preset in PRESETS.values()}) == len(PRESETS)


@pytest.mark.parametrize("text", ["a {} in rain", "a {class} in rain"])
def test_a_free_template_has_either_placeholder(text: str) -> None:
    assert Template.named_or_text(text).fill("dog") == ("a dog in rain",)


def test_every_placeholder_of_a_template_is_filled() -> None:
    assert Template.free("{} is a {class}").fill("cat") == ("cat is a cat",)


def test_braces_and_backslashes_in_a_label_stay_as_they_are() -> None:
    assert PLAIN.fill(r"{0} {class} \1 {}") == (r"a photo of a {0} {class} \1 {}",)


@pytest.mark.parametrize("text", ["a photo", "", "{0}", "{ }", "nonsense"])
def test_a_template_without_a_placeholder_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(PromptError, match=r"where (it|the class) goes"):
        Template.named_or_text(text)
    with pytest.raises(PromptError, match=r"write \{\} where it goes"):
        Template.free(text)


def test_empty_rows_are_not_judged_and_nothing_is_said_about_them() -> None:
    prompts = PromptList.of(["", "  \t", "\u200b\u200f", "cup"], PLAIN)
    assert [row.id for row in prompts.active] == [3]
    assert prompts.notices == {}


def test_a_double_is_judged_once_and_its_row_is_told_which_it_repeats() -> None:
    prompts = PromptList.of(["dog", "A  Cup", "a cup ", "A CUP"], PLAIN)
    assert [row.label for row in prompts.active] == ["dog", "A Cup"]
    assert list(prompts.notices) == [2, 3]
    assert "row 2" in prompts.notices[2]


def test_composed_and_decomposed_letters_are_the_same_text() -> None:
    composed, decomposed = unicodedata.normalize("NFC", "café"), unicodedata.normalize("NFD", "café")
    assert composed != decomposed
    assert labels_of(composed, decomposed) == [composed]


def test_the_same_label_with_two_prompts_is_two_rows() -> None:
    assert texts_of("mug = a red mug", "mug = a blue mug") == [("a red mug",), ("a blue mug",)]


def test_ids_stay_with_their_rows_when_the_order_changes() -> None:
    rows = (PromptRow(7, "cup"), PromptRow(3, "star"))
    assert [(row.id, row.label) for row in PromptList(rows, PLAIN).active] == [(7, "cup"), (3, "star")]
    assert [(row.id, row.label) for row in PromptList(rows[::-1], PLAIN).active] == [(3, "star"), (7, "cup")]


def test_five_hundred_rows_and_every_script_pass_unchanged() -> None:
    rows = [f"thing {number}" for number in range(496)] + ["🦊", "كوب", "茶杯", "x" * 100_000]
    prompts = PromptList.of(rows, PLAIN)
    assert [row.label for row in prompts.active] == rows
    assert len(list(prompts.texts())) == 500


def test_texts_that_two_rows_share_are_given_once() -> None:
    prompts = PromptList.of(["cup = a photo of a cup", "cup"], PLAIN)
    assert list(prompts.texts()) == ["a photo of a cup"]
    assert len(prompts.active) == 2


def test_a_lone_surrogate_cannot_stop_the_tokenizer() -> None:
    assert clean_text("a\ud800b").encode("utf-8") == b"a?b"


def test_prompts_split_at_commas() -> None:
    assert parse_prompts(" a cup,a star ,, \n,kitty = a cat") == ("a cup", "a star", "kitty = a cat")


def test_prompt_lines_keep_their_commas() -> None:
    assert parse_prompt_lines("\ufeffa cup, red\r\n\r\n  a star \n") == ("a cup, red", "a star")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=20), max_size=8))
def test_no_text_can_break_a_list(texts: list[str]) -> None:
    prompts = PromptList.of(texts, PLAIN)
    ids = [row.id for row in prompts.active]
    assert ids == sorted(set(ids))
    assert not set(ids) & set(prompts.notices)
    assert all(text.encode("utf-8") for text in prompts.texts())


def test_prompts_are_handled_without_torch_and_qt() -> None:
    code = "import sys, pipeline.prompts; sys.exit(bool({'torch', 'PyQt6', 'open_clip'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
