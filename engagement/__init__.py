"""The Learner Engagement Platform: who is drifting away, why, what would help, and did it.

    import engagement as eg

    eg.learners(risk="high", program="Data")             who is worst off, and what drives it
    eg.learner("S-000017")["what_would_help"]            one learner, whole; `eg.history`, `eg.timeline`
    eg.cohort("2026-02-15"), eg.shares("2026-02-15")     everybody as known at a date
    eg.moves("2026-02-01", "2026-03-01")                 who went from which label to which
    eg.simulate({"high_above": 0.6}).in_words            what other numbers would do
    eg.experiment().in_words                             whether nudges helped
    eg.query("from learner_risk limit 5"), eg.tables()   anything else

Modules load when they are first asked for, so that the command line answers at once. Those that notebooks are made of,
such as `eg.cohorts` or `eg.charts`, are not listed by `dir`.
"""

from collections import ChainMap
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from engagement.api import (
        all_nudges,
        cohort,
        experiment,
        group_differences,
        history,
        learner,
        learners,
        moves,
        past_runs,
        query,
        shares,
        simulate,
        tables,
        timeline,
    )
    from engagement.jupyter.session import (
        instant,
        open_run,
        open_store,
        real_data,
        weeks_before,
        writer,
        zone,
    )
    from engagement.outreach.nudges import generate_nudge
    from engagement.outreach.quizzes import generate_quiz
    from engagement.policy import RiskPolicy, SelectionPolicy
    from engagement.risk.formula import compute_and_update_all, compute_risk

_HOME: Final = {
    "all_nudges": "api",
    "cohort": "api",
    "experiment": "api",
    "group_differences": "api",
    "history": "api",
    "learner": "api",
    "learners": "api",
    "moves": "api",
    "past_runs": "api",
    "query": "api",
    "shares": "api",
    "simulate": "api",
    "tables": "api",
    "timeline": "api",
    "instant": "jupyter.session",
    "open_run": "jupyter.session",
    "open_store": "jupyter.session",
    "real_data": "jupyter.session",
    "weeks_before": "jupyter.session",
    "writer": "jupyter.session",
    "zone": "jupyter.session",
    "RiskPolicy": "policy",
    "SelectionPolicy": "policy",
    "compute_risk": "risk.formula",
    "compute_and_update_all": "risk.formula",
    "generate_nudge": "outreach.nudges",
    "generate_quiz": "outreach.quizzes",
}
_MODULES: Final = {
    "backtest": "evaluation.backtest",
    "backtest_charts": "reporting.charts.backtests",
    "calibration": "evaluation.calibration",
    "charts": "reporting.charts.runs",
    "cohort_charts": "reporting.charts.cohorts",
    "cohorts": "views.cohorts",
    "decisions": "targeting.decisions",
    "displays": "reporting.displays",
    "effect": "evaluation.effect",
    "effect_charts": "reporting.charts.effects",
    "enrolments": "ingest.learners",
    "events": "ingest.events",
    "experiments": "targeting.experiments",
    "explanations": "risk.explanations",
    "fairness": "evaluation.fairness",
    "headlines": "reporting.headlines",
    "nudges": "outreach.nudges",
    "point_in_time": "evaluation.point_in_time",
    "profiles": "views.profiles",
    "quizzes": "outreach.quizzes",
    "retention": "views.retention",
    "rescoring": "pipeline.rescoring",
    "review": "outreach.review",
    "risk": "risk",
    "run_tables": "views.run_tables",
    "runs": "runs",
    "scores": "risk.scores",
    "selection": "targeting.selection",
    "session": "jupyter.session",
    "sources": "pipeline.incoming.sources",
    "suppression": "views.suppression",
    "titles": "llm.titles",
    "tour": "demo.tour",
    "what_if": "evaluation.what_if",
}
# Where the rest of a module lies that held more before: an analyst's own notebook goes on working.
_REST: Final = {
    "cohorts": ("views.run_tables",),
    "decisions": ("targeting.contact_log",),
    "nudges": ("outreach.drafting",),
    "review": ("outreach.export",),
}
# What notebooks of before call them.
_FORMERLY: Final = {
    "contacts": "decisions",
    "cutoffs": "point_in_time",
    "disclosure": "suppression",
    "findings": "headlines",
    "messages": "all_nudges",
    "notebook": "session",
    "scoring": "scores",
    "simulation": "what_if",
}

__all__ = [
    "RiskPolicy",
    "SelectionPolicy",
    "all_nudges",
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
    name = _FORMERLY.get(name, name)
    if name in _HOME:
        return getattr(import_module(f"engagement.{_HOME[name]}"), name)
    if name in _MODULES:
        homes = [import_module(f"engagement.{home}") for home in (_MODULES[name], *_REST.get(name, ()))]
        return homes[0] if len(homes) == 1 else SimpleNamespace(**ChainMap(*map(vars, homes)))
    raise AttributeError(f"module 'engagement' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
