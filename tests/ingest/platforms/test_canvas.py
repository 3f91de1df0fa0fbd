"""Exports of Canvas: what they give is what must come out of them, row by row."""

# ruff: noqa: DTZ001 (an instant is a naive datetime in UTC here)

import json
from datetime import datetime

import pandas as pd
import pytest

from engagement.errors import InvalidInput
from engagement.ingest import learners
from tests.support.exports import differences, expected, load

ABOVE = '    Points Possible,,,,,10.00,20.00,"(read only)"'


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


def gradebook(folder, *lines, name="2026-11-20T0932_Grades-BIO101.csv", **written):
    file = folder / name
    file.write_text("\n".join(lines) + "\n", **{"encoding": "utf-8"} | written)
    return file


def known(stored, columns="avg_quiz_score, completed_percent_course"):
    return stored(
        f"select l.id, {columns} from learners as l inner join learner_facts as f on l.id = f.learner_id order by l.id"
    )


def test_a_gradebook_without_points_takes_the_current_score_as_it_stands(store, stored, tmp_path):
    file = gradebook(
        tmp_path,
        "Student,ID,SIS User ID,SIS Login ID,Section,Quiz (11),Essay (12),Current Score",
        '"Invented, Ana",1,,ana,A,8,,80.00',
    )
    load(store, [file], as_of="2026-11-20")
    assert known(stored) == [("1", 80.0, 50.0)]


def test_without_totals_the_mean_is_that_of_the_items_none_above_all_its_points(store, stored, tmp_path):
    file = gradebook(
        tmp_path,
        "Student;ID;SIS User ID;SIS Login ID;Section;Quiz (11);Essay (12)",
        "    Points Possible;;;;;10,00;20,00",
        "Invented, Ana;1;;ana;A;12,00;10,00",
        "Invented, Bo;2;;bo;A;EX;5,00",
        "Invented, Chi;3;;chi;A;;N/A",
        encoding="utf-8-sig",
    )
    (summary,) = load(store, [file], as_of="2026-11-20")
    assert known(stored) == [("1", 75.0, 100.0), ("2", 25.0, 100.0), ("3", None, 0.0)]
    assert any("mean of what was graded" in note for note in summary.notes)


def test_a_column_that_is_only_named_like_an_item_is_none(store, stored, tmp_path):
    file = gradebook(
        tmp_path,
        "Student,ID,SIS User ID,SIS Login ID,Section,Group (3),Quiz (11),Essay (12),Current Score (2026)",
        "    Points Possible,,,,,,10.00,0.00,(skrivskyddad)",
        '"Invented, Ana",1,,ana,A,red,8.00,,80.00',
    )
    load(store, [file], as_of="2026-11-20")
    assert known(stored) == [("1", 80.0, 100.0)]


def test_columns_stand_in_any_order(store, stored, tmp_path):
    file = gradebook(
        tmp_path,
        "Quiz (11),Current Score,Section,SIS Login ID,Essay (12),ID,Group (3),SIS User ID,Student",
        "10.00,(read only),,,20.00,,,,    Points Possible",
        '8.00,80.00,A,ana,,1,red,S1,"Invented, Ana"',
    )
    load(store, [file], as_of="2026-11-20")
    assert known(stored, "name, avg_quiz_score, completed_percent_course") == [
        ("1", "Ana Invented", 80.0, 50.0)
    ]


def test_the_test_student_is_known_in_other_languages_and_by_a_login_that_nobody_chose(
    store, stored, tmp_path
):
    header = "Student,ID,SIS User ID,SIS Login ID,Section,Quiz (11),Essay (12),Current Score"
    ana = '"Invented, Ana",1,S1,ana,A,8,,80.00'
    last = '"Uczeń, Próbny",9,,0f3c5b6e2d00aa17,A,1,1,100.00'
    named = '"Estudiante de prueba",9,,x,A,1,1,100.00'
    for lines in ([ana, last], [named, ana]):
        (summary,) = load(store, [gradebook(tmp_path, header, ABOVE, *lines)], as_of="2026-11-20")
        assert stored("select id from learners") == [("1",)]
        assert summary.left_out["a test student"]["rows"] == 1


def test_a_learner_of_two_gradebooks_has_two_enrolments_in_any_order(store, stored, tmp_path):
    header = "Student,ID,SIS User ID,SIS Login ID,Section,Quiz (11),Essay (12),Current Score"
    one, other = (
        gradebook(
            tmp_path, header, ABOVE, f'"Invented, Ana",1,,ana,A,8,,{score}', name=f"day_Grades-{course}.csv"
        )
        for course, score in (("BIO", 80), ("ART", 60))
    )
    wanted = [("1", 80.0, "BIO", "1"), ("1 ART", 60.0, "ART", "1")]
    for files in ([one, other], [other, one]):
        load(store, files, as_of="2026-11-20")
        assert known(stored, "avg_quiz_score, program, person_id") == wanted


def test_reports_tell_the_newest_access_of_whom_canvas_knows_and_no_address_of_a_machine(
    store, exports, stored
):
    folder = exports / "canvas_reports"
    wanted = expected(folder)
    (summary,) = load(
        store, [folder / name for name in wanted["files"]], as_of=wanted["as_of"], program="Told"
    )
    assert differences(store, wanted, besides=["program"]) == []
    assert any("1 learners were never in their course" in note for note in summary.notes)
    assert "203.0.113" not in str(stored("from learners")) + str(stored("from quarantine"))


ACCESS = "user id,user sis id,user name,last access at,last ip"


@pytest.mark.parametrize(
    "header", [ACCESS, "användar-ID,användarens SIS-ID,användarnamn,senast åtkomst,senaste IP"]
)
def test_an_access_is_read_in_any_language_and_no_ip_of_a_ragged_row_is_kept(store, stored, tmp_path, header):
    file = gradebook(
        tmp_path,
        header,
        '1,S1,"Invented, Ana",2026-11-19T21:40:11-07:00,203.0.113.7',
        "2,,,,",
        '3,S3,"Invented, Chi",2026-11-21T21:40:11-07:00,203.0.113.7',
        '4,S4,"Invented, Dan",2026-11-19T21:40:11-07:00,203.0.113.7,more',
        name="report.csv",
    )
    (summary,) = load(store, [file], as_of="2026-11-20", program="Told")
    assert known(stored, "last_login::text, login_is_unknown") == [
        ("1", "2026-11-20 04:40:11", False),
        ("2", None, False),
        ("3", None, True),
    ]
    assert summary.quarantined == 1
    assert "203.0.113" not in str(stored("from quarantine"))


def test_reports_need_no_program_of_learners_who_are_known(store, stored, tmp_path):
    header = "Student,ID,SIS User ID,SIS Login ID,Section,Quiz (11),Essay (12),Current Score"
    load(store, [gradebook(tmp_path, header, ABOVE, '"Invented, Ana",1,,ana,A,8,,80')], as_of="2026-11-19")
    report = gradebook(tmp_path, ACCESS, "1,,,2026-11-19T21:40:11Z,", "2,,,,", name="report.csv")
    (summary,) = load(store, [report], as_of="2026-11-20")
    assert summary.reasons == {
        "program: missing, and the learner is not known yet; `--set program=NAME` says it": 1
    }
    assert stored(
        "select avg_quiz_score, last_login::text from learner_facts order by observed_at desc limit 1"
    ) == [(80.0, "2026-11-19 21:40:11")]


def test_a_gradebook_forgets_no_address_and_no_phone_that_it_does_not_have(store, stored, tmp_path):
    roster = tmp_path / "list.csv"
    roster.write_text(
        "id,name,email,phone,program\n1,Ana Invented,ana@example.invalid,+15550101,BIO101\n"
        "2,Bo Invented,bo@example.invalid,+15550102,BIO101\n",
        encoding="utf-8",
    )
    at = datetime(2026, 9, 1)
    learners.load(store, roster, observed_at=at, loaded_at=at)
    header = "Student,ID,SIS User ID,SIS Login ID,Section,Quiz (11),Essay (12),Current Score"
    rows = ['"Invented, Ana",1,,ana,A,8,,80', '"Invented, Bo",2,,new@example.invalid,A,8,,80']
    load(store, [gradebook(tmp_path, header, ABOVE, *rows)], as_of="2026-11-20")
    assert stored("select id, email, phone from learners order by id") == [
        ("1", "ana@example.invalid", "+15550101"),
        ("2", "new@example.invalid", "+15550102"),
    ]


def test_a_list_of_who_did_nothing_alone_says_what_it_needs(store, tmp_path):
    header = (
        "user id,user sis id,name,section id,section sis id,section name,course id,course sis id,course name"
    )
    file = gradebook(tmp_path, header, "1,,Ana,1,,A,2,,Biology", name="zero.csv")
    with pytest.raises(InvalidInput, match=r"1 learners were never in their course.*last user access"):
        load(store, [file], as_of="2026-11-20")


def data_2(exports, folder, case):
    """Return the folder of a case, with the files that are of it."""
    wanted = expected(exports / "canvas_data_2", case)
    for pattern in wanted["files"]:
        for file in (exports / "canvas_data_2").glob(pattern):
            (folder / file.name).write_bytes(file.read_bytes())
    return wanted


@pytest.mark.parametrize("case", range(3))
def test_data_2_gives_what_is_done_of_what_was_due(store, stored, exports, tmp_path, case):
    wanted = data_2(exports, tmp_path, case)
    first, *_ = load(store, [tmp_path], as_of=wanted["as_of"], zone=wanted["timezone"])
    assert differences(store, wanted) == []
    events = stored(
        "select learner_id, type, strftime(timestamp, '%Y-%m-%dT%H:%M:%S') from events order by all"
    )
    assert events == sorted(
        (each["learner_id"], each["type"], each["timestamp"]) for each in wanted["events"]
    )
    assert sum(left["rows"] for left in first.left_out.values()) == (
        1 if case == 2 else len(wanted["skipped"])
    )


TABLES = {
    "enrollments": [
        {"id": 1, "type": "StudentEnrollment", "user_id": 7, "course_id": 3, "workflow_state": "active"}
        | {"created_at": "2026-09-01T00:00:00Z", "last_activity_at": "2026-11-25T00:00:00Z"},
        {"id": 2, "type": "StudentEnrollment", "user_id": 7, "course_id": 4, "workflow_state": "deleted"}
        | {"created_at": "2026-09-01T00:00:00Z", "last_activity_at": None},
        {"id": 3, "type": "StudentEnrollment", "user_id": 7, "course_id": 5, "workflow_state": "active"}
        | {"created_at": "2026-12-01T00:00:00Z", "last_activity_at": None},
    ],
    "users": [{"id": 7, "name": "Ana Invented", "sortable_name": "Invented, Ana"}],
    "courses": [{"id": 3, "name": "Art", "course_code": "A"}, {"id": 4, "name": "Biology", "course_code": "B"}],
    "assignments": [
        {"id": at, "context_id": 3 if at < 13 else 4, "points_possible": 10.0, "workflow_state": "published"}
        | {"submission_types": ["online_upload"], "grading_type": "points"}
        for at in range(11, 15)
    ],
    "submissions": [
        {"id": 100 + at, "assignment_id": at, "user_id": 7, "workflow_state": "graded", "excused": False}
        | {"submitted_at": submitted, "score": 12.5, "cached_due_date": "2026-11-01T00:00:00Z"}
        | {"late_policy_status": None}
        for at, submitted in ((11, "2026-10-01T00:00:00Z"), (12, "2026-11-25T00:00:00Z"), (13, None))
    ],
}  # fmt: skip
FACTS = (
    "select l.id, program, active, last_login, login_is_unknown, completed_percent_due, avg_quiz_score "
    "from learners as l inner join learner_facts as f on l.id = f.learner_id order by l.id"
)
AT_THE_TIME = [("1", "Art", True, None, True, 50.0, 100.0), ("2", "Biology", False, None, False, 0.0, None)]


def as_lines(folder, name, rows):
    lines = [
        {"key": {"id": row["id"]}, "value": {**row}, "meta": {"ts": "2026-11-20T04:00:00Z"}} for row in rows
    ]
    (folder / f"{name}.json").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")


def as_parquet(folder, name, rows):
    pd.DataFrame([{f"value.{key}": value for key, value in row.items()} for row in rows]).to_parquet(
        folder / f"{name}.parquet"
    )


def as_tabs(folder, name, rows):
    frame = pd.DataFrame(
        [
            {f"value.{key}": str(value) if value is not None else None for key, value in row.items()}
            for row in rows
        ]
    )
    frame.to_csv(folder / f"{name}.tsv", sep="\t", na_rep="\\N", index=False)


@pytest.mark.parametrize("write", [as_lines, as_parquet, as_tabs])
def test_data_2_is_read_in_every_form_and_by_the_course_of_each_enrolment(store, stored, tmp_path, write):
    for name, rows in TABLES.items():
        folder = tmp_path / "data" / f"job_{name[:2]}"  # as the client calls it, which says nothing
        folder.mkdir(parents=True, exist_ok=True)
        write(folder, f"part-{name[:3]}-0", rows)
    first, *_ = load(store, [tmp_path / "data"], as_of="2026-11-20")
    assert stored(FACTS) == AT_THE_TIME
    assert first.left_out["begins later"]["rows"] == 1


def test_a_change_of_a_later_day_is_not_there_yet(store, stored, tmp_path):
    for name, rows in TABLES.items():
        as_lines(tmp_path, name, rows)
    changes = [
        {"key": {"id": 111}, "meta": {"ts": ts, "action": action}}
        for ts, action in (("2026-11-25T00:00:00Z", "D"),)
    ]
    (tmp_path / "submissions.jsonl").write_text("\n".join(map(json.dumps, changes)), encoding="utf-8")
    load(store, [tmp_path], as_of="2026-11-20")
    assert stored(FACTS) == AT_THE_TIME
