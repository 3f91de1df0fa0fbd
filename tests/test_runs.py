"""A run has one identity, one attempt at a time, and a place in the story of its pipeline."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from engagement import runs
from engagement.errors import NotFound
from engagement.pipeline.incoming import inputs
from engagement.policy import DEFAULT_POLICY
from engagement.store import first_row

NOW = datetime.fromisoformat("2026-03-02T02:15:00")
DAY = date(2026, 3, 1)


def end(day):
    return datetime.combine(day, datetime.max.time())


def begin(db, *, pipeline="nightly", day=DAY, key="k", now=NOW):
    return runs.begin(
        db,
        pipeline,
        key=key,
        as_of=end(day),
        day=day,
        parameters={"30_nudges": {"capacity": 5}},
        fingerprint="f",
        now=now,
        policy=DEFAULT_POLICY,
    )


def publish(db, run, *, now=NOW, counts=None):
    runs.mark(db, run.run_id, "published", now=now, counts=counts)


def add_load(db, number, content_hash, observed_at):
    db.execute(
        """
        insert into loads by name
        select $id as load_id, 'learners' as kind, 'a.csv' as source, $hash as content_hash, $at as observed_at,
            $at as loaded_at, 1 as rows, 1 as accepted, 0 as quarantined, '{}' as reasons
        """,
        {"id": f"L{number}", "hash": content_hash, "at": observed_at},
    )


KEY = {
    "pipeline": "nightly",
    "as_of": end(DAY),
    "parameters": {"a": 1, "b": 2},
    "fingerprint": "f",
    "policy_hash": "p",
}


@pytest.mark.parametrize(
    "change",
    [
        {"pipeline": "weekly"},
        {"as_of": end(DAY) - timedelta(microseconds=1)},
        {"parameters": {"a": 1, "b": 3}},
        {"parameters": {"a": 1}},
        {"fingerprint": "g"},
        {"policy_hash": "q"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_run_with_another_input_has_another_key(change):
    assert runs.run_key(**KEY) != runs.run_key(**{**KEY, **change})


def test_the_order_of_parameters_does_not_change_the_key():
    assert runs.run_key(**KEY) == runs.run_key(**{**KEY, "parameters": {"b": 2, "a": 1}})


def test_the_fingerprint_is_the_same_before_and_after_a_run_loads_its_own_files(store):
    with store.write() as db:
        add_load(db, 1, "known", end(DAY))
        before = inputs.fingerprint(db, end(DAY), {"learners": ["new"]})
        add_load(db, 2, "new", end(DAY))
        assert inputs.fingerprint(db, end(DAY), {"learners": ["new"]}) == before
        assert inputs.fingerprint(db, end(DAY)) == before


def test_a_load_of_which_more_was_accepted_than_the_last_time_did_something_else(store):
    """Events come before their learners, again once these are there, and once more."""
    events, seen = ["visits and how they are read"], []
    for accepted in (1, 1, 3, 3, 1):
        with store.write() as db:
            number = len(db.execute("select 1 from loads").fetchall()) + 1
            db.execute(
                """
                insert into loads by name
                select $load as load_id, 'events' as kind, 'e.csv' as source, 'c' as content_hash,
                    $at as observed_at, $at as loaded_at, 3 as rows, $accepted as accepted,
                    3 - $accepted as quarantined, '{}' as reasons, $effect as effect
                """,
                {"load": f"L{number:06}", "at": end(DAY), "accepted": accepted, "effect": events[0]},
            )
            seen.append(inputs.fingerprint(db, end(DAY)))
            assert inputs.fingerprint(db, end(DAY), {"events": events}) == seen[-1]
    assert [seen.index(one) for one in seen] == [0, 0, 2, 2, 4]


def test_a_load_that_became_known_later_is_not_in_the_fingerprint(store):
    with store.write() as db:
        add_load(db, 1, "known", end(DAY))
        before = inputs.fingerprint(db, end(DAY))
        add_load(db, 2, "later", end(DAY) + timedelta(seconds=1))
        assert inputs.fingerprint(db, end(DAY)) == before
        assert inputs.fingerprint(db, end(DAY) + timedelta(days=1)) != before


def test_a_title_that_was_confirmed_is_in_the_fingerprint(store):
    with store.write() as db:
        before = inputs.fingerprint(db, end(DAY))
        db.execute("insert into titles values ('program', 'Data', 'Data science', 'ana', $now)", {"now": NOW})
        confirmed = inputs.fingerprint(db, end(DAY))
        db.execute("update titles set title = 'Data'")
        assert len({before, confirmed, inputs.fingerprint(db, end(DAY))}) == 3


def test_a_run_is_read_back_as_it_was_begun(store):
    with store.write() as db:
        begun = begin(db)
    assert runs.get(store, "nightly-2026-03-01-1") == begun
    assert begun.status == "running"
    assert not begun.is_published
    with store.read() as db:
        assert first_row(db, "select parameters from runs") == ('{"30_nudges": {"capacity": 5}}',)


def test_a_run_that_never_was_is_not_found(store):
    store.make()
    with pytest.raises(NotFound, match="no run 'nightly-2026-03-01-1'"):
        runs.get(store, "nightly-2026-03-01-1")


def test_attempts_are_counted_per_pipeline_and_day(store):
    with store.write() as db:
        names = [
            begin(db, pipeline=pipeline, day=day).run_id
            for pipeline, day in [
                ("nightly", DAY),
                ("nightly", DAY),
                ("weekly", DAY),
                ("nightly", date(2026, 3, 2)),
            ]
        ]
    assert names == [
        "nightly-2026-03-01-1",
        "nightly-2026-03-01-2",
        "weekly-2026-03-01-1",
        "nightly-2026-03-02-1",
    ]


def test_a_new_attempt_supersedes_the_last_published_one_of_its_day(store):
    with store.write() as db:
        publish(db, begin(db, key="first"))
        runs.mark(db, begin(db, key="failed").run_id, "failed", now=NOW)
        begin(db, key="third")
        begin(db, key="other day", day=date(2026, 3, 2))
        found = dict(db.execute("select key, supersedes from runs").fetchall())
    assert found == {
        "first": None,
        "failed": "nightly-2026-03-01-1",
        "third": "nightly-2026-03-01-1",
        "other day": None,
    }


@pytest.mark.parametrize(
    ("status", "is_found"), [("running", True), ("failed", True), ("published", True), ("discarded", False)]
)
def test_a_run_is_taken_up_again_unless_it_was_discarded(store, status, is_found):
    with store.write() as db:
        runs.mark(db, begin(db).run_id, status, now=NOW)
        found = runs.find(db, "nightly", "k")
        assert (found is not None) == is_found
        assert runs.find(db, "weekly", "k") is None
        assert runs.find(db, "nightly", "other") is None


def test_only_publishing_makes_a_run_count(store):
    with store.write() as db:
        run = begin(db)
        for status, is_published, is_finished in [
            ("failed", False, True),
            ("running", False, False),
            ("published", True, True),
        ]:
            runs.mark(db, run.run_id, status, now=NOW, error="why" if status == "failed" else "")
            assert first_row(
                db, "select status, published_at is not null, finished_at is not null, error from runs"
            ) == (status, is_published, is_finished, "why" if status == "failed" else None)


def test_unpublished_attempts_are_those_that_stopped_half_way(store):
    with store.write() as db:
        for status in ("running", "failed", "discarded", "published"):
            runs.mark(db, begin(db, key=status).run_id, status, now=NOW)
        begin(db, pipeline="weekly")
        assert sorted(runs.unpublished(db, "nightly")) == ["nightly-2026-03-01-1", "nightly-2026-03-01-2"]


def test_steps_done_are_listed_in_order_and_failed_ones_are_not(store):
    with store.write() as db:
        run_id = begin(db).run_id
        for step, position, status in [("b", 2, "done"), ("a", 1, "failed"), ("c", 3, "running")]:
            runs.mark_step(db, run_id, step, position, status, tries=1, now=NOW)
        assert runs.steps_done(db, run_id) == ["b"]
        runs.mark_step(db, run_id, "a", 1, "done", tries=2, now=NOW, seconds=1.5)
        assert runs.steps_done(db, run_id) == ["a", "b"]
        assert first_row(db, "select tries, seconds, error from steps where step = 'a'") == (2, 1.5, None)


def test_the_previous_run_is_the_newest_published_one_of_an_earlier_day(store):
    with store.write() as db:
        first = begin(db, key="1", day=date(2026, 2, 27))
        publish(db, first)
        old_attempt = begin(db, key="2", day=date(2026, 2, 28))
        publish(db, old_attempt)
        new_attempt = begin(db, key="3", day=date(2026, 2, 28))
        publish(db, new_attempt, now=NOW + timedelta(hours=1))
        begin(db, key="4", day=date(2026, 2, 28))
        publish(db, begin(db, key="5"))
        current = begin(db, key="6")
        later = begin(db, key="7", day=date(2026, 3, 2))
        publish(db, later)
        found = runs.previous(db, current)
        assert found == replace(new_attempt, status="published")
        assert runs.previous(db, first) is None
        weekly = begin(db, pipeline="weekly")
        assert runs.previous(db, weekly) is None


def test_a_notebook_opened_by_hand_is_compared_with_the_nights(store):
    with store.write() as db:
        night = begin(db, day=date(2026, 2, 28))
        publish(db, night)
    by_hand = runs.scratch(store, as_of=end(DAY), day=DAY, now=NOW)
    with store.read() as db:
        assert runs.previous(db, by_hand).run_id == night.run_id


def test_a_notebook_opened_twice_by_hand_works_in_one_run(store):
    first = runs.scratch(store, as_of=end(DAY), day=DAY, now=NOW)
    again = runs.scratch(store, as_of=end(DAY), day=DAY, now=NOW + timedelta(hours=1))
    assert again == first
    assert not first.is_published


def test_counts_are_read_back_as_they_were_kept(store):
    with store.write() as db:
        run_id = begin(db).run_id
        assert runs.counts(db, run_id) == {}
        runs.mark(db, run_id, "published", now=NOW, counts={"nudges": 3, "labels": {"high": 1}})
        runs.mark(db, run_id, "published", now=NOW)
        assert runs.counts(db, run_id) == {"nudges": 3, "labels": {"high": 1}}
        assert runs.counts(db, "nobody's") == {}


def test_a_run_that_another_key_superseded_is_not_done(store):
    with store.write() as db:
        runs.mark(db, begin(db, key="first").run_id, "published", now=NOW)
        runs.mark(db, begin(db, key="second").run_id, "published", now=NOW + timedelta(hours=1))
        assert runs.find(db, "nightly", "first") is None
        assert runs.find(db, "nightly", "second") is not None
