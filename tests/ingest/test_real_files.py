"""Files of shapes that people really have: each is read as it was meant, or says what to do about it.

The files lie outside of the project; `ENGAGEMENT_CASES` says where.
"""

from datetime import datetime

import pytest

from engagement.errors import InvalidInput
from engagement.ingest import learners
from engagement.ingest.source_format import SourceFormat

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
def stored(store):
    def stored(sql):
        with store.read() as db:
            return db.execute(sql).fetchall()

    return stored


@pytest.fixture
def refused(load, stored):
    """Load what must be refused whole; return the message, which holds nothing of a person's."""

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
