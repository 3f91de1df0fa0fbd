"""Events: appended once, of learners there are, with metadata that is a JSON object."""

from datetime import datetime

import duckdb
import pandas as pd
import pytest

from engagement import audit
from engagement.errors import InvalidInput
from engagement.ingest import events, learners
from engagement.ingest.source.source_format import SourceFormat
from tests.support.acting import acting
from tests.support.older_store import make_older

WHEN = datetime.fromisoformat("2026-11-22 12:00:00")
HEADER = "learner_id,type,timestamp,metadata"


def store_learners(store, *ids):
    header = (
        "id,name,email,phone,program,last_login,completed_percent,avg_quiz_score,consecutive_missed_sessions"
    )
    known = pd.DataFrame(
        [[learner, "Invented", *[""] * 2, "P", *[""] * 4] for learner in ids], columns=header.split(",")
    )
    learners.load(store, known, observed_at=WHEN, loaded_at=WHEN)


@pytest.fixture
def load(store, tmp_path):
    """Load a CSV of events into a store that knows the learners a and b."""
    store_learners(store, "a", "b")

    def load(*lines, header=HEADER, timezone="UTC"):
        path = tmp_path / "events.csv"
        path.write_text("\n".join((header, *lines, "")), encoding="utf-8")
        return events.load(
            store, path, observed_at=WHEN, loaded_at=WHEN, source_format=SourceFormat(timezone)
        )

    return load


def test_an_event_of_an_unknown_learner_is_quarantined(load, stored):
    summary = load("a,login,2026-11-01,", "nobody,login,2026-11-01,", "A,login,2026-11-01,")
    assert summary.as_dict() == {
        "rows": 3,
        "accepted": 1,
        "quarantined": 2,
        "reasons": {"learner_id: no such learner": 2},
        "first_refused": {
            "load_id": "L000002",
            "line": 3,
            "id": "nobody",
            "reasons": ["learner_id: no such learner"],
        },
    }
    assert stored("select line, raw from quarantine order by line") == [
        (3, "nobody,login,2026-11-01,"),
        (4, "A,login,2026-11-01,"),
    ]


SAME = "event: the same stands in an earlier row"


def test_a_repeat_within_a_file_is_refused_and_one_of_an_earlier_file_adds_nothing(load, stored):
    lines = ["a,login,2026-11-01,", "a,login,2026-11-01,", "a,login,2026-11-01T00:00:00Z,{ }"]
    for more in (0, 1):
        summary = load(*lines, *["b,login,2026-11-01,"] * more)
        assert (summary.accepted, summary.reasons) == (1 + more, {SAME: 2})
        assert stored("select count(*) from events") == [(summary.accepted,)]
    assert stored("select learner_id, type, timestamp, metadata, actor, source from events order by all") == [
        ("a", "login", datetime.fromisoformat("2026-11-01"), "{}", "import", "L000002 events.csv"),
        ("b", "login", datetime.fromisoformat("2026-11-01"), "{}", "import", "L000003 events.csv"),
    ]


def test_the_same_metadata_in_other_spaces_is_the_same_event(load, stored):
    spaced = ['"{""a"":1}"', '"{""a"": 1}"', '"{ ""a"" :1 }"']
    assert load(*(f"a,login,2026-11-01,{text}" for text in spaced)).reasons == {SAME: 2}
    assert load(f"a,login,2026-11-01,{spaced[2]}").accepted == 1
    assert stored("select metadata::text from events") == [('{"a":1}',)]


def test_contents_that_read_alike_side_by_side_are_events_of_their_own(store, load, stored):
    store_learners(store, "a|login", 'a","login')
    lines = ["a,login|quiz,2026-11-01,", "a|login,quiz,2026-11-01,", '"a"",""login",quiz,2026-11-01,']
    for _ in range(2):
        assert load(*lines, 'a,"login"",""quiz",2026-11-01,').accepted == 4
        assert stored("select count(*), count(distinct id) from events") == [(4, 4)]


def test_an_event_of_an_older_store_comes_again_as_the_same(no_store):
    make_older(no_store.path, 12)
    with duckdb.connect(no_store.path) as db:
        db.execute("insert into learners (id, person_id, program, load_id) values ('a', 'a', 'P', 'L1')")
        db.execute(
            """
            insert into events
            select
                sha256('a|login|2026-11-01T00:00:00.000000|{"x": 1}'), 'a', 'login', '{"x": 1}', '2026-11-01', 'import',
                'old.csv'
            """
        )
    frame = pd.DataFrame(
        {"learner_id": ["a"], "type": ["login"], "timestamp": ["2026-11-01"], "metadata": ['{"x": 1}']}
    )
    assert events.load(no_store, frame, observed_at=WHEN, loaded_at=WHEN).accepted == 1
    with no_store.read() as db:
        assert db.execute("select source from events").fetchall() == [("old.csv",)]


@pytest.mark.parametrize(
    "other",
    [
        "b,login,2026-11-01,",
        "a,logout,2026-11-01,",
        "a,login,2026-11-01 00:00:01,",
        'a,login,2026-11-01,"{""x"": 1}"',
    ],
    ids=["learner", "type", "timestamp", "metadata"],
)
def test_whatever_differs_makes_another_event(load, stored, other):
    load("a,login,2026-11-01,", other)
    assert stored("select count(distinct id) from events") == [(2,)]


NUMBERED = "learner_id,type,timestamp,id"
OTHER_CONTENT = {"id: stands more than once with other content": 1}


def test_an_id_of_the_source_counts_within_its_learner(load, stored):
    assert load("a,login,2026-11-01,1", "b,login,2026-11-01,1", header=NUMBERED).accepted == 2
    assert stored("select learner_id from events order by all") == [("a",), ("b",)]
    assert stored("select count(distinct id) from events") == [(2,)]


def test_learners_and_ids_that_read_alike_side_by_side_are_two(store, load, stored):
    store_learners(store, "a|b")
    load("a|b,login,2026-11-01,1", "a,login,2026-11-01,b|1", header=NUMBERED)
    assert stored("select learner_id from events order by all") == [("a",), ("a|b",)]


def test_an_id_of_the_source_tells_equal_events_apart(load, stored):
    assert load("a,login,2026-11-01,1", "a,login,2026-11-01,2", header=NUMBERED).accepted == 2
    assert stored("select count(*) from events") == [(2,)]


def test_the_same_event_with_its_id_again_is_a_repeat(load, stored):
    assert load("a,login,2026-11-01,1", "a,login,2026-11-01,1", header=NUMBERED).reasons == {SAME: 1}
    assert load("a,login,2026-11-01,1", "b,login,2026-11-01,1", header=NUMBERED).accepted == 2
    assert stored("select learner_id, source from events order by all") == [
        ("a", "L000002 events.csv"),
        ("b", "L000003 events.csv"),
    ]


@pytest.mark.parametrize(
    "other", ["a,logout,2026-11-01,1,", "a,login,2026-11-02,1,", 'a,login,2026-11-01,1,"{""x"": 1}"']
)
def test_what_else_stands_under_the_same_id_is_quarantined(load, stored, other):
    summary = load("a,login,2026-11-01,1,", other, "a,login,2026-11-01,1,{}", header=f"{NUMBERED},metadata")
    assert (summary.accepted, summary.reasons) == (1, {**OTHER_CONTENT, SAME: 1})
    assert stored("select line, raw from quarantine where line = 3") == [(3, other)]
    assert stored("select type, timestamp, metadata::text from events") == [
        ("login", datetime.fromisoformat("2026-11-01"), "{}")
    ]


def test_what_an_earlier_file_said_under_an_id_stays(load, stored):
    load("a,login,2026-11-01,1", header=NUMBERED)
    summary = load("a,login,2026-11-02,1", "a,login,2026-11-01,1", header=NUMBERED)
    assert (summary.accepted, summary.reasons) == (1, OTHER_CONTENT)
    assert stored("select raw from quarantine") == [("a,login,2026-11-02,1",)]
    assert stored("select timestamp from events") == [(datetime.fromisoformat("2026-11-01"),)]


def test_a_row_that_is_refused_takes_no_id(load, stored):
    load("nobody,login,2026-11-01,1", "a,login,yesterday,1", "a,login,2026-11-02,1", header=NUMBERED)
    assert stored("select timestamp from events") == [(datetime.fromisoformat("2026-11-02"),)]


def test_an_event_that_is_stored_under_its_plain_id_keeps_it(store, load, stored):
    with store.write() as db:  # as before an id counted within its learner
        db.execute("insert into events values ('1', 'a', 'login', '{}', '2026-11-01', 'import', 'old.csv')")
    lines = ["a,login,2026-11-01,1", "b,login,2026-11-01,1", "a,logout,2026-11-01,1"]
    summary = load(*lines, header=NUMBERED)
    assert (summary.accepted, summary.reasons) == (2, OTHER_CONTENT)
    assert stored("select learner_id, id = '1', source from events order by all") == [
        ("a", True, "old.csv"),
        ("b", False, "L000002 events.csv"),
    ]


NOT_JSON = [
    *("[1]", '"text"', "1", "not json", '{"open": ', "{'x': 1}"),
    *(
        '{"a": NaN}',
        '{"a": [1, -Infinity]}',
        '{"a": {"b": inf}}',
        '{"a": 1,}',
        '{"a": [1, ]}',
        '{"a\\"": nan}',
    ),
]


@pytest.mark.parametrize("metadata", NOT_JSON)
def test_metadata_that_is_no_json_object_is_quarantined(load, stored, metadata):
    quoted = metadata.replace('"', '""')
    lines = [f'a,login,2026-11-{day:02},"{{""day"": {day}}}"' for day in range(1, 29)]
    summary = load(*lines, f'a,login,2026-11-01,"{quoted}"')
    assert summary.reasons == {"metadata: not a JSON object": 1}
    assert stored("select sum((metadata ->> 'day')::integer)::integer from events") == [(28 * 29 // 2,)]


def test_a_text_that_says_nan_is_json(load, stored):
    load('a,login,2026-11-01,"{""NaN"": ""inf, ],}\\"" NaN""}"')
    assert stored("select metadata ->> 'NaN' from events") == [('inf, ],}" NaN',)]


def test_metadata_is_kept_as_it_was_written(load, stored):
    load('a,login,2026-11-01,"{""name"": ""<b>"", ""n"": 1.0}"')
    assert stored("select metadata::text from events") == [('{"name": "<b>", "n": 1.0}',)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a,,2026-11-01,", "type: missing"),
        (",login,2026-11-01,", "learner_id: missing"),
        ("a,login,,", "timestamp: missing"),
        ("a,login,yesterday,", "timestamp: not an ISO date or time"),
        ("a," + "x" * 51 + ",2026-11-01,", "type: longer than 50 characters"),
        ("a,login", "row: fewer columns than the header"),
    ],
)
def test_an_event_without_who_what_and_when_is_quarantined(load, line, reason):
    assert load("a,login,2026-11-01,", line).reasons == {reason: 1}


def test_times_of_events_become_utc(load, stored):
    load("a,login,2026-07-01 10:00,", "a,quiz,2026-07-01 10:00+05:30,", timezone="Europe/London")
    assert stored("select timestamp from events order by type") == [
        (datetime.fromisoformat("2026-07-01 09:00"),),
        (datetime.fromisoformat("2026-07-01 04:30"),),
    ]


def test_a_file_without_metadata_is_enough(load, stored):
    assert load("a,login,2026-11-01", header="learner_id,type,timestamp").accepted == 1
    assert stored("select metadata::text from events") == [("{}",)]


def test_a_file_of_which_no_event_is_accepted_leaves_no_trace(load, stored):
    with pytest.raises(InvalidInput, match=r"none of 1 rows accepted: learner_id: no such learner \(1\)"):
        load("nobody,login,2026-11-01,")
    assert stored("select (select count(*) from events), (select count(*) from quarantine)") == [(0, 0)]
    assert stored("select count(*) from loads where kind = 'events'") == [(0,)]


def test_a_frame_with_metadata_that_is_no_text_is_refused_not_a_crash(store, load):
    frame = pd.DataFrame(
        {"learner_id": ["a"], "type": ["x"], "timestamp": [pd.Timestamp(WHEN)], "metadata": [{"x": 1}]}
    )
    with pytest.raises(InvalidInput, match="metadata: not a JSON object"):
        events.load(store, frame, observed_at=WHEN, loaded_at=WHEN)


def record(store, **changed):
    values = {
        "by": acting(WHEN, name="coordinator"),
        "source": "dashboard",
        "metadata": {"b": 1, "a": "ü"},
    } | changed
    with store.write() as db:
        return audit.record(db, "a", "approved", **values)


def test_a_recorded_event_is_kept_once_whatever_the_order_of_its_metadata(store, stored):
    first = record(store)
    assert record(store, metadata={"a": "ü", "b": 1}) == first
    assert stored("select id, learner_id, type, metadata::text, timestamp, actor, source from events") == [
        (first, "a", "approved", '{"a": "ü", "b": 1}', WHEN, "coordinator", "dashboard")
    ]
    assert record(store, by=acting(WHEN, name="somebody else")) != first


def test_a_recorded_event_goes_with_the_write_that_it_belongs_to(store, stored):
    with pytest.raises(ZeroDivisionError), store.write():
        record(store)
        raise ZeroDivisionError
    store.make()
    assert stored("select count(*) from events") == [(0,)]


def test_an_event_of_nobody_with_other_faults_is_told_all_its_reasons(load, stored):
    load("a,login,2026-11-01,", "nobody,login,yesterday,")
    ((reasons,),) = stored("select reasons from quarantine")
    assert sorted(reasons) == ["learner_id: no such learner", "timestamp: not an ISO date or time"]
