"""The questions an analyst asks, each one call that returns a table: `import engagement as eg`, then `eg.learners()`.

All read the store that the settings name (under `engagement explore`, a copy of it) and change nothing. Names and
addresses come only where they are asked for. What is mistyped is `InvalidInput`, which lists what there is. A moment is
a date (its end), an ISO date and time, or a `date` or `datetime`.

No function is called like a module of the package: importing the module would take its place.
"""

import logging
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import narwhals as nw
import pandas as pd

from engagement import runs
from engagement.dates import local_day, utc_now
from engagement.errors import InvalidInput
from engagement.evaluation import effect, fairness, what_if
from engagement.jupyter import session
from engagement.outreach import queue
from engagement.policy import RiskPolicy
from engagement.reporting import workbooks
from engagement.risk import explanations
from engagement.store import Store, first_row, sandbox
from engagement.views import cohorts, named, profiles, roster

Moment = str | date | datetime

_log: Final = logging.getLogger(__name__)
workbooks.hold_texts()
_PERSONAL: Final = {"name", "email", "phone", "content_filled", "subject_filled"}


def learners(
    risk: str | None = None, program: str | None = None, *, limit: int | None = None, with_names: bool = False
) -> pd.DataFrame:
    """Return learners with a published score, worst first: inputs, four contributions, score, label and `driver`.

    `risk_probability` is the chance beside the score, by the calibration that is kept for its policy; missing without.

    Parameters
    ----------
    risk
        One label.
    limit
        At most so many.

    Examples
    --------
    >>> eg.learners(risk="high", limit=2)[["id", "program", "risk_score", "driver"]].round(2)
             id  program  risk_score       driver
    0  S-000004  Nursing         1.0  behind_pace
    1  S-000017     Data         1.0  behind_pace
    """
    with session.open_store().read() as db:
        frame: pd.DataFrame = roster.learners_by_risk(db, risk_label=risk, program=program, limit=limit).df()
        policies = runs.policies_of_scores(db)
        (scored,) = first_row(db, "select count(*) from risk_scores")
    if not scored:
        _log.warning("no scores are published yet; `engagement run nightly` does so, eg.cohort() needs none")
    driven = nw.from_native(frame).with_columns(driver=explanations.main_reason_by(policies)).to_native()
    return driven.drop(columns=["policy", "policy_hash", *([] if with_names else ["name"])])


def learner(learner_id: str, *, with_names: bool = False) -> dict[str, Any]:
    """Return one learner: score, contributions, reasons in words, what would help, history, events, drafts.

    `NotFound` where there is none.

    Examples
    --------
    >>> worst = eg.learner(eg.learners().iloc[0]["id"])
    >>> worst["risk_label"], worst["reasons"][0]
    ('high', '0 % of the due work done')
    """
    store = session.open_store()
    now = session.instant(store, "")
    profile = profiles.profile(
        store, named.learner_id(learner_id), now=now, day=local_day(now, session.zone())
    )
    found = profiles.in_words(profile)
    if with_names:
        return found
    drafts = {kind: [_without_names(draft) for draft in profile[kind]] for kind in ("nudges", "quizzes")}
    return _without_names(found) | drafts


def history(learner_id: str) -> pd.DataFrame:
    """Return how a learner's score went: a row for each change, `as_of`, `risk_score`, `risk_label`.

    Examples
    --------
    >>> eg.history(eg.learners().iloc[0]["id"])["risk_label"].tolist()
    ['high', 'high']
    """
    return pd.DataFrame(learner(learner_id)["history"], columns=["as_of", "risk_score", "risk_label"])


def timeline(learner_id: str) -> pd.DataFrame:
    """Return what happened to a learner, newest first: `timestamp`, `type`, `actor`, `metadata`.

    Examples
    --------
    >>> eg.timeline(eg.learners().iloc[0]["id"])["type"].iloc[0]
    'session_missed'
    """
    return pd.DataFrame(learner(learner_id)["events"], columns=["timestamp", "type", "actor", "metadata"])


def all_nudges(status: str | None = None) -> pd.DataFrame:
    """Return nudges that are published, newest first, without their texts.

    Parameters
    ----------
    status
        Such as draft, approved, sent.

    Examples
    --------
    >>> eg.all_nudges(status="sent")["type"].value_counts().head(2).to_dict()
    {'behind_pace': 90, 'missed_session': 26}
    """
    queue.Filter(status=status)
    return query(
        """
        select
            id, learner_id, program, as_of, channel, type, risk_label, gpt_fallback, model, status, created_at, sent_at
        from published_nudges
        where $status is null or status = $status
        order by created_at desc, id
        """,
        status=status,
    )


def cohort(as_of: Moment = "", *, program: str | None = None) -> pd.DataFrame:
    """Return everybody as known at a date, scored: one row per learner. Empty: the newest facts.

    The same date gives the same numbers, whatever was loaded or published since.

    Examples
    --------
    >>> eg.cohort("2026-02-15").groupby("program")["risk_score"].mean().round(2).to_dict()
    {'Data': 0.49, 'Design': 0.48, 'Nursing': 0.48, 'Welding': 0.41}
    """
    store = session.open_store()
    return cohorts.learners_at(store, _instant(store, as_of), program=program)


def shares(as_of: Moment = "", *, program: str | None = None) -> pd.DataFrame:
    """Return how many learners have each label at a date: `label`, `learners`, `share_percent`.

    Examples
    --------
    >>> eg.shares("2026-02-15").set_index("label")["learners"].to_dict()
    {'high': 47, 'medium': 117, 'low': 120, 'unknown': 3}
    """
    return cohorts.label_shares(cohort(as_of, program=program))


def moves(since: Moment, until: Moment = "", *, program: str | None = None) -> pd.DataFrame:
    """Return who went from which label to which: a row per label at `since`, a column per label at `until`.

    Who was there, or had a score, on one of the two dates only is left out.

    Examples
    --------
    >>> int(eg.moves("2026-02-01", "2026-03-01").loc["low", "high"])
    4
    """
    store = session.open_store()
    from_, to = (_instant(store, moment) for moment in (since, until))
    if from_ > to:
        raise InvalidInput(
            f"since {from_:%Y-%m-%d}: lies after until, {to:%Y-%m-%d}; what comes first stands first"
        )
    return cohorts.moves(*(cohorts.learners_at(store, moment, program=program) for moment in (from_, to)))


def simulate(
    policy: RiskPolicy | Mapping[str, Any] | str | Path, *, as_of: Moment = "", program: str | None = None
) -> what_if.Simulation:
    """Return what other numbers of the formula would do: `in_words`, `workload`, `moves`, `discrimination`.

    Parameters
    ----------
    policy
        A `RiskPolicy`; or the numbers that differ, by name; or a TOML file with a [risk] table.

    Examples
    --------
    >>> found = eg.simulate({"high_above": 0.6})
    >>> int(found.workload.set_index("label").loc["high", "change"])
    18
    """
    if isinstance(policy, str | Path):
        policy = RiskPolicy.from_toml(policy)
    elif isinstance(policy, Mapping):
        policy = RiskPolicy.from_table(dict(policy), source="policy")
    elif not isinstance(policy, RiskPolicy):
        raise InvalidInput("policy: a RiskPolicy, numbers by name or the path of a TOML file is needed")
    store = session.open_store()
    at = _instant(store, as_of)
    return what_if.simulate(
        store,
        policy,
        as_of=at,
        beside=session.policy_in_use(store, program),
        program=program,
        now=utc_now(),
        day=local_day(at, session.zone()),
    )


def experiment(name: str = "", *, as_of: Moment = "") -> effect.Effect:
    """Return what an experiment found, such as nightly/2026-autumn: `in_words`, `verdict`, and the numbers behind them.

    Empty: the newest one that is over.

    Examples
    --------
    >>> eg.experiment().verdict
    'cannot_tell'
    """
    store = session.open_store()
    return effect.estimate(store, named.text("name", name), as_of=_instant(store, as_of), zone=session.zone())


def group_differences() -> pd.DataFrame:
    """Return label, contact and error rates by group, small groups hidden, for each grouping that was loaded.

    Examples
    --------
    >>> found = eg.group_differences()
    >>> found[found["measure"] == "at high risk"][["group", "learners", "share"]].to_dict("records")
    [{'group': 'en', 'learners': 201, 'share': 17}, {'group': 'de', 'learners': 92, 'share': 11}]
    """
    return fairness.table(fairness.every(session.open_store()))


def past_runs() -> pd.DataFrame:
    """Return the runs, newest first: `run_id`, `pipeline`, `as_of`, `attempt`, `status`, `published_at`.

    Examples
    --------
    >>> eg.past_runs()[["pipeline", "status"]].drop_duplicates().values.tolist()
    [['nightly', 'published']]
    """
    return query(
        """
        select run_id, pipeline, as_of, attempt, status, published_at
        from runs
        order by as_of desc, started_at desc, run_id
        """
    )


def query(sql: str, **parameters: object) -> pd.DataFrame:
    """Return the rows of a query over the store's tables and views, with `$name` filled in; it can change nothing.

    `InvalidInput` says what is wrong with it. Ends after a minute.

    Examples
    --------
    >>> eg.query("select count(*) as quizzes from quizzes where status = $status", status="draft")["quizzes"].item()
    95
    """
    return sandbox.answer(session.open_store(), sql, parameters)


def tables() -> pd.DataFrame:
    """Return what there is to ask for: a row per column, `table`, `column`, `type`, `comment` ((P): personal data).

    Examples
    --------
    >>> found = eg.tables()
    >>> found[found["table"] == "risk_scores"]["column"].tolist()[:3]
    ['learner_id', 'as_of', 'risk_score']
    """
    return sandbox.tables(session.open_store())


def _without_names(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _PERSONAL}


def _instant(store: Store, as_of: Moment) -> datetime:
    return session.known_instant(store, as_of, now=utc_now())
