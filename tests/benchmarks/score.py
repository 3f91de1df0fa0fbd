"""What the one formula costs against code written for one engine only, over a million learners.

CPU seconds of all threads (`time.process_time`), the median of five runs that take turns. Both sides are held
to the same answer before anything is timed.
"""

import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from engagement.policy import INPUTS as INPUT_OF
from engagement.risk import formula
from engagement.vocabulary import TERMS

LEARNERS = 1_000_000
LOOPED = 100_000  # the loop over dicts runs on these, and its time is multiplied
RUNS = 5
INPUTS = tuple(INPUT_OF.values())
# The contributions are part of the result: both sides work them out and sum them up.
SUMMARY = ", ".join(
    ["risk_label, count(*) as learners", *(f"sum({name})" for name in (*TERMS, "risk_score"))]
)

SQL = """
with terms as (
    select
        case when completed_percent is null or isnan(completed_percent) then null
             when completed_percent < 0 then 1.0::double when completed_percent > 100 then 0.0::double
             else 1.0::double - completed_percent / 100.0::double end as b,
        case when avg_quiz_score is null or isnan(avg_quiz_score) then null
             when avg_quiz_score < 0 then 1.0::double when avg_quiz_score > 100 then 0.0::double
             else 1.0::double - avg_quiz_score / 100.0::double end as q,
        case when consecutive_missed_sessions is null or isnan(consecutive_missed_sessions) then null
             when consecutive_missed_sessions < 0 then 0.0::double
             when consecutive_missed_sessions > 7 then 1.0::double
             else consecutive_missed_sessions / 7.0::double end as m,
        case when days_inactive is null or isnan(days_inactive) or days_inactive > 30 then 1.0::double
             when days_inactive < 0 then 0.0::double
             else days_inactive / 30.0::double end as i
    from learners
), weighed as (
    select *, 1.0::double - (case when b is null then 0.5::double else 0.0::double end
        + case when q is null then 0.2::double else 0.0::double end
        + case when m is null then 0.2::double else 0.0::double end) as known
    from terms
), shared as (
    select
        case when known >= 0.499999999::double then b * 0.5::double / known end as behind_pace,
        case when known >= 0.499999999::double then q * 0.2::double / known end as low_quiz,
        case when known >= 0.499999999::double then m * 0.2::double / known end as missed_session,
        case when known >= 0.499999999::double then i * 0.1::double / known end as inactivity
    from weighed
), scored as (
    select *, case when inactivity is not null then least(1.0::double, coalesce(behind_pace, 0)
        + coalesce(low_quiz, 0) + coalesce(missed_session, 0) + inactivity) end as risk_score
    from shared
), labelled as (
    select *, case when risk_score is null then 'unknown'
        when risk_score > 0.700000001::double then 'high'
        when risk_score > 0.400000001::double then 'medium' else 'low' end as risk_label
    from scored
)
"""


def random_learners(count: int) -> pd.DataFrame:
    """Invented learners; a tenth of each input is missing and some are out of range."""
    rng = np.random.default_rng(7)
    tops = {
        "completed_percent": 105.0,
        "avg_quiz_score": 102.0,
        "consecutive_missed_sessions": 10.0,
        "days_inactive": 60.0,
    }
    columns = {name: rng.uniform(-2.0, top, count) for name, top in tops.items()}
    columns["consecutive_missed_sessions"] = columns["consecutive_missed_sessions"].round()
    for values in columns.values():
        values[rng.random(count) < 0.1] = math.nan
    return pd.DataFrame(columns)


def plain_numpy(learners: pd.DataFrame) -> dict[str, np.ndarray]:
    """The formula as one would write it for arrays: contributions, score, label."""
    completed, quiz, missed, days = (learners[name].to_numpy() for name in INPUTS)
    terms = [
        np.clip(1 - completed / 100, 0, 1),
        np.clip(1 - quiz / 100, 0, 1),
        np.clip(missed / 7, 0, 1),
        np.clip(np.where(np.isnan(days), 1.0, days / 30), 0, 1),
    ]
    here = [~np.isnan(term) for term in terms]
    known = 1 - (~here[0] * 0.5 + ~here[1] * 0.2 + ~here[2] * 0.2)
    known[known < 0.5 - 1e-9] = np.nan
    parts = [term * w / known for term, w in zip(terms, (0.5, 0.2, 0.2, 0.1), strict=True)]
    score = np.minimum(sum(np.where(there, part, 0.0) for part, there in zip(parts, here, strict=True)), 1.0)
    score[np.isnan(known)] = np.nan
    label = np.select(
        [np.isnan(score), score > 0.7 + 1e-9, score > 0.4 + 1e-9], ["unknown", "high", "medium"], "low"
    )
    return dict(zip(TERMS, parts, strict=True)) | {"risk_score": score, "risk_label": label}


def plain_loop(learners: list[dict[str, float | None]]) -> list[tuple[float | None, str]]:
    """The formula as one would write it for one learner at a time: score and label, without contributions."""
    results: list[tuple[float | None, str]] = []
    for learner in learners:
        total, known = 0.0, 0.0
        for name, weight, whole, sign in LOOP_INPUTS:
            value = learner[name]
            if value is None and name != "days_inactive":
                continue
            share = 1.0 if value is None else min(max(value / whole, 0.0), 1.0)
            total += weight * (1.0 - share if sign < 0 else share)
            known += weight
        if known < 0.5 - 1e-9:
            results.append((None, "unknown"))
            continue
        score = min(total / known, 1.0)
        results.append((score, "high" if score > 0.7 + 1e-9 else "medium" if score > 0.4 + 1e-9 else "low"))
    return results


LOOP_INPUTS = tuple(zip(INPUTS, (0.5, 0.2, 0.2, 0.1), (100.0, 100.0, 7.0, 30.0), (-1, -1, 1, 1), strict=True))


def in_turns(*sides: Callable[[], Any], runs: int) -> list[float]:
    """Return the median CPU seconds of each side, after a warming run of each where there are several."""
    seconds: list[list[float]] = [[] for _ in sides]
    uncounted = min(runs - 1, 1)
    for run in range(uncounted + runs):
        for side, taken in zip(sides, seconds, strict=True):
            begin = time.process_time()
            side()
            if run >= uncounted:
                taken.append(time.process_time() - begin)
    return [statistics.median(taken) for taken in seconds]


def row(what: str, ours: float, rival: float, *, target: float) -> dict[str, Any]:
    """Return one measured line; the target is the largest ratio that is good enough."""
    ratio = round(ours / rival, 2)
    return {"what": what, "ours": ours, "rival": rival, "ratio": ratio, "target": target, "unit": "CPU s"}


def against_sql(learners: pd.DataFrame, runs: int) -> dict[str, Any]:
    """DuckDB: the relation `score` builds against SQL written by hand, both only summed up by label."""
    db = duckdb.connect()
    columns = ", ".join(f"case when isnan({name}) then null else {name} end as {name}" for name in INPUTS)
    db.register("source", learners)
    db.execute(f"create table learners as select {columns} from source")

    def ours() -> list[tuple[Any, ...]]:
        return formula.score(db.table("learners")).aggregate(SUMMARY, "risk_label").fetchall()

    def rival() -> list[tuple[Any, ...]]:
        return db.execute(f"{SQL} select {SUMMARY} from labelled group by risk_label").fetchall()

    for mine, theirs in zip(sorted(ours()), sorted(rival()), strict=True):
        assert mine[:2] == theirs[:2]
        for one, other in zip(mine[2:], theirs[2:], strict=True):
            assert one == other or math.isclose(one, other, rel_tol=1e-9)
    built, written = in_turns(ours, rival, runs=runs)
    return row("DuckDB against hand-written SQL", built, written, target=1.15)


def against_numpy(learners: pd.DataFrame, runs: int) -> list[dict[str, Any]]:
    """pandas: against bare arrays, and against the same arrays put into the table that `score` gives."""

    def rival_table() -> pd.DataFrame:
        return learners.assign(**plain_numpy(learners))

    pd.testing.assert_frame_equal(formula.score(learners), rival_table(), rtol=0, atol=1e-12)
    ours, arrays, table = in_turns(
        lambda: formula.score(learners), lambda: plain_numpy(learners), rival_table, runs=runs
    )
    return [
        row("pandas against plain numpy arrays", ours, arrays, target=3.0),
        row("pandas against plain numpy put into a table", ours, table, target=3.0),
    ]


def against_loop(learners: pd.DataFrame, looped: int, runs: int) -> dict[str, Any]:
    """pandas on a million against a loop over dicts, run on fewer and multiplied."""
    few = learners.head(looped)
    dicts = [
        {name: None if math.isnan(value) else value for name, value in zip(INPUTS, line, strict=True)}
        for line in few[[*INPUTS]].to_numpy().tolist()
    ]
    scored = formula.score(few)[["risk_score", "risk_label"]].to_numpy().tolist()
    for (score, label), (expected, word) in zip(scored, plain_loop(dicts), strict=True):
        assert label == word
        assert expected is None or abs(score - expected) <= 1e-12
    ours, loop = in_turns(lambda: formula.score(learners), lambda: plain_loop(dicts), runs=runs)
    scale = len(learners) / len(few)
    what = f"pandas against a loop over dicts ({len(few):,} run, times {scale:g})"
    return row(what, ours, loop * scale, target=0.5)


def main() -> list[dict[str, Any]]:
    """Print and return one row per comparison."""
    return measured(LEARNERS, LOOPED, runs=RUNS)


def smallest() -> list[dict[str, Any]]:
    """Print and return the same of a few learners."""
    return measured(1_000, 100, runs=1)


def measured(learners: int, looped: int, *, runs: int) -> list[dict[str, Any]]:
    """Print and return one row per comparison of so many learners."""
    invented = random_learners(learners)
    rows = [
        against_sql(invented, runs),
        *against_numpy(invented, runs),
        against_loop(invented, looped, runs),
    ]
    for line in rows:
        print(
            f"{line['what']}: {line['ours']:.3f} against {line['rival']:.3f} {line['unit']}, "
            f"ratio {line['ratio']:.2f} (target {line['target']:.2f} or less)"
        )
    return rows


if __name__ == "__main__":
    main()
