"""Whose a row is: learners who are known by a list of somebody's own, and the exports that name them otherwise."""

import json
from datetime import datetime

import pandas as pd
import pytest

from engagement.ingest import learners
from engagement.ingest.platforms import joining
from tests.support.exports import load

AT = datetime(2026, 9, 1)  # noqa: DTZ001 (naive UTC, as everywhere here)
CANVAS = "Student,ID,SIS User ID,SIS Login ID,Section,Quiz (11),Current Score"
ABOVE = '"    Points Possible",,,,,10,(read only)'
BLACKBOARD = "Last Name,First Name,Username,Student ID,Last Access,Availability,Quiz [Total Pts: 10 Score] |1"
BRIGHTSPACE = "OrgDefinedId,Username,Last Name,First Name,Email,Quiz Points Grade <Numeric MaxPoints:10>,End"
REGISTER = "First Name,Last Name,Username,Week 1 (260914),P,A,% Attendance,End-of-Line Indicator"
DASHBOARD = "Last Name,First Name,User Name,User ID,Courses,Average Grade"


@pytest.fixture
def files(tmp_path):
    def written(name, *lines):
        file = tmp_path / name
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return file

    return written


@pytest.fixture
def listed(store, files):
    """Learners of a list of somebody's own, in BIO."""

    def load_list(*rows, header="id,name,email,program"):
        file = files("own.csv", header, *rows)
        learners.load(store, file, observed_at=AT, loaded_at=AT)

    return load_list


@pytest.fixture
def known(stored):
    def rows(columns="l.id, l.name, person_id, avg_quiz_score, completed_percent_course"):
        return stored(
            f"select {columns} from learners as l left join facts_at('2027-01-01') as f on l.id = f.learner_id "
            "order by l.id"
        )

    return rows


def canvas(files, *rows, course="BIO"):
    return files(f"2026-11-20T0932_Grades-{course}.csv", CANVAS, ABOVE, *rows)


@pytest.mark.parametrize("numbers", [[None], [None, None]], ids=["one row", "two"])
def test_where_a_platform_says_nobodys_number_whoever_they_are_is_new(numbers):
    known = pd.DataFrame({name: ["x"] for name in (*joining.KEYS, "active")}).assign(active=True)
    rows = pd.DataFrame({"id": numbers, "name": "Ana Invented", "program": "BIO", "external_id": None})
    for own_ids in (True, False):
        found = joining.joined(rows, known, own_ids=own_ids)
        assert found["id"].isna().all()


@pytest.mark.parametrize(
    ("own", "row"),
    [
        ("4711,Ana B,ana@example.invalid,BIO", '"Invented, Ana",501,S-1,Ana@example.invalid,A,8,80'),
        ("4711,Ana B,,BIO", '"Invented, Ana",501,4711,ana,A,8,80'),
    ],
    ids=["by the address", "by the institution's number"],
)
def test_who_is_on_a_list_of_ones_own_is_the_same_learner_in_a_gradebook(
    store, listed, known, files, *, own, row
):
    listed(own)
    for day in ("19", "20"):
        load(store, [canvas(files, row)], as_of=f"2026-11-{day}")
        assert known("l.id, person_id, external_id, avg_quiz_score") == [("4711", "4711", "canvas:501", 80)]
    report = files(
        "r.csv", "user id,user sis id,user name,last access at,last ip", '501,,,"2026-11-19T08:00Z",'
    )
    load(store, [report], as_of="2026-11-20")
    assert known("l.id, last_login::text") == [("4711", "2026-11-19 08:00:00")]


def test_the_number_of_the_person_counts_as_their_id_does(store, listed, known, files):
    listed("e-1,Ana,4711,BIO", header="id,name,person_id,program")
    load(store, [canvas(files, '"Invented, Ana",501,4711,ana,A,8,80')], as_of="2026-11-20")
    assert known("l.id, person_id, avg_quiz_score") == [("e-1", "4711", 80)]


def test_a_number_of_canvas_that_is_by_chance_anothers_names_nobody(store, listed, known, files):
    listed(
        "501,Eve Else,eve@example.invalid,p-1,BIO",
        "e-2,Fay Else,fay@example.invalid,502,BIO",
        header="id,name,email,person_id,program",
    )
    rows = [
        '"Invented, Ana",501,S-1,ana,A,8,80',
        '"Invented, Bo",502,,bo,A,4,40',
        '"Invented, Chi",503,,c,A,2,20',
    ]
    for day in ("19", "20"):
        load(store, [canvas(files, *rows)], as_of=f"2026-11-{day}")
        assert known("l.id, l.name, l.email, person_id, avg_quiz_score") == [
            ("501", "Eve Else", "eve@example.invalid", "p-1", None),
            ("503", "Chi Invented", None, "503", 20),
            ("canvas:501", "Ana Invented", None, "S-1", 80),
            ("canvas:502", "Bo Invented", None, "canvas:502", 40),
            ("e-2", "Fay Else", "fay@example.invalid", "502", None),
        ]


def test_who_share_an_address_are_told_apart_by_their_numbers_or_are_new(store, listed, known, files):
    listed("4711,Ana,home@example.invalid,BIO", "4712,Bo,home@example.invalid,BIO")
    row = '"Invented, {}",{},{},home@example.invalid,A,{},{}'
    load(store, [canvas(files, row.format("Chi", 503, "", 2, 20))], as_of="2026-11-19")
    load(store, [canvas(files, row.format("Bo", 502, "4712", 4, 40))], as_of="2026-11-20")
    assert known("l.id, external_id, avg_quiz_score") == [
        ("4711", None, None),
        ("4712", "canvas:502", 40),
        ("503", "canvas:503", 20),
    ]


def test_two_rows_of_one_address_name_neither_the_one_who_has_it(store, listed, known, files):
    listed("4711,Ana,home@example.invalid,ART")
    rows = [f'"Invented, {name}",{at},,home@example.invalid,A,8,80' for name, at in (("Bo", 1), ("Chi", 2))]
    for course in ("ART", "BIO"):
        load(store, [canvas(files, *rows, course=course)], as_of="2026-11-20")
    assert known("l.id, program, person_id") == [
        ("1", "ART", "1"),
        ("1 BIO", "BIO", "1"),
        ("2", "ART", "2"),
        ("2 BIO", "BIO", "2"),
        ("4711", "ART", "4711"),
    ]


def test_another_course_is_an_enrolment_of_the_same_person(store, listed, known, files):
    listed("4711,Ana,ana@example.invalid,ART")
    row = '"Invented, Ana",501,,ana@example.invalid,A,8,80'
    for _ in range(2):
        load(store, [canvas(files, row)], as_of="2026-11-20")
        assert known("l.id, program, person_id, avg_quiz_score") == [
            ("4711", "ART", "4711", None),
            ("501", "BIO", "4711", 80),
        ]
    load(store, [canvas(files, row, course="ART")], as_of="2026-11-20")
    assert known("l.id, program, avg_quiz_score") == [("4711", "ART", 80), ("501", "BIO", 80)]


def test_data_2_speaks_of_who_is_known_and_its_numbers_are_nobody_elses(
    store, stored, listed, known, tmp_path
):
    listed(
        "4711,Ana,ana@example.invalid,,Art",
        "e-2,Fay Else,fay@example.invalid,8,Art",
        header="id,name,email,person_id,program",
    )
    enrolled = {"type": "StudentEnrollment", "course_id": 3, "workflow_state": "active"}
    enrolled |= {"created_at": "2026-09-01T00:00:00Z", "last_activity_at": "2026-11-10T00:00:00Z"}
    address = {"path_type": "email", "workflow_state": "active", "position": 1}
    tables = {
        "enrollments": [
            {"id": 1, "user_id": 7} | enrolled,
            {"id": 2, "user_id": 8} | enrolled,
            {"id": 3, "user_id": 7} | enrolled | {"course_id": 4},
            {"id": 4, "user_id": 7} | enrolled | {"course_id": 4},
        ],
        "users": [
            {"id": at, "name": name, "sortable_name": name}
            for at, name in ((7, "Ana Invented"), (8, "Bo Invented"))
        ],
        "courses": [{"id": at, "name": name, "course_code": name} for at, name in ((3, "Art"), (4, "Law"))],
        "communication_channels": [{"id": 9, "user_id": 7, "path": "ana@example.invalid"} | address],
        "quizzes": [
            {
                "id": 5,
                "context_id": 3,
                "workflow_state": "available",
                "quiz_type": "assignment",
                "due_at": None,
            }
        ],
        "quiz_submissions": [
            {"id": 6, "quiz_id": 5, "user_id": 7, "finished_at": "2026-11-10T00:00:00Z", "score": 8}
            | {"workflow_state": "complete", "kept_score": 8, "quiz_points_possible": 10}
        ],
    }
    folder = tmp_path / "canvas"
    folder.mkdir()
    for name, rows in tables.items():
        lines = [
            {"key": {"id": row["id"]}, "value": row, "meta": {"ts": "2026-11-11T00:00:00Z"}} for row in rows
        ]
        text = "\n".join(map(json.dumps, lines))
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    for _ in range(2):
        load(store, [folder], as_of="2026-11-20")
        assert known("l.id, program, person_id, l.email, external_id") == [
            ("2", "Art", "canvas:8", None, "canvas:8"),
            ("3", "Law", "4711", "ana@example.invalid", "canvas:7"),
            ("4", "Law", "4711", "ana@example.invalid", "canvas:7"),
            ("4711", "Art", "4711", "ana@example.invalid", "canvas:7"),
            ("e-2", "Art", "8", "fay@example.invalid", None),
        ]
    assert stored("select distinct learner_id from events") == [("4711",)]


def test_who_comes_in_two_files_of_one_command_keeps_their_number(store, known, files):
    report = files(
        "r.csv", "user id,user sis id,user name,last access at,last ip", '501,,,"2026-11-19T08:00Z",'
    )
    load(store, [canvas(files, '"Invented, Ana",501,,ana,A,8,80'), report], as_of="2026-11-20")
    assert known("l.id, person_id, last_login::text") == [("501", "501", "2026-11-19 08:00:00")]


def test_exports_of_two_platforms_speak_of_one_learner_in_any_order(store, known, files):
    of_canvas = canvas(files, '"Invented, Ana",501,4711,ana@example.invalid,A,8,80', course="X")
    of_blackboard = files("gc_X_ultra.csv", BLACKBOARD, "Invented,Ana,ana,4711,2026-11-19 18:00:00,Yes,6")
    load(store, [of_canvas, of_blackboard], as_of="2026-11-20")
    assert known("l.id, person_id, last_login::text, l.email") == [
        ("501", "4711", "2026-11-19 18:00:00", "ana@example.invalid")
    ]


@pytest.mark.parametrize("first", ["canvas", "blackboard"])
def test_what_is_loaded_later_finds_who_came_first(store, known, files, first):
    of_canvas = canvas(files, '"Invented, Ana",501,4711,ana@example.invalid,A,8,80', course="X")
    of_blackboard = files("gc_X_ultra.csv", BLACKBOARD, "Invented,Ana,ana,4711,2026-11-19 18:00:00,Yes,6")
    order = [of_canvas, of_blackboard] if first == "canvas" else [of_blackboard, of_canvas]
    for file in (*order, *order):
        load(store, [file], as_of="2026-11-20")
    wanted = {"canvas": ("501", "canvas:501"), "blackboard": ("ana", "blackboard:ana")}
    assert known("l.id, external_id") == [wanted[first]]


def test_a_grades_export_makes_the_names_of_brightspace_known_to_its_register_and_dashboard(
    store, stored, listed, known, files
):
    listed("4711,Ana,ana@example.invalid,BIO", "1901,Eve Else,eve@example.invalid,BIO")
    grades = files("BIO_GradesExport.csv", BRIGHTSPACE, "#4711,#ana,Invented,Ana,,8,#")
    load(store, [grades], as_of="2026-11-18")
    load(store, [files("r.csv", REGISTER, "Ana,Invented,ana,A,0,1,0,#")], as_of="2026-11-19", program="BIO")
    load(store, [files("d.csv", DASHBOARD, "Invented,Ana,ana,1901,1,70 %")], as_of="2026-11-20")
    assert known("l.id, l.name, l.email, external_id, consecutive_missed_sessions, avg_quiz_score") == [
        ("1901", "Eve Else", "eve@example.invalid", None, None, None),
        ("4711", "Ana Invented", "ana@example.invalid", "brightspace:ana", 1, 70),
    ]
    assert stored("select learner_id, type from events") == [("4711", "session_missed")]


def test_a_dashboard_tells_of_the_first_enrolment_of_who_has_two(store, known, files):
    for course in ("ART", "BIO"):
        grades = files(f"{course}_GradesExport.csv", BRIGHTSPACE, "#,#ana,Invented,Ana,,8,#")
        load(store, [grades], as_of="2026-11-18")
    load(store, [files("d.csv", DASHBOARD, "Invented,Ana,ana,1901,2,70 %")], as_of="2026-11-20")
    assert known("l.id, avg_quiz_score") == [("ana", 70), ("ana BIO", 80)]


def test_a_login_that_is_by_chance_anothers_id_gives_way_to_the_number(store, listed, known, files):
    listed("4711,Ana,,X", "ana,Eve Else,,X")
    rows = ["Invented,Ana,ana,4711,,Yes,6", "Invented,Bo,bo,,,Yes,3"]
    load(store, [files("gc_X_ultra.csv", BLACKBOARD, *rows)], as_of="2026-11-20")
    assert known("l.id, l.name, avg_quiz_score") == [
        ("4711", "Ana Invented", 60),
        ("ana", "Eve Else", None),
        ("bo", "Bo Invented", 30),
    ]


def test_the_number_that_moodle_is_asked_by_again_stays(store, known, files):
    completion = files(
        "completion.csv",
        'ID,Name,"ID number","Email address",Essay,"Essay - Completion date"',
        '17,"Ana Invented",4711,ana@example.invalid,Completed,"1 November 2026, 10:00"',
    )
    of_canvas = canvas(files, '"Invented, Ana",501,4711,ana,A,8,80')
    for file in (of_canvas, completion, of_canvas):
        load(store, [file], as_of="2026-11-20", program="BIO")
    assert known("l.id, external_id") == [("501", "moodle:17")]


def test_no_address_is_forgotten_that_an_export_does_not_have(store, listed, known, files):
    listed("4711,Ana,ana@example.invalid,BIO", "4712,Bo,bo@example.invalid,BIO")
    rows = ['"Invented, Ana",501,4711,ana,A,8,80', '"Invented, Bo",502,4712,new@example.invalid,A,8,80']
    load(store, [canvas(files, *rows)], as_of="2026-11-20")
    assert known("l.id, l.email") == [("4711", "ana@example.invalid"), ("4712", "new@example.invalid")]
