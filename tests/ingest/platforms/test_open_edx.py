"""Reports of Open edX: what several say of one learner is one row, and what nobody took is no zero."""

import pytest

from engagement.errors import InvalidInput
from tests.support.exports import differences, expected, load


def test_reports_together_give_what_must_come_of_them(store, stored, exports):
    folder = exports / "openedx_reports"
    wanted = expected(folder)
    first, _ = load(store, sorted(folder.glob("*.csv")), as_of=wanted["as_of"], zone=wanted["timezone"])
    assert differences(store, wanted) == []
    events = stored(
        "select learner_id, type, strftime(timestamp, '%Y-%m-%dT%H:%M:%S') from events order by all"
    )
    assert events == sorted(
        (each["learner_id"], each["type"], each["timestamp"]) for each in wanted["events"]
    )
    assert any("1 learners could not be graded" in note for note in first.notes)
    assert "nucleus" not in str(stored("from events"))


def written(folder, name, *lines):
    file = folder / name
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def grades(tmp_path):
    return written(
        tmp_path,
        "x_ART_1_grade_report_2026-11-20-0930.csv",
        "Enrollment Status,Username,Student ID,Email,Grade,Lab 1: Light,Lab 2: Shade,Lab (Avg),Exam,"
        "Experiment Group (a: b),Cohort Name",
        "enrolled,ana,1,ana@example.invalid,0.4,0.8,Not Attempted,0.4,0.0,A,",
        "enrolled,bo,2,,0,Not Available,Not Attempted,0.0,0.0,B,",
    )


@pytest.fixture
def profiles(tmp_path):
    return written(
        tmp_path,
        "x_ART_1_student_profile_info_2026-11-20-0930.csv",
        "id,username,name,email,year_of_birth,goals,last_login,enrollment_date",
        '1,ana,Ana Invented,ana@example.invalid,1999,"to\nlearn",2026-11-22 18:02:11+00:00,2026-09-01 10:00:00+00:00',
        "3,chi,Chi Invented,chi@example.invalid,None,None,None,2026-09-05 08:00:05+00:00",
    )


STATE = (
    "select l.id, name, program, last_login::text, login_is_unknown, completed_percent_course, avg_quiz_score "
    "from learners as l inner join learner_facts as f on l.id = f.learner_id order by l.id"
)
ART = "course-v1:x+ART+1"


def test_who_is_in_one_report_alone_is_there_too(store, stored, grades, profiles):
    load(store, [profiles, grades], as_of="2026-11-20")
    assert stored(STATE) == [
        ("ana", "Ana Invented", ART, None, True, 50.0, 80.0),
        ("bo", None, ART, None, True, 0.0, None),
        ("chi", "Chi Invented", ART, None, False, None, None),
    ]


def test_a_grade_report_alone_says_nothing_of_logins(store, stored, grades):
    (summary,) = load(store, [grades], as_of="2026-11-20")
    assert [row[4] for row in stored(STATE)] == [True, True]
    assert any("1 assignment types have one subsection" in note for note in summary.notes)


def test_answers_of_later_days_or_of_a_broken_state_make_no_events(store, stored, tmp_path, grades):
    answers = written(
        tmp_path,
        "renamed.csv",
        "state,username,title,block_key",
        '"{""last_submission_time"": ""2026-11-19T07:00:00Z""}",ana,Light,block-v1:x+ART+1+type@problem+block@a',
        '"{""last_submission_time"": ""2026-11-29T07:00:00Z""}",ana,Light,block-v1:x+ART+1+type@problem+block@b',
        '"{""last_sub",bo,Light,block-v1:x+ART+1+type@problem+block@a',
    )
    load(store, [answers, grades], as_of="2026-11-20")
    assert stored("select learner_id, timestamp::text, metadata from events") == [
        ("ana", "2026-11-19 07:00:00", '{"title": "Light"}')
    ]


def test_a_list_of_those_who_could_not_be_graded_alone_says_what_it_needs(store, tmp_path):
    errors = written(tmp_path, "x_ART_1_grade_report_err_1.csv", "Student ID,Username,Error", "16,eve,index")
    with pytest.raises(InvalidInput, match=r"1 learners could not be graded.*load the grade report"):
        load(store, [errors], as_of="2026-11-20")
