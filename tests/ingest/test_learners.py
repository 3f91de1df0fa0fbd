"""Loading learners: what is upserted, which facts are appended, and what is left alone."""

import itertools
import time
from datetime import datetime, timedelta

import pandas as pd
import pytest

from engagement.errors import InvalidInput
from engagement.ingest import learners
from engagement.ingest.source.source_format import SourceFormat

HEADER = "id,name,email,phone,program,last_login,completed_percent,avg_quiz_score,consecutive_missed_sessions"
MONDAY = datetime.fromisoformat("2026-11-16 12:00:00")
TUESDAY = datetime.fromisoformat("2026-11-17 12:00:00")
WEDNESDAY = datetime.fromisoformat("2026-11-18 12:00:00")
FACTS = "select observed_at, completed_percent from learner_facts where learner_id = 'a' order by observed_at, load_id"


def row(learner, **changed):
    values = dict.fromkeys(HEADER.split(","), "") | {"id": learner, "name": "Invented", "program": "P"}
    values |= {"completed_percent": "50", "avg_quiz_score": "60", "consecutive_missed_sessions": "1"}
    return ",".join((values | changed).values())


@pytest.fixture
def load(store, tmp_path):
    """Load a CSV of these lines."""

    def load(*lines, observed_at=MONDAY, header=HEADER, timezone="UTC"):
        path = tmp_path / "learners.csv"
        path.write_bytes("\n".join((header, *lines, "")).encode())
        return learners.load(
            store, path, observed_at=observed_at, loaded_at=WEDNESDAY, source_format=SourceFormat(timezone)
        )

    return load


def test_the_real_file_is_accepted_whole_and_twice_adds_nothing(store, stored, real_data):
    path = real_data / "learners_2013J_week12.csv"
    for observed_at in (MONDAY, MONDAY, TUESDAY):
        summary = learners.load(store, path, observed_at=observed_at, loaded_at=WEDNESDAY)
        assert summary.as_dict() == {"rows": 1243, "accepted": 1243, "quarantined": 0, "reasons": {}}
        assert stored("select count(*), count(distinct learner_id), max(observed_at) from learner_facts") == [
            (1243, 1243, MONDAY)
        ]
        assert stored("select count(*), max(load_id) from learners") == [(1243, "L000001")]
    assert stored(
        "select load_id, kind, source, rows, accepted, quarantined from loads order by load_id"
    ) == [(f"L00000{n}", "learners", "learners_2013J_week12.csv", 1243, 1243, 0) for n in (1, 2, 3)]
    assert stored("select count(distinct content_hash) from loads") == [(1,)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("completed_percent", "51"),
        ("completed_percent", ""),
        ("avg_quiz_score", "60.5"),
        ("consecutive_missed_sessions", "2"),
        ("last_login", "2026-11-15"),
    ],
)
def test_a_changed_value_is_one_new_fact(load, stored, column, value):
    load(row("a"), row("b"))
    load(row("a", **{column: value}), row("b"), observed_at=TUESDAY)
    assert stored("select learner_id, observed_at, load_id from learner_facts order by all") == [
        ("a", MONDAY, "L000001"),
        ("a", TUESDAY, "L000002"),
        ("b", MONDAY, "L000001"),
    ]


def test_a_value_that_comes_back_is_a_new_fact(load, stored):
    for observed_at, value in ((MONDAY, "50"), (TUESDAY, "60"), (WEDNESDAY, "50")):
        load(row("a", completed_percent=value), observed_at=observed_at)
    assert stored(FACTS) == [(MONDAY, 50), (TUESDAY, 60), (WEDNESDAY, 50)]


def test_an_earlier_observation_does_not_see_later_ones(load, stored):
    load(row("a", completed_percent="60"), observed_at=WEDNESDAY)
    load(row("a", completed_percent="60"), observed_at=MONDAY)
    load(row("a", completed_percent="55"), observed_at=TUESDAY)
    assert stored(FACTS) == [(MONDAY, 60), (TUESDAY, 55), (WEDNESDAY, 60)]


def test_a_second_load_of_the_same_instant_corrects_the_first(load, stored):
    load(row("a", completed_percent="40"))
    load(row("a", completed_percent="45"))
    assert stored("select completed_percent from newest_facts") == [(45,)]


def test_missing_is_missing_and_never_zero(load, stored):
    words = ("", "NA", "n/a", "NaN", "NULL", "none", "?", "-", "  ")
    load(*(row(f"m{n}", completed_percent=word, avg_quiz_score=word) for n, word in enumerate(words)))
    assert stored("select count(*), count(completed_percent), count(avg_quiz_score) from learner_facts") == [
        (len(words), 0, 0)
    ]


def test_numbers_are_read_as_written(load, stored):
    meant = {"0": 0, "100": 100, "100.0": 100, "1e1": 10, ".5": 0.5, "5.": 5, "+7": 7, " 8": 8, "1e-3": 0.001}
    load(*(row(f"w{written}", completed_percent=f"{written} ") for written in meant))
    read = stored("select learner_id, completed_percent from learner_facts")
    assert dict(read) == {f"w{written}": value for written, value in meant.items()}


NO_NUMBER = "not a number; `--missing WORD` where it stands for nothing"
NO_SUCH_DAY = "not an ISO date or time; there is no such day or time; no `--date-format` reads it"
BONUS = "; `--cap 100` takes bonus points as 100"
BAD = [
    ("completed_percent", "100.001", f"outside 0 to 100{BONUS}"),
    ("completed_percent", "-0.5", "outside 0 to 100"),
    ("completed_percent", "1e999", "outside 0 to 100"),
    ("completed_percent", "inf", NO_NUMBER),
    ("completed_percent", "true", NO_NUMBER),
    ("completed_percent", "%", NO_NUMBER),
    ("completed_percent", "50%%", NO_NUMBER),
    ("completed_percent", "101 %", f"outside 0 to 100{BONUS}"),
    ("completed_percent", "half", NO_NUMBER),
    ("completed_percent", "0x10", NO_NUMBER),
    ("completed_percent", "1_0", NO_NUMBER),
    (
        "avg_quiz_score",
        '"1,500"',
        "a comma that may part thousands or decimals; write a point",
    ),  # one and a half, or fifteen hundred
    ("avg_quiz_score", '"1.0,5"', NO_NUMBER),
    ("avg_quiz_score", "1 000", NO_NUMBER),
    ("consecutive_missed_sessions", "5%", NO_NUMBER),
    ("avg_quiz_score", "\uff11", NO_NUMBER),
    ("consecutive_missed_sessions", "1.5", "not a whole number"),
    ("consecutive_missed_sessions", "-1", "outside 0 to 10000"),
    ("consecutive_missed_sessions", "10001", "outside 0 to 10000"),
    ("last_login", "01.11.2026", "not an ISO date or time"),
    ("last_login", "2026-02-30", NO_SUCH_DAY),
    ("last_login", "1993", "not an ISO date or time"),
    ("last_login", "now", "not an ISO date or time"),
    ("last_login", "3 days ago", "not an ISO date or time"),
    ("last_login", "45967", "not an ISO date or time"),
    ("last_login", "03/04/2026", "not an ISO date or time"),
    ("last_login", "2026-11-01 25:00", NO_SUCH_DAY),
    ("last_login", "2026-11-01 10:61", NO_SUCH_DAY),
    ("id", "6516.0", "a number that a spreadsheet has changed"),
    ("id", "2.7E+06", "a number that a spreadsheet has changed"),
    ("id", '"2,7E+06"', "a number that a spreadsheet has changed"),
    ("name", "Invented\0Example", "holds a NUL byte"),
    ("id", "x" * 201, "longer than 200 characters"),
    ("name", "x" * 20_001, "longer than 20000 characters"),
    ("program", "  ", "missing"),
]


def test_what_cannot_be_meant_is_quarantined_not_mended(load, stored):
    values = [{"id": f"bad {n}", column: value} for n, (column, value, _) in enumerate(BAD)]
    assert load(row("good"), *(row(**{"learner": "", **one}) for one in values)).accepted == 1
    found = [reasons for (reasons,) in stored("select reasons from quarantine order by line")]
    assert [len(reasons) for reasons in found] == [1] * len(BAD)
    for (said,), (column, _, reason) in zip(found, BAD, strict=True):
        assert said == f"{column}: {reason}" or said.startswith(f"{column}: {reason}; it is"), said
    assert stored("select id from learners") == [("good",)]


INSTANTS = {
    "Europe/London": {
        "2026-07-01": "2026-06-30 23:00:00",
        "2026-01-01": "2026-01-01 00:00:00",
        "2026-07-01 10:00": "2026-07-01 09:00:00",
        "2026-07-01T10:00:00.5": "2026-07-01 09:00:00.500000",
        "2026-07-01T10:00:00Z": "2026-07-01 10:00:00",
        "2026-07-01T10:00Z": "2026-07-01 10:00:00",
        "2026-07-01 10:00:00+05:30": "2026-07-01 04:30:00",
        "2026-03-29 01:30": "2026-03-29 01:30:00",  # this hour does not exist there
        "2026-10-25 03:00": "2026-10-25 03:00:00",
    },
    "UTC": {
        "2026-07-01 10:00:00+0530": "2026-07-01 04:30:00",
        "2026-07-01T10:00:00-04": "2026-07-01 14:00:00",
    },
    "Asia/Kolkata": {
        "2026-07-01 10:00": "2026-07-01 04:30:00",
    },
}


@pytest.mark.parametrize("zone", INSTANTS)
def test_instants_become_utc(load, stored, zone):
    meant = INSTANTS[zone]
    assert load(*(row(written, last_login=written) for written in meant), timezone=zone).quarantined == 0
    read = stored("select learner_id, last_login from learner_facts")
    assert dict(read) == {written: datetime.fromisoformat(instant) for written, instant in meant.items()}


def test_ids_are_kept_exactly(load, stored):
    ids = ["0008462", "1 2", "12E5", "6516.5", "8462", "9007199254740993", "Nana", "Ä-1/ß"]
    load(*map(row, ids))
    assert stored("select id, person_id from learners order by id") == [(learner, learner) for learner in ids]
    assert stored("select learner_id from learner_facts order by all") == [(learner,) for learner in ids]


HOSTILE_NAMES = [
    "x" * 10_000,
    '<img src=x onerror="alert(1)">',
    '=HYPERLINK("http://example.invalid")',
    "Robert'); drop table learners; --",
    "\u202eשלום\u202c",
    "e\u0301\u0323" * 50,
    "None",
    "{first_name}",
    "two\nlines",
    "👩🏽‍🎓",
    "../../etc/passwd",
]


def test_hostile_names_are_stored_as_they_are(load, stored):
    doubled = [name.replace('"', '""') for name in HOSTILE_NAMES]
    load(*(row(f"{n:02}", name=f'"{name}"') for n, name in enumerate(doubled)))
    assert [name for (name,) in stored("select name from learners order by id")] == HOSTILE_NAMES


def test_an_address_is_trimmed_and_case_folded(load, stored):
    load(row("a", email="  Ann.Invented@Example.INVALID "))
    assert stored("select email from learners") == [("ann.invented@example.invalid",)]


def test_a_learner_who_stands_twice_counts_once_with_the_newest_login(load, stored):
    summary = load(
        row("a", last_login="2026-11-01", completed_percent="10"),
        row("a", last_login="2026-11-03", completed_percent="30"),
        row("a", completed_percent="99"),
        row("a", last_login="2026-11-02", completed_percent="20"),
    )
    assert (summary.accepted, summary.quarantined) == (1, 3)
    assert stored(FACTS) == [(MONDAY, 30)]
    assert stored("select line from quarantine order by line") == [(2,), (4,), (5,)]


def test_of_two_equal_rows_the_later_one_counts(load, stored):
    load(row("a", completed_percent="10"), row("a", completed_percent="20"))
    assert stored(FACTS) == [(MONDAY, 20)]


SHARING = "select id from learners where email_is_shared order by id"


def test_an_address_that_several_persons_claim_is_none_while_they_do(load, stored):
    first = row("a", email="Family@example.invalid")
    summary = load(first, row("b", email="family@example.invalid"), row("c"), row("d"))
    assert (summary.quarantined, summary.as_dict()["sharing_an_address"]) == (0, 2)
    assert stored(SHARING) == [("a",), ("b",)]
    summary = load(row("e", email="family@example.invalid"), row("f"), observed_at=TUESDAY)
    assert summary.sharing_an_address == 1
    assert stored(SHARING) == [("a",), ("b",), ("e",)]
    assert stored("select email from contact_refusals where learner_id = 'a'") == [("no_address",)]
    own = [row("b", email="b@example.invalid"), row("e", email="")]
    assert "sharing_an_address" not in load(*own, observed_at=WEDNESDAY).as_dict()
    assert stored(SHARING) == []
    assert stored("select email from contact_refusals where learner_id = 'a'") == [(None,)]


def test_who_turn_out_to_be_one_person_have_their_address(load, stored):
    both = [row(learner, email="same@example.invalid") for learner in ("a", "b")]
    load(*both)
    assert stored(SHARING) == [("a",), ("b",)]
    load(*(f"{line},P" for line in both), header=f"{HEADER},person_id", observed_at=TUESDAY)
    assert stored(SHARING) == []
    load(f"{both[0]},Q", header=f"{HEADER},person_id", observed_at=WEDNESDAY)
    assert stored(SHARING) == [("a",), ("b",)]


def test_a_person_may_have_several_enrolments_with_one_address(load, stored):
    header, same = f"{HEADER},person_id", row("x", email="same@example.invalid")
    both = [same.replace("x", learner, 1) for learner in ("a", "b")]
    assert load(*(f"{line},person" for line in both), header=header).quarantined == 0
    # a later export that does not name the person, or leaves the column empty, does not split them
    assert load(*both, observed_at=TUESDAY).quarantined == 0
    assert load(*(f"{line}," for line in both), header=header, observed_at=WEDNESDAY).quarantined == 0
    assert stored("select id, person_id from learners order by id") == [("a", "person"), ("b", "person")]


OPTIONS = "whatsapp_opt_in,contact_opt_out,llm_opt_out,active,locale,cohort,preferred_channel,enrolled_at"
CHOSEN = (True, True, True, False, "de-AT", "autumn", "whatsapp", datetime.fromisoformat("2026-09-01"))


def test_columns_that_are_absent_or_empty_do_not_reset_opt_outs(load, stored):
    header = f"{HEADER},{OPTIONS}"
    load(row("a") + ",yes,1,TRUE,no,de-AT,autumn,WhatsApp,2026-09-01", header=header)
    assert stored(f"select {OPTIONS} from learners") == [CHOSEN]
    load(row("a"), observed_at=TUESDAY)
    assert stored(f"select {OPTIONS} from learners") == [CHOSEN]
    load(row("a") + "," * 8, header=header, observed_at=WEDNESDAY)
    assert stored(f"select {OPTIONS} from learners") == [
        (False, *CHOSEN[1:5], None, None, None)
    ]  # an opt-in says yes


def test_an_opt_out_can_be_taken_back_in_words(load, stored):
    for word in ("yes", "no"):
        load(f"{row('a')},{word}", header=f"{HEADER},contact_opt_out")
        assert stored("select contact_opt_out from learners") == [(word == "yes",)]


def test_defaults_of_a_new_learner(load, stored):
    load(row("a"))
    assert stored(f"select {OPTIONS} from learners") == [(False, False, False, True, "en", None, None, None)]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("contact_opt_out", "maybe", "neither yes nor no; read are yes, no, true, false, 1, 0"),
        ("active", "2", "neither yes nor no; read are yes, no, true, false, 1, 0, active"),
    ],
)
def test_a_choice_nobody_can_read_is_quarantined(load, column, value, reason):
    summary = load(f"{row('a')},", f"{row('b')},{value}", header=f"{HEADER},{column}")
    assert summary.reasons == {f"{column}: {reason}": 1}


def test_a_learner_keeps_the_load_that_last_changed_them(load, stored):
    load(row("a"), row("b"))
    load(row("a"), row("b", name="Renamed"), row("c"), observed_at=TUESDAY)
    assert stored("select id, load_id from learners order by id") == [
        ("a", "L000001"),
        ("b", "L000002"),
        ("c", "L000002"),
    ]


def test_a_learner_who_is_not_in_a_file_stays(load, stored):
    load(row("a"), row("b"))
    load(row("b"), observed_at=TUESDAY)
    assert stored("select id, active from learners order by id") == [("a", True), ("b", True)]


def test_a_refused_load_changes_nothing_of_an_earlier_one(load, stored):
    load(row("a"))
    with pytest.raises(InvalidInput):
        load(row("a", completed_percent="x"))
    assert stored("select count(*) from loads") == [(1,)]
    assert stored(FACTS) == [(MONDAY, 50)]
    assert load(row("a", completed_percent="60"), observed_at=TUESDAY).load_id == "L000002"


def test_a_column_of_addresses_that_has_slipped_is_loaded_at_once(load, stored):
    learners = [f"{n:04}" for n in range(3_000)]
    load(*(row(name, email=f"{name}@example.invalid") for name in learners), row("x"))
    slipped = itertools.pairwise(learners)
    begun = time.process_time()
    summary = load(*(row(name, email=f"{below}@example.invalid") for name, below in slipped), row("x"))
    assert (summary.quarantined, summary.sharing_an_address) == (0, 1)
    assert time.process_time() - begun < 10  # a statement for each link of it took minutes
    assert [note.partition(";")[0] for note in summary.notes] == [
        "email: 2,998 of 2,999 addresses that change were another learner's until now"
    ]
    assert stored(SHARING) == [("2998",), ("2999",)]


NAMES = [
    f"{first} {last}" for first in ("Ana", "Björn", "Chiyo") for last in ("Abend", "Brook", "Cliff", "Dale")
]


def named(people, addresses):
    return [
        row(
            f"n{n}", name=name, email=f"{address.lower().replace(' ', '.').replace('ö', 'o')}@example.invalid"
        )
        for n, (name, address) in enumerate(zip(people, addresses, strict=True))
    ]


@pytest.mark.parametrize("by", [1, -1], ids=["up", "down"])
def test_a_first_list_whose_addresses_are_the_neighbours_is_told(load, by):
    (note,) = load(*named(NAMES, [*NAMES[by:], *NAMES[:by]])).notes
    assert note.startswith("email: 1")
    assert "has the column slipped by a row?" in note
    assert not any(word in note for name in NAMES for word in name.split())


def test_addresses_that_are_ones_own_or_change_hands_by_ones_are_not_said_to_slip(load):
    assert load(*named(NAMES, NAMES)).notes == ()
    nine = [*NAMES[1:9], NAMES[0], *NAMES[9:]]
    assert load(*named(NAMES, nine)).notes == ()
    assert load(*named(NAMES, [f"{name} {n}" for n, name in enumerate(NAMES)])).notes == ()


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)], ids=["first", "last"])
def test_an_enrolment_that_is_over_claims_no_address(load, stored, order):
    same = {"email": "x@example.invalid"}
    lines = [row("over", **same) + ",no", row("new", **same) + ",yes", row("other") + ",yes"]
    for observed_at in (MONDAY, TUESDAY):
        load(*lines[order], header=f"{HEADER},active", observed_at=observed_at)
        assert stored(SHARING) == []
    load(*(row(name, **same) for name in ("over", "new")), observed_at=WEDNESDAY)
    assert stored(SHARING) == []
    load(
        row("over", **same) + ",yes", row("other") + ",yes", header=f"{HEADER},active", observed_at=WEDNESDAY
    )
    assert stored(SHARING) == [("new",), ("over",)]


def test_an_older_file_does_not_undo_an_opt_out(load, stored):
    header = f"{HEADER},contact_opt_out"
    load(row("a", contact_opt_out="no"), header=header, observed_at=MONDAY)
    load(row("a", contact_opt_out="yes"), header=header, observed_at=WEDNESDAY)
    load(row("a", contact_opt_out="no"), header=header, observed_at=TUESDAY)
    assert stored("select contact_opt_out from learners") == [(True,)]


OPTED = f"{HEADER},contact_opt_out"


def test_an_older_file_undoes_no_opt_out_that_a_newer_one_only_confirmed(load, stored):
    load(f"{row('a')},yes", header=OPTED, observed_at=MONDAY)
    load(f"{row('a')},yes", header=OPTED, observed_at=WEDNESDAY)
    load(f"{row('a')},no", header=OPTED, observed_at=TUESDAY)
    assert stored("select contact_opt_out from learners") == [(True,)]


@pytest.mark.parametrize(
    ("loaded", "stands"),
    [
        ([(50, MONDAY), (50, WEDNESDAY), (10, TUESDAY)], [(MONDAY, 50), (TUESDAY, 10), (WEDNESDAY, 50)]),
        ([(50, MONDAY), (50, WEDNESDAY), (10, MONDAY)], [(MONDAY, 50), (MONDAY, 10), (WEDNESDAY, 50)]),
        ([(50, MONDAY), (20, WEDNESDAY), (10, TUESDAY)], [(MONDAY, 50), (TUESDAY, 10), (WEDNESDAY, 20)]),
        ([(50, MONDAY), (50, WEDNESDAY), (10, WEDNESDAY)], [(MONDAY, 50), (WEDNESDAY, 10)]),
    ],
    ids=["older", "as old as the fact", "older than another fact", "no older: a correction"],
)
def test_an_older_file_takes_no_fact_back_that_a_newer_one_confirmed(load, stored, loaded, stands):
    for percent, day in loaded:
        load(row("a", completed_percent=str(percent)), observed_at=day)
    assert stored(FACTS) == stands


def test_an_older_file_that_says_the_same_adds_nothing(load, stored):
    for day in (MONDAY, WEDNESDAY, TUESDAY):
        load(row("a"), observed_at=day)
    assert stored(FACTS) == [(MONDAY, 50)]


def test_nothing_is_known_before_it_is_there(load, stored):
    load(row("a", completed_percent="90"), observed_at=WEDNESDAY + timedelta(hours=11))
    load(row("a", completed_percent="10"), observed_at=WEDNESDAY)
    assert stored("select observed_at, completed_percent from newest_facts") == [(WEDNESDAY, 10)]
    assert stored("select distinct observed_at from loads") == [(WEDNESDAY,)]


def test_what_is_loaded_on_a_day_whose_facts_are_dated_to_its_end_replaces_them(store, stored):
    end = datetime.fromisoformat("2026-11-18 23:59:59")
    header = f"{HEADER},active".split(",")

    def load(line, at, now):
        frame = pd.DataFrame([line.split(","), f"{row('other')},yes".split(",")], columns=header)
        return learners.load(store, frame, observed_at=at, loaded_at=now)

    load(row("a") + ",no", end, end)  # as by a version that did not look at the clock
    assert load(row("a", name="New", completed_percent="60") + ",yes", WEDNESDAY, WEDNESDAY).known_later == 0
    assert stored("select name, active, inactive_since, seen_at from learners where id = 'a'") == [
        ("New", True, None, WEDNESDAY)
    ]
    assert stored("select completed_percent from newest_facts where learner_id = 'a'") == [(60,)]
    assert stored("select max(observed_at) from learner_facts") == [(WEDNESDAY,)]


def test_a_clock_that_was_days_ahead_moves_no_fact_and_the_load_says_what_it_left_alone(store, load, stored):
    frame = pd.DataFrame([row("a").split(",")], columns=HEADER.split(","))
    ahead = WEDNESDAY + timedelta(days=3)
    learners.load(store, frame, observed_at=ahead, loaded_at=ahead)
    loaded = load(row("a", completed_percent="60"), row("b"), observed_at=WEDNESDAY)
    assert loaded.as_dict()["known_later"] == 1
    assert stored("select max(observed_at) from learner_facts where learner_id = 'a'") == [(ahead,)]


def test_an_enrolment_is_over_from_the_load_on_that_says_so(load, stored):
    header = f"{HEADER},active"
    since = "select active, inactive_since from learners"
    for word, day, meant in (
        ("yes", MONDAY, (True, None)),
        ("no", TUESDAY, (False, TUESDAY)),
        ("no", WEDNESDAY, (False, TUESDAY)),
    ):
        load(f"{row('a')},{word}", header=header, observed_at=day)
        assert stored(since) == [meant]
    assert stored(
        f"select active_at(active, inactive_since, timestamp '{MONDAY}'), "
        f"active_at(active, inactive_since, timestamp '{TUESDAY}') from learners"
    ) == [(True, False)]


def test_a_few_bad_values_in_columns_that_are_nearly_empty_are_quarantined(load):
    empty = [row(f"L{number}", last_login="", avg_quiz_score="") for number in range(100)]
    summary = load(*empty, row("bad", last_login="yesterday", avg_quiz_score="n.v."))
    assert (summary.accepted, summary.quarantined) == (100, 1)
