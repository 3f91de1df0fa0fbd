"""Which kind of export something is, and what is said of what is none."""

# ruff: noqa: DTZ001 (an instant is a naive datetime in UTC here)

import json
import zipfile
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from engagement.errors import InvalidInput
from engagement.ingest.platforms import recognition
from engagement.ingest.platforms.exports import Look, Part
from engagement.ingest.platforms.joining import People
from engagement.ingest.source.readers import Derived
from engagement.ingest.source.source_format import SourceFormat
from tests.support.cohort import rows
from tests.support.exports import load


def test_a_parquet_file_of_ours_is_no_export(tmp_path):
    file = tmp_path / "learners.parquet"
    pd.DataFrame({"id": ["1"], "program": ["Maths"]}).to_parquet(file)
    assert recognition.recognised(file) is None


def test_a_folder_or_archive_that_is_no_export_is_told_as_one(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("nothing")
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as archive:
        archive.writestr("notes.txt", "nothing")
    for name in ("folder", "bundle.zip"):
        with pytest.raises(InvalidInput, match=f"{name}: none of the exports that are known"):
            recognition.recognised(tmp_path / name)


def test_a_platform_that_there_is_not_is_told_with_those_there_are(tmp_path):
    with pytest.raises(InvalidInput, match=r"no such platform; there are canvas"):
        recognition.recognised(tmp_path / "any.csv", platform="blackbored")


@pytest.mark.parametrize("kind", recognition.KINDS, ids=lambda kind: kind.what)
def test_what_a_kind_cannot_give_can_have_more_said_behind_it(kind):
    assert ":" not in kind.cannot
    assert not kind.cannot.endswith(".")


def test_the_first_load_of_all_may_be_one_in_which_nobody_logged_in(no_store, tmp_path):
    file = tmp_path / "statements.jsonl"
    graded = {
        "actor": {"account": {"name": "7", "homePage": "https://lms.example.invalid"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/scored"},
        "object": {"id": "https://lms.example.invalid/quiz/1"},
        "context": {"instructor": {"account": {"name": "8", "homePage": "https://lms.example.invalid"}}},
        "result": {"score": {"scaled": 0.5}},
        "timestamp": "2026-11-01T10:00:00Z",
    }
    file.write_text(json.dumps(graded) + "\n", encoding="utf-8")
    kind = recognition.recognised(file)
    said = SourceFormat(values={"program": "Art"})
    parts = list(recognition.read(no_store, {file: kind}, said, as_of=datetime(2026, 11, 20)))
    assert next(part.of for part in parts) == "learners"


def test_a_part_of_nobody_is_joined_to_nobody(no_store):
    people = People(no_store, datetime(2026, 11, 20))
    nobody = Derived("progress.csv", pd.DataFrame(columns=["id", "name", "email", "program"], dtype="string"))
    assert people.met(Part("learners", nobody, by_person=True)).source.rows.empty


def test_a_table_of_which_no_row_can_be_read_is_refused_with_the_reason(store, tmp_path):
    file = tmp_path / "gradebook.csv"
    file.write_text("Student,ID,SIS User ID,SIS Login ID,Section\nAna,1\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"none of 1 rows can be read: row: .*; the first is in line 2"):
        list(
            recognition.read(
                store, {file: recognition.recognised(file)}, SourceFormat(), as_of=datetime(2026, 11, 20)
            )
        )


@pytest.mark.parametrize("start", ["", "\n", "\n\n", "\n,\n", "\ufeff\n\nname,Email address\n", " \n\t\n"])
def test_a_file_that_begins_with_empty_lines_is_looked_at_like_any(start):
    seen = Look(Path("any.csv"), start)
    assert [kind.what for kind in recognition.KINDS if kind.recognised(seen)] == []
    assert [one.what for one in recognition.UNREAD if one.recognised(seen)] == []
    assert all(seen.lines)


def test_what_one_file_says_is_not_taken_back_by_the_next_that_does_not_know_it(store, tmp_path):
    grades, log = tmp_path / "grades.csv", tmp_path / "log.jsonl"
    log.write_text(
        '{"id": "00000000-0000-4000-8000-000000000001", "actor": {"mbox": "mailto:ida@example.invalid"}, '
        '"verb": {"id": "https://verbs.example.invalid/login"}, "timestamp": "2026-11-10T10:00:00Z", '
        '"object": {"id": "https://example.invalid/course"}}\n',
        encoding="utf-8",
    )
    report = tmp_path / "report.csv"
    report.write_text(
        'Username,"First name",Surname,"Email address","Course short name",Status,Role,"Last access to course"\n'
        'ida,Ida,Tester,ida@example.invalid,Data,Active,Student,"Wednesday, 18 November 2026, 10:00 AM"\n',
        encoding="utf-8",
    )
    for day, score in ((18, 70), (19, 80)):
        grades.write_text(
            '"First name",Surname,"ID number","Email address","Quiz: A (Percentage)","Course total (Percentage)",Last\n'
            f'Ida,Tester,A-1,ida@example.invalid,"{score}.00 %","50.00 %",1763424000\n',
            encoding="utf-8",
        )
        files = [grades, log] if day == 18 else [log, grades, report]
        load(store, files, as_of=f"2026-11-{day}", program="Data")
        ((found, login),) = rows(store, "select avg_quiz_score, strftime(last_login, '%d') from newest_facts")
        assert (found, login) == (score, "10" if day == 18 else "18")
