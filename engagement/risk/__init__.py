"""Who is likely to leave, from 0 to 1, and why."""

from engagement.policy import BASES, DEFAULT_POLICY, INPUTS, KNOWN_WEIGHT, TIE, WEIGHTS, RiskPolicy
from engagement.risk.formula import compute_and_update_all, compute_risk, days_inactive
from engagement.risk.formula import score_table as score
from engagement.vocabulary import LABELS, TERMS

__all__ = [
    "BASES",
    "DEFAULT_POLICY",
    "INPUTS",
    "KNOWN_WEIGHT",
    "LABELS",
    "TERMS",
    "TIE",
    "WEIGHTS",
    "RiskPolicy",
    "compute_and_update_all",
    "compute_risk",
    "days_inactive",
    "score",
]
