"""How a file was read is known by its shape: the next one needs no option."""

import pandas as pd
import pytest

from engagement.errors import NotFound
from engagement.ingest.loads import remembered
from engagement.ingest.source.source_format import SourceFormat
from tests.support.cohort import AS_OF, DAY

SAID = SourceFormat(
    columns={"id": "Anmeldename", "last_login": "Zugriff"},
    date_formats=("%d.%m.%Y",),
    values={"program": "Mathe"},
    percent_scale={"avg_quiz_score": 1},
)


def csv(path, header="Anmeldename;Zugriff;avg_quiz_score", encoding="utf-8"):
    path.write_text(f"{header}\na;1.2.2026;0,5\n", encoding=encoding)
    return path


def remember(store, path, said=SAID, kind="learners", now=AS_OF):
    remembered.remember(store, path, kind, said, now=now)


def recalled(store, path, kind="learners"):
    found = remembered.recalled(store, path, kind)
    return found and found.source_format


def test_the_next_file_of_the_shape_is_read_as_the_last(store, tmp_path):
    remember(store, csv(tmp_path / "week1.csv"))
    assert recalled(store, csv(tmp_path / "week2.csv")) == SAID
    assert recalled(store, csv(tmp_path / "week3.csv", "avg_quiz_score;ANMELDENAME ;Zugriff")) == SAID


@pytest.mark.parametrize(
    "header", ["Anmeldename;Zugriff", "Anmeldename;Zugriff;avg_quiz_score;x", "id;program;name"]
)
def test_another_shape_is_another_matter(store, tmp_path, header):
    remember(store, csv(tmp_path / "week1.csv"))
    assert recalled(store, csv(tmp_path / "other.csv", header)) is None
    assert recalled(store, csv(tmp_path / "events.csv"), kind="events") is None


def test_an_encoding_is_known_before_the_header_can_be_read(store, tmp_path):
    said = SourceFormat(columns={"id": "Uživatel", "program": "Předmět"}, encoding="cp1250")
    header = "Uživatel;Předmět;avg_quiz_score"
    remember(store, csv(tmp_path / "week1.csv", header, "cp1250"), said)
    assert recalled(store, csv(tmp_path / "week2.csv", header, "cp1250")) == said


def test_of_a_parquet_file_the_names_of_its_columns_are_the_shape(store, tmp_path):
    frame = pd.DataFrame({"Anmeldename": ["a"], "Zugriff": ["1.2.2026"]})
    for week in ("1", "2"):
        frame.to_parquet(tmp_path / f"{week}.parquet")
    remember(store, tmp_path / "1.parquet")
    assert recalled(store, tmp_path / "2.parquet") == SAID


def test_what_is_said_later_takes_the_place_and_can_be_forgotten(store, tmp_path):
    path = csv(tmp_path / "week1.csv")
    remember(store, path)
    later = SourceFormat(columns=SAID.columns, values={"program": "Physik"})
    remember(store, path, later, now=AS_OF + DAY)
    (known,) = remembered.listed(store)
    assert (known.source_format, known.used_at, known.source) == (later, AS_OF + DAY, "week1.csv")
    assert known.options == {"columns": SAID.columns, "values": {"program": "Physik"}}
    assert remembered.one(store, known.shape[:8]) == known
    remembered.forget(store, known.shape[:8])
    assert remembered.listed(store) == []
    for start in (known.shape, "", "zz"):
        with pytest.raises(NotFound, match="none is remembered"):
            remembered.forget(store, start)


def test_a_file_that_cannot_be_read_is_left_to_the_load_to_tell_of(store, tmp_path):
    (tmp_path / "empty.csv").write_text("")
    remember(store, csv(tmp_path / "week1.csv"))
    for name in ("empty.csv", "nowhere.csv"):
        assert recalled(store, tmp_path / name) is None


def test_without_a_store_nothing_is_known(no_store, tmp_path):
    assert recalled(no_store, csv(tmp_path / "week1.csv")) is None
    assert remembered.listed(no_store) == []
