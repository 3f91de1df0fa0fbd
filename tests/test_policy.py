"""Numbers of the policy as people read them."""

import pytest

from engagement.policy import DEFAULT_POLICY, TIE, RiskPolicy, shown_score

POLICIES = [
    DEFAULT_POLICY,
    RiskPolicy(high_above=0.6, medium_above=0.3),
    RiskPolicy(high_above=0.655, medium_above=0.29),
    RiskPolicy(high_above=0.995, medium_above=0.005),
]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: f"{policy.medium_above}, {policy.high_above}")
def test_a_score_is_shown_on_its_own_side_of_every_threshold(policy):
    thresholds = policy.thresholds.values()
    near = [edge + step for edge in thresholds for step in (-0.004, -1e-6, -1e-12, 0, 1e-12, 1e-6, 0.004)]
    for score in [*near, *(at / 997 for at in range(998))]:
        shown = shown_score(score, thresholds)
        assert abs(shown - score) < 0.0101
        assert f"{shown:.2f}" == f"{round(shown, 2):.2f}"
        for edge in thresholds:
            assert (shown > edge) == (score > edge + TIE), (score, shown)
            if abs(score - edge) > TIE:
                assert shown != edge, (score, shown)
