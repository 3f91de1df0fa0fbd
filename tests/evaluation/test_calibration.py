from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engagement.errors import InvalidInput
from engagement.evaluation import calibration
from engagement.evaluation.calibration import Calibration
from engagement.policy import DEFAULT_POLICY
from tests.support.cohort import AS_OF, DAY, LOW, MEDIUM, UNKNOWN, learner, load, night, rows

STRAIGHT = tuple(step / 1000 for step in range(1001))
HALF = tuple(chance / 2 for chance in STRAIGHT)
MADE = Calibration(DEFAULT_POLICY.policy_hash, "left", ("2013B", "2013J"), 500, {2: HALF, 4: STRAIGHT})


def learners(count, *, week=1, at=0.5, left=0.5, cohort="2013J"):
    has_left = np.arange(count) < left * count
    return pd.DataFrame({"cohort": cohort, "week": week, "risk_score": at, "has_left": has_left})


def test_a_chance_is_the_share_of_those_with_such_a_score_who_left():
    table = pd.concat([learners(100, at=0.2, left=0.1), learners(100, at=0.8, left=0.6)])
    found = calibration.fit(table, policy_hash="x", outcome="left")
    assert found.probability([0.2, 0.5, 0.8, 0, 1], week=1).round(6).tolist() == [0.1, 0.35, 0.6, 0.1, 0.6]
    assert (found.cohorts, found.learners, found.outcome) == (("2013J",), 200, "left")


def test_a_chance_never_falls_as_the_score_rises():
    chance = np.random.default_rng(3)
    table = learners(400).assign(risk_score=chance.random(400), has_left=chance.random(400) < 0.5)
    found = calibration.fit(table, policy_hash="x", outcome="left")
    assert (np.diff(found.curves[1]) >= 0).all()
    assert min(found.curves[1]) >= 0
    assert max(found.curves[1]) <= 1


def test_each_week_has_its_own_curve_and_the_last_one_before_counts():
    score = [0.4, np.nan]
    assert np.isnan(MADE.probability(score, week=1)).all()
    for week, chance in ((2, 0.2), (3, 0.2), (4, 0.4), (40, 0.4)):
        found = MADE.probability(score, week=week)
        assert found[0] == chance
        assert np.isnan(found[1])


def test_a_week_of_few_learners_has_no_curve():
    table = pd.concat([learners(100, week=1), learners(99, week=2)])
    assert list(calibration.fit(table, policy_hash="x", outcome="left").curves) == [1]
    with pytest.raises(InvalidInput, match="100 learners"):
        calibration.fit(learners(99), policy_hash="x", outcome="left")


def test_the_chance_stands_beside_the_score_and_sql_says_the_same(store):
    first = AS_OF - 14 * DAY  # so that the score is of week 3
    people = [learner("a"), learner("b", **MEDIUM), learner("c", **LOW), learner("d", **UNKNOWN)]
    load(store, *people, at=first)
    night(store)
    before = rows(store, "select * from risk_scores order by learner_id")
    assert rows(store, "select * from risk_probabilities") == []
    calibration.keep(store, MADE, now=AS_OF)
    found = rows(
        store,
        "select learner_id, week, risk_score, risk_probability from risk_probabilities order by learner_id",
    )
    assert [row[:2] for row in found] == [("a", 3), ("b", 3), ("c", 3), ("d", 3)]
    expected = MADE.probability([row[2] if row[2] is not None else np.nan for row in found], week=3)
    assert [row[3] for row in found[:3]] == expected[:3].tolist()
    assert found[3][3] is None
    assert rows(store, "select * from risk_scores order by learner_id") == before


def test_sql_rounds_a_score_as_python_does(store):
    scores = np.round(np.linspace(0, 1, 2001), 6)
    store.make()
    sql = "select floor(score * 1000 + 0.5)::smallint from (select unnest($scores) as score)"
    steps = rows(store, sql, scores=scores.tolist())
    steady = replace(MADE, curves={1: tuple(float(step) for step in range(1001))})
    assert [step for (step,) in steps] == steady.probability(scores, week=1).tolist()


def test_the_newest_one_of_the_policy_counts_and_another_policy_has_none(store):
    load(store, learner("a"), at=AS_OF - 14 * DAY)
    night(store)
    chance = "select risk_probability from risk_probabilities"
    calibration.keep(store, replace(MADE, policy_hash="another"), now=AS_OF + DAY)
    assert rows(store, chance) == []
    calibration.keep(store, replace(MADE, curves={1: HALF}), now=AS_OF)
    (first,) = rows(store, chance)
    calibration.keep(store, replace(MADE, curves={1: STRAIGHT}), now=AS_OF + DAY)
    (second,) = rows(store, chance)
    assert second[0] == 2 * first[0]


def test_what_is_kept_says_where_it_comes_from_and_once(store):
    for _ in range(2):
        calibration.keep(store, MADE, now=AS_OF)
    kept = "select calibration_id, cohorts, learners, outcome, kept_at from calibrations"
    assert rows(store, kept) == [(MADE.calibration_id, "2013B, 2013J", 500, "left", AS_OF)]
    assert rows(store, "select count(*) from calibration_points") == [(2002,)]
