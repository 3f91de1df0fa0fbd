"""Whom to call first: one list for the page, the report and the command line.

The worst enrolment of each person who can be called: reachable by phone, not opted out, not contacted in the last
days. Somebody of whom too little is known for a score belongs on it where what is known could not be worse: sixteen
sessions missed in a row say enough to ask how they are. They stand where the score of what is known would put them.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import narwhals as nw

from engagement import runs
from engagement.policy import RANK_DIGITS, RiskPolicy
from engagement.risk import formula
from engagement.store import Cursor, query

RECENT: Final = timedelta(days=7)  # whoever was contacted since then is on no call list
LISTED: Final = 10  # in a report and in a mail: as many as somebody calls on a day
_INPUTS: Final = (
    "completed_percent, avg_quiz_score, consecutive_missed_sessions, days_inactive, login_is_unknown"
)
_PUBLISHED: Final = f"select learner_number as number, risk_score, policy_hash, {_INPUTS} from risk_scores"  # noqa: S608 (our own names)
_OF_RUN: Final = f"""
    select learner_number as number, risk_score, $policy_hash as policy_hash, {_INPUTS}
    from run_scores
    where run_id = $run_id
"""  # noqa: S608 (our own names)


def first(
    db: Cursor, candidates: str, named: Mapping[str, object], *, capacity: int, now: datetime
) -> list[int]:
    """Return the numbers of the enrolments to call first, the worst first, one of each person.

    Parameters
    ----------
    candidates
        A query of the numbers of those who are asked about, and what it binds: of published scores.
    """
    return _first(
        db,
        f"select scores.* from ({_PUBLISHED}) as scores semi join ({candidates}) as asked using (number)",  # noqa: S608 (our own queries)
        named,
        policies=runs.policies_of_scores(db),
        capacity=capacity,
        now=now,
    )


def first_of_run(db: Cursor, run: runs.Run, *, capacity: int) -> list[int]:
    """Return `first` by the scores of a run that is not published yet, when it began."""
    return _first(
        db,
        _OF_RUN,
        {"run_id": run.run_id, "policy_hash": run.policy_hash},
        policies=[run.policy],
        capacity=capacity,
        now=min(run.as_of, run.started_at),
    )


def _first(
    db: Cursor,
    scores: str,
    named: Mapping[str, object],
    *,
    policies: list[RiskPolicy],
    capacity: int,
    now: datetime,
) -> list[int]:
    db.execute(f"create or replace temp table rated as {scores}", named)
    db.execute(
        f"""
        create or replace temp table ranked as
        select number, round(risk_score, {RANK_DIGITS}) as rank from temp.rated where risk_score is not null
        """  # noqa: S608 (our own number)
    )
    for policy in policies:
        db.execute(f"insert into temp.ranked {_unknown(db, policy)}")
    found = db.execute(
        query("views/call_list"), {"capacity": capacity, "now": now, "recently": now - RECENT}
    ).fetchall()
    db.execute("drop table temp.rated; drop table temp.ranked")
    return [number for (number,) in found]


def _unknown(db: Cursor, policy: RiskPolicy) -> str:
    """Return the query of those without a score in whom something known could not be worse, and their rank."""
    rated: Any = nw.from_native(db.table("temp.rated"))
    of_policy = rated.filter(
        nw.col("risk_score").is_null(),
        nw.col("policy_hash") == nw.lit(policy.policy_hash),
        formula.is_saturated(policy),
    )
    scored: Any = nw.from_native(formula.score_of_known(of_policy.to_native(), policy=policy))
    ranked = scored.select("number", rank=nw.col("risk_score").round(RANK_DIGITS))
    return str(ranked.to_native().sql_query())
