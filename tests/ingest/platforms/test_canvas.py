"""Exports of Canvas: what they give is what must come out of them, row by row."""

import pytest

from tests.support.exports import differences, expected, load


@pytest.mark.parametrize("case", range(3))
def test_a_gradebook_gives_what_was_graded_and_the_current_score(store, exports, case):
    folder = exports / "canvas_gradebook"
    wanted = expected(folder, case)
    (file,) = [folder / name for name in wanted["files"]]
    (summary,) = load(
        store,
        [file],
        as_of=wanted["as_of"],
        zone=wanted["timezone"],
        program=wanted["learners"][0]["program"],
    )
    assert differences(store, wanted) == []
    assert summary.left_out
    assert any("no logins" in note for note in summary.notes)
