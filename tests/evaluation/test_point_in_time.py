import numpy as np
import pandas as pd
import pytest

from engagement.errors import InvalidInput, NotFound
from engagement.evaluation import point_in_time
from tests.support.cohort import AS_OF, DAY, HOUR, learner, load

WEEK = 7 * DAY
FIRST = AS_OF - 5 * WEEK  # the first facts of the cohort: week 1
END = AS_OF


def happened(store, learner_id, kind, at):
    with store.write() as db:
        db.execute(
            "insert into events values ($id, $learner, $kind, '{}', $at, 'import', 'test')",
            {"id": f"{learner_id} {kind} {at}", "learner": learner_id, "kind": kind, "at": at},
        )


@pytest.fixture
def course(store):
    """Five weeks of three learners; `a` withdrew after week 3, `b` and `c` passed at the end."""
    for week in range(5):
        at = FIRST + week * WEEK
        people = [
            learner(each, completed_percent=10 * week, last_login=at - DAY, enrolled_at=FIRST - WEEK)
            for each in "abc"
        ]
        load(store, *people, at=at)
    happened(store, "a", "course_withdrawn", FIRST + 2 * WEEK + HOUR)
    for each in "bc":
        happened(store, each, "course_passed", END - DAY)
    return store


def of(found, learner_id):
    return found[found["person"] == learner_id].set_index("week")


def test_each_week_has_who_was_there_with_what_was_known_when_it_ended(course):
    found = point_in_time.of_store(course, as_of=END)
    assert found.columns.tolist() == list(point_in_time.COLUMNS)
    assert of(found, "a").index.tolist() == [1, 2, 3]  # gone in the fourth
    assert of(found, "b")["completed_percent"].to_dict() == {1: 0, 2: 10, 3: 20, 4: 30, 5: 40}
    assert of(found, "b")["days_inactive"].round(6).tolist() == [1] * 5
    assert of(found, "a")["has_left"].all()
    assert not of(found, "b")["has_left"].any()


def test_what_became_known_later_changes_no_earlier_week(course):
    before = point_in_time.of_store(course, as_of=END)
    load(course, learner("a", completed_percent=99, avg_quiz_score=99), at=END - HOUR)
    load(course, learner("b", completed_percent=99, avg_quiz_score=99), at=FIRST + WEEK + HOUR)
    after = point_in_time.of_store(course, as_of=END)
    pd.testing.assert_frame_equal(of(before, "a"), of(after, "a"))
    pd.testing.assert_frame_equal(of(before, "b").loc[:2], of(after, "b").loc[:2])


def test_an_end_that_lies_after_the_day_is_not_known_on_it(course):
    found = point_in_time.of_store(course, as_of=FIRST + 3 * WEEK)
    assert set(found["person"]) == {"a"}
    with pytest.raises(NotFound):
        point_in_time.of_store(course, as_of=FIRST + 2 * WEEK)


def test_who_enrols_later_or_was_inactive_is_not_there(course):
    late = learner("d", enrolled_at=FIRST + WEEK + DAY)
    load(course, late, learner("e", active=False), at=FIRST + WEEK + DAY)
    for each in "de":
        happened(course, each, "course_failed", END - DAY)
    found = point_in_time.of_store(course, as_of=END)
    assert of(found, "d").index.min() == 3
    assert of(found, "e").empty


def test_the_last_end_counts(course):
    happened(course, "b", "course_failed", END)
    assert of(point_in_time.of_store(course, as_of=END), "b")["has_left"].all()


def test_quiet_is_no_sign_for_two_weeks_and_only_where_two_weeks_have_passed(course):
    happened(course, "b", "login", FIRST + 2 * WEEK - HOUR)
    happened(course, "c", "session_missed", FIRST + HOUR)  # no sign of the learner
    found = point_in_time.of_store(course, as_of=FIRST + 4 * WEEK, outcome="quiet")
    assert of(found, "b")["has_left"].to_dict() == {1: False, 2: False, 3: True}
    assert of(found, "c")["has_left"].to_dict() == {1: True, 2: True, 3: True}


def test_a_sign_on_the_last_moment_of_the_two_weeks_is_one_and_later_is_none(course):
    happened(course, "b", "quiz_completed", FIRST + 2 * WEEK)
    happened(course, "c", "session_attended", FIRST + 2 * WEEK + HOUR)
    found = point_in_time.of_store(course, as_of=FIRST + 2 * WEEK + DAY, outcome="quiet")
    assert of(found, "b")["has_left"].tolist() == [False]
    assert of(found, "c")["has_left"].tolist() == [True]


def test_a_program_without_events_is_not_taken_for_quiet(course):
    load(course, learner("w", program="Welding"), at=FIRST)
    happened(course, "b", "login", FIRST + DAY)
    found = point_in_time.of_store(course, as_of=END, outcome="quiet")
    assert set(found["program"]) == {"Data"}


def test_cohorts_stand_in_order_of_time(store):
    for cohort, at in (("2026-autumn", FIRST - WEEK), ("2025-winter", FIRST)):
        load(store, learner(cohort, cohort=cohort), at=at)
        happened(store, cohort, "course_failed", END)
    found = point_in_time.of_store(store, as_of=END)
    assert list(dict.fromkeys(found["cohort"])) == ["2026-autumn", "2025-winter"]


def test_one_program_can_be_looked_at(course):
    load(course, learner("w", program="Welding"), at=FIRST)
    happened(course, "w", "course_failed", END)
    found = point_in_time.of_store(course, as_of=END, program="Welding")
    assert set(found["person"]) == {"w"}


def test_the_outcome_is_how_it_ended_where_that_is_known(course, store):
    assert point_in_time.known(course, as_of=END).outcome == "left"
    assert point_in_time.outcome_known(course, FIRST) == "quiet"
    with pytest.raises(InvalidInput, match="left, quiet"):
        point_in_time.of_store(store, as_of=END, outcome="gone")


def test_a_weekly_table_is_read_with_work_due_only_where_something_was(tmp_path):
    row = {
        "presentation": "2013J",
        "program": "AAA",
        "week": 2,
        "id_student": 7,
        "as_of": "2013-10-15",
        "last_login": "2013-10-10",
        "completed_percent": 20.0,
        "on_schedule_percent": 100.0,
        "n_due": 0,
        "avg_quiz_score": np.nan,
        "consecutive_missed_sessions": 1,
        "outcome": "Withdrawn",
    }
    later = row | {"presentation": "2013B", "n_due": 2, "last_login": None, "outcome": "Pass"}
    path = tmp_path / point_in_time.WEEKLY_TABLE
    pd.DataFrame([row, later]).to_parquet(path)
    found = point_in_time.known(None, as_of=END, real_data=tmp_path)
    earlier, second = found.table.to_dict("records")
    assert (earlier["cohort"], earlier["completed_percent_due"], earlier["has_left"]) == ("2013B", 100, False)
    assert pd.isna(earlier["days_inactive"])  # never seen
    assert pd.isna(second["completed_percent_due"])
    assert (second["completed_percent_course"], second["days_inactive"], second["has_left"]) == (20, 5, True)
    assert "CC BY 4.0" in found.source


def test_a_file_that_is_no_weekly_table_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="oulad_learner_weekly"):
        point_in_time.known(None, as_of=END, real_data=tmp_path)
    pd.DataFrame({"week": [1]}).to_parquet(tmp_path / point_in_time.WEEKLY_TABLE)
    with pytest.raises(InvalidInput, match="columns"):
        point_in_time.of_weekly_table(tmp_path / point_in_time.WEEKLY_TABLE)
