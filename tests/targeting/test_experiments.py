from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from engagement.errors import InvalidInput
from engagement.evaluation import effect
from engagement.outreach import nudges
from engagement.pipeline import publication
from engagement.policy import DEFAULT_SELECTION, SelectionPolicy
from engagement.store import registered
from engagement.targeting import decisions, experiments, limits
from engagement.targeting.experiments import Plan
from tests.support.acting import acting
from tests.support.arms import drawn_arm
from tests.support.cohort import AS_OF, DAY, HOUR, LOW, begin, learner, load, rows
from tests.support.once import once

HALF = Plan(holdout=0.5, term="trial", ends_on=AS_OF.date())
PEOPLE = 60
UTC = ZoneInfo("UTC")


@once
def people(store, count=PEOPLE, **different):
    load(store, *(learner(f"{number:03}", **different) for number in range(count)))


@once
def night(store, as_of=AS_OF, *, plan=HALF, policy=None, published=True):
    run = begin(store, as_of)
    decisions.decide(store, run, policy=policy or SelectionPolicy(), plan=plan)
    nudges.draft(store, run)
    if published:
        publication.publish(store, run, now=as_of)
    return run


def assigned(store):
    return dict(rows(store, "select person_id, arm from published_assignments order by person_id"))


def reasons(store, run):
    return dict(
        rows(store, "select learner_id, reason from contact_decisions where run_id = $run", run=run.run_id)
    )


def test_the_store_draws_the_same_arm_as_python(store):
    ids = [f"person {number}" for number in range(100_000)]
    with store.write() as db, registered(db, "people", pd.DataFrame({"person_id": ids})):
        drawn = db.execute(
            "select drawn(concat_ws('|', 'nightly/x', person_id), 1000000) < 100000 from people"
        ).fetchall()
    ours = [drawn_arm("nightly/x", person, 0.1) == "control" for person in ids]
    assert [held for (held,) in drawn] == ours
    assert np.mean(ours) == pytest.approx(0.1, abs=0.003)


def test_arms_of_different_experiments_have_nothing_to_do_with_one_another():
    ids = [f"person {number}" for number in range(4_000)]
    one, other = ([drawn_arm(name, person, 0.5) for person in ids] for name in ("nightly/a", "nightly/b"))
    assert np.mean([a == b for a, b in zip(one, other, strict=True)]) == pytest.approx(0.5, abs=0.04)


def test_whoever_would_be_contacted_is_assigned_and_a_share_of_them_waits(store):
    people(store)
    load(store, learner("low", **LOW), learner("out", contact_opt_out=True))
    run = night(store)
    arms = assigned(store)
    assert len(arms) == PEOPLE
    assert {"low", "out"}.isdisjoint(arms)
    assert all(arm == drawn_arm("nightly/trial", person, 0.5) for person, arm in arms.items())
    held_out = {person for person, arm in arms.items() if arm == "control"}
    assert 15 < len(held_out) < 45
    assert {person for person, reason in reasons(store, run).items() if reason == "held_out"} == held_out
    assert {person for (person,) in rows(store, "select person_id from nudges")} == set(arms) - held_out


def test_without_a_plan_nobody_is_assigned(store):
    people(store, 5)
    night(store, plan=None)
    assert assigned(store) == {}
    assert effect.planned(store).empty


def test_beyond_the_capacity_nobody_is_compared(store):
    load(store, *(learner(f"{number:03}", completed_percent=number / 4) for number in range(PEOPLE)))
    night(store, policy=SelectionPolicy(capacity=10))
    arms = assigned(store)
    assert sum(arm == "nudge" for arm in arms.values()) == 10
    worst_left_out = min(set(map("{:03}".format, range(PEOPLE))) - set(arms))
    assert max(arms) < worst_left_out


def test_whoever_waits_is_free_after_the_window_and_not_assigned_again(store):
    people(store)
    plan = replace(HALF, ends_on=(AS_OF + 30 * DAY).date())
    night(store, plan=plan)
    first = rows(store, "select * from published_assignments order by person_id")
    within = night(store, AS_OF + 6 * DAY, plan=plan)
    held_out = {person for person, arm in assigned(store).items() if arm == "control"}
    assert held_out <= {person for person, why in reasons(store, within).items() if why == "held_out"}
    after = night(store, AS_OF + 8 * DAY, plan=plan)
    assert "held_out" not in reasons(store, after).values()
    assert rows(store, "select * from published_assignments order by person_id") == first


def test_whoever_comes_later_is_assigned_later(store):
    people(store, 10)
    plan = replace(HALF, ends_on=(AS_OF + 30 * DAY).date())
    night(store, plan=plan)
    load(store, *(learner(f"new{number}") for number in range(10)), at=AS_OF)
    night(store, AS_OF + DAY, plan=plan)
    found = dict(rows(store, "select assigned_at, count(*) from published_assignments group by all"))
    assert found == {AS_OF: 10, AS_OF + DAY: 10}


def test_after_its_last_day_an_experiment_assigns_nobody(store):
    people(store, 10)
    run = night(store, AS_OF + DAY)
    assert assigned(store) == {}
    assert "held_out" not in reasons(store, run).values()


def test_what_a_run_assigns_counts_once_it_is_published(store):
    people(store)
    run = night(store, published=False)
    assert assigned(store) == {}
    assert effect.planned(store).empty
    decisions.decide(store, run, plan=HALF, policy=DEFAULT_SELECTION)  # the step again
    publication.publish(store, run, now=AS_OF)
    assert len(assigned(store)) == PEOPLE
    assert effect.planned(store)[["nudge", "control"]].sum(axis=1).tolist() == [PEOPLE]


def test_a_run_that_is_discarded_leaves_no_experiment(store):
    people(store, 10)
    run = night(store, published=False)
    publication.discard(store, run.run_id, now=AS_OF)
    assert rows(store, "select (select count(*) from assignments), (select count(*) from experiments)") == [
        (0, 0)
    ]


@pytest.mark.parametrize(
    "change", [{"holdout": 0.4}, {"outcome": "quiz"}, {"window_days": 14}, {"ends_on": "2026-12-31"}]
)
def test_a_plan_cannot_be_changed_once_somebody_is_assigned(store, change):
    people(store, 10)
    plan = replace(HALF, ends_on="2026-12-18")
    night(store, plan=plan)
    with pytest.raises(
        InvalidInput, match=f"{next(iter(change))}: experiment nightly/trial was planned with"
    ):
        night(store, AS_OF + DAY, plan=replace(plan, **change))


def test_whoever_waits_in_another_experiment_is_in_neither_arm(store):
    people(store)
    night(store)
    before = assigned(store)
    other = Plan(holdout=0.5, term="another", ends_on=(AS_OF + DAY).date())
    night(store, AS_OF + DAY, plan=other)
    both = rows(store, "select person_id from published_assignments where experiment_id = 'nightly/another'")
    assert {person for (person,) in both}.isdisjoint(
        {person for person, arm in before.items() if arm == "control"}
    )


def test_a_person_is_assigned_once_for_all_enrolments(store):
    load(store, learner("a"), learner("a2", person_id="a", email=None), learner("b"))
    night(store)
    assert sorted(assigned(store)) == ["a", "b"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"holdout": 0}, "holdout: 0"),
        ({"holdout": 0.6}, "holdout: 0.6"),
        ({"holdout": float("nan")}, "holdout: nan"),
        ({"term": " "}, "term: a name is needed"),
        ({"term": "a|b"}, "term: a name is needed"),
        ({"outcome": "happy"}, "outcome 'happy'"),
        ({"window_days": 0}, "window_days: 0"),
        ({"ends_on": ""}, "ends_on: the last day"),
        ({"ends_on": "soon"}, "ends_on: the last day"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(change, message):
    with pytest.raises(InvalidInput, match=message):
        replace(HALF, **change)


def test_no_holdout_is_no_plan():
    assert experiments.plan(0.0, term="", ends_on="", outcome="back") is None
    assert (
        experiments.plan(0.1, term="t", ends_on="2026-12-18", outcome="quiz").looks_at
        == "took a quiz within 7 days"
    )


def waiting(store):
    return sorted(person for person, arm in assigned(store).items() if arm == "control")


@pytest.mark.parametrize(
    "later", [HOUR, -30 * DAY, 0 * DAY], ids=["later", "by a clock gone back", "at once"]
)
def test_whoever_waits_keeps_waiting_as_somebody_else(store, later):
    people(store)
    plan = replace(HALF, ends_on=(AS_OF + 30 * DAY).date())
    night(store, plan=plan)
    renamed = waiting(store)[:5]
    load(store, *(learner(one, person_id=f"P|{one}") for one in renamed), at=AS_OF + later)
    run = night(store, AS_OF + 2 * DAY, plan=plan)
    assert {reasons(store, run)[one] for one in renamed} == {"held_out"}
    assert sorted(assigned(store)) == [f"{number:03}" for number in range(PEOPLE)], (
        "and is not assigned again"
    )
    made = nudges.write(store, renamed[0], channel="email", by=acting(AS_OF + 2 * DAY))
    assert "held_out" in made["warnings"]
    with store.write() as db:
        db.execute("update nudges set overruled_at = null")
        assert limits.held_back(db, [made["id"]], now=AS_OF + 2 * DAY) == {made["id"]: ["held_out"]}


def test_whoever_is_one_person_after_all_waits_in_all_and_is_one_in_the_result(store):
    people(store)
    night(store)
    nudged = sorted(set(assigned(store)) - set(waiting(store)))
    pair = [waiting(store)[0], nudged[0]]
    same = [waiting(store)[1], waiting(store)[2]]
    at = AS_OF + HOUR
    load(store, *(learner(one, person_id="M") for one in pair), at=at)
    load(store, *(learner(one, person_id="S") for one in same), at=at)
    run = night(store, AS_OF + DAY, plan=None)
    assert {reasons(store, run)[one] for one in [*pair, *same]} == {
        "held_out",
        "open_draft",
        "other_enrolment",
    }
    [draft] = rows(store, "select id from nudges where learner_id = $one", one=pair[1])
    with store.read() as db:
        assert limits.held_back(db, draft, now=AS_OF + DAY) == {draft[0]: ["held_out"]}
    happened = {"at": AS_OF + DAY, "one": same[1]}
    with store.write() as db:
        db.execute("insert into events values ('e', $one, 'login', '{}', $at, 'import', 'L')", happened)
    found = effect.estimate(store, as_of=AS_OF + 9 * DAY, zone=UTC)
    assert found.compared.persons == len(waiting(store)) == 60 - len(nudged) - 1
    assert (found.compared.share.count, found.nudged.persons) == (1, len(nudged) - 1)
    assert sum(found.assigned.values()) == PEOPLE - 2


def test_a_number_that_another_person_has_since_is_not_theirs(store):
    """Enrolments and persons count in the same numbers, and the file that names the persons comes after the night."""
    load(store, learner("17"), learner("22"))
    everybody = Plan(holdout=0.5, term="trial", ends_on=(AS_OF + 30 * DAY).date())
    night(store, plan=everybody)
    with store.write() as db:
        db.execute("update assignments set arm = case person_id when '17' then 'control' else 'nudge' end")
    load(store, learner("17", person_id="905"), learner("22", person_id="17"), at=AS_OF + HOUR)
    found = rows(
        store,
        """
        select id, arm
        from published_assignments inner join learners on published_assignments.person_number = learners.number
        order by id
        """,
    )
    assert found == [("17", "control"), ("22", "nudge")]
