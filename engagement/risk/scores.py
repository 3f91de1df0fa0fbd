"""Scores of everybody at one instant: from the facts known then, through the one formula, into the store.

A run writes its scores aside (`run_scores`); publishing makes them current and adds to the history what changed.
The clock is never read: the same facts, policy and `as_of` give the same scores on any day.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engagement.policy import INPUTS, RiskPolicy
from engagement.risk import formula
from engagement.runs import Run
from engagement.store import Cursor, Relation, Store, query, query_made, read_once
from engagement.vocabulary import LABELS, TERMS


def score(store: Store, run: Run) -> dict[str, int]:
    """Score every active learner with facts at the run's `as_of` by its policy; return learners by label.

    Run again, it replaces the run's own scores.
    """
    with store.staging():
        with store.read() as db:
            compute(db, as_of=run.as_of, policy=run.policy, programs=None)
        with store.write() as db:
            return keep(db, run)


def compute(db: Cursor, *, as_of: datetime, policy: RiskPolicy, programs: Sequence[str] | None) -> None:
    """Fill the temporary table `scored`; nobody has to wait for it, so it comes before the write that keeps it.

    What is loaded between the two was not known yet when this run looked: facts are never changed, only added.
    """
    asked = {"as_of": as_of, "programs": programs, "basis": policy.basis}
    db.execute(query("risk/score_inputs"), asked)
    scored = query_made(db, "temp.score_inputs", _scored, policy)
    # Worst first, as the scores are read once they are published: a page from the top looks at one corner of the table.
    ordered = f"create or replace temp table scored as from ({scored}) order by risk_score desc nulls last"
    db.execute(read_once(db, ordered))
    db.execute("drop table temp.score_inputs")


def _scored(inputs: Relation, policy: RiskPolicy) -> Relation:
    return formula.score(inputs, policy=policy)


def keep(db: Cursor, run: Run) -> dict[str, int]:
    """Put what `compute` found aside as the run's own and return learners by label."""
    discard(db, run.run_id)
    db.execute(
        f"""
        insert into run_scores by name
        select $run_id as run_id, learner_id, learner_number, risk_score, risk_label, {", ".join(TERMS)},
            login_in_future, last_login, login_is_unknown, {", ".join(INPUTS.values())}
        from temp.scored
        """,  # noqa: S608 (names of the formula)
        {"run_id": run.run_id},
    )
    db.execute("drop table temp.scored")
    return labels(db, run)


def labels(db: Cursor, run: Run) -> dict[str, int]:
    """Return how many learners of an unpublished run have each label, every label named."""
    return _counted(
        db,
        "select risk_label, count(*) from run_scores where run_id = $run_id group by risk_label",
        {"run_id": run.run_id},
    )


def current_labels(db: Cursor, programs: Sequence[str] | None) -> dict[str, int]:
    """Return how many learners have each label in the newest published scores, every label named."""
    return _counted(
        db,
        """
        select risk_scores.risk_label, count(*)
        from risk_scores
        inner join learners on risk_scores.learner_id = learners.id
        where $programs is null or learners.program in (select unnest($programs))
        group by risk_scores.risk_label
        """,
        {"programs": programs},
    )


def _counted(db: Cursor, sql: str, named: dict[str, Any]) -> dict[str, int]:
    found = dict(db.execute(sql, named).fetchall())
    return {label: int(found.get(label, 0)) for label in LABELS}


def publish(db: Cursor, run: Run) -> None:
    """Make the run's scores current, within the transaction that publishes the run."""
    named = {"run_id": run.run_id, "as_of": run.as_of, "policy_hash": run.policy_hash}
    db.execute(query("risk/append_score_history"), named)
    db.execute(query("risk/supersede_words"), {"run_id": run.run_id, "as_of": run.as_of})
    db.execute(query("risk/forget_older_scores"), {"run_id": run.run_id, "as_of": run.as_of})
    db.execute(query("risk/insert_scores"), named)
    db.execute(query("risk/forget_inactive_scores"))
    discard(db, run.run_id)


def discard(db: Cursor, run_id: str) -> None:
    """Forget the scores that a run has put aside."""
    db.execute("delete from run_scores where run_id = $run_id", {"run_id": run_id})
