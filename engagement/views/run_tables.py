"""What a run found and did, as small tables: labels, drivers, drafts, authors, loads.

Each function returns one pandas frame that a notebook shows or a chart draws. The counting happens in the store.
"""

from datetime import date
from typing import Any, Final

import narwhals as nw
import pandas as pd

from engagement import runs
from engagement.content.generation import WHY_TEMPLATE
from engagement.policy import shown_score
from engagement.risk import explanations, scores
from engagement.runs import Run
from engagement.store import Cursor, Store, query, records
from engagement.targeting import selection
from engagement.views import calls
from engagement.views import coverage as inputs
from engagement.vocabulary import AT_RISK, LABELS, TYPE_WORDS

MOST_MISSING: Final = 30  # rows of what is missing; `engagement coverage` lists all


def label_counts(store: Store, run: Run) -> pd.DataFrame:
    """Return one row per label: `label`, `learners`, `before` and `change` since the last published run."""
    with store.read() as db:
        labels = scores.labels(db, run)
        previous = runs.previous(db, run)
        earlier: Any = runs.counts(db, previous.run_id).get("labels") if previous else None
    counts = pd.DataFrame({"label": list(LABELS), "learners": [labels[label] for label in LABELS]})
    before = pd.Series([earlier.get(label) if earlier else None for label in LABELS], dtype="Int64")
    return counts.assign(before=before, change=counts["learners"].astype("Int64") - before)


def score_bins(store: Store, run: Run) -> pd.DataFrame:
    """Return one row per bin of 0.05 and label: `score_from`, `score_to`, `label`, `learners`."""
    return _frame(store, "views/run_score_bins", run_id=run.run_id)


def drivers(store: Store, run: Run) -> pd.DataFrame:
    """Return one row per driver of those at high or medium risk: `driver`, `learners`, most frequent first.

    A driver is the term that is largest for its own range: the one that also chooses the type of nudge.
    """
    with store.read() as db:
        scored: Any = nw.from_native(db.table("run_scores"))
        counted = (
            scored.filter(nw.col("run_id") == run.run_id, nw.col("risk_label").is_in(AT_RISK))
            .with_columns(driver=explanations.main_reason(run.policy))
            .group_by("driver")
            .agg(learners=nw.len())
        )
        frame: pd.DataFrame = counted.to_native().df()
    return frame.sort_values(["learners", "driver"], ascending=[False, True], ignore_index=True)


def programs(store: Store, run: Run) -> pd.DataFrame:
    """Return one row per program: `learners`, a column per label, `mean_risk`; worst program first."""
    return _frame(store, "views/run_programs", run_id=run.run_id)


def drafts(store: Store, run: Run) -> pd.DataFrame:
    """Return one row per type of nudge: drafts by channel."""
    return _frame(store, "views/run_drafts", run_id=run.run_id).replace({"type": TYPE_WORDS})


def quiz_drafts(store: Store, run: Run) -> pd.DataFrame:
    """Return one row per topic: quizzes drafted, and how many of them from a template."""
    return _frame(store, "views/run_quizzes", run_id=run.run_id)


def left_out(store: Store, run: Run) -> pd.DataFrame:
    """Return one row per reason in words: `reason`, `learners` who are not contacted."""
    return _frame(store, "views/run_left_out", run_id=run.run_id).replace({"reason": selection.WORDS})


def authors(store: Store, run: Run) -> pd.DataFrame:
    """Return one row per author of the drafts: `written_by` (a model or "template"), `why` in words, and how many."""
    with store.read() as db:
        found = drafts_by_author(db, run)
    worded = [
        {
            "written_by": row["model"] or "template",
            "why": WHY_TEMPLATE.get(row["reason"], row["reason"]),
            "nudges": row["nudges"],
            "quizzes": row["quizzes"],
        }
        for row in found
    ]
    return pd.DataFrame(worded, columns=["written_by", "why", "nudges", "quizzes"])


def drafts_by_author(db: Cursor, run: Run) -> list[dict[str, Any]]:
    """Return one row per author of the run's drafts: `model`, `reason` (of a template), `nudges` and `quizzes`."""
    return records(db, query("views/run_authors"), {"run_id": run.run_id})


def newer_day(store: Store, run: Run) -> date | None:
    """Return the day of a newer run that is published: then this one looks back, and drafts nothing."""
    with store.read() as db:
        return runs.newer_day(db, run)


def model_use(store: Store, run: Run) -> pd.DataFrame:
    """Return one row: `model` (missing where none was asked), `texts` it wrote, `different_texts`, `drafts` in all.

    And what that took: `requests`, `input_tokens`, `output_tokens`, `spent_usd`, and `saved_usd` by asking equal
    prompts once and reading what earlier runs were answered; both missing where the price is not known. `newer_day` is
    the day of a newer run that is published: then this one looks back, and drafts nothing.
    """
    with store.read() as db:
        newer = runs.newer_day(db, run)
        return pd.DataFrame([asked_of_model(db, run) | {"newer_day": newer and newer.isoformat()}])


def asked_of_model(db: Cursor, run: Run) -> dict[str, Any]:
    """Return the one row of `model_use` as plain values."""
    return records(db, query("views/run_model_use"), {"run_id": run.run_id})[0]


def loads(store: Store, run: Run) -> pd.DataFrame:
    """Return the newest ten loads known to the run: `load_id`, `source`, `kind`, `observed_at`, and rows by fate."""
    return _frame(store, "views/run_loads", as_of=run.as_of)


def unlike(store: Store, run: Run) -> pd.DataFrame:
    """Return which of the newest ten loads fall short of those before them: `source` and `why`, in words."""
    return _frame(store, "views/run_unlike", as_of=run.as_of)


def coverage(store: Store, run: Run) -> pd.DataFrame:
    """Return what is missing of the inputs: `program`, `input`, `unknown_percent`, `since`, `missing` in words."""
    found = inputs.coverage(store, programs=None, as_of=run.as_of, now=run.decides_at)
    rows = [{**row, "input": row["name"]} for row in inputs.missing(found)]
    columns = ["program", "input", "unknown_percent", "since", "missing"]
    frame = pd.DataFrame(rows[:MOST_MISSING], columns=columns)
    return frame.assign(since=pd.to_datetime(frame["since"]).dt.date)


def missing_inputs(store: Store, run: Run) -> pd.DataFrame:
    """Return one row per input of the score: for how many of the `learners` it is `missing`."""
    return _frame(store, "views/run_missing", run_id=run.run_id)


def freshness(store: Store, run: Run) -> pd.DataFrame:
    """Return one row: `newest_facts`, `age_days`, `logins_in_future`, `without_facts`, `odd_cells` (JSON or None)."""
    return _frame(store, "views/run_freshness", run_id=run.run_id, as_of=run.as_of, now=run.decides_at)


def label_history(store: Store, run: Run) -> pd.DataFrame:
    """Return one row per label and published run up to this one: `as_of`, `label`, `learners`."""
    return _frame(store, "views/label_history", run_id=run.run_id, day=run.day, pipeline=run.history_of)


def worst(store: Store, run: Run, *, limit: int = calls.LISTED, with_names: bool = False) -> pd.DataFrame:
    """Return whom to call first, as `calls` has them when the run began, with the main reasons in words.

    `nudge` is the type of the one that is drafted, or why there is none. Scores are in hundredths, as `shown_score`
    has them. Names only where they are asked for.
    """
    with store.read() as db:
        numbers = calls.first_of_run(db, run, capacity=limit)
        named = {"run_id": run.run_id, "numbers": numbers}
        rows = records(db, query("views/run_worst"), named)
    columns = [
        "id",
        *(["name"] if with_names else []),
        "program",
        "risk_label",
        "risk_score",
        "main_reasons",
        "nudge",
    ]
    worded = [
        {
            **row,
            "risk_score": None
            if row["risk_score"] is None
            else shown_score(row["risk_score"], run.policy.thresholds.values()),
            "main_reasons": "; ".join(explanations.reasons(row, policy=run.policy)),
            "nudge": TYPE_WORDS.get(row["nudge"]) or _none(row["reason"]),
        }
        for row in rows
    ]
    return pd.DataFrame(worded, columns=columns)


def _none(reason: str | None) -> str | None:
    why = selection.WORDS.get(reason or "", "")
    return f"None: {why[:1].lower()}{why[1:]}" if why else None


def _frame(store: Store, name: str, **named: object) -> pd.DataFrame:
    with store.read() as db:
        frame: pd.DataFrame = db.execute(query(name), named).df()
    return frame
