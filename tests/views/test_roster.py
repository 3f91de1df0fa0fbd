import shutil
import subprocess
import sys
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

import engagement as eg
from engagement.errors import InvalidInput
from engagement.outreach import nudges, queue, review
from engagement.pipeline import publication, rescoring
from engagement.policy import DEFAULT_POLICY, RiskPolicy
from engagement.store import Store
from engagement.store.engine import ROW_GROUP
from engagement.targeting import contact_log
from engagement.views import profiles, roster, run_tables
from engagement.views.roster import Wanted
from tests.support import workbooks
from tests.support.acting import acting
from tests.support.cohort import AS_OF, DAY, HOUR, LOW, MEDIUM, UNKNOWN, begin, learner, load, night, rows

NOW = AS_OF + HOUR
DATA, WELDING = ["Data"], ["Welding"]

# Scores by hand: 0.5 behind, 0.2 quiz, 0.2 missed (of 7), 0.1 away (of 30 days).
COHORT = (
    learner("a", name="Änne Ötker", completed_percent=0),  # .5 + .14 + .142857 + .066667 = .8495
    learner("b", name="ben's 100%_of\\it", completed_percent=4),  # .48 + ... = .8295
    learner("c", name="cem Example", program="Welding", **MEDIUM),  # .3 + .07 + .0857 + .0667 = .5224
    learner("d", name="Dora Example", program="Welding", **LOW),  # .025 + .02 + 0 + .0667 = .1117
    learner("e", name=None, **UNKNOWN),
    learner("f", name="Fay Example", active=False),
)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory, empty_file):
    """Two published nights, to be read; `d` was at high risk in the first, `c` came after it."""
    store = Store(tmp_path_factory.mktemp("cohort") / "store.duckdb")
    shutil.copyfile(empty_file, store.path)
    load(store, *COHORT[:2], learner("d", program="Welding"), *COHORT[4:])
    night(store, AS_OF - DAY)
    load(store, *COHORT, at=AS_OF - 2 * HOUR)
    night(store)
    with store.write() as db:
        db.execute("delete from nudges")
    return store


@pytest.fixture
def own_cohort(cohort, no_store):
    """The same, for a test that changes it."""
    shutil.copyfile(cohort.path, no_store.path)
    return no_store


def page(store, programs=None, **wanted):
    return roster.page(store, Wanted(**wanted), programs=programs, now=NOW)


def ids(store, programs=None, **wanted):
    found = page(store, programs, **wanted)
    assert found["total"] >= len(found["rows"])
    return [row["id"] for row in found["rows"]]


def contact(store, learner_id, at=AS_OF):
    """Let somebody phone the learner."""
    contact_log.phoned(store, learner_id, "", by=acting(at))


def test_a_page_has_the_scored_learners_worst_first(cohort):
    found = page(cohort)
    assert (found["total"], found["page"], found["page_size"]) == (5, 1, 25)
    assert [row["id"] for row in found["rows"]] == ["a", "b", "c", "d", "e"]
    first, last = found["rows"][0], found["rows"][-1]
    assert first == {
        "id": "a",
        "name": "Änne Ötker",
        "program": "Data",
        "risk_score": pytest.approx(0.5 + 0.14 + 1 / 7 + 1 / 15, abs=1e-6),
        "risk_label": "high",
        "change": None,
        "reason": {"term": "behind_pace", "value": 0.0, "never": False, "basis": "due"},
        "completed_percent": 0.0,
        "avg_quiz_score": 30.0,
        "consecutive_missed_sessions": 5,
        "last_login": AS_OF - 20 * DAY,
        "login_is_unknown": False,
        "last_contact_at": None,
        "draft": False,
        "approved": False,
        "opted_out": False,
        "active": True,
        "phone": "+1-202-555-0100",
        "thresholds": DEFAULT_POLICY.thresholds,
    }
    assert (last["risk_score"], last["risk_label"], last["reason"]) == (None, "unknown", None)


def test_a_change_is_against_the_night_before_the_newest(cohort):
    assert {row["id"]: row["change"] for row in page(cohort)["rows"]} == {
        "a": None,
        "b": None,
        "c": "new",
        "d": "better",
        "e": None,
    }


def test_who_got_worse_is_marked_also_by_a_recalculation_since(store):
    load(store, learner("a", **LOW))
    night(store, AS_OF - DAY)
    night(store)
    load(store, learner("a"), at=AS_OF + HOUR)
    rescoring.publish_scores(
        store,
        as_of=AS_OF + 2 * HOUR,
        zone=ZoneInfo("UTC"),
        programs=None,
        now=AS_OF + 2 * HOUR,
        policy=DEFAULT_POLICY,
    )
    assert page(store)["rows"][0]["change"] == "worse"


def test_without_an_earlier_night_nothing_has_changed(store):
    load(store, learner("a"))
    night(store)
    assert page(store)["rows"][0]["change"] is None


@pytest.fixture(scope="module")
def odd(tmp_path_factory, empty_file):
    """One night of a learner with nothing against them and two who never logged in."""
    store = Store(tmp_path_factory.mktemp("odd") / "store.duckdb")
    shutil.copyfile(empty_file, store.path)
    best = {"completed_percent": 100, "avg_quiz_score": 100, "consecutive_missed_sessions": 0}
    never = {"last_login": None, "enrolled_at": None}
    load(
        store,
        learner("fine", **best, last_login=AS_OF + HOUR),
        learner("low", **LOW | never),
        learner("high", **never),
    )
    night(store)
    return store


def reason_of(store, learner_id):
    return {row["id"]: row["reason"] for row in page(store)["rows"]}[learner_id]


def test_a_learner_with_nothing_against_them_has_a_reason_without_a_term(odd):
    assert reason_of(odd, "fine") == {"term": None, "value": None, "never": False, "basis": "due"}


def test_who_never_logged_in_has_it_as_their_reason(odd):
    assert reason_of(odd, "low") == {
        "term": "inactivity",
        "value": None,
        "never": True,
        "basis": "due",
    }


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("ötker", ["a"]),
        ("ÖTKER", ["a"]),
        ("Ö", ["a", "b", "d"]),
        ("otker ANNE", ["a"]),  # in any order, and on a keyboard without these letters
        ("O\u0308tker", ["a"]),
        ("otker cem", []),
        ("example", ["a", "b", "c", "d", "e", "f"]),  # in the addresses
        ("B@EXAMPLE.invalid", ["b"]),
        ("'s 100%_of\\", ["b"]),
        ("%", ["b"]),
        ("_", ["b"]),
        ("\\", ["b"]),
        ("'; drop table learners; --", []),
        ("  cem ", ["c"]),
        ("$search", []),
    ],
)
def test_a_search_finds_every_word_as_it_stands_in_any_case_and_order(cohort, search, found):
    assert ids(cohort, search=search) == found
    assert rows(cohort, "select count(*) from learners") == [(6,)]


def test_a_search_looks_in_the_newest_name_and_address(store):
    load(store, learner("a", name="Ann Lee", email="ann@example.invalid"))
    load(store, learner("a", name="Bea", email="bea@example.invalid"), at=AS_OF)
    assert [ids(store, search=search) for search in ("lee", "ann@", "bea", "BEA@", "A")] == [
        *([], []),
        *(["a"], ["a"], ["a"]),
    ]


def test_a_search_also_finds_who_has_no_score(cohort):
    (row,) = page(cohort, search="fay")["rows"]
    assert (row["id"], row["risk_score"], row["risk_label"], row["active"]) == ("f", None, None, False)
    assert ids(cohort, search="fay", labels=["high", "medium", "low", "unknown"]) == []


def test_labels_narrow_the_table(cohort):
    assert ids(cohort, labels=["high"]) == ["a", "b"]
    assert ids(cohort, labels=["low", "unknown"]) == ["d", "e"]


def test_a_program_narrows_the_table(cohort):
    assert ids(cohort, program="Welding") == ["c", "d"]
    assert ids(cohort, program="Cooking") == []


def test_a_viewer_of_some_programs_finds_nobody_else(cohort):
    assert ids(cohort, WELDING) == ["c", "d"]
    assert ids(cohort, WELDING, search="example") == ["c", "d"]
    assert ids(cohort, WELDING, search="ötker") == []
    assert ids(cohort, WELDING, program="Data") == []
    assert ids(cohort, WELDING, capacity=9) == ["c", "d"]
    assert ids(cohort, WELDING, contacted="no", labels=["high"]) == []
    assert ids(cohort, WELDING, sort="last_contact_at") == ["c", "d"]
    assert ids(cohort, [], sort="name") == []
    assert roster.programs(cohort, programs=None) == ["Data", "Welding"]
    assert roster.programs(cohort, programs=["Welding", "Cooking"]) == ["Welding"]
    assert [row["id"] for row in roster.every(cohort, Wanted(), programs=WELDING, now=NOW)] == ["c", "d"]


def test_who_changes_program_is_at_once_where_they_are_now(own_cohort):
    load(own_cohort, learner("a", program="Welding", completed_percent=0), at=AS_OF + HOUR / 2)
    assert ids(own_cohort, WELDING) == ["a", "c", "d"]
    assert "a" not in ids(own_cohort, DATA)


@pytest.mark.parametrize("sort", ["risk_score", "risk_label", "completed_percent", "avg_quiz_score", "name"])
def test_what_is_not_known_comes_last_whichever_way(cohort, sort):
    for descending in (False, True):
        assert ids(cohort, sort=sort, descending=descending)[-1] == "e"


@pytest.mark.parametrize(
    ("sort", "descending", "order"),
    [
        ("risk_score", True, "abcde"),
        ("risk_score", False, "dcbae"),
        ("name", False, "abcde"),
        ("name", True, "dcbae"),
        ("program", False, "abecd"),
        ("program", True, "cdabe"),
        ("risk_label", True, "abcde"),
        ("risk_label", False, "dcabe"),
        ("completed_percent", False, "abcde"),
        ("completed_percent", True, "dcbae"),
        ("avg_quiz_score", True, "dcabe"),
        ("consecutive_missed_sessions", True, "abecd"),
        ("consecutive_missed_sessions", False, "dcabe"),
        ("reason", False, "abcde"),
    ],
)
def test_every_column_sorts_both_ways_and_ties_are_worst_first(cohort, sort, descending, order):
    assert "".join(ids(cohort, sort=sort, descending=descending)) == order


def test_the_last_login_sorts(store):
    load(store, *(learner(name, last_login=AS_OF - days * DAY) for name, days in (("a", 3), ("b", 1))))
    load(store, learner("c", last_login=None))
    night(store)
    assert ids(store, sort="last_login", descending=False) == ["a", "b", "c"]
    assert ids(store, sort="last_login", descending=True) == ["b", "a", "c"]


def test_reasons_sort_in_the_order_of_the_terms(store):
    quiz = {"completed_percent": 100, "avg_quiz_score": 0, "consecutive_missed_sessions": 0}
    away = {"completed_percent": 100, "avg_quiz_score": 100, "consecutive_missed_sessions": 0}
    load(store, learner("a", **away), learner("b", **quiz), learner("c"), learner("d", **UNKNOWN))
    night(store)
    assert ids(store, sort="reason", descending=False) == ["c", "b", "a", "d"]
    assert ids(store, sort="reason", descending=True) == ["a", "b", "c", "d"]


# Half of the work done and all sessions missed: the work adds most, the sessions are furthest from safe.
TORN = {"completed_percent": 50, "avg_quiz_score": 60, "consecutive_missed_sessions": 9}
OTHER = RiskPolicy(
    weights={"behind_pace": 0.2, "low_quiz": 0.3, "missed_session": 0.4, "inactivity": 0.1},
    missed_sessions_cap=12,
    recency_days=50,
    high_above=0.6,
    medium_above=0.35,
)


def test_every_place_names_the_same_main_reason(store, monkeypatch):
    load(store, learner("torn", **TORN), learner("behind", completed_percent=1, person_id="torn", email=None))
    early = AS_OF - 22 * HOUR
    run = night(store, now=early)
    drafts = {row["learner_id"]: row["type"] for row in review.listed(store)}
    in_table = {row["id"]: row["reason"]["term"] for row in page(store)["rows"]}
    assert in_table == {"behind": "behind_pace", "torn": "missed_session"}
    assert drafts.items() <= in_table.items()
    said = "missed 9 sessions in a row"
    profile = profiles.profile(store, "torn", now=early, day=early.date())
    assert profile["reasons"][0]["term"] == profile["contact"]["suggested_type"] == "missed_session"
    assert profiles.in_words(profile)["top_reason"] == said
    assert [row["top_reason"] for row in roster.by_risk(store) if row["id"] == "torn"] == [said]
    assert [
        row["reason"] for row in roster.every(store, Wanted(search="torn"), programs=None, now=early)
    ] == [said]
    monkeypatch.setenv("ENGAGEMENT_STORE", str(store.path))
    assert dict(eg.learners()[["id", "driver"]].to_numpy()) == in_table
    assert dict(eg.cohort(run.as_of)[["id", "driver"]].to_numpy()) == in_table


def test_a_main_reason_is_told_by_the_policy_that_made_the_score(store, monkeypatch):
    rare = {
        "completed_percent": 40,
        "avg_quiz_score": 45,
        "consecutive_missed_sessions": 5,
    }  # .6 .55 and 5/7 or 5/12
    load(store, learner("old", program="Welding", **rare), learner("new", **rare))
    night(store, now=AS_OF - 22 * HOUR)
    rescoring.publish_scores(
        store, as_of=AS_OF + HOUR, zone=ZoneInfo("UTC"), programs=DATA, now=AS_OF + HOUR, policy=OTHER
    )
    told = {"new": "behind_pace", "old": "missed_session"}
    assert {row["id"]: row["reason"]["term"] for row in page(store)["rows"]} == told
    assert ids(store, sort="reason", descending=False) == ["new", "old"]
    monkeypatch.setenv("ENGAGEMENT_STORE", str(store.path))
    assert dict(eg.learners()[["id", "driver"]].to_numpy()) == told


def test_pages_hold_everybody_once_also_where_all_are_equal(store):
    load(store, *(learner(f"l{number:02}") for number in range(60)))
    night(store)
    for sort in roster.SORTS:
        pages = [page(store, sort=sort, page=number) for number in (1, 2, 3)]
        assert [len(found["rows"]) for found in pages] == [25, 25, 10]
        assert len({row["id"] for found in pages for row in found["rows"]}) == 60


def test_a_page_beyond_the_end_is_empty_and_says_how_many_there_are(cohort):
    found = page(cohort, page=7, labels=["high"])
    assert (found["total"], found["page"], found["rows"]) == (2, 7, [])


def test_an_empty_store_has_an_empty_table(store):
    store.make()
    assert page(store) == {"total": 0, "page": 1, "page_size": 25, "rows": []}
    assert ids(store, capacity=3, contacted="no", sort="last_contact_at") == []


@pytest.mark.parametrize("kind", ["sent nudge", "phone call"])
def test_a_contact_counts_for_the_person_with_all_their_enrolments(store, kind):
    load(
        store,
        learner("a", person_id="p"),
        learner("b", person_id="p", email="a@example.invalid", program="Welding", **MEDIUM),
        learner("c", **MEDIUM),
    )
    night(store)
    if kind == "phone call":
        contact(store, "b", NOW - HOUR)
    else:
        (draft,) = (row["id"] for row in review.listed(store) if row["learner_id"] == "a")
        review.approve(store, [draft], by=acting(NOW - 2 * HOUR))
        sent(store, draft, NOW - HOUR)
    assert {row["id"]: row["last_contact_at"] for row in page(store)["rows"]} == {
        "a": NOW - HOUR,
        "b": NOW - HOUR,
        "c": None,
    }
    assert ids(store, contacted="no") == ["c"]
    assert ids(store, capacity=5) == ["c"]
    assert ids(store, sort="last_contact_at", descending=True) == ["a", "b", "c"]


def sent(store, nudge_id, at):
    with store.write() as db:
        db.execute(
            "update nudges set status = 'sent', sent_at = $at where id = $id", {"at": at, "id": nudge_id}
        )


def test_what_is_approved_and_never_sent_is_no_contact_and_leaves_no_call_list(store):
    load(store, learner("a", person_id="p"), learner("b", person_id="p", email=None, **MEDIUM), learner("c"))
    night(store, now=AS_OF - 22 * HOUR)
    drafts = {row["learner_id"]: row["id"] for row in review.listed(store)}
    review.approve(store, list(drafts.values()), by=acting(AS_OF - 12 * HOUR))
    found = {row["id"]: (row["last_contact_at"], row["approved"]) for row in page(store)["rows"]}
    assert found == {"a": (None, True), "b": (None, True), "c": (None, True)}
    assert ids(store, contacted="no") == ["a", "c", "b"]
    assert ids(store, capacity=2) == ["a", "c"]
    contact = profiles.profile(store, "b", now=NOW, day=NOW.date())["contact"]
    assert (contact["last_contact_at"], contact["contacts_in_7_days"], contact["approved_messages"]) == (
        None,
        0,
        1,
    )
    assert "recently_contacted" in contact["warnings"]  # the limits count it
    sent(store, drafts["a"], NOW - HOUR)
    found = {row["id"]: (row["last_contact_at"], row["approved"]) for row in page(store)["rows"]}
    assert found == {"a": (NOW - HOUR, False), "b": (NOW - HOUR, False), "c": (None, True)}
    assert ids(store, capacity=2) == ["c"]


def test_page_report_and_command_line_call_the_same_people_first(store):
    """Several enrolments, no phone, too little known, contacted, opted out; the night's list is the morning's."""
    no_score = {"completed_percent": None, "avg_quiz_score": None}
    load(
        store,
        learner("a1", person_id="A", email="a@example.invalid", completed_percent=0),
        learner("a2", person_id="A", email="a@example.invalid", completed_percent=40),
        learner("b", completed_percent=10),
        learner("c", completed_percent=20),
        learner("low", **LOW),
        learner("mute", completed_percent=0, phone=None),
        learner("m1", person_id="M", completed_percent=1, phone=None, email="m@example.invalid"),
        learner("m2", person_id="M", phone="+1-202-555-0199", email="m@example.invalid", **LOW),
        learner("gone", **no_score, consecutive_missed_sessions=16, last_login=AS_OF - 60 * DAY),
        learner("seen", **no_score, consecutive_missed_sessions=16, last_login=AS_OF - 3 * DAY),
        learner("new", **no_score, consecutive_missed_sessions=2, last_login=AS_OF - 3 * DAY),
        learner("no", contact_opt_out=True, completed_percent=0),
        learner("left", active=False),
        learner("phoned", completed_percent=0),
    )
    early = AS_OF - 22 * HOUR
    contact_log.phoned(store, "phoned", "", by=acting(early - DAY))
    run = begin(store, now=early)
    report = {limit: run_tables.worst(store, run, limit=limit)["id"].tolist() for limit in range(1, 9)}
    publication.publish(store, run, now=early)
    # gone: 0.3 of 0.3 known; seen: (0.2 + 0.01) of 0.3; who misses two in a row gives no sign that could not be worse
    order = ["gone", "a1", "m1", "b", "c", "seen", "low"]
    assert report[8] == order
    for limit, told in report.items():
        found = roster.page(store, Wanted(capacity=limit), programs=None, now=early)
        assert told == [row["id"] for row in found["rows"]] == order[:limit]
        assert told == [row["id"] for row in roster.to_call(store, limit=limit, now=early)]
    phones = {row["id"]: row["phone"] for row in found["rows"]}
    assert phones["m1"] == "+1-202-555-0199"


def test_a_contact_of_more_than_a_week_ago_counts_no_more_and_is_still_shown(own_cohort):
    contact(own_cohort, "a", NOW - 7 * DAY)
    contact(own_cohort, "b", NOW - 7 * DAY + HOUR)
    assert ids(own_cohort, contacted="no") == ["a", "c", "d", "e"]
    assert ids(own_cohort, contacted="no", sort="last_contact_at")[:1] == ["a"]
    assert page(own_cohort)["rows"][0]["last_contact_at"] == NOW - 7 * DAY


def test_contacts_sort_newest_first_with_those_never_contacted_last(own_cohort):
    contact(own_cohort, "a", NOW - 9 * DAY)
    contact(own_cohort, "c", NOW - HOUR)
    assert "".join(ids(own_cohort, sort="last_contact_at", descending=True)) == "cabde"
    assert "".join(ids(own_cohort, sort="last_contact_at", descending=False)) == "acbde"


def test_a_rejected_draft_is_no_contact(own_cohort):
    made = nudges.ask(own_cohort, "a", channel="email", by=acting(NOW - HOUR))
    assert page(own_cohort)["rows"][0]["draft"] is True
    review.reject(own_cohort, [made["id"]], by=acting(NOW - HOUR / 2), reason="no")
    assert (page(own_cohort)["rows"][0]["draft"], page(own_cohort)["rows"][0]["last_contact_at"]) == (
        False,
        None,
    )


def test_capacity_is_the_worst_who_may_be_called_one_enrolment_of_each_person(store):
    load(
        store,
        learner("a", completed_percent=0, contact_opt_out=True),
        learner("b", completed_percent=1, person_id="a", email="a@example.invalid"),  # the same who opted out
        learner("c", completed_percent=2),
        learner("d", completed_percent=3, person_id="c", email="c@example.invalid"),
        learner("e", completed_percent=4),
        learner("f", completed_percent=5),
        learner("g", completed_percent=6),
        learner("h", **UNKNOWN),
    )
    night(store)
    contact(store, "e", NOW - DAY)
    load(store, learner("f", active=False), at=NOW - HOUR)
    assert ids(store, capacity=1) == ["c"]
    assert ids(store, capacity=9) == ["c", "g"]
    assert [row["opted_out"] for row in page(store)["rows"]][:3] == [True, True, False]


def test_other_filters_come_before_the_capacity_and_the_order_after_it(cohort):
    assert ids(cohort, capacity=2, labels=["medium", "low"]) == ["c", "d"]
    assert ids(cohort, capacity=2, sort="name", descending=True) == ["b", "a"]
    assert page(cohort, capacity=2)["total"] == 2


def test_capacity_looks_on_where_few_persons_have_many_enrolments(store):
    many = (
        learner(f"p{number:02}", person_id="p", email="p@example.invalid", completed_percent=number)
        for number in range(30)
    )
    load(store, *many, learner("x", completed_percent=50), learner("y", completed_percent=60))
    night(store)
    assert ids(store, capacity=3) == ["p00", "x", "y"]


def test_an_export_has_every_row_that_is_shown_and_no_formula(store):
    load(store, *(learner(f"l{number:02}", completed_percent=number) for number in range(30)))
    load(store, learner("z", name='=HYPERLINK("x")', **LOW))
    night(store)
    found = workbooks.lines(roster.as_workbook(store, Wanted(), programs=None, now=NOW))
    assert [row["id"] for row in found] == [*(f"l{number:02}" for number in range(30)), "z"]
    assert found[-1]["name"] == '=HYPERLINK("x")'
    assert (found[0]["reason"], found[0]["completed_percent"]) == ("0 % of the due work done", "0")
    assert found[0]["last_login"] == "2026-02-09T23:59:59Z"


def test_a_score_by_its_threshold_is_shown_on_its_side_of_it(store):
    """Of a policy whose threshold is 0.6: 0.6 is reached by 76 % done, missed by a hair and passed by one by others."""
    policy = RiskPolicy(high_above=0.6, medium_above=0.3)
    facts = {
        "avg_quiz_score": 0,
        "consecutive_missed_sessions": 7,
        "last_login": None,
        "enrolled_at": AS_OF - 90 * DAY,
    }
    for name, done in (("on", 80.0), ("over", 79.92), ("under", 80.08)):
        load(store, learner(name, **facts, completed_percent=done))
    night(store, policy=policy)
    shown = {row["id"]: (row["risk_label"], row["shown_score"]) for row in roster.by_risk(store)}
    assert shown == {"over": ("high", 0.61), "on": ("medium", 0.6), "under": ("medium", 0.59)}
    assert {row["id"]: row["thresholds"] for row in page(store)["rows"]} == dict.fromkeys(
        shown, policy.thresholds
    )
    drafts = (
        queue.queue(store, "nudge", programs=None)["rows"] + queue.queue(store, "quiz", programs=None)["rows"]
    )
    assert [row["thresholds"] for row in drafts] == [policy.thresholds] * len(drafts) != []


def test_an_export_of_too_many_says_so(cohort, monkeypatch):
    monkeypatch.setattr(roster, "MOST_EXPORTED", 2)
    with pytest.raises(InvalidInput, match="5 learners; a file holds at most 2"):
        roster.every(cohort, Wanted(), programs=None, now=NOW)
    assert len(roster.every(cohort, Wanted(labels=["high"]), programs=None, now=NOW)) == 2


@pytest.mark.parametrize(
    "wanted",
    [
        {"labels": ["worst"]},
        {"contacted": "yes"},
        {"capacity": 0},
        {"capacity": 1001},
        {"sort": "email"},
        {"page": 0},
    ],
)
def test_what_makes_no_sense_is_refused(wanted):
    with pytest.raises(ValidationError, match=next(iter(wanted))):
        Wanted(**wanted)


def test_learners_by_risk_are_the_published_ones_worst_first(cohort):
    listed = roster.by_risk(cohort)
    assert [row["id"] for row in listed] == ["a", "b", "c", "d", "e"]
    assert [row["id"] for row in roster.by_risk(cohort, limit=1)] == ["a"]
    assert [row["id"] for row in roster.by_risk(cohort, risk_label="medium")] == ["c"]
    assert [row["id"] for row in roster.by_risk(cohort, program="Welding")] == ["c", "d"]
    assert listed[-1]["risk_score"] is None
    assert listed[-1]["top_reason"] == "too little is known to score"


def test_a_learner_who_never_logged_in_was_not_here_today(odd):
    listed = roster.by_risk(odd)[0]
    assert listed["id"] == "high"
    assert listed["days_inactive"] is None
    assert listed["inactivity"] == pytest.approx(0.1)


def test_reasons_speak_of_the_facts_that_made_the_score(store):
    facts = {"completed_percent": 95, "consecutive_missed_sessions": 0, "last_login": AS_OF}
    load(store, learner("a", **facts, avg_quiz_score=0))
    night(store)
    load(store, learner("a", **facts, avg_quiz_score=None), at=AS_OF + HOUR)
    assert roster.by_risk(store)[0]["reasons"] == ["quiz average 0", "95 % of the due work done"]
    assert page(store)["rows"][0]["avg_quiz_score"] == 0.0


def test_persons_have_one_number_however_their_enrolments_come_in(store):
    numbers = "select id, person_number = min(number) over (partition by person_id) from learners order by id"
    load(store, learner("a", person_id="p"), learner("b"))
    load(store, learner("c", person_id="p", email="a@example.invalid"), at=AS_OF - 3 * DAY)
    assert rows(store, numbers) == [("a", True), ("b", True), ("c", True)]
    load(store, learner("a", person_id="b", email="b@example.invalid"), at=AS_OF - 2 * DAY)
    assert rows(store, numbers) == [("a", True), ("b", True), ("c", True)]
    ((different,),) = rows(store, "select count(distinct person_number) from learners")
    assert different == 2


def test_persons_are_numbered_by_the_first_file_of_a_new_store_too(no_store):
    load(
        no_store,
        *(learner(f"l{number}", person_id=f"p{number // 2}", email=None) for number in range(2 * ROW_GROUP)),
    )
    counted = "select count(*), count(person_number), count(distinct person_number) from learners"
    assert rows(no_store, counted) == [(2 * ROW_GROUP, 2 * ROW_GROUP, ROW_GROUP)]


def test_what_a_page_reads_needs_no_pandas_plots_or_model():
    modules = (
        "views.roster, views.overview, views.profiles, targeting.decisions, outreach.review, outreach.editing"
    )
    imports = "; ".join(f"import engagement.{name}" for name in modules.split(", "))
    heavy = "{'pandas', 'plotly', 'openai'} & set(sys.modules)"
    code = f"import sys; {imports}; print(sorted({heavy}))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_one_store_is_read_by_many_at_once(cohort):
    assert roster.page(Store(cohort.path), Wanted(), programs=None, now=NOW)["total"] == 5
