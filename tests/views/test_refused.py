"""Refused rows are listed by line and id, with every reason, as long as they are kept."""

from datetime import datetime

import pytest

from engagement.errors import NotFound
from engagement.ingest import events, learners
from engagement.views import refused

WHEN = datetime.fromisoformat("2026-11-22 12:00:00")
HEADER = "id,name,email,phone,program,last_login,completed_percent,avg_quiz_score,consecutive_missed_sessions"


@pytest.fixture
def load(store, tmp_path):
    def load(name, *lines, module=learners):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n")
        return module.load(store, path, observed_at=WHEN, loaded_at=WHEN)

    return load


@pytest.fixture
def two_loads(load):
    load("a.csv", HEADER, "S-1,Mei,,,P,,50,60,1", "c,too,few", "S-2,Tomas,,,P,,140,101,1")
    rows = ("S-1,login,2026-11-01", "S-9,login,2026-11-01", "S-1,login,soon")
    load("b.csv", "learner_id,type,timestamp", *rows, module=events)


def listed(store, load_id=None, most=100):
    rows = refused.refused_rows(store, load_id=load_id, most=most)
    return [
        (row["load_id"], row["line"], row["id"], [reason.partition(":")[0] for reason in row["reasons"]])
        for row in rows
    ]


def test_every_refused_row_is_listed_with_its_place_and_reasons(store, two_loads):
    assert listed(store) == [
        ("L000002", 3, "S-9", ["learner_id"]),
        ("L000002", 4, "S-1", ["timestamp"]),
        ("L000001", 3, None, ["row"]),
        ("L000001", 4, "S-2", ["completed_percent", "avg_quiz_score"]),
    ]


def test_one_load_is_listed_alone_and_no_more_than_wanted(store, two_loads):
    assert [line for _, line, *_ in listed(store, "L000001")] == [3, 4]
    assert [line for _, line, *_ in listed(store, most=1)] == [3]


def test_the_text_of_a_row_is_a_column_of_its_own(store, two_loads):
    row = refused.refused_rows(store, load_id="L000001", most=1)[0]
    assert row["raw"] == "c,too,few"
    assert tuple(row) == refused.WITH_TEXT


def test_a_load_that_is_not_there_is_told(store, load):
    assert listed(store) == []
    with pytest.raises(NotFound, match="load 'L000009': there is none"):
        listed(store, "L000009")
