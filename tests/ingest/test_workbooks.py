"""A workbook means what the same rows mean as CSV."""

from datetime import date, datetime

import pytest
import xlsxwriter

from engagement.errors import InvalidInput
from engagement.ingest import events, learners
from engagement.ingest.source.source_format import SourceFormat

WHEN = datetime.fromisoformat("2026-11-22 12:00:00")
HEADER = [
    *("id", "name", "email", "phone", "program", "last_login"),
    *("completed_percent", "avg_quiz_score", "consecutive_missed_sessions"),
]
ROWS = [
    ["0008462", "Zoë Invented", "", "", "P", datetime.fromisoformat("2026-11-01 10:30:00"), 41.5, 62, 1],
    [8463, "Mei\nInvented", "mei@example.invalid", "", "P", date.fromisoformat("2026-11-02"), 0, 100, 0],
    ["=S-3", "", "", "", "P", "", "n/a", "", ""],
    ["S-4", "", "", "", "P", "2026-11-01", "half", "", ""],
]


@pytest.fixture
def book(tmp_path):
    """Write a workbook of these sheets."""

    def book(**sheets):
        path = tmp_path / "export.xlsx"
        with xlsxwriter.Workbook(
            path, {"default_date_format": "dd.mm.yy", "strings_to_formulas": False}
        ) as written:
            for name, rows in sheets.items():
                sheet = written.add_worksheet(name)
                for at, row in enumerate(rows):
                    sheet.write_row(at, 0, row)
        return path

    return book


def load(store, path, module=learners, **source_format):
    return module.load(
        store, path, observed_at=WHEN, loaded_at=WHEN, source_format=SourceFormat(**source_format)
    )


def stored(store, sql):
    with store.read() as db:
        return db.execute(sql).fetchall()


def test_ids_are_kept_as_they_are_written_and_dates_are_those_of_the_cells(store, book):
    loaded = load(store, book(Learners=[HEADER, *ROWS[:3]]))
    assert (loaded.rows, loaded.accepted, loaded.notes) == (3, 3, ())
    assert stored(store, "select id, name from learners order by id") == [
        ("0008462", "Zoë Invented"),
        ("8463", "Mei Invented"),
        ("=S-3", None),
    ]
    facts = "select last_login, completed_percent, avg_quiz_score from learner_facts order by learner_id"
    assert stored(store, facts) == [
        (datetime.fromisoformat("2026-11-01 10:30:00"), 41.5, 62),
        (datetime.fromisoformat("2026-11-02 00:00:00"), 0, 100),
        (None, None, None),
    ]


def test_a_refused_row_is_found_by_its_number_in_the_sheet(store, book):
    titles = [["Report, spring"], [], ["# made by hand"]]
    loaded = load(store, book(Learners=[*titles, HEADER, ROWS[0], [], ROWS[3]]))
    assert (loaded.rows, loaded.accepted) == (2, 1)
    assert "the header was found in line 4" in loaded.notes[0]
    assert stored(store, "select line from quarantine") == [(7,)]


def test_which_sheet_is_meant_is_said(store, book):
    path = book(Notes=[["nothing"]], Learners=[HEADER, ROWS[0]])
    with pytest.raises(InvalidInput, match="`--sheet` says which"):
        load(store, path)
    assert load(store, path, sheet="Learners").accepted == 1


def test_events_come_in_workbooks_too(store, book):
    load(store, book(Learners=[HEADER, ROWS[0]]))
    rows = [
        ["learner_id", "type", "timestamp"],
        ["0008462", "login", datetime.fromisoformat("2026-11-01 10:30:00")],
    ]
    assert load(store, book(Events=rows), module=events).accepted == 1


def test_columns_that_are_missing_are_named_as_in_any_file(store, book):
    with pytest.raises(InvalidInput, match="did you mean 'Course'"):
        load(store, book(A=[["Course" if name == "program" else name for name in HEADER], ROWS[0]]))
