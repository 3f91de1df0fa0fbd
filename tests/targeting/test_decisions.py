import shutil
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from engagement import runs
from engagement.errors import NotFound
from engagement.outreach import export, nudges, review
from engagement.pipeline import publication, rescoring
from engagement.policy import DEFAULT_POLICY, DEFAULT_SELECTION, RiskPolicy
from engagement.risk import scores
from engagement.store import Store
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
def send(store, at, *learner_ids):
    """Approve and send the drafts of these learners, or of everybody."""
    drafts = [
        draft["id"] for draft in review.listed(store) if not learner_ids or draft["learner_id"] in learner_ids
    ]
    review.approve(store, drafts, by=acting(at, name="coordinator"))
    export.hand_over(store, by=acting(at, name="coordinator"))


def phone(store, at, learner_id):
    contact_log.phoned(store, learner_id, by=acting(at))


def draft_of(store, learner_id):
    (found,) = (draft["id"] for draft in review.listed(store) if draft["learner_id"] == learner_id)
    return [found]


def assign(store, person_id, arm, *, until, since=AS_OF - 9 * DAY):
    with store.write() as db:
        db.execute(
            "insert into assignments values ('trial', $person, $arm, $since, $until, null)",
            {"person": person_id, "arm": arm, "since": since, "until": until},
        )


def made(tmp_path_factory, empty_file):
    """Return a store for a story that several tests read."""
    store = Store(tmp_path_factory.mktemp("story") / "store.duckdb")
    shutil.copyfile(empty_file, store.path)
    return store


@pytest.fixture(scope="module")
def at_first_sight(tmp_path_factory, empty_file):
    """What a run decides about learners to whom no message went; earlier runs are unpublished, drafts and all."""
    store = made(tmp_path_factory, empty_file)
    newcomer = {"last_login": None, **UNKNOWN}
    load(
        store,
        *map(learner, ("plain", "held", "nudged", "ended", "early", "called71", "called72", "called_after")),
        learner("better", person_id="p"),
        learner("worse", person_id="p", email="better@example.invalid", completed_percent=0),
        learner("day13", enrolled_at=AS_OF - 13 * DAY, **newcomer),
        learner("day15", enrolled_at=AS_OF - 15 * DAY, **newcomer),
        learner("out", person_id="q", contact_opt_out=True),
        learner("out_too", person_id="q", email="out@example.invalid"),
        learner("gone", person_id="r", contact_opt_out=True, active=False),
        learner("gone_too", person_id="r", email="gone@example.invalid"),
        learner("first", person_id="s", email="s@example.invalid"),
        learner("second", person_id="s", email="s@example.invalid"),
    )
    for days in (5, 4, 3):
        begin(store, AS_OF - days * DAY)
    other = begin(store, AS_OF - DAY)
    decisions.decide(store, other, policy=DEFAULT_SELECTION)
    nudges.draft(store, other)
    assign(store, "held", "control", until=AS_OF + HOUR)
    assign(store, "nudged", "nudge", until=AS_OF + HOUR)
    assign(store, "ended", "control", until=AS_OF)
    assign(store, "early", "control", since=AS_OF + HOUR, until=AS_OF + DAY)
    phone(store, AS_OF - 6 * DAY, "first")
    phone(store, AS_OF - 4 * DAY, "second")
    phone(store, AS_OF - 72 * HOUR, "called72")
    phone(store, AS_OF - 71 * HOUR, "called71")
    phone(store, AS_OF + timedelta(seconds=1), "called_after")
    return decided(store)


@pytest.fixture(scope="module")
def after_drafts(tmp_path_factory, empty_file):
    """What a run decides about learners who have drafts of 96, 72 and 24 hours, in whatever state."""
    store = made(tmp_path_factory, empty_file)
    load(store, learner("sent71"), learner("sent72"))
    night(store, AS_OF - 4 * DAY)
    load(store, learner("old_draft"), at=AS_OF - 3.5 * DAY)
    night(store, AS_OF - 3 * DAY)
    send(store, AS_OF - 72 * HOUR, "sent72")
    send(store, AS_OF - 71 * HOUR, "sent71")
    load(store, *map(learner, ("open", "approved", "rejected", "joined")), at=AS_OF - 1.5 * DAY)
    night(store, AS_OF - DAY)
    send(store, AS_OF - DAY, "joined")
    by = acting(AS_OF - 20 * HOUR, name="coordinator")
    review.approve(store, draft_of(store, "approved"), by=by)
    review.reject(store, draft_of(store, "rejected"), by=by, reason="on leave")
    load(
        store,
        learner("joined", person_id="p"),
        learner("joined_too", person_id="p", email="joined@example.invalid"),
        at=AS_OF - HOUR,
    )
    return decided(store)


@pytest.fixture(scope="module")
def after_messages(tmp_path_factory, empty_file):
    """A store with the messages of two weeks, and what a run decides then."""
    store = made(tmp_path_factory, empty_file)
    load(store, *(learner(name, **MEDIUM) for name in ("silent", "returned", "bounced")))
    night(store, AS_OF - 14 * DAY)
    send(store, AS_OF - 14 * DAY)
    load(store, learner("returned", **MEDIUM, last_login=AS_OF - 10 * DAY), at=AS_OF - 9 * DAY)
    load(store, learner("praised"), learner("week"), at=AS_OF - 8 * DAY)
    night(store, AS_OF - 7 * DAY)
    send(store, AS_OF - 7 * DAY)
    bounced = rows(store, "select id from nudges where learner_id = 'bounced'")
    assert len(bounced) == 2
    by = acting(AS_OF - 6.75 * DAY, name="coordinator")
    review.move(store, [nudge_id for (nudge_id,) in bounced], "failed", by=by)
    load(
        store,
        learner("a", person_id="p", completed_percent=0),
        learner("b", person_id="p", email="a@example.invalid"),
        learner("called_too"),
        at=AS_OF - 6.75 * DAY,
    )
    night(store, AS_OF - 6.5 * DAY)
    send(store, AS_OF - 6.5 * DAY, "a", "called_too")
    load(
        store,
        learner("a", person_id="p", **LOW),
        learner("praised", **MEDIUM, last_login=AS_OF - 5 * DAY),
        at=AS_OF - 4 * DAY,
    )
    phone(store, AS_OF - 4 * DAY, "called_too")
    night(store, AS_OF - 3.25 * DAY)
    send(store, AS_OF - 3.25 * DAY, "b", "week")
    load(store, learner("a", person_id="p"), at=AS_OF - DAY)
    return store, decided(store)


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


def test_who_shares_an_address_with_other_persons_is_scored_and_reached_another_way(store):
    family = {"email": "family@example.invalid"}
    letters = {"preferred_channel": "email"}
    load(store, learner("a", **family), learner("b", **family, **letters), learner("c", **letters))
    load(store, learner("a2", person_id="a", **family, **LOW))
    night(store)
    assert len(rows(store, "select 1 from risk_scores where risk_score is not null")) == 4
    assert rows(store, "select learner_id, channel from nudges order by 1") == [
        ("a", "in_app"),
        ("c", "email"),
    ]
    assert rows(store, "select reason from contact_decisions where learner_id = 'b'") == [("no_address",)]


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


def test_of_what_happened_after_as_of_contacts_count_and_facts_do_not(store):
    load(store, learner("a"))
    night(store, AS_OF)
    send(store, AS_OF + HOUR)
    load(store, learner("a", **LOW), at=AS_OF + 2 * HOUR)
    assert decided(store, AS_OF - DAY)["a"] == ["no_contact", None, "recently_contacted"]


def test_a_draft_sent_only_after_as_of_is_a_contact(store):
    load(store, learner("a"))
    night(store, AS_OF - DAY)
    send(store, AS_OF + DAY)
    assert reason(store) == "recently_contacted"


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


def test_what_was_sent_only_after_as_of_was_an_approval_then(store):
    load(store, learner("a"))
    night(store, AS_OF - DAY)
    review.approve(store, [review.listed(store)[0]["id"]], by=acting(AS_OF - 5 * HOUR, name="coordinator"))
    export.hand_over(store, by=acting(AS_OF + 5 * HOUR, name="coordinator"))
    assert reason(store) == "recently_contacted"


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


def test_an_open_draft_keeps_the_next_night_from_drafting_another(after_drafts):
    assert after_drafts["open"][2] == "open_draft"


def test_a_draft_of_72_hours_is_no_longer_open(after_drafts):
    assert after_drafts["old_draft"][2] is None


def test_an_unpublished_runs_draft_is_not_open_for_another_run(at_first_sight):
    assert at_first_sight["plain"][2] is None


def test_a_person_contacted_71_hours_ago_is_left_alone(after_drafts):
    assert after_drafts["sent71"][2] == "recently_contacted"


def test_a_person_contacted_72_hours_ago_may_be_contacted(after_drafts):
    assert after_drafts["sent72"][2] is None


def test_an_approval_counts_as_a_contact_before_it_is_sent(after_drafts):
    assert after_drafts["approved"][2] == "recently_contacted"


def test_a_rejected_draft_is_no_contact(after_drafts):
    assert after_drafts["rejected"][2] is None


def test_limits_hold_for_a_person_whose_enrolments_were_joined_since(after_drafts):
    assert [after_drafts[name][2] for name in ("joined", "joined_too")] == ["recently_contacted"] * 2


def test_the_third_message_in_seven_days_is_refused_over_two_enrolments_of_a_person(after_messages):
    store, found = after_messages
    sent = "select learner_id from nudges where person_id = 'p' and status = 'sent' order by created_at"
    assert rows(store, sent) == [("a",), ("b",)]
    assert (found["a"][2], found["b"][2]) == ("cap_reached", "cap_reached")


def test_a_message_seven_days_ago_no_longer_counts(after_messages):
    store, found = after_messages
    sent = "select count(*) from nudges where learner_id = 'week' and status = 'sent'"
    assert rows(store, sent) == [(2,)]
    assert found["week"][2] is None


def test_two_nudges_without_a_return_ask_a_person_to_call(after_messages):
    assert after_messages[1]["silent"] == ["contact", "support_referral", None]


def test_a_login_after_the_first_of_two_nudges_is_a_return(after_messages):
    assert after_messages[1]["returned"] == ["contact", "behind_pace", None]


def test_a_nudge_that_never_arrived_is_no_nudge_without_a_return(after_messages):
    assert after_messages[1]["bounced"][1] == "inactivity"


def test_a_better_label_than_at_the_last_nudge_earns_praise(after_messages):
    assert after_messages[1]["praised"] == ["contact", "praise", None]


def test_a_call_and_a_message_are_two_contacts(after_messages):
    store, found = after_messages
    assert found["called_too"][2] == "cap_reached"
    with store.write() as db:
        seen = decisions.look_at(db, "called_too", now=AS_OF, day=AS_OF.date())
    assert (seen["contacts_in_7_days"], seen["hours_since_contact"]) == (2, 96)


@pytest.mark.parametrize(
    ("learner_id", "expected"), [("held", "held_out"), ("nudged", None)], ids=["control", "nudge"]
)
def test_the_comparison_group_is_held_out_until_the_experiment_ends(at_first_sight, learner_id, expected):
    assert at_first_sight[learner_id][2] == expected


def test_nobody_is_held_out_from_the_moment_the_experiment_ends(at_first_sight):
    assert at_first_sight["ended"][2] is None


def test_nobody_is_held_out_before_the_experiment_begins(at_first_sight):
    assert at_first_sight["early"][2] is None


def test_the_worse_enrolment_of_a_person_comes_first(at_first_sight):
    assert [at_first_sight[name][2] for name in ("better", "worse")] == ["other_enrolment", None]


def test_high_in_three_unpublished_runs_is_no_referral(at_first_sight):
    assert at_first_sight["plain"][1] == "behind_pace"


def test_a_learner_who_never_came_is_welcomed_in_the_first_two_weeks(at_first_sight):
    assert at_first_sight["day13"] == ["contact", "welcome", None]
    assert at_first_sight["day15"] == ["no_contact", None, "unknown"]


def test_nobody_is_welcomed_before_the_enrolment_nor_twice_for_one(store):
    # Each person has two enrolments, of which one begins in four days.
    unknown = dict.fromkeys(
        ("last_login", "completed_percent", "avg_quiz_score", "consecutive_missed_sessions")
    )
    for person in ("sent", "rejected", "expired"):
        begins = learner(person, person_id=person, enrolled_at=AS_OF + 4 * DAY - 20 * HOUR, **unknown)
        load(store, begins, learner(f"{person}_too", person_id=person, **LOW))
    for days in (0, 3, 4, 8, 12):
        night(store, AS_OF + days * DAY)
        now = AS_OF + days * DAY + HOUR
        drafted = rows(store, "select learner_id, id from published_nudges where status = 'draft'")
        for learner_id, nudge_id in drafted:
            if learner_id == "sent":
                review.approve(store, [nudge_id], by=acting(now))
            if learner_id == "rejected":
                review.reject(store, [nudge_id], by=acting(now), reason="knows already")
        export.hand_over(store, by=acting(now))
    found = "select learner_id, list(period order by period), list(distinct type) from nudges group by 1 order by 1"
    assert rows(store, found) == [
        ("expired", ["2026-03-05", "2026-03-09", "2026-03-13"], ["welcome"]),
        ("rejected", ["2026-03-05"], ["welcome"]),
        ("sent", ["2026-03-05"], ["welcome"]),
    ]


@pytest.mark.parametrize(("learner_id", "why"), [("out", "opted_out"), ("gone", "inactive")])
def test_an_opt_out_in_one_enrolment_also_an_ended_one_is_the_persons(at_first_sight, learner_id, why):
    assert at_first_sight[learner_id][2] == why
    assert at_first_sight[f"{learner_id}_too"][2] == "opted_out"


@pytest.mark.parametrize(("hours", "expected"), [(71, "recently_contacted"), (72, None)])
def test_who_was_phoned_lately_is_left_alone(at_first_sight, hours, expected):
    assert at_first_sight[f"called{hours}"][2] == expected


def test_a_phone_call_after_as_of_counts_where_a_clock_went_back(at_first_sight):
    assert at_first_sight["called_after"][2] == "recently_contacted"


def test_a_phone_call_counts_for_the_person_and_toward_the_cap(at_first_sight):
    assert [at_first_sight[name][2] for name in ("first", "second")] == ["cap_reached"] * 2


def test_a_note_is_no_contact(store):
    load(store, learner("a"))
    made = contact_log.note(store, "a", "On leave.", by=acting(AS_OF))
    assert made["type"] == "note"
    assert reason(store) is None


@pytest.fixture(scope="module")
def three_nights(tmp_path_factory, empty_file):
    """The type of both learners in each of three nights and in a run after them.

    `high` is at high risk in all, `better` was at medium in the run that each day published last.
    """
    store = made(tmp_path_factory, empty_file)
    high = {"last_login": AS_OF - HOUR, "consecutive_missed_sessions": 7, "completed_percent": 0}
    load(store, learner("high", **high), learner("better"))
    found = []
    for days in (5, 4, 3):
        at = AS_OF - days * DAY
        rescoring.publish_scores(
            store, as_of=at, zone=ZoneInfo("UTC"), programs=None, now=at - 5 * HOUR, policy=DEFAULT_POLICY
        )
        load(store, learner("better", **MEDIUM, last_login=at), at=at - 4 * HOUR)
        night(store, at)
        found.append(dict(rows(store, "select learner_id, type from contact_decisions")))
        load(store, learner("better"), at=at + HOUR)
    return [*found, {name: kind for name, (_, kind, _) in decided(store).items()}]


def test_high_in_three_published_runs_asks_a_person_to_call(three_nights):
    *before, now = (types["high"] for types in three_nights)
    assert "support_referral" not in before
    assert now == "support_referral"


def test_the_label_of_a_day_is_that_of_the_run_published_last(three_nights):
    assert three_nights[-1]["better"] == "behind_pace"
