"""The main reason is one rule, for a row and for a frame: the largest term, by the policy that made the score."""

from itertools import product

import narwhals as nw
import pandas as pd
import pytest

from engagement.policy import DEFAULT_POLICY, RiskPolicy
from engagement.risk import explanations, formula
from engagement.vocabulary import TERMS

OTHER = RiskPolicy(
    weights={"behind_pace": 0.28, "low_quiz": 0.36, "missed_session": 0.23, "inactivity": 0.13},
    missed_sessions_cap=11,
    recency_days=44,
)
NO_WORK = RiskPolicy(
    weights={"behind_pace": 0.0, "low_quiz": 0.5, "missed_session": 0.25, "inactivity": 0.25},
)
POLICIES = (DEFAULT_POLICY, OTHER, NO_WORK)

# Every combination of what is missing, safe, in between, tied under some policy, and past a cap.
VALUES = {
    "completed_percent": (None, 0, 5, 30, 50, 99.9, 100),
    "avg_quiz_score": (None, 0, 30, 50, 100),
    "consecutive_missed_sessions": (None, 0, 3.5, 5, 7, 11, 16),
    "days_inactive": (None, 0, 15, 22, 30, 44, 60),
}
ROWS = [dict(zip(VALUES, row, strict=True)) for row in product(*VALUES.values())]


def scored(rows, policy):
    frame = pd.DataFrame(rows).astype("float64")
    return formula.score(frame, policy=policy).assign(policy_hash=policy.policy_hash)


def test_a_row_and_a_frame_name_the_same_main_reason():
    frame = pd.concat([scored(ROWS, policy) for policy in POLICIES], ignore_index=True)
    named = nw.from_native(frame).with_columns(driver=explanations.main_reason_by(POLICIES)).to_native()
    policies = [policy for policy in POLICIES for _ in ROWS]
    for policy, row in zip(policies, named.to_dict("records"), strict=True):
        coded = explanations.coded(row, policy=policy)
        assert (coded[0].term if coded else None) == (None if pd.isna(row["driver"]) else row["driver"])


@pytest.mark.parametrize("policy", POLICIES, ids=["documented", "other", "no work"])
def test_who_has_no_score_or_nothing_against_them_has_no_main_reason(policy):
    best = {
        "completed_percent": 100,
        "avg_quiz_score": 100,
        "consecutive_missed_sessions": 0,
        "days_inactive": 0,
    }
    nothing = dict.fromkeys(best)
    frame = nw.from_native(scored([best, nothing | {"days_inactive": 9}], policy))
    assert frame.select(driver=explanations.main_reason(policy))["driver"].is_null().all()


def test_terms_come_by_size_and_ties_in_the_order_of_the_contract():
    row = {"behind_pace": 0.35, "low_quiz": 0.14, "missed_session": 0.2, "inactivity": 0.0}
    assert explanations.by_term(row, policy=DEFAULT_POLICY) == ["missed_session", "behind_pace", "low_quiz"]
    assert explanations.by_term(dict.fromkeys(TERMS), policy=DEFAULT_POLICY) == []
