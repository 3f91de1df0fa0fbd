"""Extracts in Ed-Fi's model: the newest file of a folder counts, and every event once."""

import shutil

import pytest

from tests.support.exports import differences, expected, load


@pytest.mark.parametrize("case", range(2))
def test_an_extract_gives_what_is_done_of_what_was_due(store, exports, tmp_path, case):
    wanted = expected(exports / "edfi_lms_udm", case)
    for name in wanted["files"]:
        shutil.copytree(exports / "edfi_lms_udm" / name, tmp_path / name)
    load(store, [tmp_path], as_of=wanted["as_of"])
    assert differences(store, wanted) == []


def test_sign_ins_alone_are_of_users(store, stored, exports):
    wanted = expected(exports / "edfi_lms_udm", 2)
    load(store, [exports / "edfi_lms_udm" / wanted["files"][0]], as_of=wanted["as_of"], program="Told")
    assert differences(store, wanted, besides=["program", "active"]) == []
    events = stored(
        "select learner_id, type, strftime(timestamp, '%Y-%m-%dT%H:%M:%S') from events order by all"
    )
    assert events == sorted(
        (each["learner_id"], each["type"], each["timestamp"]) for each in wanted["events"]
    )


FILES = {
    "users/2026-09-01-00-00-00.csv": "SourceSystemIdentifier,UserRole,SISUserIdentifier,Name\n7,student,S7,Old\n",
    "users/2026-10-01-00-00-00.csv": (
        "SourceSystemIdentifier,UserRole,SISUserIdentifier,Name,EmailAddress\n"
        "7,student,S7,Ana Invented,ana@example.invalid\n8,teacher,,Ada,\n"
    ),
    "sections/2026-10-01-00-00-00.csv": "SourceSystemIdentifier,Title,SectionDescription\n3,ART,\n",
    "section=3/section-associations/2026-10-01-00-00-00.csv": (
        "SourceSystemIdentifier,EnrollmentStatus,LMSUserSourceSystemIdentifier,LMSSectionSourceSystemIdentifier\n"
        "71,Active,7,3\n72,Active,8,3\n"
    ),
    "section=3/attendance-events/2026-10-02-00-00-00.csv": (
        "SourceSystemIdentifier,EventDate,AttendanceStatus,LMSSectionSourceSystemIdentifier,LMSUserSourceSystemIdentifier\n"
        "a,2026-09-01,Tardy,3,7\nb,2026-09-08,Unexcused,3,7\n"
    ),
    "section=3/attendance-events/2026-10-03-00-00-00.csv": (
        "SourceSystemIdentifier,EventDate,AttendanceStatus,LMSSectionSourceSystemIdentifier,LMSUserSourceSystemIdentifier\n"
        "b,2026-09-08,Unexcused,3,7\nc,2026-09-15,Excused,3,7\nd,2026-12-15,Present,3,7\n"
    ),
}


def test_sessions_are_of_the_enrolment_and_an_excuse_is_neither(store, stored, tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    first, _ = load(store, [tmp_path], as_of="2026-11-20")
    assert stored("select id, person_id, name, program from learners") == [
        ("71", "S7", "Ana Invented", "ART")
    ]
    assert stored("select consecutive_missed_sessions, login_is_unknown from learner_facts") == [(1, True)]
    assert stored("select learner_id, type, timestamp::date::text from events order by all") == [
        ("71", "session_attended", "2026-09-01"),
        ("71", "session_missed", "2026-09-08"),
    ]
    assert first.left_out["no learner, by the role"]["rows"] == 1
