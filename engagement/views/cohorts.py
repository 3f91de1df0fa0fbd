"""Cohorts as small tables: what a run found, and what was true of a cohort on any day.

Each function returns one pandas frame that a notebook shows or a chart draws. The counting happens in the store.
"""

from typing import Any, Final

import narwhals as nw
import pandas as pd

from engagement import runs
from engagement.content.generation import WHY_TEMPLATE
from engagement.policy import DEFAULT_POLICY, INPUTS, RiskPolicy
from engagement.risk import explanations, formula, scores
from engagement.runs import Run
from engagement.store import Store, query, records
from engagement.targeting import selection
from engagement.targeting.selection import REASONS
from engagement.vocabulary import AT_RISK, LABELS, SCORED_LABELS, SMALLEST_GROUP, TYPE_WORDS

ACTIVE_DAYS: Final = 7  # a course that meets every week sees everybody once
MISSED_SESSIONS: Final = 2  # one may be missed for any reason
GOOD_PERCENT: Final = selection.DEFAULT_SELECTION.quiz_below
QUADRANTS: Final = ("under-engaged", "struggling", "drifting", "on track", "results not known")


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
            .with_columns(driver=selection.largest_term(run.policy))
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
    frame = _frame(store, "views/run_drafts", run_id=run.run_id)
    return frame.assign(type=frame["type"].map(TYPE_WORDS))


def quiz_drafts(store: Store, run: Run) -> pd.DataFrame:
    """Return one row per topic: quizzes drafted, and how many of them from a template."""
    return _frame(store, "views/run_quizzes", run_id=run.run_id)


def left_out(store: Store, run: Run) -> pd.DataFrame:
    """Return one row per reason in words: `reason`, `learners` who are not contacted."""
    frame = _frame(store, "views/run_left_out", run_id=run.run_id)
    return frame.assign(reason=[REASONS.get(reason, reason) for reason in frame["reason"]])


def authors(store: Store, run: Run) -> pd.DataFrame:
    """Return one row per author of the drafts: `written_by` (a model or "template"), `why` in words, and how many."""
    frame = _frame(store, "views/run_authors", run_id=run.run_id)
    return pd.DataFrame(
        {
            "written_by": frame["model"].fillna("template"),
            "why": [WHY_TEMPLATE.get(reason, reason) for reason in frame["reason"]],
            "nudges": frame["nudges"],
            "quizzes": frame["quizzes"],
        }
    )


def model_use(store: Store, run: Run) -> pd.DataFrame:
    """Return one row: `model` (missing where none was asked), `texts` it wrote, `different_texts`, `drafts` in all.

    And what that took: `requests`, `input_tokens`, `output_tokens`, `spent_usd`, and `saved_usd` by asking equal
    prompts once and reading what earlier runs were answered; both missing where the price is not known.
    """
    return _frame(store, "views/run_model_use", run_id=run.run_id)


def loads(store: Store, run: Run) -> pd.DataFrame:
    """Return the newest ten loads known to the run: `source`, `kind`, `observed_at`, and rows by fate."""
    return _frame(store, "views/run_loads", as_of=run.as_of)


def missing_inputs(store: Store, run: Run) -> pd.DataFrame:
    """Return one row per input of the score: for how many of the `learners` it is `missing`."""
    return _frame(store, "views/run_missing", run_id=run.run_id, as_of=run.as_of)


def freshness(store: Store, run: Run) -> pd.DataFrame:
    """Return one row: `newest_facts`, `age_days`, `logins_in_future`, `without_facts`."""
    return _frame(store, "views/run_freshness", run_id=run.run_id, as_of=run.as_of)


def label_history(store: Store, run: Run) -> pd.DataFrame:
    """Return one row per label and published run up to this one: `as_of`, `label`, `learners`."""
    return _frame(store, "views/label_history", run_id=run.run_id, day=run.day, pipeline=run.history_of)


def worst(store: Store, run: Run, *, limit: int = 10, with_names: bool = False) -> pd.DataFrame:
    """Return the learners a person should look at first, worst first, with the main reasons in words.

    Names only where they are asked for.
    """
    with store.read() as db:
        rows = records(
            db, query("views/run_worst"), {"run_id": run.run_id, "as_of": run.as_of, "limit": limit}
        )
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
            "main_reasons": "; ".join(explanations.reasons(row, policy=run.policy)),
            "nudge": TYPE_WORDS.get(row["nudge"]),
        }
        for row in rows
    ]
    return pd.DataFrame(worded, columns=columns)


def learners_at(
    store: Store,
    as_of: Any,
    *,
    program: str | None = None,
    cohort: str | None = None,
    policy: RiskPolicy = DEFAULT_POLICY,
) -> pd.DataFrame:
    """Return a cohort as it was known at `as_of`, scored: one row per learner, without names or addresses.

    From facts alone, so the same day gives the same numbers however often scores were published since.
    """
    frame = _frame(store, "views/cohort_at", as_of=as_of, program=program, cohort=cohort)
    scored = formula.score(frame, policy=policy)
    return nw.from_native(scored).with_columns(driver=selection.largest_term(policy)).to_native()


def label_shares(cohort: pd.DataFrame) -> pd.DataFrame:
    """Return one row per label of a cohort from `learners_at`: `label`, `learners`, `share_percent`."""
    counts = cohort["risk_label"].value_counts().reindex(list(LABELS), fill_value=0)
    return _shares(counts, "label")


def bins(cohort: pd.DataFrame) -> pd.DataFrame:
    """Return `score_bins` of a cohort from `learners_at`."""
    score_from = (cohort["risk_score"] * 20).floordiv(1).clip(upper=19) / 20
    binned = cohort.assign(score_from=score_from, score_to=score_from + 0.05, label=cohort["risk_label"])
    return (
        binned.groupby(["score_from", "score_to", "label"], dropna=False).size().reset_index(name="learners")
    )


def driver_counts(cohort: pd.DataFrame) -> pd.DataFrame:
    """Return `drivers` of a cohort from `learners_at`."""
    at_risk = cohort[cohort["risk_label"].isin(AT_RISK)]
    counted = at_risk.groupby("driver").size().reset_index(name="learners")
    return counted.sort_values(["learners", "driver"], ascending=[False, True], ignore_index=True)


def quadrants(cohort: pd.DataFrame) -> pd.DataFrame:
    """Return activity by results of a cohort from `learners_at`: `quadrant`, `learners`, `share_percent`.

    * Active: seen in the last week, and not two sessions missed in a row.
    * Good results: the mean of work done and quiz average, as far as they are known, is 60 or more, the line below
      which a quiz is drafted.
    """
    results = cohort[["completed_percent", "avg_quiz_score"]].mean(axis=1)
    is_good = results >= GOOD_PERCENT
    is_active = (cohort["days_inactive"] <= ACTIVE_DAYS) & ~(
        cohort["consecutive_missed_sessions"].fillna(0) >= MISSED_SESSIONS
    )
    named = pd.Series("under-engaged", index=cohort.index)
    named = named.mask(is_active & is_good, "on track").mask(is_active & ~is_good, "struggling")
    named = named.mask(~is_active & is_good, "drifting").mask(results.isna(), "results not known")
    counts = named.value_counts().reindex(list(QUADRANTS), fill_value=0)
    return _shares(counts, "quadrant")


def moves(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return who went from which label to which: a row per label in `before`, a column per label in `after`.

    Both from `learners_at`; who is in one of them only, or has no score on one of the days, is left out.
    """
    both = pd.concat(
        [frame.set_index("id")["risk_label"] for frame in (before, after)],
        axis=1,
        join="inner",
        keys=["from", "to"],
    )
    table = pd.crosstab(both["from"], both["to"])
    return table.reindex(index=SCORED_LABELS, columns=SCORED_LABELS, fill_value=0)


def medians(cohort: pd.DataFrame) -> pd.DataFrame:
    """Return the median of each input for each label of a cohort that ten learners or more have."""
    inputs = list(INPUTS.values())
    common = cohort.groupby("risk_label").filter(lambda rows: len(rows) >= SMALLEST_GROUP)
    found = common.groupby("risk_label")[inputs].median().round(1)
    return found.reindex([label for label in LABELS if label in found.index]).reset_index()


def enough(cohort: pd.DataFrame) -> pd.DataFrame:
    """Return the cohort, or nobody where it has fewer than ten learners: of so few nothing is shown."""
    return cohort if len(cohort) >= SMALLEST_GROUP else cohort.head(0)


def _shares(counts: pd.Series, name: str) -> pd.DataFrame:
    percent = (100 * counts / max(counts.sum(), 1)).round(1)
    return pd.DataFrame(
        {name: counts.index, "learners": counts.to_numpy(), "share_percent": percent.to_numpy()}
    )


def _frame(store: Store, name: str, **named: object) -> pd.DataFrame:
    with store.read() as db:
        frame: pd.DataFrame = db.execute(query(name), named).df()
    return frame
