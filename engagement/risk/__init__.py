"""Who is likely to leave, from 0 to 1, and why."""

from engagement.policy import DEFAULT_POLICY, RiskPolicy
from engagement.risk.formula import compute_and_update_all, compute_risk, days_inactive, score
from engagement.vocabulary import LABELS, TERMS

__all__ = [
    "DEFAULT_POLICY",
    "LABELS",
    "TERMS",
    "RiskPolicy",
    "compute_and_update_all",
    "compute_risk",
    "days_inactive",
    "score",
]
