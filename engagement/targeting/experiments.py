"""Experiments: by chance, a share of those who would hear from somebody waits, so that the others can be compared.

Without such a comparison nobody can tell what a nudge did: who is nudged when they are worst would have come back more
often than not, nudged or not. A plan is written down before the first person is assigned. A person is assigned once, in
the first run that would contact them, and waits for the length of the window; after that nothing sets them apart.

The arm follows from a hash of experiment and person: it is the same wherever and however often it is drawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from engagement.errors import InvalidInput
from engagement.runs import Run
from engagement.store import Cursor, query, records

LEAST_FALL: Final = 0.05  # of a score that counts as one: a step of the picture of scores
OUTCOMES: Final[Mapping[str, str]] = {
    "back": "came back within {days} days",
    "session": "attended the next session",
    "quiz": "took a quiz within {days} days",
    "score": f"lowered their risk score by {LEAST_FALL} or more within {{days}} days",
}
WINDOW_DAYS: Final = 7
MOST_HELD_OUT: Final = 0.5  # more would help fewer people and show no more
ARMS: Final = ("nudge", "control")
_PARTS: Final = 1_000_000  # a share is drawn to the millionth


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is tried, on whom, until when, and what is to be seen; `InvalidInput` where it makes no sense."""

    holdout: float
    term: str
    ends_on: date | str  # the last day on which persons are assigned
    outcome: str = "back"
    window_days: int = WINDOW_DAYS

    def __post_init__(self) -> None:
        if not 0 < self.holdout <= MOST_HELD_OUT:
            raise InvalidInput(f"holdout: {self.holdout}; allowed is more than 0, at most {MOST_HELD_OUT}")
        if not self.term.strip() or "|" in self.term:
            raise InvalidInput("term: a name is needed for the experiment, without |, such as 2026-autumn")
        if self.outcome not in OUTCOMES:
            raise InvalidInput(f"outcome {self.outcome[:40]!r}: allowed are {', '.join(OUTCOMES)}")
        if not 1 <= self.window_days <= 60:
            raise InvalidInput(f"window_days: {self.window_days}; allowed is 1 to 60")
        try:
            _ = self.last_day
        except ValueError:
            raise InvalidInput(
                "ends_on: the last day of the experiment is needed, such as 2026-12-18"
            ) from None

    @property
    def last_day(self) -> date:
        """`ends_on` as a date."""
        return date.fromisoformat(str(self.ends_on))

    @property
    def looks_at(self) -> str:
        """The outcome in words."""
        return OUTCOMES[self.outcome].format(days=self.window_days)


def plan(holdout: float, *, term: str, ends_on: str, outcome: str) -> Plan | None:
    """Return the plan that a pipeline's parameters say, None without a holdout; raises as `Plan` does."""
    return Plan(holdout=holdout, term=term, ends_on=ends_on, outcome=outcome) if holdout else None


def identity(campaign: str, term: str) -> str:
    """Return the id of a campaign's experiment in a term."""
    return f"{campaign}/{term}"


def hold_out(db: Cursor, run: Run, plan: Plan) -> None:
    """Mark in `selection_inputs` whom the plan lets wait from this run on, of those who were not assigned before."""
    if run.day <= plan.last_day:
        _draw(db, identity(run.history_of, plan.term), plan.holdout)


def hold_out_of_running(db: Cursor, day: date) -> None:
    """Mark in `selection_inputs` whom the newest published plan lets wait from that day on."""
    running = db.execute(
        """
        select experiments.id, experiments.holdout
        from experiments
        inner join runs on experiments.run_id = runs.run_id
        where runs.published_at is not null and experiments.ends_on >= $day
        order by experiments.planned_at desc
        limit 1
        """,
        {"day": day},
    ).fetchall()
    for experiment, holdout in running:
        _draw(db, experiment, holdout)


def _draw(db: Cursor, experiment: str, holdout: float) -> None:
    named = {"experiment": experiment, "parts": _PARTS, "held_out": round(holdout * _PARTS)}
    db.execute(query("targeting/hold_out"), named)


def assign(db: Cursor, run: Run, plan: Plan) -> None:
    """Write down the plan and who of the run's decisions is in which arm, in place of what the run wrote before.

    Raises `InvalidInput` where the term has a plan already, and it is another one: a result would speak of neither.
    """
    discard(db, run.run_id)
    if run.day > plan.last_day:
        return
    _register(db, run, plan)
    db.execute(
        query("targeting/assign"),
        {
            "experiment": identity(run.history_of, plan.term),
            "run_id": run.run_id,
            "decides_at": run.decides_at,
            "ends_at": run.decides_at + timedelta(days=plan.window_days),
        },
    )


def discard(db: Cursor, run_id: str) -> None:
    """Forget what a run has planned and assigned."""
    db.execute("delete from assignments where run_id = $run_id", {"run_id": run_id})
    db.execute("delete from experiments where run_id = $run_id", {"run_id": run_id})


def _register(db: Cursor, run: Run, plan: Plan) -> None:
    experiment_id = identity(run.history_of, plan.term)
    wanted: dict[str, Any] = {
        "holdout": plan.holdout,
        "outcome": plan.outcome,
        "window_days": plan.window_days,
        "ends_on": plan.last_day,
    }
    planned = records(
        db,
        """
        select experiments.holdout, experiments.outcome, experiments.window_days, experiments.ends_on
        from experiments
        inner join runs on experiments.run_id = runs.run_id
        where experiments.id = $id and runs.published_at is not null
        """,
        {"id": experiment_id},
    )
    if planned:
        if changed := [name for name, value in wanted.items() if planned[0][name] != value]:
            raise InvalidInput(
                f"{changed[0]}: experiment {experiment_id} was planned with {planned[0][changed[0]]}; "
                "choose another term for another experiment"
            )
        return
    db.execute(
        """
        insert into experiments
        values ($id, $campaign, $term, $holdout, $outcome, $window_days, $ends_on, $planned_at, $run_id)
        """,
        {
            **wanted,
            "id": experiment_id,
            "campaign": run.history_of,
            "term": plan.term,
            "planned_at": run.as_of,
            "run_id": run.run_id,
        },
    )
