"""The Open University's data: the weekly table is reproduced row for row, and each quirk of the files is known.

The small files are written as published: every value quoted, `?` for what is missing. Students are invented.
Day 0 of 2013J is 1 October 2013.
"""

import csv
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from engagement.dates import parse_as_of
from engagement.errors import InvalidInput
from engagement.ingest import oulad
from engagement.risk import formula
from tests.support.cohort import begin, rows
from tests.support.once import once

NOW = datetime.fromisoformat("2026-11-22 12:00")
DAY = timedelta(days=1)
COLUMNS = {
    "courses": "code_module,code_presentation,module_presentation_length",
    "assessments": "code_module,code_presentation,id_assessment,assessment_type,date,weight",
    "studentInfo": "code_module,code_presentation,id_student,gender,region,highest_education,imd_band,age_band,"
    "num_of_prev_attempts,studied_credits,disability,final_result",
    "studentRegistration": "code_module,code_presentation,id_student,date_registration,date_unregistration",
    "studentAssessment": "id_assessment,id_student,date_submitted,is_banked,score",
    "studentVle": "code_module,code_presentation,id_student,id_site,date,sum_click",
}
# Work is due on days 10, 20 and 40. Student 1 has done the first (80) and the second (60), and looked in on days 0
# and 15; student 2 has only registered.
PUBLISHED = {
    "courses": ["XXX,2013J,50", "XXX,2014B,50", "YYY,2013J,60"],
    "assessments": [
        "XXX,2013J,11,TMA,10,0",
        "XXX,2013J,12,CMA,20,0",
        "XXX,2013J,13,TMA,40,0",
        "XXX,2013J,19,Exam,?,100",
        "XXX,2014B,21,TMA,5,100",
    ],
    "studentInfo": ["XXX,2013J,1,F,?,?,?,?,0,60,N,Pass", "XXX,2013J,2,M,?,?,?,?,0,60,N,Fail"],
    "studentRegistration": ["XXX,2013J,1,-30,?", "XXX,2013J,2,-20,?"],
    "studentAssessment": ["11,1,9,0,80", "12,1,20,0,60"],
    "studentVle": ["XXX,2013J,1,501,0,3", "XXX,2013J,1,502,15,1"],
}
FACTS = (
    "last_login",
    "completed_percent",
    "completed_percent_course",
    "completed_percent_due",
    "avg_quiz_score",
    "consecutive_missed_sessions",
)


# More students of XXX 2013J as they are on day 21: who has registered, unregistered, what was handed in and clicked.
CLASS = {
    "studentRegistration": [
        *("XXX,2013J,3,21,?", "XXX,2013J,4,20,?", "XXX,2013J,5,?,?"),
        *("XXX,2013J,6,-30,-5", "XXX,2013J,7,-30,20", "XXX,2013J,8,-30,21", "XXX,2013J,9,-30,25"),
        *("XXX,2013J,31,-30,?", "XXX,2013J,32,-30,?"),
    ],
    "studentAssessment": ["11,31,9,0,80", *("11,32,9,0,80", "12,32,20,0,60", "13,32,20,0,?")],
}


def publish(folder, *, ending="\n", **more):
    """Write the tables as published, with `more` lines."""
    folder.mkdir(exist_ok=True)
    for name, header in COLUMNS.items():
        lines = [header, *PUBLISHED[name], *more.get(name, [])]
        quoted = (",".join(f'"{value}"' for value in line.split(",")) for line in lines)
        (folder / f"{name}.csv").write_text(ending.join(quoted) + ending, encoding="utf-8", newline="")
    return folder


def load(store, folder, day=21, **asked):
    """Load the tables of a folder; what was loaded before, from files of the same bytes, is copied."""
    if not folder.is_dir():
        return load_anew(store, folder, day, **asked)
    held = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    return load_of(store, held, day, **asked)


@once
def load_of(store, held, day, **asked):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in held.items():
            (Path(folder) / name).write_bytes(content)
        return load_anew(store, Path(folder), day, **asked)


def load_anew(store, folder, day, *, module="XXX", presentation="2013J", basis="due", zone="UTC"):
    return oulad.load(
        store,
        folder,
        module=module,
        presentation=presentation,
        as_of_day=day,
        basis=basis,
        zone=ZoneInfo(zone),
        loaded_at=NOW,
    )


load_real = once(load_anew)


@pytest.fixture
def folder(tmp_path):
    return publish(tmp_path / "oulad")


@pytest.fixture
def known(store, tmp_path):
    """Load the tables with `more` lines; return the facts of student 1."""

    def known(day=21, *, basis="due", student=1, **more):
        load(store, publish(tmp_path / "oulad", **more), day, basis=basis)
        return facts(store, f"XXX-2013J-{student}")

    return known


def facts(store, learner_id):
    sql = f"select {', '.join(FACTS)} from learner_facts where learner_id = $id order by observed_at"
    return dict(zip(FACTS, rows(store, sql, id=learner_id)[-1], strict=True))


def on(day):
    return datetime(2013, 10, 1) + day * DAY  # noqa: DTZ001 (an instant is a naive datetime in UTC here)


# Real presentations


@pytest.fixture(scope="module")
def weekly(real_data):
    table = pd.read_parquet(real_data / "oulad_learner_weekly.parquet")
    return table[table["presentation"] == "2013J"]


@pytest.mark.parametrize(
    ("module", "week"), [("AAA", 4), ("AAA", 20), ("EEE", 8), ("EEE", 12), ("GGG", 4), ("GGG", 12)]
)
def test_the_weekly_table_is_reproduced_row_for_row(store, real_data, weekly, module, week):
    expected = weekly[(weekly["program"] == module) & (weekly["week"] == week)].set_index("id").sort_index()
    load_real(store, real_data / "oulad", 7 * week, module=module)
    found = real_facts(store)
    assert len(expected) > 300
    assert list(found.index) == list(expected.index)
    assert list(found["program"].unique()) == [module]
    for ours, theirs in {
        "completed_percent_course": "completed_percent",
        "completed_percent_due": "on_schedule_percent",
        "completed_percent": "on_schedule_percent",
        "avg_quiz_score": "avg_quiz_score",
        "consecutive_missed_sessions": "consecutive_missed_sessions",
    }.items():
        wanted = expected[theirs].astype(float)
        if theirs == "on_schedule_percent":
            wanted = wanted.where(expected["n_due"] > 0)  # it says 100 where nothing is due
        pd.testing.assert_series_equal(
            found[ours].astype(float), wanted, check_names=False, rtol=0, atol=1e-9
        )
    wanted = pd.to_datetime(expected["last_login"]).astype("datetime64[us]")
    pd.testing.assert_series_equal(found["last_login"].astype("datetime64[us]"), wanted)


def real_facts(store):
    with store.read() as db:
        found = db.execute(
            """
            select *
            from learners
            inner join learner_facts on learners.id = learner_facts.learner_id
            where learners.active
            order by learners.id
            """
        ).df()
    return found.set_index("id")


def test_a_gap_of_deadlines_and_no_weights_is_unknown_not_done(store, real_data):
    load_real(store, real_data / "oulad", 56, module="GGG")
    (counts,) = rows(
        store,
        """
        select count(*), count(completed_percent), count(completed_percent_due), count(completed_percent_course)
        from learner_facts
        """,
    )
    assert counts == (952, 0, 0, 952)


@pytest.mark.parametrize(("module", "basis"), [("EEE", "due"), ("GGG", "due"), ("AAA", "course")])
def test_scores_are_those_of_the_weekly_table(store, real_data, weekly, module, basis):
    load_real(store, real_data / "oulad", 84, module=module, basis=basis)
    run = begin(store, on(84))
    found = dict(
        rows(store, "select learner_id, risk_score from run_scores where run_id = $id", id=run.run_id)
    )
    expected = weekly[(weekly["program"] == module) & (weekly["week"] == 12)]
    away = pd.to_datetime(expected["as_of"]) - pd.to_datetime(expected["last_login"])
    done = expected["on_schedule_percent"] if basis == "due" else expected["completed_percent"]
    expected = expected.assign(completed_percent=done, days_inactive=away.dt.total_seconds() / 86_400)
    scores = dict(zip(expected["id"], formula.score(expected)["risk_score"], strict=True))
    assert set(found) == set(scores)
    assert found == pytest.approx(scores, rel=0, abs=1e-12)


def test_parquet_and_csv_of_the_same_tables_are_equal(store, real_data, tmp_path):
    for name, columns in COLUMNS.items():
        only = (
            [("code_module", "==", "AAA"), ("code_presentation", "==", "2013J")]
            if "code_module" in columns
            else None
        )
        table = pd.read_parquet(real_data / "oulad" / f"{name}.parquet", filters=only)
        whole = table.select_dtypes("float").columns.difference(["score"])
        table.astype(dict.fromkeys(whole, "Int64")).to_csv(
            tmp_path / f"{name}.csv", index=False, quoting=csv.QUOTE_ALL, na_rep="?"
        )
    load_real(store, real_data / "oulad", 240, module="AAA")
    everything = (
        "select * exclude (load_id) from learners inner join learner_facts on id = learner_id order by id"
    )
    before = rows(store, everything)
    learners, events = load_anew(store, tmp_path, 240, module="AAA")
    assert (learners.accepted, events.accepted) == (383, 57)
    assert rows(store, "select count(*) from learner_facts") == [(383,)]  # nothing has changed
    assert rows(store, "select count(*) from events") == [(57,)]
    assert rows(store, everything) == before


# What a learner is


def test_an_enrolment_becomes_a_learner_without_name_or_address(store, folder):
    load(store, folder)
    columns = "id, person_id, name, email, phone, program, cohort, topic, enrolled_at, active"
    assert rows(store, f"select {columns} from learners order by id") == [
        ("XXX-2013J-1", "1", None, None, None, "XXX", "2013J", None, on(-30), True),
        ("XXX-2013J-2", "2", None, None, None, "XXX", "2013J", None, on(-20), True),
    ]


def test_a_student_of_two_presentations_is_one_person_twice(store, tmp_path):
    folder = publish(
        tmp_path / "oulad",
        studentRegistration=["XXX,2014B,1,-3,?"],
        studentVle=["XXX,2014B,1,601,2,9"],
        studentAssessment=["21,1,3,0,100"],
    )
    load(store, folder)
    load(store, folder, 8, presentation="2014B")
    assert facts(store, "XXX-2013J-1")["completed_percent_course"] == 66.6667
    assert facts(store, "XXX-2014B-1") == {
        "last_login": datetime.fromisoformat("2014-02-03"),
        "completed_percent": 100,
        "completed_percent_course": 100,
        "completed_percent_due": 100,
        "avg_quiz_score": 100,
        "consecutive_missed_sessions": 0,
    }
    assert rows(store, "select id, enrolled_at from learners where person_id = '1' order by id") == [
        ("XXX-2013J-1", on(-30)),
        ("XXX-2014B-1", datetime.fromisoformat("2014-01-29")),
    ]


def active(store):
    return dict(rows(store, "select person_id, active from learners"))


def test_who_registers_on_the_day_is_not_there_yet(store, known):
    known(**CLASS)
    assert "3" not in active(store)
    assert {"1", "2", "4"} <= active(store).keys()


def test_who_registered_on_a_day_that_is_not_known_is_there(store, known):
    known(**CLASS)
    assert rows(store, "select enrolled_at, active from learners where person_id = '5'") == [(None, True)]


@pytest.mark.parametrize(("student", "is_active"), [("6", False), ("7", False), ("8", True), ("4", True)])
def test_who_unregistered_before_the_day_is_not_active(store, known, student, is_active):
    known(**CLASS)
    assert active(store)[student] is is_active
    scored = rows(
        store, "select learner_id from run_scores where run_id = $id", id=begin(store, on(21)).run_id
    )
    assert ((f"XXX-2013J-{student}",) in scored) is is_active


def test_who_unregistered_between_two_loads_drops_out(store, known):
    known(**CLASS)
    assert active(store)["9"]
    known(28, **CLASS)
    assert not active(store)["9"]


def test_a_row_that_stands_twice_is_one_row(store, tmp_path):
    folder = publish(tmp_path / "oulad", **PUBLISHED)
    learners, _ = load(store, folder)
    assert (learners.rows, learners.quarantined) == (2, 0)
    assert facts(store, "XXX-2013J-1")["completed_percent_course"] == 66.6667


def test_a_second_date_of_an_enrolment_is_quarantined(store, tmp_path):
    learners, _ = load(store, publish(tmp_path / "oulad", studentRegistration=["XXX,2013J,1,-31,?"]))
    assert (learners.rows, learners.accepted, learners.quarantined) == (3, 2, 1)
    assert rows(store, "select enrolled_at from learners where person_id = '1'") == [(on(-30),)]


# What is known of a learner


def test_facts_are_those_of_the_day(known):
    assert known(**CLASS) == {
        "last_login": on(15),
        "completed_percent": 100,
        "completed_percent_course": 66.6667,
        "completed_percent_due": 100,
        "avg_quiz_score": 70,
        "consecutive_missed_sessions": 0,
    }


def test_who_did_nothing_has_done_nothing_and_was_never_there(known):
    assert known(student=2, **CLASS) == {
        "last_login": None,
        "completed_percent": 0,
        "completed_percent_course": 0,
        "completed_percent_due": 0,
        "avg_quiz_score": None,
        "consecutive_missed_sessions": 3,
    }


def test_what_is_dated_on_the_day_is_not_known_yet(known):
    later = {
        "assessments": ["XXX,2013J,14,TMA,21,0"],
        "studentAssessment": ["13,1,21,0,10"],
        "studentVle": ["XXX,2013J,1,501,21,1"],
    }
    on_the_day = known(21, **later)
    assert on_the_day["last_login"] == on(15)
    assert (on_the_day["completed_percent_due"], on_the_day["completed_percent_course"]) == (100, 50)
    day_after = known(22, **later)
    assert day_after["last_login"] == on(21)
    assert (day_after["completed_percent_due"], day_after["completed_percent_course"]) == (66.6667, 75)
    assert day_after["avg_quiz_score"] == 50


@pytest.mark.parametrize(("basis", "completed"), [("due", 50), ("course", 33.3333)])
def test_completed_percent_follows_the_basis(known, basis, completed):
    found = known(basis=basis, student=31, **CLASS)
    assert found["completed_percent"] == completed
    assert (found["completed_percent_due"], found["completed_percent_course"]) == (50, 33.3333)


def test_nothing_due_is_not_known_rather_than_all_done(known):
    found = known(10)
    assert (found["completed_percent"], found["completed_percent_due"]) == (None, None)
    assert found["completed_percent_course"] == 33.3333


def test_an_exam_is_no_work_of_the_course_with_or_without_a_day(known):
    plain = known(**CLASS)
    exams = {
        "assessments": ["XXX,2013J,17,Exam,?,100", "XXX,2013J,18,Exam,5,100"],
        "studentAssessment": ["17,1,6,0,10", "18,1,6,0,10"],
    }
    assert known(**exams) == plain


def test_work_without_a_deadline_is_of_the_course_and_never_due(known):
    found = known(60, assessments=["XXX,2013J,14,TMA,?,0"], studentAssessment=["14,1,3,0,100"])
    assert (found["completed_percent_due"], found["completed_percent_course"]) == (66.6667, 75)


def test_a_presentation_with_nothing_but_an_exam_has_no_percent(known, monkeypatch):
    monkeypatch.setitem(PUBLISHED, "assessments", ["XXX,2013J,19,Exam,20,100"])
    found = known()
    assert [found[name] for name in FACTS[1:5]] == [None] * 4


def test_work_carried_over_is_done_but_says_nothing_of_the_score(known):
    found = known(22, studentAssessment=["13,1,-1,1,0"])
    assert (found["completed_percent_due"], found["completed_percent_course"]) == (100, 100)
    assert found["avg_quiz_score"] == 70


def test_work_without_a_score_is_done(known):
    found = known(student=32, **CLASS)
    assert (found["completed_percent_course"], found["avg_quiz_score"]) == (100, 70)


LAST_CLICKS = [-14, -9, -3, -1, 0, 13, 20, 21, 27]


@pytest.mark.parametrize(
    ("clicked", "day", "weeks"),
    [
        (27, 28, 0),
        (21, 28, 0),
        (20, 28, 1),
        (0, 28, 3),
        (-1, 28, 4),
        (-14, 28, 4),
        (13, 27, 1),
        (-3, 6, 0),
        (-9, -1, 0),
    ],
)
def test_weeks_without_a_click_are_counted_back_from_the_day(known, clicked, day, weeks):
    students = {last: number for number, last in enumerate(LAST_CLICKS, start=41)}
    more = {
        "studentRegistration": [f"XXX,2013J,{student},-30,?" for student in students.values()],
        "studentVle": [
            line
            for last, student in students.items()
            for line in (f"XXX,2013J,{student},501,{last},1", f"XXX,2013J,{student},501,-15,4")
        ],
    }
    found = known(day, student=students[clicked], **more)
    assert found["consecutive_missed_sessions"] == weeks
    assert found["last_login"] == on(clicked)


# When it is known


def test_facts_are_known_at_the_end_of_the_day_before(store, folder):
    load(store, folder)
    assert rows(store, "select distinct observed_at from loads") == [(on(21) - timedelta(microseconds=1),)]
    end_of_day_before, end_of_day_19 = (on(day) - timedelta(microseconds=1) for day in (21, 20))
    scored = "select count(*) from run_scores where run_id = $id"
    assert rows(store, scored, id=begin(store, end_of_day_before).run_id) == [(2,)]
    assert rows(store, scored, id=begin(store, end_of_day_19).run_id) == [(0,)]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata"])
def test_the_last_day_that_was_read_sees_the_facts_wherever_it_ends(store, folder, zone):
    load(store, folder, zone=zone)
    day_20, day_19 = (parse_as_of(date, ZoneInfo(zone)) for date in ("2013-10-21", "2013-10-20"))
    scored = "select count(*) from run_scores where run_id = $id"
    assert rows(store, scored, id=begin(store, day_20).run_id) == [(2,)]
    assert rows(store, scored, id=begin(store, day_19).run_id) == [(0,)]


def test_days_begin_where_the_institution_is(store, tmp_path):
    # day 15 is 16 October, in summer time; day 45 is 15 November, in winter time
    more = {"studentRegistration": ["XXX,2013J,3,1,45"], "studentVle": ["XXX,2013J,3,501,15,3"]}
    load(store, publish(tmp_path / "oulad", **more), 46, zone="Europe/Berlin")
    assert facts(store, "XXX-2013J-3")["last_login"] == on(15) - timedelta(hours=2)
    enrolled = "select enrolled_at from learners where id = 'XXX-2013J-3'"
    assert rows(store, enrolled) == [(on(1) - timedelta(hours=2),)]
    assert rows(store, "select timestamp from events") == [(on(45) - timedelta(hours=1),)]


def test_a_day_whose_midnight_is_skipped_begins_an_hour_later(store, tmp_path):
    # São Paulo, 2013-10-20: clocks went from 00:00 to 01:00, which was 03:00 in UTC
    folder = publish(tmp_path / "oulad", studentVle=["XXX,2013J,1,501,19,3"])
    learners, _ = load(store, folder, zone="America/Sao_Paulo")
    assert learners.quarantined == 0
    assert facts(store, "XXX-2013J-1")["last_login"] == on(19) + timedelta(hours=3)


def test_a_load_is_called_after_what_was_loaded(store, folder):
    found = load(store, folder, 51)
    assert [summary.source for summary in found] == ["OULAD XXX 2013J day 51"] * 2
    assert rows(store, "select distinct source from loads") == [("OULAD XXX 2013J day 51",)]
    assert rows(store, "select distinct source from events") == [("L000002 OULAD XXX 2013J day 51",)]


def test_the_same_load_again_adds_no_fact_and_no_event(store, folder):
    for _ in range(2):
        load_anew(store, folder, 51)
    assert rows(store, "select (select count(*) from learner_facts), (select count(*) from events)") == [
        (2, 2)
    ]


# Outcomes

ENDED = {
    "studentRegistration": [
        *("XXX,2013J,3,-30,?", "XXX,2013J,4,-30,?", "XXX,2013J,5,-30,12", "XXX,2013J,6,-30,30"),
        *("XXX,2013J,7,-30,?", "XXX,2013J,8,-9,-7"),
    ],
    "studentInfo": [
        "XXX,2013J,3,F,?,?,?,?,0,60,N,Distinction",
        "XXX,2013J,4,F,?,?,?,?,0,60,N,Withdrawn",
        "XXX,2013J,5,F,?,?,?,?,0,60,N,Withdrawn",
        "XXX,2013J,6,F,?,?,?,?,0,60,N,Fail",
        "XXX,2013J,7,F,?,?,?,?,0,60,N,?",
        "XXX,2013J,8,F,?,?,?,?,0,60,N,Withdrawn",
    ],
}


def outcomes(store):
    return rows(
        store,
        "select right(learner_id, 1), type, timestamp from events order by learner_id, timestamp",
    )


def test_an_outcome_is_an_event_of_its_day(store, tmp_path):
    load(store, publish(tmp_path / "oulad", **ENDED), 51)
    assert outcomes(store) == [
        ("1", "course_passed", on(50)),
        ("2", "course_failed", on(50)),
        ("3", "course_distinction", on(50)),
        ("4", "course_withdrawn", on(50)),  # on a day that is not known
        ("5", "course_withdrawn", on(12)),
        ("6", "course_withdrawn", on(30)),
        ("6", "course_failed", on(50)),
        ("8", "course_withdrawn", on(-7)),
    ]


def test_no_outcome_is_known_before_its_day_is_over(store, tmp_path):
    folder = publish(tmp_path / "oulad", **ENDED)
    load(store, folder, 30)
    assert [who for who, *_ in outcomes(store)] == ["5", "8"]
    load(store, folder, 50)
    assert [who for who, *_ in outcomes(store)] == ["5", "6", "8"]


def test_there_is_no_load_of_events_where_nothing_has_ended(store, folder):
    _, events = load(store, folder, 50)
    assert events is None


# Files


@pytest.mark.parametrize("change", ["crlf", "bom", "empty", "unquoted", "reordered"])
def test_other_ways_of_writing_the_same_csv_are_read(store, tmp_path, change):
    folder = publish(tmp_path / "oulad", ending="\r\n" if change == "crlf" else "\n")
    for file in folder.iterdir():
        text = file.read_bytes().decode()
        if change == "bom":
            text = "\ufeff" + text
        if change == "empty":
            text = text.replace('"?"', '""')
        if change == "unquoted":
            text = text.replace('"', "")
        if change == "reordered":
            text = "\n".join(",".join(reversed(line.split(","))) for line in text.splitlines())
        file.write_bytes(text.encode())
    load(store, folder)
    assert facts(store, "XXX-2013J-1") == {
        "last_login": on(15),
        "completed_percent": 100,
        "completed_percent_course": 66.6667,
        "completed_percent_due": 100,
        "avg_quiz_score": 70,
        "consecutive_missed_sessions": 0,
    }
    assert rows(store, "select count(*) from learners where active") == [(2,)]


def test_a_missing_folder_is_named(store, tmp_path):
    with pytest.raises(InvalidInput, match="nowhere: there is no such folder"):
        load(store, tmp_path / "nowhere")


@pytest.mark.parametrize("name", list(COLUMNS))
def test_a_missing_table_is_named(store, folder, name):
    (folder / f"{name}.csv").unlink()
    with pytest.raises(InvalidInput, match=rf"neither {name}\.parquet nor {name}\.csv is there"):
        load(store, folder)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("courses", ("code_module", "module"), r"courses\.csv: column code_module missing"),
        ("studentVle", ('"id_site"', '"date"'), r"studentVle\.csv: column date missing or doubled"),
        ("studentVle", ('"15","1"', '"15"'), r"studentVle\.csv: 1 lines have too few .* first in line 3"),
        ("studentVle", ('"15","1"', '"15","1","x"'), r"studentVle\.csv: 1 lines have .* too many"),
        ("assessments", ('"40"', '"forty"'), r"assessments\.csv: date: 1 of 4 rows are not a whole value"),
        ("studentVle", ('"15"', '"1.5"'), r"studentVle\.csv: date: 1 of 2 rows are not a whole value"),
        ("studentAssessment", ('"60"', '"good"'), r"score: 1 of 2 rows are not a number value"),
        ("studentInfo", ('"Pass"', '"Passed"'), r"final_result: 1 of 2 rows are not one of Pass, Dist"),
        ("courses", ('"60"', '"?"'), r"module_presentation_length: 1 of 3 rows are not a whole value"),
    ],
)
def test_a_file_that_is_not_as_published_is_refused(no_store, folder, file, change, message):
    text = (folder / f"{file}.csv").read_text()
    assert change[0] in text
    (folder / f"{file}.csv").write_text(text.replace(*change))
    with pytest.raises(InvalidInput, match=message):
        load(no_store, folder)
    assert not no_store.path.exists()


def test_a_file_that_is_no_utf8_is_refused(store, folder):
    with (folder / "studentVle.csv").open("ab") as file:
        file.write(b'"XXX","2013J","\xff","501","3","1"\n')
    with pytest.raises(InvalidInput, match=r"studentVle\.csv: 1 lines .* not UTF-8, the first in line 4"):
        load(store, folder)


def test_a_damaged_parquet_file_is_named(store, folder):
    (folder / "studentInfo.parquet").write_bytes(b"PAR1 no more than that")
    with pytest.raises(InvalidInput, match=r"studentInfo\.parquet: the file cannot be read as Parquet"):
        load(store, folder)


@pytest.mark.parametrize(("module", "presentation"), [("ZZZ", "2013J"), ("XXX", "2013B"), ("YYY", "2014B")])
def test_an_unknown_presentation_is_answered_with_those_there_are(store, folder, module, presentation):
    with pytest.raises(InvalidInput, match="there is XXX 2013J, XXX 2014B, YYY 2013J"):
        load(store, folder, module=module, presentation=presentation)


def test_a_presentation_of_no_known_start_is_refused(store, tmp_path):
    folder = publish(tmp_path / "oulad", courses=["XXX,2013K,50"], studentRegistration=["XXX,2013K,1,-30,?"])
    with pytest.raises(InvalidInput, match="'2013K': no year and B or J"):
        load(store, folder, presentation="2013K")


def test_a_presentation_of_which_nobody_is_registered_is_refused(store, folder):
    with pytest.raises(InvalidInput, match="studentRegistration: nobody is registered"):
        load(store, folder, module="YYY")


@pytest.mark.parametrize("day", [-30, 417, 10**30, -(10**30)])
def test_a_day_on_which_nothing_can_be_known_is_refused(store, folder, day):
    with pytest.raises(InvalidInput, match=f"as_of_day {day}: allowed are -29, .* to 416"):
        load(store, folder, day)


@pytest.mark.parametrize(("day", "learners"), [(-29, 1), (416, 2)])
def test_the_first_and_the_last_day_allowed_are_loaded(store, folder, day, learners):
    summary, _ = load(store, folder, day)
    assert summary.accepted == learners


def test_an_unknown_basis_is_refused(store, folder):
    with pytest.raises(InvalidInput, match="basis 'weight': allowed are due, course"):
        load(store, folder, basis="weight")
