import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagement.errors import InvalidInput, NotFound
from engagement.outreach import export, nudges, review
from engagement.outreach.queue import STATUSES, queue
from engagement.policy import DEFAULT_SELECTION
from engagement.store import Store
from engagement.targeting import decisions
from tests.support.acting import acting
from tests.support.cohort import AS_OF, DAY, HOUR, begin, learner, load, night, rows

NOW = AS_OF + HOUR
ANA = acting(NOW)

# Written out once more by hand: what may follow what.
ALLOWED = {
    ("draft", "approved"),
    ("draft", "rejected"),
    ("draft", "expired"),
    ("approved", "queued"),
    ("approved", "draft"),
    ("approved", "expired"),
    ("rejected", "draft"),
    ("queued", "sent"),
    ("queued", "failed"),
    ("queued", "draft"),
    ("sent", "delivered"),
    ("sent", "failed"),
}


@pytest.fixture(scope="module")
def one_draft(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("review") / "store.duckdb")
    load(store, learner("a"))
    night(store)
    return store, review.listed(store)[0]["id"]


def approve(store, ids, *, now=NOW):
    return review.approve(store, ids, by=acting(now))


def put(store, nudge_id, status):
    """Set a status past every rule and forget what happened before."""
    with store.write() as db:
        db.execute("update nudges set status = $status where id = $id", {"status": status, "id": nudge_id})
        db.execute("delete from events")


def statuses(store):
    return dict(rows(store, "select id, status from nudges"))


@pytest.mark.parametrize("after", STATUSES)
@pytest.mark.parametrize("before", STATUSES)
def test_a_nudge_goes_only_where_the_table_says(one_draft, before, after):
    store, nudge_id = one_draft
    put(store, nudge_id, before)
    if (before, after) in ALLOWED:
        (moved,) = review.move(store, [nudge_id], after, by=acting(NOW))
        assert moved["status"] == after
        assert rows(store, "select type from events") == [(f"nudge_{after}",)]
    else:
        with pytest.raises(InvalidInput, match=f"cannot go from {before} to {after}"):
            review.move(store, [nudge_id], after, by=acting(NOW))
        assert statuses(store) == {nudge_id: before}
        assert rows(store, "select type from events") == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.sampled_from([*STATUSES, "export"]), max_size=8))
def test_nothing_is_queued_or_sent_without_a_recorded_approval(one_draft, moves):
    store, nudge_id = one_draft
    put(store, nudge_id, "draft")
    for number, move in enumerate(moves):
        now = NOW + timedelta(minutes=number)
        try:
            if move == "export":
                export.hand_over(store, by=acting(now))
            else:
                review.move(store, [nudge_id], move, by=acting(now))
        except InvalidInput:
            pass
    # The last decision on the way to where it is now was an approval.
    types = [
        kind for (kind,) in rows(store, "select type from events order by (metadata ->> 'version')::int")
    ]
    decided = [kind for kind in types if kind in ("nudge_approved", "nudge_draft", "nudge_rejected")]
    if statuses(store)[nudge_id] in ("queued", "sent", "delivered", "failed"):
        assert decided[-1] == "nudge_approved"
    if {"nudge_queued", "nudge_sent"} & set(types):
        assert (
            "nudge_approved"
            in types[: min(types.index(k) for k in types if k in ("nudge_queued", "nudge_sent"))]
        )


def test_every_change_is_an_event_with_actor_reason_and_version(store, drafts):
    review.reject(store, drafts[:1], by=acting(NOW), reason="on leave")
    assert [
        (learner_id, kind, actor, source, at, json.loads(metadata))
        for learner_id, kind, actor, source, at, metadata in rows(
            store, "select learner_id, type, actor, source, timestamp, metadata from events"
        )
    ] == [
        (
            "a",
            "nudge_rejected",
            "ana",
            "review",
            NOW,
            {"nudge_id": drafts[0], "from": "draft", "version": 2, "reason": "on leave"},
        )
    ]


def test_each_change_makes_the_next_version(store, drafts):
    approve(store, drafts[:1])
    (undone,) = review.move(store, drafts[:1], "draft", by=acting(NOW + HOUR))
    assert undone["version"] == 3


def test_undo_takes_the_approval_back(store, drafts):
    approve(store, drafts[:1])
    review.move(store, drafts[:1], "draft", by=acting(NOW + HOUR))
    assert rows(store, "select status, approved_at from nudges where id = $id", id=drafts[0]) == [
        ("draft", None)
    ]
    assert export.hand_over(store, by=acting(NOW + HOUR)) == []


def test_the_same_change_twice_is_two_events(store, drafts):
    for number in range(2):
        approve(store, drafts[:1], now=NOW + number * HOUR)
        review.move(store, drafts[:1], "draft", by=acting(NOW + number * HOUR))
    assert rows(store, "select type, count(*) from events group by type order by type") == [
        ("nudge_approved", 2),
        ("nudge_draft", 2),
    ]


def test_the_event_of_one_change_is_kept_once(store, drafts):
    approve(store, drafts[:1])
    with store.write() as db:  # as where the nudges were restored from an older copy, and the events were not
        db.execute("update nudges set status = 'draft', version = 1")
    approve(store, drafts[:1], now=NOW + HOUR)
    assert rows(store, "select type, timestamp from events") == [("nudge_approved", NOW)]


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_rejection_needs_a_reason(store, drafts, reason):
    with pytest.raises(InvalidInput, match="reason"):
        review.reject(store, drafts, by=acting(NOW), reason=reason)
    assert set(statuses(store).values()) == {"draft"}


def test_all_are_moved_or_none(store, drafts):
    approve(store, drafts[1:2])
    with pytest.raises(InvalidInput, match=r"1 of the nudges, first .* cannot go from approved to approved"):
        approve(store, drafts)
    assert statuses(store) == {drafts[0]: "draft", drafts[1]: "approved", drafts[2]: "draft"}


def test_one_unknown_id_moves_none(store, drafts):
    with pytest.raises(NotFound, match="no nudge 'nobody'"):
        approve(store, [*drafts, "nobody"])
    assert set(statuses(store).values()) == {"draft"}


def test_a_shortened_id_is_enough_while_it_is_the_only_one(store, drafts):
    (moved,) = approve(store, [drafts[0][:12]])
    assert moved["id"] == drafts[0]


def test_a_shortened_id_that_fits_two_is_refused(store, drafts):
    with store.write() as db:
        db.execute("update nudges set id = 'aa1' where learner_id = 'a'")
        db.execute("update nudges set id = 'aa2' where learner_id = 'b'")
    with pytest.raises(NotFound, match="'aa': more than one nudge or quiz begins so"):
        approve(store, ["aa"])


def test_an_empty_id_is_no_nudge_even_if_there_is_only_one(one_draft):
    store, nudge_id = one_draft
    put(store, nudge_id, "draft")
    with pytest.raises(NotFound):
        approve(store, [""])


@pytest.mark.parametrize("start", ["%", "_", "' or true --", "\0"])
def test_an_id_is_text_and_nothing_else(one_draft, start):
    store, nudge_id = one_draft
    put(store, nudge_id, "draft")
    with pytest.raises(NotFound):
        approve(store, [start])
    assert statuses(store) == {nudge_id: "draft"}


def test_an_id_given_twice_is_moved_once(store, drafts):
    assert len(approve(store, [drafts[0], drafts[0][:20]])) == 1


def test_the_list_has_the_worst_first_and_names_filled_in(store):
    load(store, learner("ada", completed_percent=0), learner("bo", completed_percent=1))
    night(store)
    listed = review.listed(store)
    assert [row["learner_id"] for row in listed] == ["ada", "bo"]
    assert "Ada" in listed[0]["content"]
    assert "{first_name}" not in "".join(row["content"] + (row["subject"] or "") for row in listed)


def test_the_list_can_be_of_one_status_and_program(store):
    load(store, learner("a"), learner("b", program="Welding"))
    night(store)
    approve(store, [review.listed(store, program="Welding")[0]["id"]])
    assert [row["learner_id"] for row in review.listed(store)] == ["a"]
    assert [row["learner_id"] for row in review.listed(store, status="approved", program="Welding")] == ["b"]
    assert [row["learner_id"] for row in review.listed(store, status=None)] == ["a", "b"]


def test_a_status_that_does_not_exist_is_refused(store, drafts):
    with pytest.raises(InvalidInput, match="status 'lost': allowed are draft"):
        review.listed(store, status="lost")


def test_drafts_of_an_unpublished_run_cannot_be_seen_or_moved(store):
    load(store, learner("a"))
    run = begin(store)
    decisions.decide(store, run, policy=DEFAULT_SELECTION)
    nudges.draft(store, run)
    (hidden,) = rows(store, "select id from nudges")
    assert review.listed(store, status=None) == []
    with pytest.raises(NotFound):
        approve(store, hidden)
    with store.write() as db:
        db.execute("update nudges set status = 'approved'")
    assert export.hand_over(store, by=acting(NOW)) == []


def test_drafts_of_72_hours_expire_and_say_who_let_them(store, drafts):
    with store.write() as db:
        assert review.expire(db, AS_OF + 71 * HOUR, now=NOW) == 0
        assert review.expire(db, AS_OF + 72 * HOUR, now=NOW) == 3
    assert rows(store, "select distinct type, actor from events") == [("nudge_expired", "system")]


def test_a_quiz_that_nobody_decided_about_in_a_week_expires(store, drafts):
    review.expire_quizzes(store, AS_OF + 6.9 * DAY, now=NOW)
    assert rows(store, "select count(*) from quizzes where status <> 'draft'") == [(0,)]
    waiting = rows(store, "select count(*) from quizzes")[0][0]
    assert review.expire_quizzes(store, AS_OF + 7 * DAY, now=NOW) == waiting > 0
    assert rows(store, "select distinct status from quizzes") == [("expired",)]
    assert rows(store, "select count(*) from events where type = 'quiz_expired'") == [(waiting,)]


@pytest.mark.parametrize("block", [1, 2, 3])
def test_quizzes_beyond_the_first_block_expire_too(store, drafts, monkeypatch, block):
    monkeypatch.setattr(review, "TEXT_ROWS_PER_BLOCK", block)
    assert review.expire_quizzes(store, AS_OF + 7 * DAY, now=NOW) == 3
    assert rows(store, "select status, count(*) from quizzes group by all") == [("expired", 3)]
    assert rows(store, "select type, count(*) from events group by all") == [("quiz_expired", 3)]


def test_an_approved_nudge_does_not_expire(store, drafts):
    approve(store, drafts[:1])
    with store.write() as db:
        assert review.expire(db, AS_OF + 100 * HOUR, now=NOW) == 2


APPROVER = """
import sys
from datetime import date, datetime
from pathlib import Path
from engagement.audit import Actor
from engagement.outreach import review
from engagement.errors import InvalidInput
from engagement.store import Store

print("ready", flush=True)
sys.stdin.readline()
by = Actor(name=sys.argv[3], now=datetime(2026, 3, 2, 9), day=date(2026, 3, 2), programs=None)
try:
    review.approve(Store(Path(sys.argv[1])), [sys.argv[2]], by=by)
except InvalidInput as refused:
    print("told", refused)
else:
    print("won")
"""


def test_of_two_who_approve_the_same_draft_one_wins_and_the_other_is_told(store, drafts):
    both = [
        subprocess.Popen(
            [sys.executable, "-c", APPROVER, store.path, drafts[0], actor],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for actor in ("ana", "ben")
    ]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = sorted(process.communicate(timeout=60)[0] for process in both)
    assert said[1] == "won\n"
    assert "cannot go from approved to approved" in said[0]
    assert rows(store, "select count(*), max(version) from nudges where status = 'approved'") == [(1, 2)]
    assert rows(store, "select count(*) from events") == [(1,)]


def seen(store, kind="nudge", **asked):
    """Return what a page of the queue shows: versions by id."""
    rows = queue(store, kind, **{"programs": None} | asked)["rows"]
    return {row["id"]: row["version"] for row in rows}


def move_seen(store, versions, to, kind="nudge", *, by=ANA, **different):
    asked = {"reason": "not now" if to == "rejected" else ""}
    return review.move_seen(store, kind, versions, to, by=by, **asked | different)


def test_what_is_as_the_viewer_saw_it_moves_and_is_recorded(store, drafts):
    moved = move_seen(store, dict.fromkeys(drafts, 1), "approved")
    assert moved == {
        "moved": [{"id": nudge_id, "version": 2, "status": "approved"} for nudge_id in drafts],
        "conflicts": [],
    }
    assert set(statuses(store).values()) == {"approved"}
    assert rows(store, "select type, actor, count(*) from events group by all") == [
        ("nudge_approved", "ana", 3)
    ]


def test_what_somebody_else_changed_is_left_and_told_and_the_rest_moves(store, drafts):
    review.reject(store, drafts[:1], by=acting(NOW, name="ben"), reason="on leave")
    answer = move_seen(store, dict.fromkeys(drafts, 1), "approved", by=acting(NOW + HOUR))
    assert [moved["id"] for moved in answer["moved"]] == drafts[1:]
    assert answer["conflicts"] == [
        {
            "id": drafts[0],
            "status": "rejected",
            "version": 2,
            "actor": "ben",
            "at": NOW,
            "name": "A Example",
            "learner_id": "a",
            "why": None,
        }
    ]
    assert statuses(store)[drafts[0]] == "rejected"


def test_a_version_that_the_viewer_has_not_seen_is_not_moved(store, drafts):
    approve(store, drafts[:1])
    review.move(store, drafts[:1], "draft", by=acting(NOW + HOUR, name="ben"))
    (conflict,) = move_seen(store, {drafts[0]: 1}, "approved")["conflicts"]
    assert (conflict["status"], conflict["version"], conflict["actor"]) == ("draft", 3, "ben")


@pytest.mark.parametrize("to", ["approved", "rejected"])
def test_either_decision_can_be_taken_back(store, drafts, to):
    move_seen(store, {drafts[0]: 1}, to)
    assert move_seen(store, {drafts[0]: 2}, "draft")["moved"] == [
        {"id": drafts[0], "version": 3, "status": "draft"}
    ]
    assert statuses(store)[drafts[0]] == "draft"


@pytest.mark.parametrize("status", ["expired", "sent", "delivered", "failed"])
def test_what_is_over_cannot_be_taken_back(store, drafts, status):
    put(store, drafts[0], status)
    (conflict,) = move_seen(store, {drafts[0]: 1}, "draft")["conflicts"]
    assert conflict["status"] == status


@pytest.mark.parametrize(
    ("since", "why"), [({"contact_opt_out": True}, "opted_out"), ({"active": False}, "inactive")]
)
@pytest.mark.parametrize("kind", ["nudge", "quiz"])
def test_nothing_is_approved_for_who_opted_out_or_left_since(store, drafts, kind, since, why):
    versions = seen(store, kind)
    load(store, learner("b", **since), at=AS_OF + HOUR)
    answer = move_seen(store, versions, "approved", kind)
    ((conflict, *_), left) = answer["conflicts"], answer["moved"]
    assert (conflict["learner_id"], conflict["why"], conflict["status"]) == ("b", why, "draft")
    assert len(left) == 2
    rejected = move_seen(store, {conflict["id"]: 1}, "rejected", kind)
    assert [moved["id"] for moved in rejected["moved"]] == [conflict["id"]]


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("kind", ["nudge", "quiz"])
def test_an_opt_out_in_another_enrolment_also_an_ended_one_refuses_an_approval_too(store, kind, active):
    shared = {"person_id": "p", "email": "p@example.invalid"}
    load(store, learner("a", **shared), learner("z", **shared, completed_percent=50))
    night(store)
    load(store, learner("z", **shared, contact_opt_out=True, active=active), at=AS_OF + HOUR)
    told = move_seen(store, seen(store, kind), "approved", kind)
    conflicts = {conflict["learner_id"]: conflict["why"] for conflict in told["conflicts"]}
    assert conflicts["a"] == "opted_out"
    assert told["moved"] == []


@pytest.mark.parametrize("programs", [[], ["Welding"]])
def test_another_programs_drafts_are_not_there_and_stay_as_they_are(store, drafts, programs):
    answer = move_seen(
        store, dict.fromkeys([*drafts, "nobody"], 1), "approved", by=acting(NOW, programs=programs)
    )
    assert answer["moved"] == []
    # Told of in the same words as what does not exist.
    assert {tuple(conflict.values())[1:] for conflict in answer["conflicts"]} == {(None,) * 7}
    assert set(statuses(store).values()) == {"draft"}
    assert rows(store, "select count(*) from events") == [(0,)]


@pytest.mark.parametrize("to", ["queued", "sent", "expired", "lost", ""])
def test_a_page_moves_nothing_further_than_an_approval(store, drafts, to):
    with pytest.raises(InvalidInput, match="allowed are approved, rejected, draft"):
        move_seen(store, {drafts[0]: 1}, to)


@pytest.mark.parametrize("reason", ["", " ", "x" * 2001, "a\x1b[0m"])
def test_a_rejection_on_a_page_needs_a_reason_that_can_be_kept(store, drafts, reason):
    with pytest.raises(InvalidInput, match="reason"):
        move_seen(store, {drafts[0]: 1}, "rejected", reason=reason)


def test_a_quiz_goes_the_same_ways(store, drafts):
    (quiz_id, *_) = seen(store, "quiz")
    for number, to in enumerate(("approved", "draft", "rejected", "draft"), start=1):
        (moved,) = move_seen(store, {quiz_id: number}, to, "quiz")["moved"]
        assert moved["version"] == number + 1
    assert rows(store, "select type from events order by (metadata ->> 'version')::int") == [
        ("quiz_approved",),
        ("quiz_draft",),
        ("quiz_rejected",),
        ("quiz_draft",),
    ]
    assert json.loads(rows(store, "select metadata from events where type = 'quiz_rejected'")[0][0]) == {
        "quiz_id": quiz_id,
        "from": "draft",
        "version": 4,
        "reason": "not now",
    }


def test_what_two_threads_decide_about_the_same_drafts_is_decided_once(store):
    load(store, *(learner(f"l{number}") for number in range(6)))
    night(store)
    versions = seen(store)

    def decide(actor):
        to = "approved" if actor < "d" else "rejected"
        return [move_seen(store, {nudge_id: 1}, to, by=acting(NOW, name=actor)) for nudge_id in versions]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(decide, ("ana", "ben", "dan", "eva")))
    moved = Counter(moved["id"] for answer in answers for each in answer for moved in each["moved"])
    assert moved == dict.fromkeys(versions, 1)
    actors = dict(rows(store, "select metadata ->> 'nudge_id', actor from events"))
    conflicts = [conflict for answer in answers for each in answer for conflict in each["conflicts"]]
    assert len(conflicts) == 18
    assert all(conflict["actor"] == actors[conflict["id"]] for conflict in conflicts)


DECIDER = """
import json, sys
from datetime import date, datetime
from pathlib import Path
from engagement.audit import Actor
from engagement.outreach import review
from engagement.store import Store

_, path, ids, actor, to = sys.argv
store = Store(Path(path))
print("ready", flush=True)
sys.stdin.readline()
by = Actor(name=actor, now=datetime(2026, 3, 2, 9), day=date(2026, 3, 2), programs=None)
asked = {"by": by, "reason": "x"}
print(json.dumps([review.move_seen(store, "nudge", {each: 1}, to, **asked) for each in json.loads(ids)], default=str))
"""


def test_of_two_processes_that_decide_one_wins_each_draft_and_the_other_is_told_by_name(store, drafts):
    both = {
        actor: subprocess.Popen(
            [sys.executable, "-c", DECIDER, store.path, json.dumps(drafts), actor, to],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for actor, to in (("ana", "approved"), ("ben", "rejected"))
    }
    for process in both.values():
        assert process.stdout.readline() == "ready\n"
    for process in both.values():
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = {actor: json.loads(process.communicate(timeout=60)[0]) for actor, process in both.items()}
    for nudge_id, ana, ben in zip(drafts, answers["ana"], answers["ben"], strict=True):
        winner, loser, name = (ana, ben, "ana") if ana["moved"] else (ben, ana, "ben")
        assert [moved["id"] for moved in winner["moved"]] == [nudge_id]
        assert [(conflict["id"], conflict["actor"]) for conflict in loser["conflicts"]] == [(nudge_id, name)]
    assert rows(store, "select count(*) from events") == [(3,)]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.sampled_from(["approved", "rejected", "draft", "export"]), max_size=7))
def test_nothing_leaves_without_an_approval_whatever_a_page_asks(one_draft, moves):
    store, nudge_id = one_draft
    put(store, nudge_id, "draft")
    with store.write() as db:
        db.execute("update nudges set version = 1")
    before = "draft"
    for version, move in enumerate(moves, start=1):
        if move == "export":
            left = export.hand_over(store, by=acting(NOW + timedelta(minutes=version)))
            assert bool(left) == (before == "approved")
        else:
            ((now_at,),) = rows(store, "select version from nudges")
            move_seen(store, {nudge_id: now_at}, move, by=acting(NOW + timedelta(minutes=version)))
        before = statuses(store)[nudge_id]
