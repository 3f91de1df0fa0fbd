"""What platforms give comes in by itself: their exports out of an inbox or by name, a Moodle by its web services."""

import json
from zoneinfo import ZoneInfo

import pytest

from engagement import runs
from engagement.errors import EngagementError, InvalidInput
from engagement.ingest.loads import remembered
from engagement.ingest.source.source_format import SourceFormat
from engagement.pipeline.incoming import sources
from engagement.pipeline.incoming.inbox import found, keep_plan, offers
from engagement.pipeline.incoming.source_config import Sources
from engagement.policy import DEFAULT_POLICY
from tests.support.cohort import AS_OF, DAY, HOUR, rows
from tests.support.moodle_server import TOKEN, invented, serving

GRADES = """"First name",Surname,"ID number","Email address","Quiz: One (Percentage)","Course total (Percentage)",Last
Ida,Tester,A-1,ida@example.invalid,"{}","50.00 %","1771977600"
Uwe,Muster,A-2,uwe@example.invalid,"40.00 %","50.00 %","1771977600"
"""
COMPLETION = """,Email address,Page one,"Friday, 20 February 2026, 9:00 AM",Page two,"Wednesday, 2 March 2026, 9:00 AM"
Ida Tester,ida@example.invalid,Completed,"Thursday, 19 February 2026, 9:00 AM",Not completed,
Uwe Muster,uwe@example.invalid,Not completed,,Not completed,
"""


def statement(number, who, verb="login"):
    """Return a line of xAPI."""
    told = {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "actor": {"mbox": f"mailto:{who}@example.invalid"},
        "verb": {"id": f"https://verbs.example.invalid/{verb}"},
        "object": {"id": "http://example.invalid/course", "objectType": "Activity"},
        "timestamp": "2026-02-20T10:00:00Z",
    }
    return json.dumps(told) + "\n"


@pytest.fixture
def inbox(tmp_path):
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


def of(inbox, **different):
    return Sources(**{"inbox": f"{inbox}/*", "values": {"program": "Data"}} | different)


def offered(store, chosen, as_of=AS_OF, *, now=None):
    there = found(store, chosen, "UTC")
    with store.write() as db:
        return next(iter(offers(db, "nightly", there, as_of=as_of, now=now or as_of)))


def begin(store, chosen, as_of=AS_OF, *, now=None):
    """Begin a run of these sources, or take it up where it stopped; return it and its files."""
    store.make()
    offer = offered(store, chosen, as_of, now=now)
    with store.write() as db:
        key = f"{as_of} {offer.fingerprint}"
        run = runs.find(db, "nightly", key) or runs.begin(
            db,
            "nightly",
            key=key,
            as_of=as_of,
            day=as_of.date(),
            parameters={},
            fingerprint=offer.fingerprint,
            policy=DEFAULT_POLICY,
            now=now or as_of,
        )
        return run, keep_plan(db, run, chosen, offer)


def load(store, run, files):
    return sources.load(
        store,
        run,
        learner_files=[file.name for file in files if file.kind == "learners"],
        event_files=[file.name for file in files if file.kind == "events"],
        zone=ZoneInfo("UTC"),
    )


def night(store, chosen, as_of=AS_OF, *, now=None):
    """Load what is new and publish; return the sources that were loaded, and the run's key stays known."""
    run, files = begin(store, chosen, as_of, now=now)
    told = load(store, run, files)
    with store.write() as db:
        runs.mark(db, run.run_id, "published", now=now or as_of)
    return told["source"].tolist()


def score_of(store, email="ida@example.invalid"):
    sql = "select f.avg_quiz_score from newest_facts f join learners l on f.learner_id = l.id where l.email = $email"
    return rows(store, sql, email=email)


def test_exports_in_an_inbox_are_read_together_and_once(store, inbox):
    (inbox / "completion.csv").write_text(COMPLETION)
    (inbox / "grades.csv").write_text(GRADES.format("80.00 %"))
    assert night(store, of(inbox)) == ["completion.csv", "grades.csv"]
    found = rows(store, "select email, person_id, program from learners order by email")
    assert found == [("ida@example.invalid", "A-1", "Data"), ("uwe@example.invalid", "A-2", "Data")]
    assert score_of(store) == [(80.0,)]
    (inbox / "grades.csv").rename(inbox / "grades again.csv")
    assert night(store, of(inbox), AS_OF + DAY) == []
    (inbox / "grades.csv").write_text(GRADES.format("60.00 %"))
    assert night(store, of(inbox), AS_OF + 2 * DAY) == ["grades.csv"]
    assert score_of(store) == [(60.0,)]


def test_a_run_that_loaded_them_is_done_and_another_way_to_read_them_makes_it_another(store, inbox, tmp_path):
    named = tmp_path / "named.csv"
    named.write_text(GRADES.format("80.00 %"))
    (inbox / "completion.csv").write_text(COMPLETION)
    (inbox / "grades.csv").write_text(GRADES.format("70.00 %"))
    chosen = of(inbox, learners=[str(named)])
    log = tmp_path / "log.jsonl"
    log.write_text(statement(1, "ida") + statement(2, "eva"))
    chosen = chosen.model_copy(update={"events": [str(log)]})
    before = offered(made(store), chosen).fingerprint
    night(store, chosen)
    assert score_of(store) == [(80.0,)]  # what is named comes last
    assert offered(store, chosen).fingerprint == before
    night(store, chosen, AS_OF + DAY)
    assert offered(store, chosen, AS_OF + DAY).fingerprint == before
    assert offered(store, of(inbox, learners=[str(named)], encoding="cp1252")).fingerprint != before
    named.write_text(GRADES.format("81.00 %"))
    assert offered(store, chosen).fingerprint != before


def made(store):
    store.make()
    return store


def test_what_is_named_is_read_every_night_by_what_is_due_then(store, tmp_path):
    named = tmp_path / "completion.csv"
    named.write_text(COMPLETION)
    chosen = Sources(learners=[str(named)], values={"program": "Data"})
    sql = "select completed_percent_due from newest_facts order by learner_id"
    assert night(store, chosen) == ["completion.csv"]
    assert rows(store, sql) == [(100.0,), (0.0,)]
    assert night(store, chosen, AS_OF + 2 * DAY) == ["completion.csv"]
    assert rows(store, sql) == [(50.0,), (0.0,)]


def test_a_run_that_stopped_between_its_exports_goes_on_and_nothing_is_there_twice(store, inbox, monkeypatch):
    (inbox / "a.csv").write_text(GRADES.format("80.00 %"))
    (inbox / "log.jsonl").write_text(statement(1, "ida") + statement(2, "uwe"))
    chosen = of(inbox)
    run, files = begin(store, chosen)
    assert [bool(file.export) for file in files] == [True, True]

    def broken(*_, **__):
        raise EngagementError("the store is full")

    with monkeypatch.context() as cut:
        cut.setitem(sources._LOADERS, "events", broken)
        with pytest.raises(EngagementError, match="is full"):
            load(store, run, files)
    assert rows(store, "select count(*) from events") == [(0,)]
    again, files = begin(store, chosen)
    assert again.run_id == run.run_id
    load(store, again, files)
    assert rows(store, "select count(*), count(distinct learner_id) from events") == [(2, 2)]
    told = load(store, again, files)  # the step is tried once more
    assert rows(store, "select count(*) from events") == [(2,)]
    assert "log.jsonl" in told["source"].tolist()
    assert night(store, chosen, AS_OF + DAY) == []


def test_an_export_that_is_still_being_written_is_refused(store, inbox):
    (inbox / "grades.csv").write_text(GRADES.format("80.00 %"))
    run, files = begin(store, of(inbox))
    (inbox / "grades.csv").write_text(GRADES.format("81.00 %"))
    with pytest.raises(InvalidInput, match=r"grades\.csv: has changed since the run began"):
        load(store, run, files)
    assert score_of(store) == []


def test_a_run_for_a_day_that_is_over_leaves_them(store, inbox):
    (inbox / "grades.csv").write_text(GRADES.format("80.00 %"))
    store.make()
    offer = offered(store, of(inbox), AS_OF - DAY, now=AS_OF)
    assert (offer.files, len(offer.waiting)) == ([], 1)


def test_what_was_said_of_the_types_of_events_decides_what_a_run_does(store, inbox, tmp_path):
    (inbox / "log.jsonl").write_text(statement(1, "ida", "launched"))
    store.make()
    before = offered(store, of(inbox)).fingerprint
    said = SourceFormat(types={"launched": "login"})
    remembered.remember_types(store, "xAPI statements", "log.jsonl", said, now=AS_OF)
    assert offered(store, of(inbox)).fingerprint != before


def test_a_table_of_ones_own_and_exports_lie_in_one_inbox(store, inbox):
    (inbox / "own.csv").write_text("id,name,email,program\nA-1,Ida Tester,ida@example.invalid,Data\n")
    (inbox / "grades.csv").write_text(GRADES.format("80.00 %"))
    assert night(store, of(inbox)) == ["own.csv", "grades.csv"]
    assert rows(store, "select count(*) from learners") == [(2,)]


def test_where_a_platform_is_named_another_file_is_none_of_its_exports(store, inbox):
    (inbox / "own.csv").write_text("id,name,email,program\nA-1,Ida Tester,ida@example.invalid,Data\n")
    run, files = begin(store, of(inbox, platform="moodle"))
    with pytest.raises(InvalidInput, match=r"own\.csv: none of the exports that are known of moodle"):
        load(store, run, files)


def test_who_says_how_columns_are_called_has_no_export(store, inbox):
    (inbox / "grades.csv").write_text(GRADES.format("80.00 %"))
    chosen = of(inbox, columns={"id": "ID number", "name": "First name", "email": "Email address"})
    _, files = begin(store, chosen)
    assert [file.export for file in files] == [""]


def test_a_notebook_that_is_opened_by_hand_reads_an_export_too(store, inbox):
    file = inbox / "grades.csv"
    file.write_text(GRADES.format("80.00 %"))
    night(store, Sources(learners=[str(file)], values={"program": "Data"}))
    run = runs.scratch(store, as_of=AS_OF, day=AS_OF.date(), now=AS_OF)
    told = sources.load(store, run, learner_files=[str(file)], event_files=[], zone=ZoneInfo("UTC"))
    assert told["source"].tolist() == ["grades.csv"]


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setenv("ENGAGEMENT_MOODLE_TOKEN", TOKEN)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr("engagement.ingest.platforms.moodle.web.CALLS_A_SECOND", 1_000)


@pytest.mark.usefixtures("token")
def test_a_moodle_is_asked_by_each_run_whose_day_is_not_over(store):
    with serving(invented(6)) as (url, calls):
        chosen = Sources(moodle={"url": url, "courses": "7"})
        before = offered(made(store), chosen).fingerprint
        assert night(store, chosen) == ["Data & More (Moodle)"]
        assert rows(store, "select count(*) from learners where external_id like 'moodle:%'") == [(6,)]
        assert offered(store, chosen).fingerprint == before  # the same run is done
        asked = len(calls)
        night(store, chosen, AS_OF + DAY)
        assert len(calls) == 2 * asked
        night(store, chosen, AS_OF + HOUR, now=AS_OF + 2 * DAY)
        assert len(calls) == 2 * asked


def test_without_a_token_the_run_says_what_is_missing(store, monkeypatch):
    monkeypatch.delenv("ENGAGEMENT_MOODLE_TOKEN", raising=False)
    run, files = begin(store, Sources(moodle={"url": "http://127.0.0.1:9", "courses": ["7"]}))
    with pytest.raises(InvalidInput, match="ENGAGEMENT_MOODLE_TOKEN"):
        load(store, run, files)
