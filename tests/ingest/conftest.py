import pytest


@pytest.fixture
def stored(store):
    """Return the rows of a query."""

    def stored(sql):
        with store.read() as db:
            return db.execute(sql).fetchall()

    return stored
