"""Gradebooks of Blackboard and Brightspace, and Brightspace's register and dashboard."""

import pytest

from tests.support.exports import differences, expected, load


def found(stored, columns="avg_quiz_score, completed_percent_course"):
    return stored(
        f"select l.id, {columns} from learners as l inner join learner_facts as f on l.id = f.learner_id order by l.id"
    )


def written(folder, name, text, encoding="utf-8"):
    file = folder / name
    file.write_text(text, encoding=encoding)
    return file


@pytest.mark.parametrize(
    ("case", "program"),
    [
        ("blackboard_gradecenter/0", ""),
        ("blackboard_gradecenter/1", ""),
        ("d2l_grades/0", "Calculus II"),
        ("d2l_grades/1", ""),
        ("d2l_attendance/0", "BIO101"),
        ("d2l_engagement/0", "Told"),
    ],
)
def test_what_a_file_gives_is_what_must_come_of_it(store, stored, exports, case, program):
    kind, _, number = case.partition("/")
    wanted = expected(exports / kind, int(number))
    said = {"program": program} if program else {}
    files = [exports / kind / name for name in wanted["files"]]
    first, *_ = load(store, files, as_of=wanted["as_of"], zone=wanted["timezone"], **said)
    assert differences(store, wanted, besides=["program"] if program == "Told" else []) == []
    events = stored(
        "select learner_id, type, strftime(timestamp, '%Y-%m-%dT%H:%M:%S') from events order by all"
    )
    assert events == sorted(
        (each["learner_id"], each["type"], each["timestamp"]) for each in wanted["events"]
    )
    skipped = [each["line"] for each in wanted["skipped"]]
    assert [line for left in first.left_out.values() for line in left["lines"]] == skipped


GERMAN = "\t".join(
    [
        *("Nachname", "Vorname", "Benutzername", "Studenten-ID", "Letzter Zugriff", "Verfügbarkeit"),
        *("Gesamt [Gesamtpunkte: bis zu 30 Punktzahl] |1", "Test [A|B] [Gesamtpunkte: 10,0 Punktzahl] |2"),
        *("Essay [Gesamtpunkte: 20 Punktzahl] |3", "Selbst [Gesamtpunkte: 0 Punktzahl] |4"),
        *("Mitarbeit [Gesamtpunkte: 10 Text] |5", "Gesamtnote [Gesamtpunkte: 100 Punktzahl] |6", "E-Mail"),
    ]
)


def test_a_grade_centre_is_read_in_german_with_a_decimal_comma(store, stored, tmp_path):
    rows = [
        "Erfunden\tAna\tana\t007\t19.11.2026 18:02:11\tJa\t18,5\t8,5\t30,0\t1\tgut\t50\tana@example.invalid",
        "Erfunden\tBo\tbo\t\t\tNein\t\tBefreit\tIn Bearbeitung\t\t\t0\t",
        "Vorschau\tAda\tada_previewuser\t\t\tJa\t\t1,0\t\t\t\t\t",
    ]
    file = written(tmp_path, "gc_KURS_7_fullgc_2026-11-20-09-30-00.xls", "\n".join([GERMAN, *rows]), "utf-16")
    (summary,) = load(store, [file], as_of="2026-11-20", zone="Europe/Berlin")
    facts = "person_id, email, program, active, last_login::text, avg_quiz_score, completed_percent_course"
    assert found(stored, facts) == [
        ("ana", "007", "ana@example.invalid", "KURS_7", True, "2026-11-19 17:02:11", 92.5, 100.0),
        ("bo", "bo", None, "KURS_7", False, None, None, 0.0),
    ]
    assert summary.left_out == {"a preview user": {"rows": 1, "lines": [4]}}


def test_grades_count_an_item_once_whatever_is_exported_of_it(store, stored, tmp_path):
    header = (
        "Email;Username;Prénom;Nom;Quiz Points Grade <Numeric MaxPoints:12,5 Weight:5>;"
        "Quiz Grade Symbol <Numeric>;Quiz Weighted Grade <Numeric MaxPoints:5>;"
        "Essay Points Grade <Numeric MaxPoints:0>;"
        "Calculated Final Grade Numerator;Calculated Final Grade Denominator;Indicateur de fin de ligne"
    )
    rows = ["ana@example.invalid;#ana;Ana;Inventée;10,0;B;4,0;;10,0;12,5;#", ";#007;Bo;Inventé;;;;3;;;#"]
    file = written(tmp_path, "ART_GradesExport_2026-11-20-09-30.csv", "\n".join([header, *rows]), "utf-8-sig")
    load(store, [file], as_of="2026-11-20", platform="brightspace")
    assert found(stored, "name, avg_quiz_score, completed_percent_course") == [
        ("007", "Bo Inventé", None, 50.0),
        ("ana", "Ana Inventée", 80.0, 50.0),
    ]


REGISTER = [
    "Username,Sep 28 2026,Sep 14 2026,First Name,Last Name,2026-09-21,2026-12-07,A,E,L,Z,% Attendance,Fin de ligne",
    "ana,A,P,Ana,Invented,L,A,1,0,1,0,66,#",
    "bo,E,A,Bo,Invented,A,-,2,1,0,0,0,#",
    "chi,Z,-,Chi,Invented,,-,0,0,0,1,0,#",
]


def test_sessions_are_in_the_order_of_their_days_and_those_to_come_are_none(store, stored, tmp_path):
    file = written(tmp_path, "register.csv", "\n".join(REGISTER))
    first, _ = load(store, [file], as_of="2026-11-20", program="ART")
    assert found(stored, "consecutive_missed_sessions") == [("ana", 1), ("bo", 2), ("chi", None)]
    assert stored("select learner_id, type, timestamp::text from events order by all") == [
        ("ana", "session_attended", "2026-09-14 12:00:00"),
        ("ana", "session_attended", "2026-09-21 12:00:00"),
        ("ana", "session_missed", "2026-09-28 12:00:00"),
        ("bo", "session_missed", "2026-09-14 12:00:00"),
        ("bo", "session_missed", "2026-09-21 12:00:00"),
    ]
    assert any("1 marks are neither there nor missed, as far as is known: z" in note for note in first.notes)


def test_sessions_without_days_are_in_the_order_of_their_columns_and_make_no_events(store, stored, tmp_path):
    lines = [
        "First Name,Last Name,Username,Lab,Talk,P,A,% Attendance,End-of-Line Indicator",
        "Ana,Invented,ana,P,A,1,1,50,#",
    ]
    (summary,) = load(
        store, [written(tmp_path, "r.csv", "\n".join(lines))], as_of="2026-11-20", program="ART"
    )
    assert found(stored, "consecutive_missed_sessions") == [("ana", 1)]
    assert any("2 sessions carry no date" in note for note in summary.notes)


def test_a_dashboard_tells_of_those_whom_a_grades_export_made_known(store, stored, tmp_path):
    grades = "Username,Last Name,First Name,Quiz Points Grade <Numeric MaxPoints:10>,End\n#ana,I,Ana,5,#"
    load(store, [written(tmp_path, "ART_GradesExport.csv", grades)], as_of="2026-11-19")
    header = "Last Name,First Name,User Name,User ID,Last Accessed System"
    rows = f'{header}\nI,Ana,ana,77,"19 nov. 2026 18:02"\nJ,Bo,bo,78,NULL'
    (summary,) = load(store, [written(tmp_path, "e.csv", rows)], as_of="2026-11-20")
    assert summary.accepted == 1
    newest = "select last_login::text, avg_quiz_score from learner_facts order by observed_at desc limit 1"
    assert stored(newest) == [("2026-11-19 18:02:00", 50.0)]


def test_a_learner_of_two_courses_has_two_enrolments_and_keeps_them(store, stored, tmp_path):
    header = "Username,Last Name,First Name,Quiz Points Grade <Numeric MaxPoints:10>,End"
    bio, art = (
        written(tmp_path, f"{course}_GradesExport.csv", f"{header}\n#ana,I,Ana,{points},#\n")
        for course, points in (("BIO", 5), ("ART", 7))
    )
    wanted = [("ana", "ana", "BIO", 50.0), ("ana ART", "ana", "ART", 70.0)]
    (tmp_path / "loads").mkdir()
    for files in ([bio, art], [art], [art, bio], [bio]):
        load(store, files, as_of="2026-11-20")
        assert found(stored, "person_id, program, avg_quiz_score") == wanted
