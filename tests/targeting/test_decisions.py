from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from engagement import runs
from engagement.errors import NotFound
from engagement.outreach import export, nudges, review
from engagement.pipeline import publication, rescoring
from engagement.policy import DEFAULT_POLICY, DEFAULT_SELECTION, RiskPolicy
from engagement.risk import scores
from engagement.targeting import contact_log, decisions
from engagement.targeting.selection import SelectionPolicy
from tests.support.acting import acting
from tests.support.cohort import AS_OF, DAY, HOUR, LOW, MEDIUM, UNKNOWN, begin, learner, load, night, rows
from tests.support.once import once


@once
def decided(store, as_of=AS_OF, **policy):
    """Return what a run at `as_of` decides about each learner: (decision, type, reason)."""
    run = begin(store, as_of)
    decisions.decide(store, run, policy=SelectionPolicy(**policy))
    found = rows(
        store,
        "select learner_id, decision, type, reason from contact_decisions where run_id = $run order by learner_id",
        run=run.run_id,
    )
    return {learner_id: decision for learner_id, *decision in found}


def reason(store, learner_id="a", as_of=AS_OF):
    return decided(store, as_of)[learner_id][2]


@once
def send(store, at):
    """Approve and send every draft."""
    drafts = [draft["id"] for draft in review.listed(store)]
    review.approve(store, drafts, by=acting(at, name="coordinator"))
    export.hand_over(store, by=acting(at, name="coordinator"))


def assign(store, person_id, arm, *, until, since=AS_OF - 9 * DAY):
    with store.write() as db:
        db.execute(
            "insert into assignments values ('trial', $person, $arm, $since, $until, null)",
            {"person": person_id, "arm": arm, "since": since, "until": until},
        )


def test_everybody_gets_exactly_one_decision(store):
    load(
        store,
        learner("a"),
        learner("b", **LOW),
        learner("c", **UNKNOWN),
        learner("d", active=False),
        learner("e", contact_opt_out=True),
        learner("f", preferred_channel="email", email=None),
    )
    load(store, learner("z"), at=AS_OF + DAY)
    assert decided(store) == {
        "a": ["contact", "behind_pace", None],
        "b": ["no_contact", None, "low"],
        "c": ["no_contact", None, "unknown"],
        "d": ["no_contact", None, "inactive"],
        "e": ["no_contact", None, "opted_out"],
        "f": ["no_contact", None, "no_address"],
        "z": ["no_contact", None, "not_scored"],
    }


def test_decide_counts_who_is_contacted(store):
    load(store, learner("a"), learner("b"), learner("c", **LOW))
    assert decisions.decide(store, begin(store), policy=DEFAULT_SELECTION) == 2


def test_deciding_again_replaces_the_runs_own_decisions(store):
    load(store, learner("a"), learner("b"))
    run = begin(store)
    decisions.decide(store, run, policy=DEFAULT_SELECTION)
    decisions.decide(store, run, policy=SelectionPolicy(capacity=1))
    assert rows(store, "select learner_id, reason from contact_decisions order by learner_id") == [
        ("a", None),
        ("b", "over_capacity"),
    ]


def test_an_open_draft_keeps_the_next_night_from_drafting_another(store):
    load(store, learner("a"))
    night(store, AS_OF - DAY)
    assert reason(store) == "open_draft"


def test_a_draft_of_72_hours_is_no_longer_open(store):
    load(store, learner("a"))
    night(store, AS_OF - 3 * DAY)
    assert reason(store) is None


def test_an_unpublished_runs_draft_is_not_open_for_another_run(store):
    load(store, learner("a"))
    other = begin(store, AS_OF - DAY)
    decisions.decide(store, other, policy=DEFAULT_SELECTION)
    nudges.draft(store, other)
    assert reason(store) is None


def test_a_person_contacted_71_hours_ago_is_left_alone(store):
    load(store, learner("a"))
    night(store, AS_OF - 4 * DAY)
    send(store, AS_OF - 71 * HOUR)
    assert reason(store) == "recently_contacted"


def test_a_person_contacted_72_hours_ago_may_be_contacted(store):
    load(store, learner("a"))
    night(store, AS_OF - 4 * DAY)
    send(store, AS_OF - 72 * HOUR)
    assert reason(store) is None


def test_an_approval_counts_as_a_contact_before_it_is_sent(store):
    load(store, learner("a"))
    night(store, AS_OF - DAY)
    review.approve(store, [review.listed(store)[0]["id"]], by=acting(AS_OF - 20 * HOUR, name="coordinator"))
    assert reason(store) == "recently_contacted"


def test_a_rejected_draft_is_no_contact(store):
    load(store, learner("a"))
    night(store, AS_OF - DAY)
    review.reject(
        store,
        [review.listed(store)[0]["id"]],
        by=acting(AS_OF - 20 * HOUR, name="coordinator"),
        reason="on leave",
    )
    assert reason(store) is None


def test_the_third_message_in_seven_days_is_refused_over_two_enrolments_of_a_person(store):
    load(
        store,
        learner("a", person_id="p", completed_percent=0),
        learner("b", person_id="p", email="a@example.invalid"),
        learner("c"),
    )
    night(store, AS_OF - 6.5 * DAY)
    send(store, AS_OF - 6.5 * DAY)
    load(store, learner("a", person_id="p", **LOW), at=AS_OF - 4 * DAY)
    night(store, AS_OF - 3.25 * DAY)
    first, second = rows(store, "select learner_id from nudges where person_id = 'p' order by created_at")
    assert (first, second) == (("a",), ("b",))
    send(store, AS_OF - 3.25 * DAY)
    load(store, learner("a", person_id="p"), at=AS_OF - DAY)
    found = decided(store)
    assert found["a"][2] == "cap_reached"
    assert found["b"][2] == "cap_reached"


def test_a_message_seven_days_ago_no_longer_counts(store):
    load(store, learner("a"))
    night(store, AS_OF - 7 * DAY)
    send(store, AS_OF - 7 * DAY)
    night(store, AS_OF - 3.25 * DAY)
    send(store, AS_OF - 3.25 * DAY)
    assert reason(store) is None


def test_the_comparison_group_is_held_out_until_the_experiment_ends(store):
    load(store, learner("a"), learner("b"))
    assign(store, "a", "control", until=AS_OF + HOUR)
    assign(store, "b", "nudge", until=AS_OF + HOUR)
    assert {key: value[2] for key, value in decided(store).items()} == {"a": "held_out", "b": None}


def test_nobody_is_held_out_from_the_moment_the_experiment_ends(store):
    load(store, learner("a"))
    assign(store, "a", "control", until=AS_OF)
    assert reason(store) is None


def test_nobody_is_held_out_before_the_experiment_begins(store):
    load(store, learner("a"))
    assign(store, "a", "control", since=AS_OF + HOUR, until=AS_OF + DAY)
    assert reason(store) is None


def test_the_worse_enrolment_of_a_person_comes_first(store):
    load(
        store,
        learner("a", person_id="p"),
        learner("b", person_id="p", email="a@example.invalid", completed_percent=0),
    )
    assert {key: value[2] for key, value in decided(store).items()} == {"a": "other_enrolment", "b": None}


def test_high_in_three_published_runs_asks_a_person_to_call(store):
    load(store, learner("a", last_login=AS_OF - HOUR, consecutive_missed_sessions=7, completed_percent=0))
    for days in (5, 4, 3):
        assert decided(store, AS_OF - days * DAY)["a"][1] != "support_referral"
        night(store, AS_OF - days * DAY)
    assert decided(store)["a"] == ["contact", "support_referral", None]


def test_high_in_three_unpublished_runs_is_no_referral(store):
    load(store, learner("a"))
    for days in (5, 4, 3):
        begin(store, AS_OF - days * DAY)
    assert decided(store)["a"][1] == "behind_pace"


def test_two_nudges_without_a_return_ask_a_person_to_call(store):
    load(store, learner("a", **MEDIUM))
    for days in (14, 7):
        night(store, AS_OF - days * DAY)
        send(store, AS_OF - days * DAY)
    assert decided(store)["a"] == ["contact", "support_referral", None]


def test_a_login_after_the_first_of_two_nudges_is_a_return(store):
    load(store, learner("a", **MEDIUM))
    night(store, AS_OF - 14 * DAY)
    send(store, AS_OF - 14 * DAY)
    load(store, learner("a", **MEDIUM, last_login=AS_OF - 10 * DAY), at=AS_OF - 9 * DAY)
    night(store, AS_OF - 7 * DAY)
    send(store, AS_OF - 7 * DAY)
    assert decided(store)["a"] == ["contact", "behind_pace", None]


def test_a_better_label_than_at_the_last_nudge_earns_praise(store):
    load(store, learner("a"))
    night(store, AS_OF - 8 * DAY)
    send(store, AS_OF - 8 * DAY)
    load(store, learner("a", **MEDIUM, last_login=AS_OF - 2 * DAY), at=AS_OF - DAY)
    assert decided(store)["a"] == ["contact", "praise", None]


def test_a_learner_who_never_came_is_welcomed_in_the_first_two_weeks(store):
    load(
        store,
        learner("a", last_login=None, enrolled_at=AS_OF - 13 * DAY, **UNKNOWN),
        learner("b", last_login=None, enrolled_at=AS_OF - 15 * DAY, **UNKNOWN),
    )
    found = decided(store)
    assert found["a"] == ["contact", "welcome", None]
    assert found["b"] == ["no_contact", None, "unknown"]


def test_what_happened_after_as_of_does_not_exist(store):
    load(store, learner("a"))
    night(store, AS_OF)
    send(store, AS_OF + HOUR)
    load(store, learner("a", **LOW), at=AS_OF + 2 * HOUR)
    assert decided(store, AS_OF - DAY)["a"] == ["contact", "behind_pace", None]


def test_a_draft_approved_only_after_as_of_was_open_then(store):
    load(store, learner("a"))
    night(store, AS_OF - DAY)
    send(store, AS_OF + DAY)
    assert reason(store) == "open_draft"


def test_publishing_keeps_only_the_newest_runs_decisions(store):
    load(store, learner("a"))
    night(store, AS_OF)
    night(store, AS_OF + DAY)
    night(store, AS_OF - DAY)
    assert rows(store, "select distinct run_id from contact_decisions") == [("nightly-2026-03-02-1",)]


def test_looking_at_one_learner_tells_type_and_limits(store):
    load(store, learner("a", topic="loops"), learner("b"))
    night(store, AS_OF - DAY)
    with store.write() as db:
        seen = decisions.look_at(db, "a", now=AS_OF, day=AS_OF.date())
    assert (seen["learner_id"], seen["type"], seen["open_drafts"]) == ("a", "behind_pace", 1)
    assert (seen["program"], seen["locale"], seen["topic"]) == ("Data", "en", "loops")


def test_looking_at_nobody_is_not_found(store):
    load(store, learner("a"))
    with store.write() as db, pytest.raises(NotFound, match="no learner 'b'"):
        decisions.look_at(db, "b", now=AS_OF, day=AS_OF.date())


def test_capacity_is_of_a_day_whatever_the_attempt(store):
    load(store, learner("a"), learner("b"), learner("c"))
    for _ in range(2):
        run = begin(store)
        decisions.decide(store, run, policy=SelectionPolicy(capacity=1))
        nudges.draft(store, run)
        publication.publish(store, run, now=AS_OF)
    assert rows(store, "select learner_id from nudges") == [("a",)]


@pytest.mark.parametrize(("active", "why"), [(True, "opted_out"), (False, "inactive")])
def test_an_opt_out_in_one_enrolment_also_an_ended_one_is_the_persons(store, active, why):
    load(
        store,
        learner("a", person_id="p", contact_opt_out=True, active=active),
        learner("b", person_id="p", email="a@example.invalid"),
        learner("c"),
    )
    assert {key: value[2] for key, value in decided(store).items()} == {
        "a": why,
        "b": "opted_out",
        "c": None,
    }


def test_a_nudge_that_never_arrived_is_no_nudge_without_a_return(store):
    load(store, learner("a", **MEDIUM))
    for days in (14, 7):
        night(store, AS_OF - days * DAY)
        send(store, AS_OF - days * DAY)
    sent = [nudge_id for (nudge_id,) in rows(store, "select id from nudges")]
    review.move(store, sent, "failed", by=acting(AS_OF - 6 * DAY, name="coordinator"))
    assert decided(store)["a"][1] == "inactivity"


def test_what_was_sent_only_after_as_of_was_an_approval_then(store):
    load(store, learner("a"))
    night(store, AS_OF - DAY)
    review.approve(store, [review.listed(store)[0]["id"]], by=acting(AS_OF - 5 * HOUR, name="coordinator"))
    export.hand_over(store, by=acting(AS_OF + 5 * HOUR, name="coordinator"))
    assert reason(store) == "recently_contacted"


def test_limits_hold_for_a_person_whose_enrolments_were_joined_since(store):
    load(store, learner("a"))
    night(store, AS_OF - DAY)
    send(store, AS_OF - DAY)
    load(
        store,
        learner("a", person_id="p"),
        learner("b", person_id="p", email="a@example.invalid"),
        at=AS_OF - HOUR,
    )
    assert {value[2] for value in decided(store).values()} == {"recently_contacted"}


def test_looking_at_one_learner_knows_what_tonights_run_knew(store):
    newcomer = {"last_login": None, "enrolled_at": AS_OF - 3 * DAY}
    load(store, learner("a", **newcomer, **UNKNOWN), at=AS_OF)
    night(store)
    with store.write() as db:
        seen = decisions.look_at(db, "a", now=AS_OF - 14 * HOUR, day=AS_OF.date())
    assert seen["type"] == "welcome"


def test_looking_at_one_learner_reads_the_score_by_the_policy_that_made_it(store):
    # Terms 0.95, 0.7, 5/7 and 2/3. By the weights of the default, inactivity would be 0.4 / 0.1, the largest.
    load(store, learner("a"))
    policy = RiskPolicy(
        weights={"behind_pace": 0.1, "low_quiz": 0.2, "missed_session": 0.1, "inactivity": 0.6}
    )
    with store.write() as db:
        named = {"as_of": AS_OF, "day": AS_OF.date(), "parameters": {}, "fingerprint": "", "now": AS_OF}
        run = runs.begin(db, "nightly", key="k", policy=policy, **named)
    scores.score(store, run)
    publication.publish(store, run, now=AS_OF)
    with store.write() as db:
        assert decisions.look_at(db, "a", now=AS_OF, day=AS_OF.date())["type"] == "behind_pace"


def test_the_label_of_a_day_is_that_of_the_run_published_last(store):
    load(store, learner("a"))
    for days in (5, 4, 3):
        at = AS_OF - days * DAY
        rescoring.publish_scores(
            store, as_of=at, zone=ZoneInfo("UTC"), programs=None, now=at - 5 * HOUR, policy=DEFAULT_POLICY
        )
        load(store, learner("a", **MEDIUM, last_login=at), at=at - 4 * HOUR)
        night(store, at)
        load(store, learner("a"), at=at + HOUR)
    assert decided(store)["a"][1] == "behind_pace"


def phone(store, at, learner_id="a"):
    contact_log.phoned(store, learner_id, by=acting(at))


@pytest.mark.parametrize(("hours", "expected"), [(71, "recently_contacted"), (72, None)])
def test_who_was_phoned_lately_is_left_alone(store, hours, expected):
    load(store, learner("a"))
    phone(store, AS_OF - hours * HOUR)
    assert reason(store) == expected


def test_a_phone_call_after_as_of_does_not_exist_for_a_run(store):
    load(store, learner("a"))
    phone(store, AS_OF + timedelta(seconds=1))
    assert reason(store) is None


def test_a_phone_call_counts_for_the_person_and_toward_the_cap(store):
    shared = {"person_id": "p", "email": "p@example.invalid"}
    load(store, learner("a", **shared), learner("b", **shared), learner("c"))
    phone(store, AS_OF - 6 * DAY, "a")
    phone(store, AS_OF - 4 * DAY, "b")
    found = decided(store)
    assert (found["a"][2], found["b"][2], found["c"][2]) == ("cap_reached", "cap_reached", None)


def test_a_call_and_a_message_are_two_contacts(store):
    load(store, learner("a"))
    night(store, AS_OF - 6 * DAY)
    send(store, AS_OF - 6 * DAY)
    phone(store, AS_OF - 4 * DAY)
    assert reason(store) == "cap_reached"
    with store.write() as db:
        seen = decisions.look_at(db, "a", now=AS_OF, day=AS_OF.date())
    assert (seen["contacts_in_7_days"], seen["hours_since_contact"]) == (2, 96)


def test_a_note_is_no_contact(store):
    load(store, learner("a"))
    made = contact_log.note(store, "a", "On leave.", by=acting(AS_OF))
    assert made["type"] == "note"
    assert reason(store) is None
