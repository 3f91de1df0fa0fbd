import hashlib
import json
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest

from engagement.errors import NotFound
from engagement.evaluation import metrics, what_if
from engagement.ingest import oulad
from engagement.outreach import nudges
from engagement.pipeline import publication
from engagement.policy import DEFAULT_POLICY, DEFAULT_SELECTION, RiskPolicy
from engagement.risk import scores
from engagement.targeting import contact_log, decisions, experiments
from tests.support.acting import acting
from tests.support.arms import drawn_arm
from tests.support.cohort import (
    AS_OF,
    DAY,
    END_OF_NIGHT,
    HOUR,
    LOW,
    MEDIUM,
    UNKNOWN,
    begin,
    learner,
    load,
    night,
    rows,
)
from tests.support.once import once

LOWER = RiskPolicy(high_above=0.5)


def simulate(store, policy, **chosen):
    """By default for the whole cohort, in a night at the very instant."""
    night = {"program": None, "now": chosen["as_of"], "day": chosen["as_of"].date()}
    return what_if.simulate(store, policy, beside=DEFAULT_POLICY, **night | chosen)


@pytest.fixture
def known(store):
    load(
        store,
        learner("a", completed_percent_course=80.0, completed_percent_due=5.0),
        learner("b", **MEDIUM),
        learner("c", **LOW),
        learner("d", **UNKNOWN),
        learner("e", active=False),
        learner("f", program="Welding"),
    )
    return store


def happened(store, learner_id, kind, at):
    with store.write() as db:
        db.execute(
            "insert into events values ($id, $learner, $kind, '{}', $at, 'import', 'test')",
            {"id": f"{learner_id} {kind} {at}", "learner": learner_id, "kind": kind, "at": at},
        )


def moves(found):
    return {(row.label_now, row.label_then): row.learners for row in found.moves.itertuples() if row.learners}


@pytest.mark.parametrize(
    "policy",
    [
        DEFAULT_POLICY,
        LOWER,
        RiskPolicy(weights={"behind_pace": 0, "low_quiz": 0.5, "missed_session": 0.5, "inactivity": 0}),
        RiskPolicy(missed_sessions_cap=2, recency_days=3, medium_above=0.1),
        RiskPolicy(basis="course"),
    ],
)
def test_each_side_has_the_labels_that_a_run_by_its_policy_would_give(known, policy):
    found = simulate(known, policy, as_of=AS_OF).workload.set_index("label")
    for side, numbers in (("now", DEFAULT_POLICY), ("then", policy)):
        run = replace(begin(known, pipeline=f"{side}"), policy=numbers)
        expected = scores.score(known, run)
        assert found[side].drop("to contact").to_dict() == expected
        assert found.loc["to contact", side] == expected["high"] + expected["medium"]


@once
def contacted(store, policy, selection, plan=None):
    """Do a night at 02:15 by a policy; return how many it contacts, in all and in Welding."""
    run = begin(store, policy=policy, now=AS_OF - END_OF_NIGHT)
    decisions.decide(store, run, policy=selection, plan=plan)
    nudges.draft(store, run)
    found = dict(
        rows(
            store,
            """
            select program, count(*) from contact_decisions
            inner join learners on contact_decisions.learner_id = learners.id
            where decision = 'contact' and run_id = $run group by program
            """,
            run=run.run_id,
        )
    )
    return run, (sum(found.values()), found.get("Welding", 0))


@pytest.fixture
def busy(store):
    """Some who would be contacted by their label alone, and are not."""
    load(
        store,
        *(learner(f"{number}", completed_percent=number) for number in range(6)),
        *(learner(f"w{number}", program="Welding", **MEDIUM) for number in range(6)),
        learner("no", contact_opt_out=True),
        learner("gone", email=None, phone=None, preferred_channel="whatsapp", whatsapp_opt_in=True),
        *(learner(f"p{number}", person_id="p", email="p@example.invalid") for number in range(3)),
        learner("new", last_login=None, enrolled_at=AS_OF - 3 * DAY, **UNKNOWN),
        learner("called"),
        learner("called_later"),
    )
    night(store, AS_OF - DAY, now=AS_OF - DAY - END_OF_NIGHT)
    with store.write() as db:  # of whose drafts the others were rejected
        db.execute("update nudges set status = 'rejected' where learner_id not in ('0', '1', 'w1')")
    contact_log.phoned(store, "called", by=acting(AS_OF - 2 * DAY))
    contact_log.phoned(store, "called_later", by=acting(AS_OF - 3 * DAY - END_OF_NIGHT))
    return store


@pytest.mark.parametrize("capacity", [None, 5])
def test_to_contact_are_those_whom_a_night_contacts_by_all_its_rules(busy, capacity):
    """Opted out, without an address, phoned, with a draft, enrolled twice, beyond the capacity: before it and after."""
    selection = replace(DEFAULT_SELECTION, capacity=capacity)
    chosen = {"as_of": AS_OF, "now": AS_OF - END_OF_NIGHT}
    with busy.write() as db:
        db.execute(
            "update runs set parameters = $given",
            {"given": json.dumps({"30_nudges": {"capacity": capacity or 0}})},
        )
    then = (
        simulate(busy, LOWER, **chosen).to_contact[1],
        simulate(busy, LOWER, program="Welding", **chosen).to_contact[1],
    )
    run, found = contacted(busy, LOWER, selection)
    assert then == found
    publication.publish(busy, run, now=AS_OF)
    with busy.write() as db:
        db.execute(
            "update runs set parameters = $given",
            {"given": json.dumps({"30_nudges": {"capacity": capacity or 0}})},
        )
    assert simulate(busy, LOWER, **chosen).to_contact[1] == found[0]
    assert simulate(busy, LOWER, **chosen).workload.set_index("label").loc["to contact", "then"] == found[0]
    labels = simulate(busy, LOWER, **chosen).workload.set_index("label")["then"]
    assert found[0] < labels["high"] + labels["medium"]


def test_who_waits_in_an_experiment_is_not_to_contact(busy):
    plan = experiments.Plan(holdout=0.5, term="spring", ends_on=AS_OF.date())
    chosen = {"as_of": AS_OF, "now": AS_OF - END_OF_NIGHT}
    everybody = simulate(busy, DEFAULT_POLICY, **chosen).to_contact[1]
    run, (number, _) = contacted(busy, DEFAULT_POLICY, DEFAULT_SELECTION, plan)
    publication.publish(busy, run, now=AS_OF)
    assert simulate(busy, DEFAULT_POLICY, **chosen).to_contact == (number, number)
    assert number < everybody
    # of those who come while it runs, some will wait too
    load(busy, *(learner(f"late{place}", program="Late") for place in range(12)), at=AS_OF + HOUR)
    with busy.write() as db:
        db.execute("update experiments set ends_on = $day", {"day": AS_OF.date() + DAY})
    late = simulate(busy, DEFAULT_POLICY, program="Late", as_of=AS_OF + DAY).to_contact[1]
    assert late == sum(drawn_arm("nightly/spring", f"late{place}", 0.5) == "nudge" for place in range(12))


def test_a_lower_threshold_moves_those_between(known):
    found = simulate(known, LOWER, as_of=AS_OF)
    assert moves(found) == {
        ("high", "high"): 2,
        ("medium", "high"): 1,
        ("low", "low"): 1,
        ("unknown", "unknown"): 1,
    }
    assert (found.learners, found.moved) == (5, 1)
    assert found.in_words.startswith(
        "1 of 5 learners would get another label. At high risk: 3 in place of 2;"
    )
    assert "cannot be told" in found.in_words


def test_another_basis_counts_the_work_on_it_and_what_it_lacks_as_not_known(known):
    found = simulate(known, RiskPolicy(basis="course"), as_of=AS_OF, program="Data")
    assert moves(found)["high", "medium"] == 1  # 80 % of the course, 5 % of what was due
    assert moves(found)["medium", "medium"] == 1  # a count of which nobody said what it is of


def test_one_program_alone(known):
    assert simulate(known, LOWER, as_of=AS_OF, program="Welding").learners == 1


def test_nothing_is_written(known):
    before = hashlib.sha256(known.path.read_bytes()).hexdigest()
    for _ in range(2):
        simulate(known, LOWER, as_of=AS_OF)
    assert hashlib.sha256(known.path.read_bytes()).hexdigest() == before


def test_which_score_is_better_is_told_by_how_it_ended(store):
    """Those who leave missed sessions; the work they did says nothing."""
    chance = np.random.default_rng(1)
    left = chance.random(60) < 0.5
    load(
        store,
        *(
            learner(
                f"{number:02}",
                completed_percent=round(100 * chance.random()),
                avg_quiz_score=50,
                consecutive_missed_sessions=int(6 * gone + chance.integers(0, 2)),
            )
            for number, gone in enumerate(left)
        ),
    )
    for number, gone in enumerate(left):
        happened(store, f"{number:02}", "course_withdrawn" if gone else "course_passed", AS_OF + 9 * DAY)
    only_sessions = {"behind_pace": 0, "low_quiz": 0, "missed_session": 1, "inactivity": 0}
    found = simulate(store, RiskPolicy(weights=only_sessions), as_of=AS_OF)
    now, then = found.discrimination["auc"]
    assert found.discrimination["learners"].tolist() == [60, 60]
    assert then == 1 > now
    assert "better than now (AUC 1.000" in found.in_words


def test_an_end_that_came_before_is_not_looked_at(known):
    happened(known, "a", "course_failed", AS_OF - DAY)
    happened(known, "b", "course_passed", AS_OF - DAY)
    assert simulate(known, LOWER, as_of=AS_OF).discrimination.empty


def test_only_who_has_both_scores_and_a_known_end_is_compared(known):
    for person, kind in {"a": "course_failed", "b": "course_passed", "d": "course_passed"}.items():
        happened(known, person, kind, AS_OF + DAY)
    assert simulate(known, LOWER, as_of=AS_OF).discrimination["learners"].tolist() == [2, 2]


def test_an_instant_before_anybody_was_known_is_not_found(known):
    with pytest.raises(NotFound, match="nobody is known by"):
        simulate(known, LOWER, as_of=AS_OF - 300 * DAY)


def test_the_area_under_the_curve_is_the_share_of_pairs_in_order():
    chance = np.random.default_rng(2)
    score, left = chance.integers(0, 5, 40) / 4, chance.random(40) < 0.4
    pairs = list(product(score[left], score[~left]))
    expected = np.mean([1.0 if high > low else 0.5 if high == low else 0.0 for high, low in pairs])
    assert metrics.area_under_curve(score, left) == pytest.approx(expected)
    assert metrics.area_under_curve(pd.Series([1.0, 2.0]), pd.Series([True, True])) is None


def test_on_a_real_course_the_score_tells_who_leaves_and_the_basis_matters(store, real_data):
    named = {"module": "EEE", "presentation": "2013J", "loaded_at": AS_OF}
    oulad.load(store, real_data / "oulad", as_of_day=84, **named)
    oulad.load(store, real_data / "oulad", as_of_day=400, **named)
    known_at = oulad.known_until("2013J", 84, oulad.UTC)
    found = simulate(store, RiskPolicy(basis="course"), as_of=known_at)
    now, then = found.discrimination["auc"]
    assert 0.7 < then < 0.9
    assert 0.7 < now < 0.9
    assert found.discrimination["learners"].min() > 700
    assert found.moved > 50
    assert rows(store, "select count(*) from risk_scores") == [(0,)]
    assert simulate(store, DEFAULT_POLICY, as_of=known_at).moved == 0
