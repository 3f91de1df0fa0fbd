"""The Learner Engagement Platform: who is drifting away, why, what would help, and did it.

    import engagement as eg

    eg.learners(risk="high", program="Data")             who is worst off, and what drives it
    eg.learner("S-000017")["what_would_help"]            one learner, whole; `eg.history`, `eg.timeline`
    eg.cohort("2026-02-15"), eg.shares("2026-02-15")     everybody as known at a date
    eg.moves("2026-02-01", "2026-03-01")                 who went from which label to which
    eg.simulate({"high_above": 0.6}).in_words            what other numbers would do
    eg.experiment().in_words                             whether nudges helped
    eg.query("from learner_risk limit 5"), eg.tables()   anything else

Modules load when they are first asked for, so that the command line answers at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from engagement.api import (
        cohort,
        experiment,
        group_differences,
        history,
        learner,
        learners,
        messages,
        moves,
        past_runs,
        query,
        shares,
        simulate,
        tables,
        timeline,
    )
    from engagement.notebook import instant, open_run, open_store, real_data, weeks_before, writer, zone
    from engagement.nudges import generate_nudge
    from engagement.quizzes import generate_quiz
    from engagement.risk import RiskPolicy, compute_and_update_all, compute_risk
    from engagement.selection import SelectionPolicy

_HOME: Final = {
    "cohort": "api",
    "experiment": "api",
    "group_differences": "api",
    "history": "api",
    "learner": "api",
    "learners": "api",
    "messages": "api",
    "moves": "api",
    "past_runs": "api",
    "query": "api",
    "shares": "api",
    "simulate": "api",
    "tables": "api",
    "timeline": "api",
    "instant": "notebook",
    "open_run": "notebook",
    "open_store": "notebook",
    "real_data": "notebook",
    "weeks_before": "notebook",
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
    "cohort_charts",
    "cohorts",
    "contacts",
    "cutoffs",
    "disclosure",
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
    "retention",
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
    "cohort",
    "compute_and_update_all",
    "compute_risk",
    "experiment",
    "generate_nudge",
    "generate_quiz",
    "group_differences",
    "history",
    "instant",
    "learner",
    "learners",
    "messages",
    "moves",
    "open_run",
    "open_store",
    "past_runs",
    "query",
    "real_data",
    "shares",
    "simulate",
    "tables",
    "timeline",
    "weeks_before",
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
