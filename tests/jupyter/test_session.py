"""What a notebook begins with."""

from datetime import datetime

import pytest

from engagement.errors import InvalidInput, NotFound
from engagement.jupyter import session
from tests.support.cohort import AS_OF, DAY, learner, load, night


def test_an_empty_as_of_means_the_newest_facts(store):
    load(store, learner("a"), at=AS_OF - DAY)
    load(store, learner("a", completed_percent=9), at=AS_OF)
    assert session.instant(store, "") == AS_OF


def test_an_empty_as_of_is_that_of_the_scores_that_everybody_sees_until_there_are_newer_facts(store):
    load(store, learner("a"), at=AS_OF - DAY)
    night(store)
    assert session.instant(store, "") == AS_OF
    assert session.known_instant(store, "", now=AS_OF) == AS_OF
    load(store, learner("a", completed_percent=9), at=AS_OF + DAY)
    assert session.instant(store, "") == AS_OF + DAY


def test_a_date_means_its_end_where_the_institution_is(store, monkeypatch):
    monkeypatch.setenv("ENGAGEMENT_TIMEZONE", "Europe/London")
    assert session.instant(store, "2026-07-01") == datetime(2026, 7, 1, 22, 59, 59, 999999)  # noqa: DTZ001
    with pytest.raises(InvalidInput):
        session.instant(store, "1993")


def test_a_store_without_facts_has_no_newest_ones(store):
    store.make()
    with pytest.raises(NotFound, match="no facts yet"):
        session.instant(store, "")


def test_a_notebook_opened_by_hand_works_in_a_scratch_run(store):
    load(store, learner("a"))
    run = session.open_run(store, run_id="", as_of="2026-03-01")
    assert run.pipeline == "scratch"
    assert session.open_run(store, run_id=run.run_id, as_of="").run_id == run.run_id
