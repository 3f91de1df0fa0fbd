"""Zoom and Teams: who was there, who was not, and in what order."""

# ruff: noqa: DTZ001 (an instant is a naive datetime in UTC here)

from datetime import datetime

import pytest

from engagement.errors import InvalidInput
from engagement.ingest import learners
from tests.support.exports import differences, expected, load

ROSTER = (
    "id,name,email\n01,Ana Invented,ana@example.invalid\n02,Bo Erfunden,\n03,Chi Đức,chi@example.invalid\n"
)
MISSED = (
    "select learner_id, consecutive_missed_sessions from learner_facts "
    "qualify row_number() over (partition by learner_id order by observed_at desc) = 1 order by 1"
)
EVENTS = "select learner_id, type, timestamp::text from events order by 3, 1"


def written(folder, name, text, encoding="utf-8"):
    file = folder / name
    file.write_text(text, encoding=encoding)
    return file


def zoom(folder, day, *rows):
    header = "Name (original name),Email,Total duration (minutes),Guest"
    return written(folder, f"zoom_{day}.csv", "\n".join([header, *rows]))


def test_meetings_give_who_missed_how_many_in_a_row(store, stored, exports):
    folder = exports / "attendance_zoom_teams"
    wanted = expected(folder)
    files = [folder / name for name in wanted["files"]]
    first, _ = load(
        store, files, as_of=wanted["as_of"], zone=wanted["timezone"], platform="zoom_teams", program="Told"
    )
    assert differences(store, wanted, besides=["program"]) == []
    events = stored(
        "select learner_id, type, strftime(timestamp, '%Y-%m-%dT%H:%M:%S') from events order by all"
    )
    assert events == sorted(
        (each["learner_id"], each["type"], each["timestamp"]) for each in wanted["events"]
    )
    assert sum(left["rows"] for left in first.left_out.values()) == len(wanted["skipped"])
    assert any(note.startswith("10 minutes of a meeting") for note in first.notes)


def test_a_roster_in_the_same_command_needs_no_program_said_twice(store, stored, tmp_path):
    files = [
        written(tmp_path, "list.csv", ROSTER),
        zoom(tmp_path, "2026-11-10", "bot,,90,Yes", '"Erfunden, Bo (Gast)",,12,Yes', "X (Chi Duc),,9.9,Yes"),
        zoom(tmp_path, "2026-11-03", "anyone,ANA@example.invalid,6,No", "anyone,ana@example.invalid,6,No"),
        zoom(tmp_path, "2026-12-01", "Ana Invented,,90,No"),
    ]
    first, _ = load(store, files, as_of="2026-11-20", platform="zoom_teams", program="ART")
    assert stored(MISSED) == [("01", 1), ("02", 0), ("03", 2)]
    assert stored(EVENTS) == [
        ("01", "session_attended", "2026-11-03 12:00:00"),
        ("02", "session_missed", "2026-11-03 12:00:00"),
        ("03", "session_missed", "2026-11-03 12:00:00"),
        ("01", "session_missed", "2026-11-10 12:00:00"),
        ("02", "session_attended", "2026-11-10 12:00:00"),
        ("03", "session_missed", "2026-11-10 12:00:00"),
    ]
    assert first.left_out == {"not on the roster, in zoom_2026-11-10.csv": {"rows": 1, "lines": [2]}}
    assert any("2 rows were matched by name alone" in note for note in first.notes)


@pytest.fixture
def course(store, tmp_path):
    """A store in which learners are known, in one program."""
    header, *rows = ROSTER.splitlines()
    file = written(tmp_path, "known.csv", "\n".join([f"{header},program", *(f"{row},ART" for row in rows)]))
    at = datetime(2026, 9, 1)
    learners.load(store, file, observed_at=at, loaded_at=at)
    return store


def test_a_meeting_a_week_counts_with_those_that_were_loaded_before(course, stored, tmp_path):
    load(course, [zoom(tmp_path, "2026-11-03", "Ana Invented,,90,No")], as_of="2026-11-04")
    load(course, [zoom(tmp_path, "2026-11-10", "Bo Erfunden,,90,No")], as_of="2026-11-11")
    load(course, [zoom(tmp_path, "2026-11-17", "Bo Erfunden,,90,No")], as_of="2026-11-18")
    assert stored(MISSED) == [("01", 2), ("02", 0), ("03", 3)]


TEAMS_DE = (
    "1. Zusammenfassung\nBesprechungstitel\tKunst 3/4\nStartzeit\t17.11.26, 09:00:02\nEndzeit\t17.11.26, 10:30:00\n\n"
    "2. Teilnehmer\nName\tErster Beitritt\tLetztes Verlassen\tBesprechungsdauer\tE-Mail\tRolle\n"
    "Invented, Ana\t17.11.26, 09:02:10\t17.11.26, 10:29:00\t1 Std. 26 Min. 50 Sek.\t\tTeilnehmer\n"
    "Erfunden, Bo\t17.11.26, 09:02:10\t17.11.26, 09:05:00\t2 Min. 50 Sek.\t\tTeilnehmer\n\n"
    "3. Aktivitäten in der Besprechung\nName\tBeitritt\tVerlassen\tDauer\tE-Mail\n"
    "Erfunden, Bo\t17.11.26, 09:02:10\t17.11.26, 10:05:00\t1 Std. 50 Sek.\t\n"
)
TEAMS_OLD = (
    "Full Name\tUser Action\tTimestamp\nAna Invented\tJoined\t11/17/2026, 9:00:00 AM\n"
    "Bo Erfunden\tJoined before\t11/17/2026, 8:50:00 AM\nBo Erfunden\tLeft\t11/17/2026, 8:55:00 AM\n"
    "Ana Invented\tLeft\t11/17/2026, 9:30:00 AM\n"
)


@pytest.mark.parametrize(
    ("text", "began"), [(TEAMS_DE, "09:00:02"), (TEAMS_OLD, "08:50:00")], ids=["de", "old"]
)
def test_lists_of_teams_are_read_in_their_languages_and_ages(course, stored, tmp_path, text, began):
    load(course, [written(tmp_path, "teams.csv", text, "utf-16")], as_of="2026-11-18")
    assert stored(EVENTS) == [
        ("01", "session_attended", f"2026-11-17 {began}"),
        ("02", "session_missed", f"2026-11-17 {began}"),
        ("03", "session_missed", f"2026-11-17 {began}"),
    ]


def test_what_cannot_be_told_is_asked_for(course, tmp_path):
    dateless = written(tmp_path, "zoom.csv", "Name,Email,Duration (minutes)\nAna,,9\n")
    with pytest.raises(InvalidInput, match=r"zoom\.csv: says nowhere on which day"):
        load(course, [dateless], as_of="2026-11-20")
    with pytest.raises(InvalidInput, match="no learners of BIO are known"):
        load(course, [zoom(tmp_path, "2026-11-10", "Ana,,9,No")], as_of="2026-11-20", program="BIO")
    with pytest.raises(InvalidInput, match="none of the meetings was before"):
        load(course, [zoom(tmp_path, "2026-11-10", "Ana,,9,No")], as_of="2026-11-09")
    with pytest.raises(InvalidInput, match="a list of learners without a meeting"):
        load(course, [written(tmp_path, "list.csv", ROSTER)], as_of="2026-11-20", platform="zoom_teams")


def test_two_learners_of_one_name_are_matched_by_none(store, stored, tmp_path):
    roster = written(tmp_path, "list.csv", "id,name,email\n1,Ana Invented,\n2,Ána Invented,\n")
    meeting = zoom(tmp_path, "2026-11-10", "Ana Invented,,90,No")
    first, _ = load(store, [roster, meeting], as_of="2026-11-20", platform="zoom_teams", program="ART")
    assert first.left_out["not on the roster, in zoom_2026-11-10.csv"]["rows"] == 1
