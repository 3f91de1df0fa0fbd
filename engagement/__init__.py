"""The Learner Engagement Platform: who is drifting away, why, what would help, and did it.

    import engagement as eg

    store = eg.open_store()
    eg.enrolments.load(store, Path("learners.csv"), observed_at=now, loaded_at=now)
    eg.compute_risk({"completed_percent": 20, "avg_quiz_score": 45, ...}, as_of=date(2026, 3, 1))

Modules load when they are first asked for, so that the command line answers at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from engagement.notebook import instant, open_run, open_store, real_data, writer, zone
    from engagement.nudges import generate_nudge
    from engagement.quizzes import generate_quiz
    from engagement.risk import RiskPolicy, compute_and_update_all, compute_risk
    from engagement.selection import SelectionPolicy

_HOME: Final = {
    "instant": "notebook",
    "open_run": "notebook",
    "open_store": "notebook",
    "real_data": "notebook",
    "writer": "notebook",
    "zone": "notebook",
    "RiskPolicy": "risk",
    "SelectionPolicy": "selection",
    "compute_risk": "risk",
    "compute_and_update_all": "risk",
    "generate_nudge": "nudges",
    "generate_quiz": "quizzes",
}
_MODULES: Final = (
    "backtest",
    "backtest_charts",
    "calibration",
    "charts",
    "cohorts",
    "contacts",
    "cutoffs",
    "displays",
    "effect",
    "effect_charts",
    "events",
    "experiments",
    "explanations",
    "fairness",
    "findings",
    "enrolments",
    "notebook",
    "nudges",
    "profiles",
    "quizzes",
    "review",
    "risk",
    "runs",
    "scoring",
    "selection",
    "simulation",
    "sources",
    "titles",
)

__all__ = [
    "RiskPolicy",
    "SelectionPolicy",
    "compute_and_update_all",
    "compute_risk",
    "generate_nudge",
    "generate_quiz",
    "instant",
    "open_run",
    "open_store",
    "real_data",
    "writer",
    "zone",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"engagement.{_HOME[name]}"), name)
    if name in _MODULES:
        return import_module(f"engagement.{name}")
    raise AttributeError(f"module 'engagement' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES})
