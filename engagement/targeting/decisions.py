"""Contact decisions: whom a run contacts and whom it leaves alone, by the rules of `selection`, each with its reason.

Before a person writes to one learner, the same rules say what they know about that one.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final, cast

import narwhals as nw

from engagement import runs
from engagement.errors import NotFound
from engagement.policy import DRAFT_HOURS, RiskPolicy, SelectionPolicy
from engagement.store import Cursor, Relation, Store, first_row, query, query_made, read_once, records
from engagement.targeting import experiments, selection
from engagement.vocabulary import TERMS

_DECIDED: Final = (
    "learner_id, person_id, decision, type, channel, reason, quiz, quiz_topic, priority, risk_score, "
    "risk_label"
)
_INPUTS: Final = "temp.selection_inputs"
_SCORES: Final = f"learner_id, risk_score, risk_label, {', '.join(TERMS)}"


def decide(
    store: Store,
    run: runs.Run,
    *,
    policy: SelectionPolicy,
    plan: experiments.Plan | None = None,
) -> int:
    """Write one decision per learner for the run, contacted or not; return how many are contacted.

    By a `plan`, some wait, and the others are compared with them. Decided anew, it replaces the run's own decisions.
    """
    with store.staging():
        # Who approves a nudge after this look and before the write comes after the run, as a minute later would be.
        with store.read() as db:
            _compute(db, run, policy, plan)
        with store.write() as db:
            discard(db, run.run_id)
            db.execute(
                f"insert into contact_decisions select $run_id, {_DECIDED} from temp.decided",  # noqa: S608 (ours)
                {"run_id": run.run_id},
            )
            if plan and not runs.looks_back(db, run):
                experiments.assign(db, run, plan)
            contacted = first_row(db, "select count(*) from temp.decided where decision = 'contact'")[0]
            db.execute("drop table temp.decided")
        return int(contacted)


def _compute(db: Cursor, run: runs.Run, policy: SelectionPolicy, plan: experiments.Plan | None) -> None:
    """Fill the temporary table `decided`."""
    db.execute(
        f"create or replace temp table scores_now as select {_SCORES} from run_scores where run_id = $run_id",  # noqa: S608
        {"run_id": run.run_id},
    )
    _decide(
        db,
        policy=_left_of(db, run, policy),
        risk_policy=run.policy,
        hold_out=lambda: experiments.hold_out(db, run, plan) if plan else None,
        as_of=run.as_of,
        known_at=run.as_of,
        decides_at=run.decides_at,
        day=run.day,
        pipeline=run.history_of,
        run_id=run.run_id,
        written_anew="templates" if policy.rewrite_templates else "nothing",
    )


def _decide(
    db: Cursor,
    *,
    policy: SelectionPolicy,
    risk_policy: RiskPolicy,
    hold_out: Callable[[], object],
    **asked: Any,
) -> None:
    """Fill `decided` from `scores_now`, which goes: what the rules ask, who waits, what they answer."""
    _find_inputs(db, **asked)
    hold_out()
    decided = query_made(db, _INPUTS, _decided, policy, risk_policy)
    db.execute(read_once(db, f"create or replace temp table decided as {decided}"))
    db.execute("drop table temp.scores_now")
    db.execute("drop table temp.selection_inputs")


def _decided(inputs: Relation, policy: SelectionPolicy, risk_policy: RiskPolicy) -> Relation:
    return selection.decide(inputs, policy=policy, risk_policy=risk_policy)


def _typed(inputs: Relation, policy: SelectionPolicy, risk_policy: RiskPolicy) -> Relation:
    typed = nw.from_native(cast("Any", inputs)).with_columns(
        type=selection.nudge_type(policy, risk_policy), channel=selection.channel()
    )
    return cast("Relation", typed.to_native())


def would_contact(
    db: Cursor,
    scores: str,
    *,
    as_of: datetime,
    decides_at: datetime,
    day: date,
    program: str | None,
    policy: SelectionPolicy,
    risk_policy: RiskPolicy,
) -> int:
    """Return how many learners (of a program) a nightly run would contact that had these scores; nothing is written.

    As if it were the only run of its day: what another has drafted for it is in nobody's way.

    Parameters
    ----------
    scores
        A query of `learner_id`, `risk_score`, `risk_label` and the contributions.
    """
    db.execute(f"create or replace temp table scores_now as select {_SCORES} from ({scores})")  # noqa: S608 (ours)
    _decide(
        db,
        policy=policy,
        risk_policy=risk_policy,
        hold_out=lambda: experiments.hold_out_of_running(db, day),
        as_of=as_of,
        known_at=as_of,
        decides_at=decides_at,
        day=day,
        pipeline=runs.NIGHTLY,
        written_anew="drafts",
    )
    (contacted,) = first_row(
        db,
        """
        select count(*)
        from temp.decided
        inner join learners on decided.learner_id = learners.id
        where decided.decision = 'contact' and ($program is null or learners.program = $program)
        """,
        {"program": program},
    )
    db.execute("drop table temp.decided")
    return int(contacted)


def policy_in_use(db: Cursor) -> SelectionPolicy:
    """Return the numbers by which the newest published nightly run chose: those of the rules that it was told."""
    newest = runs.newest(db, runs.NIGHTLY)
    steps = runs.parameters(db, newest).values() if newest else ()
    return SelectionPolicy.told({name: value for step in steps for name, value in step.items()})


def _left_of(db: Cursor, run: runs.Run, policy: SelectionPolicy) -> SelectionPolicy:
    """Return the policy with what earlier attempts for the same day have left of the capacity."""
    if policy.capacity is None:
        return policy
    drafted = first_row(
        db,
        """
        select count(*)
        from published_nudges
        where campaign = $campaign and period = $period
            and not gives_way(run_id, gpt_fallback, reason, status, changed_by, $run_id, $rewrites)
        """,
        {
            "campaign": run.pipeline,
            "period": run.day.isoformat(),
            "run_id": run.run_id,
            "rewrites": policy.rewrite_templates,
        },
    )[0]
    return replace(policy, capacity=max(policy.capacity - drafted, 0))


def check_program(db: Cursor, learner_id: str, programs: Sequence[str] | None) -> None:
    """Raise `NotFound` where there is no such learner in the programs; None: all programs."""
    found = db.execute("select program from learners where id = $id", {"id": learner_id}).fetchall()
    if not found or (programs is not None and found[0][0] not in programs):
        raise NotFound(f"no learner {learner_id!r}")


def refusals(db: Cursor, learner_id: str) -> dict[str, str | None]:
    """Return, for each of `CHANNELS` and for "quiz", why nobody may write to the learner that way, whoever asks.

    "inactive", "opted_out", "no_opt_in" or "no_address"; None where a person may. Raises `NotFound`.
    """
    found = records(
        db,
        """
        select in_app, whatsapp, email, refused_by_channel('quiz', in_app, whatsapp, email) as quiz
        from contact_refusals
        where learner_id = $id
        """,
        {"id": learner_id},
    )
    if not found:
        raise NotFound(f"no learner {learner_id!r}")
    return found[0]


def look_at(
    db: Cursor, learner_id: str, *, now: datetime, day: date, programs: Sequence[str] | None = None
) -> dict[str, Any]:
    """Return what the rules know about one learner at this moment, with the `type` of nudge that fits.

    Keys as in `selection.COLUMNS`, and `past` (the limits that one more goes past, as codes), `type`, `channel` (None:
    none fits), `program`, `locale`, `known_at` (up to when facts count), `basis` (what the share of work done is of).
    Raises `NotFound`.
    """
    check_program(db, learner_id, programs)
    db.execute(
        f"create or replace temp table scores_now as select {_SCORES} from risk_scores where learner_id = $learner_id",  # noqa: S608
        {"learner_id": learner_id},
    )
    scored = db.execute(
        """
        select risk_scores.as_of, runs.policy
        from risk_scores
        inner join runs on risk_scores.run_id = runs.run_id
        where risk_scores.learner_id = $learner_id
        """,
        {"learner_id": learner_id},
    ).fetchall()
    # Tonight's run speaks of the end of the day: what it knew counts now, by the numbers it used.
    known_at, policy = (
        (max(now, scored[0][0]), runs.policy_of(scored[0][1])) if scored else (now, runs.policy_in_use(db))
    )
    chooses = policy_in_use(db)
    _find_inputs(
        db,
        as_of=now,
        known_at=known_at,
        decides_at=now,
        day=day,
        pipeline=runs.NIGHTLY,
        written_anew="nothing",
        learner_id=learner_id,
    )
    (learner,) = records(db, query_made(db, _INPUTS, _typed, chooses, policy))
    past = selection.limits_passed(learner, chooses)
    return {**learner, "past": past, "known_at": known_at, "basis": policy.basis}


def _find_inputs(
    db: Cursor,
    *,
    as_of: datetime,
    known_at: datetime,
    decides_at: datetime,
    day: date,
    pipeline: str,
    written_anew: str,
    learner_id: str | None = None,
    run_id: str | None = None,
) -> None:
    """Fill `selection_inputs`, what the rules ask; `written_anew` says what of the day's own drafts is in nobody's way.

    "nothing", "templates" that nobody touched, or "drafts", all of them.
    """
    person_number = None
    if learner_id is not None:
        (person_number,) = first_row(
            db, "select person_number from learners where id = $id", {"id": learner_id}
        )
    db.execute(
        query("targeting/selection_inputs"),
        {
            "as_of": as_of,
            "known_at": known_at,
            "decides_at": decides_at,
            "day": day,
            "pipeline": pipeline,
            "learner_id": learner_id,
            "person_number": person_number,
            "run_id": run_id,
            "written_anew": written_anew,
            "draft_hours": DRAFT_HOURS,
        },
    )


def leave_out(db: Cursor, run_id: str, learner_ids: Sequence[str], *, reason: str) -> None:
    """Let the run leave alone learners whom it chose: they cannot be written to after all, for that reason."""
    db.execute(
        """
        update contact_decisions
        set decision = 'no_contact', reason = $reason, type = null, channel = null, priority = null
        where run_id = $run_id and decision = 'contact' and learner_id in (select unnest($learners::text[]))
        """,
        {"run_id": run_id, "learners": list(learner_ids), "reason": reason},
    )


def publish(db: Cursor, run: runs.Run) -> None:
    """Keep only the newest run's decisions, within the transaction that publishes the run."""
    newer = db.execute(
        "select 1 from runs where pipeline = $pipeline and published_at is not null and as_of > $as_of limit 1",
        {"pipeline": run.pipeline, "as_of": run.as_of},
    ).fetchall()
    if newer:
        discard(db, run.run_id)
        return
    db.execute(
        """
        delete from contact_decisions
        where run_id <> $run_id and run_id in (select run_id from runs where pipeline = $pipeline)
        """,
        {"run_id": run.run_id, "pipeline": run.pipeline},
    )


def discard(db: Cursor, run_id: str) -> None:
    """Forget the decisions of a run."""
    db.execute("delete from contact_decisions where run_id = $run_id", {"run_id": run_id})
