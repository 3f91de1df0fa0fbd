"""Files of shapes that people really have: each is read as it was meant, or says what to do about it.

The files lie outside of the project; `ENGAGEMENT_CASES` says where.
"""

from datetime import datetime

import pytest

from engagement.errors import InvalidInput
from engagement.ingest import learners
from engagement.ingest.source.source_format import SourceFormat

WHEN = datetime.fromisoformat("2026-02-14 12:00:00")


@pytest.fixture
def load(cases, store):
    """Load a file of the cases; keywords say how it was written."""

    def load(name, **source_format):
        return learners.load(
            store,
            cases / "files" / name,
            observed_at=WHEN,
            loaded_at=WHEN,
            source_format=SourceFormat(**source_format),
        )

    return load


@pytest.fixture
def refused(load, store, stored):
    """Load what must be refused whole; return the message, which holds nothing of a person's."""
    store.make()

    def refused(name, **options):
        with pytest.raises(InvalidInput) as caught:
            load(name, **options)
        assert stored("select count(*) from loads") == [(0,)]
        said = str(caught.value)
        assert said.isprintable()
        assert not any(word in said for word in ("Mei", "Tomas", "@example.invalid"))
        return said

    return refused


# --- what a file is ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "what"), [("html_as_xls.xls", "an HTML page"), ("rows.json", "JSON"), ("rows.jsonl", "JSON")]
)
def test_what_is_no_table_is_called_by_its_name(refused, name, what):
    said = refused(name)
    assert said.startswith(f"{name}: {what}, not a table of text; ")
    assert "save it as CSV UTF-8" in said
    assert "--map" not in said


# --- encodings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "encoding", "learner"),
    [
        ("cp1250.csv", "cp1250", "Zdeněk Štěpánek"),
        ("cp1254.csv", "cp1254", "Işıl Örnek"),
        ("mac_roman.csv", "mac_roman", "Zoë Niño"),
    ],
)
def test_names_in_another_encoding_are_right_once_it_is_said_and_never_wrong_before(
    load, refused, stored, *, name, encoding, learner
):
    said = refused(name)
    assert f"`--encoding {encoding}`" in said
    assert not any(word in said for word in learner.split())
    assert load(name, encoding=encoding).notes == ()
    assert stored("select name from learners") == [(learner,)]


@pytest.mark.parametrize(
    ("first", "told"), [("utf8_ids.csv", {}), ("cp1250_ids.csv", {"encoding": "cp1250"})]
)
def test_another_encoding_in_the_second_night_is_named_as_that(load, stored, first, told):
    load(first, **told)
    with pytest.raises(InvalidInput, match="try `--encoding cp1250`") as caught:
        load("cp1250_ids.csv")
    assert "person_id" not in str(caught.value)
    assert load("cp1250_ids.csv", encoding="cp1250").sharing_an_address == 0
    assert stored("select id from learners") == [("dětí-1",)]


def test_known_ids_that_were_read_wrong_are_named_as_that(load, stored):
    load("cp1250_ids.csv", encoding="cp1252")
    with pytest.raises(
        InvalidInput, match=r"1 ids are known ones in another encoding, first in line 2: .*cp1250 as cp1252"
    ):
        load("utf8_ids.csv")
    assert load("utf8_ids.csv", encoding="utf-8").accepted == 1
    assert len(stored("select id from learners")) == 2


# --- headers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("header_nbsp.csv", {"last_login": "Last access"}),
        ("header_zwsp.csv", {}),
        ("header_nfd.csv", {"name": "Pr\u00e9nom"}),
        ("header_nfd.csv", {"name": "Pre\u0301nom"}),
    ],
)
def test_a_name_in_a_header_is_found_as_it_is_seen(load, stored, name, columns):
    assert load(name, columns=columns).accepted == 1
    assert stored("select name, last_login from learners inner join learner_facts on id = learner_id") == [
        ("Mei Invented", datetime.fromisoformat("2026-02-11 08:12:32"))
    ]


@pytest.mark.parametrize(
    ("name", "line"), [("title_lines.csv", 4), ("comment_lines.csv", 3), ("two_row_header.csv", 2)]
)
def test_a_header_is_found_below_what_stands_above_it(load, stored, name, line):
    loaded = load(name)
    assert (loaded.rows, loaded.accepted) == (3, 3)
    assert loaded.notes == (f"the header was found in line {line}; what stands above it was left out",)
    assert stored("select id from learners order by id") == [("S-1",), ("S-2",), ("S-3",)]


def test_a_file_without_a_header_is_told_so(refused):
    said = refused("no_header.csv")
    assert said.startswith(
        "no_header.csv: the first line looks like a row: there is no header; put a line with"
    )
    assert "Nursing" not in said


def test_a_delimiter_at_the_end_of_the_header_is_no_column(load):
    assert load("trailing_delimiter_header.csv").accepted == 3


def test_texts_in_single_quotes_are_named_as_that(refused):
    assert "export it with double quotes" in refused("single_quoted.csv")


# --- Parquet -----------------------------------------------------------------------------------------------------


def test_a_column_of_structs_is_named_as_one(refused):
    assert "name is a struct, avg_quiz_score is a list, not text" in refused("nested.parquet")


# --- quotes ------------------------------------------------------------------------------------------------------


def test_quotes_of_a_database_are_named_as_that(load, stored):
    loaded = load("backslash_quotes.csv")
    assert (loaded.rows, loaded.accepted) == (4, 2)
    reasons = dict(stored("select line, reasons from quarantine"))
    assert reasons[2] == [r"""row: quotes written as \", where CSV doubles them (in MySQL ESCAPED BY '"')"""]
    assert reasons[5] == ["row: a quote in the wrong place"]
