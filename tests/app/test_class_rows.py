from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.panels.class_rows import LONGEST_TEXT, MOST_ROWS, ClassRows, list_lines, same_key, split_text, tidy


def texts(rows: ClassRows) -> list[str]:
    return [row.text for row in rows.rows]


def test_ids_are_stable_and_never_given_again() -> None:
    rows = ClassRows()
    first, second = rows.add(["a", "b"])
    rows.remove([second])
    (third,) = rows.add(["c"])
    assert len({first, second, third}) == 3
    rows.edit(first, "another text")
    assert rows.rows[0].id == first


def test_a_class_takes_the_smallest_free_colour_and_keeps_it() -> None:
    rows = ClassRows()
    ids = rows.add([f"class {k}" for k in range(10)])
    assert [row.number for row in rows.rows] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 8]
    rows.remove([ids[2]])
    (new,) = rows.add(["new"])
    assert [row.number for row in rows.rows if row.id == new] == [2]
    rows.reorder(list(reversed([row.id for row in rows.rows])))
    assert {row.id: row.number for row in rows.rows}[ids[0]] == 0


def test_undo_brings_a_removed_class_back_with_its_id_colour_and_place() -> None:
    rows = ClassRows()
    ids = rows.add(["a", "b", "c"])
    before = rows.rows
    rows.remove([ids[1]])
    rows.undo_stack.undo()
    assert rows.rows == before
    rows.undo_stack.redo()
    assert texts(rows) == ["a", "c"]


def test_replacing_all_keeps_the_classes_that_stay() -> None:
    rows = ClassRows()
    rows.reset(["a", "b", "c"], undoable=False)
    kept = {row.text: row for row in rows.rows}
    rows.reset(["c", "new", "a"], undoable=True)
    now = {row.text: row for row in rows.rows}
    assert (now["c"], now["a"]) == (kept["c"], kept["a"])
    assert now["new"].number == 1
    rows.undo_stack.undo()
    assert texts(rows) == ["a", "b", "c"]


def test_only_changes_by_the_user_are_reported_and_undone() -> None:
    rows, edits = ClassRows(), []
    rows.edited.connect(lambda: edits.append(1))
    rows.reset(["a"], undoable=False)
    assert not edits
    assert not rows.undo_stack.canUndo()
    rows.add(["b"])
    rows.undo_stack.undo()
    assert len(edits) == 2


def test_moving_a_row_step_by_step_is_one_step_to_undo() -> None:
    rows = ClassRows()
    ids = rows.add(list("abcd"))
    for place in (2, 1, 0):
        rows.move(ids[3], place, merge=True)
    assert texts(rows) == ["d", "a", "b", "c"]
    rows.undo_stack.undo()
    assert texts(rows) == ["a", "b", "c", "d"]


def test_an_empty_text_removes_the_row_and_is_never_added() -> None:
    rows = ClassRows()
    (only,) = rows.add(["a", "  ", "\t"])
    rows.edit(only, "   ")
    assert not rows.rows


def test_no_more_rows_are_taken_than_can_be_handled() -> None:
    rows = ClassRows()
    assert len(rows.add([f"class {k}" for k in range(MOST_ROWS + 10)])) == MOST_ROWS
    assert rows.add(["one more"]) == []
    assert len(rows) == MOST_ROWS


def test_a_label_may_have_a_prompt_of_its_own() -> None:
    assert split_text("star = a bright yellow star") == ("star", "a bright yellow star")
    assert split_text("=a = b") == ("=a", "b")
    for text in ("star", "star =", "= a star", "="):
        assert split_text(text) == (text, None)


def test_lists_have_one_class_a_line_and_keep_commas() -> None:
    assert list_lines("a hand, waving\r\n\n  a   cup \nb\x00c\n") == ["a hand, waving", "a cup", "b c"]
    assert same_key("  A  Cup ") == same_key("a cup")


@given(st.text(max_size=3 * LONGEST_TEXT))
def test_a_tidy_text_is_one_bounded_line_and_stays_as_it_is(text: str) -> None:
    once = tidy(text)
    assert len(once) <= LONGEST_TEXT
    assert len(once.splitlines()) <= 1
    assert tidy(once) == once


class AnyChanges(RuleBasedStateMachine):
    """Whatever the user does, undoing all of it gives the beginning back, and redoing all gives the end."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = ClassRows()
        self.rows.reset(["a", "b", "c"], undoable=False)
        self.beginning = self.rows.rows

    @rule(new=st.lists(st.sampled_from(["x", "y", " ", "z = w"]), max_size=4))
    def add(self, new: list[str]) -> None:
        self.rows.add(new)

    @precondition(lambda self: len(self.rows) > 0)
    @rule(data=st.data(), text=st.sampled_from(["new", "", "a"]))
    def edit(self, data: st.DataObject, text: str) -> None:
        self.rows.edit(data.draw(st.sampled_from([row.id for row in self.rows.rows])), text)

    @precondition(lambda self: len(self.rows) > 0)
    @rule(data=st.data(), place=st.integers(-2, 9), merge=st.booleans())
    def move(self, data: st.DataObject, place: int, merge: bool) -> None:
        self.rows.move(data.draw(st.sampled_from([row.id for row in self.rows.rows])), place, merge=merge)

    @rule()
    def undo(self) -> None:
        self.rows.undo_stack.undo()

    @rule()
    def redo(self) -> None:
        self.rows.undo_stack.redo()

    @invariant()
    def rows_are_distinct_and_coloured(self) -> None:
        ids = [row.id for row in self.rows.rows]
        coloured = [row.number for row in self.rows.rows if row.number < 8]
        assert len(set(ids)) == len(ids)
        assert len(set(coloured)) == len(coloured)
        assert all(row.text for row in self.rows.rows)
        assert all(self.rows.find(row.id) is row for row in self.rows.rows)

    def teardown(self) -> None:
        stack = self.rows.undo_stack
        while stack.canRedo():
            stack.redo()
        end = self.rows.rows
        while stack.canUndo():
            stack.undo()
        assert self.rows.rows == self.beginning
        while stack.canRedo():
            stack.redo()
        assert self.rows.rows == end


TestAnyChanges = AnyChanges.TestCase
TestAnyChanges.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
