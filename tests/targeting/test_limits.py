"""Real nights: at 02:15 for the end of the day, several enrolments of a person, approvals in between."""

from datetime import timedelta

import pytest

from engagement import runs
from engagement.errors import InvalidInput
from engagement.evaluation import effect
from engagement.outreach import export, nudges, review
from engagement.pipeline import publication
from engagement.policy import SelectionPolicy
from engagement.targeting import contact_log, decisions, limits
from engagement.targeting.experiments import Plan
from tests.support.acting import acting
from tests.support.cohort import AS_OF, DAY, HOUR, LOW, MEDIUM, at_night, begin, learner, load, night, rows

MIDNIGHT = AS_OF + timedelta(seconds=1) - DAY  # of day 0


def clock(day, hour):
    """Return an hour of a day; day 0 is that of `AS_OF`."""
    return MIDNIGHT + day * DAY + hour * HOUR


def drafts(store, *learner_ids, status="draft"):
    shown = review.listed(store, status=status)
    return [row["id"] for row in shown if not learner_ids or row["learner_id"] in learner_ids]


def approve(store, at, *learner_ids, known=()):
    return review.approve(store, drafts(store, *learner_ids), by=acting(at), known=known)


def sent(store, at):
    return sorted(row["learner_id"] for row in export.hand_over(store, by=acting(at)))


def decided(store):
    return dict(rows(store, "select learner_id, reason from published_decisions"))


def events(store, kind):
    found = "select learner_id, metadata ->> 'reason', metadata -> 'past' from events where type = $kind order by 1"
    return rows(store, found, kind=kind)


def two_enrolments(*persons):
    """Return two enrolments for each of the persons, of which the first is worse."""
    return [
        learner(f"{person}{n}", person_id=person, email=f"{person}@example.invalid", completed_percent=5 * n)
        for person in persons
        for n in (1, 2)
    ]


def test_a_night_counts_hours_to_when_it_is_and_not_to_the_end_of_its_day(store):
    load(store, *two_enrolments("early", "late", "called"), at=clock(-1, 12))
    at_night(store, 0)
    approve(store, clock(0, 1.5), "early1")
    sent(store, clock(0, 2))
    approve(store, clock(0, 15), "late1")
    sent(store, clock(0, 16))
    review.reject(store, drafts(store, "called1"), by=acting(clock(0, 16)), reason="I call them")
    contact_log.phoned(store, "called2", by=acting(clock(0, 17)))
    at_night(store, 3)
    found = decided(store)
    assert (found["early1"], found["late1"], found["called1"]) == (
        None,
        "recently_contacted",
        "recently_contacted",
    )


def test_what_waits_approved_counts_as_of_now_however_long_ago_it_was_approved(store):
    load(store, *two_enrolments("a"), at=clock(-1, 12))
    at_night(store, 0)
    approve(store, clock(0, 9))
    at_night(store, 5)
    assert set(decided(store).values()) == {"recently_contacted"}


def test_a_draft_is_open_and_expires_by_one_clock(store):
    load(store, *two_enrolments("a"), at=clock(-1, 12))
    at_night(store, 0)
    for day, waiting in ((1, [0]), (3, [0]), (4, [4])):
        at_night(store, day)
        of = rows(store, "select as_of from published_nudges where status = 'draft'")
        assert of == [(AS_OF + of_day * DAY,) for of_day in waiting]


@pytest.mark.parametrize("back", [1, 2, 9])
def test_a_look_back_scores_and_decides_and_adds_nothing_to_the_queue(store, back):
    load(store, *two_enrolments("a", "b"), at=AS_OF - 20 * DAY)
    at_night(store, 0)
    approve(store, clock(0, 8), "a1")
    sent(store, clock(0, 8.5))
    before = rows(store, "select id, status from published_nudges order by all")
    plan = Plan(holdout=0.5, term="late", ends_on="2026-12-31")
    run = night(store, AS_OF - back * DAY, now=clock(0, 9), plan=plan)
    assert rows(store, "select id, status from published_nudges order by all") == before
    assert rows(store, "select count(*) from published_quizzes where run_id = $run", run=run.run_id) == [(0,)]
    assert rows(store, "select count(*) from assignments") == [(0,)]
    assert rows(store, "select status from runs where run_id = $run", run=run.run_id) == [("published",)]


def test_a_run_for_yesterday_that_is_the_newest_drafts_by_the_limits_of_now(store):
    load(store, *two_enrolments("a", "b"), at=AS_OF - 20 * DAY)
    at_night(store, -7)
    contact_log.phoned(store, "b2", by=acting(clock(0, 7)))
    night(store, AS_OF - DAY, now=clock(0, 8))
    found = rows(store, "select learner_id from published_nudges where as_of = $at", at=AS_OF - DAY)
    assert found == [("a1",)]


def test_a_clock_that_steps_back_adds_nothing(store):
    load(store, *two_enrolments("a", "b"), at=AS_OF - 20 * DAY)
    at_night(store, 0)
    approve(store, clock(0, 8), "a1")
    sent(store, clock(0, 9))
    night(store, AS_OF, now=clock(0, 1))
    night(store, AS_OF - 2 * DAY, now=clock(-2, 1))
    found = rows(store, "select learner_id, status from published_nudges order by all")
    assert found == [("a1", "sent"), ("b1", "draft")]


@pytest.mark.parametrize("rewrites", [False, True], ids=["templates stay", "templates are written anew"])
def test_a_second_attempt_by_another_way_gives_nobody_two_messages_of_a_day(store, rewrites):
    load(store, *two_enrolments("a", "b"), at=clock(-1, 12))
    at_night(store, 0)
    review.reject(store, drafts(store, "b1"), by=acting(clock(0, 8)), reason="on leave")
    app = [row | {"preferred_channel": "in_app"} for row in two_enrolments("a", "b")]
    load(store, *app, at=clock(0, 9))
    run = begin(store, AS_OF, now=clock(0, 10))
    decisions.decide(store, run, policy=SelectionPolicy(rewrite_templates=rewrites))
    nudges.draft(store, run)
    publication.publish(store, run, now=clock(0, 10))
    found = rows(store, "select learner_id, status from published_nudges order by all")
    assert found == [("a1", "draft"), ("b1", "rejected")]


def test_a_comparison_group_waits_from_the_hour_of_the_night_and_is_shown_contacts_of_the_day(store):
    load(store, *(learner(f"{n:02}") for n in range(40)), at=clock(-1, 12))
    plan = Plan(holdout=0.5, term="trial", ends_on=AS_OF.date())
    at_night(store, 0, plan=plan)
    (control, *_) = rows(
        store, "select person_id from published_assignments where arm = 'control' order by 1"
    )[0]
    made = nudges.write(store, control, channel="email", by=acting(clock(0, 8)))
    assert "held_out" in made["warnings"]
    review.reject(store, [made["id"]], by=acting(clock(0, 8)), reason="not this week")
    approve(store, clock(0, 9))
    assert len(sent(store, clock(0, 10))) == len(drafts(store, status="sent")) > 5
    (row,) = effect.planned(store).to_dict("records")
    assert row["nudge"] + row["control"] == 40
    counted = rows(
        store,
        """
        select count(*) from published_assignments as assigned
        inner join published_nudges as nudges on assigned.person_id = nudges.person_id
        where nudges.sent_at > assigned.assigned_at and nudges.sent_at < assigned.assigned_at + interval 1 day
        """,
    )
    assert counted == [(row["nudge"],)]


def test_of_two_drafts_for_a_person_one_is_approved_at_a_time_and_the_other_is_told(store):
    load(store, *two_enrolments("a"), *two_enrolments("b"), at=clock(-1, 12))
    at_night(store, 0)
    nudges.write(store, "a2", channel="in_app", by=acting(clock(0, 8)))
    found = {row["learner_id"]: row for row in approve(store, clock(0, 9))}
    assert {name: row["status"] for name, row in found.items()} == {
        "a1": "approved",
        "a2": "draft",
        "b1": "approved",
    }
    assert (found["a2"]["why"], "why" in found["a1"]) == (["recently_contacted"], False)
    with pytest.raises(
        InvalidInput, match=r"1 of 1 nudges, first .* are left as they are\. 1: This person was"
    ):
        approve(store, clock(0, 9.5), "a2")
    assert sent(store, clock(0, 10)) == ["a1", "b1"]


def test_who_goes_past_a_limit_is_told_first_and_it_is_recorded_and_leaves(store):
    load(store, *two_enrolments("a"), at=clock(-1, 12))
    at_night(store, 0)
    made = nudges.write(store, "a2", channel="in_app", by=acting(clock(0, 7)))
    approve(store, clock(0, 8), "a1")
    sent(store, clock(0, 9))
    asked = {made["id"]: made["version"]}
    told = review.move_seen(store, "nudge", asked, "approved", by=acting(clock(1, 9)))
    (conflict,) = told["conflicts"]
    assert (conflict["why"], conflict["status"]) == ("recently_contacted", "draft")
    known = [conflict["why"]]
    told = review.move_seen(store, "nudge", asked, "approved", by=acting(clock(1, 9)), known=known)
    assert [row["status"] for row in told["moved"]] == ["approved"]
    assert events(store, "nudge_approved") == [("a1", None, None), ("a2", None, '["recently_contacted"]')]
    assert sent(store, clock(1, 10)) == ["a2"]


def test_who_asks_for_a_message_past_a_limit_was_told_and_is_told_again_of_what_came_since(store):
    load(store, *two_enrolments("a", "b"), at=clock(-1, 12))
    at_night(store, 0)
    approve(store, clock(0, 8), "a1", "b1")
    sent(store, clock(0, 9))
    for name in ("a2", "b2"):
        made = nudges.write(store, name, channel="in_app", by=acting(clock(1, 8)))
        assert made["warnings"] == ["recently_contacted"]
    contact_log.phoned(store, "b1", by=acting(clock(1, 9)))
    found = {row["learner_id"]: row for row in approve(store, clock(1, 10))}
    assert (found["a2"]["status"], found["b2"]["status"]) == ("approved", "draft")
    assert found["b2"]["why"] == ["recently_contacted"]
    assert sent(store, clock(1, 11)) == ["a2"]


def test_nobody_goes_past_a_refusal(store):
    load(store, *two_enrolments("a"), at=clock(-1, 12))
    at_night(store, 0)
    load(store, learner("a2", person_id="a", email="a@example.invalid", contact_opt_out=True), at=clock(0, 7))
    everything = ("opted_out", "recently_contacted", "cap_reached", "held_out")
    with pytest.raises(InvalidInput, match="asked not to be contacted"):
        approve(store, clock(0, 8), known=everything)
    told = review.move_seen(
        store, "nudge", dict.fromkeys(drafts(store), 1), "approved", by=acting(clock(0, 8)), known=everything
    )
    assert [row["why"] for row in told["conflicts"]] == ["opted_out"]


def test_an_export_holds_back_who_was_contacted_since_the_approval_and_says_so(store):
    load(store, *two_enrolments("called", "plain"), at=clock(-1, 12))
    at_night(store, 0)
    approve(store, clock(0, 9))
    contact_log.phoned(store, "called2", by=acting(clock(0, 11)))
    held = export.held_back(store, now=clock(0, 12))
    assert list(held.values()) == [["recently_contacted"]]
    assert [row["learner_id"] for row in export.approved(store, now=clock(0, 12))] == ["plain1"]
    assert sent(store, clock(0, 12)) == ["plain1"]
    assert drafts(store, "called1", status="approved") != []
    assert sent(store, clock(3, 12)) == ["called1"]


def test_what_somebody_knew_is_not_what_came_after_they_approved(store):
    load(store, *two_enrolments("a"), at=clock(-1, 12))
    at_night(store, 0)
    contact_log.phoned(store, "a1", by=acting(clock(0, 8)))
    approve(store, clock(0, 9), known=("recently_contacted",))
    contact_log.phoned(store, "a2", by=acting(clock(0, 10)))
    assert sent(store, clock(0, 11)) == []
    assert list(export.held_back(store, now=clock(0, 11)).values()) == [["recently_contacted"]]


def test_a_third_message_in_seven_days_is_held_back_at_both_doors(store):
    load(store, *two_enrolments("a"), at=clock(-1, 12))
    at_night(store, 0)
    approve(store, clock(0, 8))
    assert sent(store, clock(0, 9)) == ["a1"]
    at_night(store, 4)
    approve(store, clock(4, 8))
    contact_log.phoned(store, "a2", by=acting(clock(1, 10)))  # who came back to their desk wrote it down
    assert list(export.held_back(store, now=clock(4, 11)).values()) == [["cap_reached"]]
    assert sent(store, clock(4, 11)) == []
    assert sent(store, clock(7, 9)) == ["a1"]


def test_an_approval_of_a_week_expires_and_is_told(store):
    load(store, *two_enrolments("a"), at=clock(-1, 12))
    at_night(store, 0)
    approve(store, clock(0, 9))
    assert [row["learner_id"] for row in export.approved(store, now=clock(7, 8.9))] == ["a1"]
    assert list(export.held_back(store, now=clock(7, 9)).values()) == [["approved_long_ago"]]
    assert sent(store, clock(7, 9)) == []
    assert rows(store, "select status from nudges") == [("expired",)]
    assert events(store, "nudge_expired") == [("a1", "approved_long_ago", None)]


@pytest.mark.parametrize(("since", "leaves"), [(LOW, False), (MEDIUM, True)], ids=["low", "medium"])
def test_an_approval_for_who_is_no_longer_at_risk_expires_with_the_night_that_says_so(store, since, leaves):
    load(store, learner("a"), at=clock(-1, 12))
    at_night(store, 0)
    approve(store, clock(0, 9))
    load(store, learner("a", last_login=clock(0, 10), **since), at=clock(0, 12))
    at_night(store, 1)
    assert sent(store, clock(1, 9)) == (["a"] if leaves else [])
    if not leaves:
        assert events(store, "nudge_expired") == [("a", "no_longer_at_risk", None)]


OTHER = {"recent_hours": 100, "cap_contacts": 1, "labels": ["high"], "capacity": 9}


def told_night(store, day):
    """Do a scheduled night by numbers of its own, which its parameters say."""
    run = begin(store, AS_OF + day * DAY, now=clock(day, 2.25))
    with store.write() as db:
        runs.keep_parameters(db, run.run_id, {"30_nudges": OTHER})
    decisions.decide(store, run, policy=SelectionPolicy(**OTHER))
    nudges.draft(store, run)
    publication.publish(store, run, now=clock(day, 2.5))


def test_of_what_the_night_was_told_only_a_capacity_of_0_says_nothing(store):
    load(store, *two_enrolments("early"), at=clock(-1, 12))
    run = begin(store, AS_OF, now=clock(0, 2.25))
    with store.write() as db:
        told = {"recent_hours": 0, "quiz_below": 0, "capacity": 0, "labels": ["high"]}
        runs.keep_parameters(db, run.run_id, {"30_nudges": told})
    publication.publish(store, run, now=clock(0, 2.5))
    with store.read() as db:
        chosen_by = SelectionPolicy(recent_hours=0, quiz_below=0, labels=("high",))
        assert decisions.policy_in_use(db) == chosen_by


@pytest.mark.parametrize("other", [False, True], ids=["documented", "other"])
def test_every_door_keeps_to_the_numbers_by_which_the_night_chose(store, other):
    """Phoned 80 hours before: past 72 and within 100. Phoned five days before: one contact is the other's cap."""
    load(store, *two_enrolments("early", "older"), at=clock(-1, 12))
    (told_night if other else at_night)(store, 0)
    at = clock(0, 9)
    contact_log.phoned(store, "early1", by=acting(at - 80 * HOUR))
    contact_log.phoned(store, "older2", by=acting(at - 5 * DAY))
    past = {"early1": ["recently_contacted", "cap_reached"], "older1": ["cap_reached"]} if other else {}
    waiting = {row["learner_id"]: row["id"] for row in review.listed(store)}
    assert waiting.keys() == {"early1", "older1"}
    with store.read() as db:
        assert decisions.policy_in_use(db) == SelectionPolicy(**OTHER if other else {})
        held = limits.held_back(db, list(waiting.values()), now=at)
        assert held == {waiting[name]: codes for name, codes in past.items()}
        for name in waiting:  # where a person writes by hand; the draft that waits is told, too
            told = decisions.look_at(db, name, now=at, day=at.date())["past"]
            assert told == [*past.get(name, []), "open_draft"]
    if other:
        with pytest.raises(InvalidInput, match="2 of 2 nudges"):
            approve(store, at)
        approve(store, at, known=limits.LIMITS)
    else:
        approve(store, at)
    assert drafts(store) == []
