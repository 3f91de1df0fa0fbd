"""Findings in words: the sentence a table is for."""

import json
from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from engagement import runs
from engagement.dates import day_in_words
from engagement.llm.pricing import usd
from engagement.policy import RiskPolicy
from engagement.views import suppression
from engagement.vocabulary import AT_RISK, SMALLEST_GROUP, TERMS, TYPE_WORDS


def headline(labels: pd.DataFrame) -> str:
    """Return how many are at high risk, and how that changed, from `run_tables.label_counts`.

    >>> headline(pd.DataFrame({"label": ["high", "low"], "learners": [20, 80], "change": [-2, 2]}))
    '20 of 100 learners are at high risk (20 %), 2 fewer than in the last run.'
    """
    total = int(labels["learners"].sum())
    row = labels[labels["label"] == "high"].iloc[0]
    high = int(row["learners"])
    sentence = f"{high:,} of {total:,} learners are at high risk ({_percent(high, total)})"
    if pd.isna(row["change"]):
        return f"{sentence}."
    change = int(row["change"])
    words = "as many as" if change == 0 else f"{abs(change):,} {'more' if change > 0 else 'fewer'} than"
    return f"{sentence}, {words} in the last run."


def thresholds(policy: RiskPolicy) -> str:
    """Return above which scores the risk is high and medium.

    >>> thresholds(RiskPolicy(high_above=0.6))
    'Every learner has a score from 0 (safe) to 1 (leaving). Above 0.6 the risk is high, above 0.4 medium.'
    """
    return (
        "Every learner has a score from 0 (safe) to 1 (leaving). "
        f"Above {policy.high_above:g} the risk is high, above {policy.medium_above:g} medium."
    )


def parts(policy: RiskPolicy) -> str:
    """Return what the score is made of, and how much each part counts."""
    behind, quiz, missed, away = (f"{100 * policy.weights[term]:g} %" for term in TERMS)
    work = (
        "work that was due and is not done"
        if policy.basis == "due"
        else "work of the course that is not done"
    )
    return (
        f"The score adds four parts: {behind} is {work}, {quiz} low quiz results, {missed} sessions missed in a row, "
        f"up to {policy.missed_sessions_cap:g}, and {away} the time since the last login, up to "
        f"{policy.recency_days:g} days."
    )


def unlike(frame: pd.DataFrame) -> str:
    """Return which of the newest loads fall short of those before them, from `run_tables.unlike`."""
    if frame.empty:
        return (
            "No load falls short of those before it by more than a fifth, in rows, filled cells or medians."
        )
    return " ".join(f"{row.source} is unlike the loads before it: {row.why}." for row in frame.itertuples())


def rows_apart(frame: pd.DataFrame) -> str:
    """Return how many rows of the newest loads were refused, with what lists them, and left out, from their table."""
    refused = frame[frame["quarantined"] > 0]
    listed = "; ".join(
        f"engagement quarantine --load {row.load_id} lists {row.quarantined:,} of {row.source}"
        for row in refused.itertuples()
    )
    sentences = [f"Refused rows: {listed}." if listed else "No row of the newest loads was refused."]
    if left_out := int(frame["left_out"].sum()):
        sentences.append(
            f"{left_out:,} rows were nobody's, such as sums, test accounts or statements without a user, and left out."
        )
    return " ".join(sentences)


def freshness(frame: pd.DataFrame) -> str:
    """Return how old the newest facts are, and whom they leave out, from `run_tables.freshness`."""
    row = frame.iloc[0]
    if pd.isna(row["newest_facts"]):
        return "Nothing is known by this date."
    age = row["age_days"]
    old = "less than a day" if age < 1 else f"{age:.0f} day{'' if round(age) == 1 else 's'}"
    sentences = [f"The newest facts are from {day_in_words(row['newest_facts'])}, {old} old."]
    if row["without_facts"]:
        sentences.append(
            f"{row['without_facts']:,} active learners have no facts by this date and are not scored."
        )
    if row["logins_in_future"]:
        sentences.append(
            f"{row['logins_in_future']:,} last logins are later than the run and count as today."
        )
    if isinstance(odd := row.get("odd_cells"), str):
        listed = ", ".join(f"{oddity} ({found['cells']:,})" for oddity, found in json.loads(odd).items())
        sentences.append(f"Odd cells of the newest load, left empty or changed: {listed}.")
    return " ".join(sentences)


def drafted(number: int, what: str, newer_day: date | None) -> str:
    """Return how many drafts a run made, and why a run that looks back made none, by `run_tables.newer_day`.

    >>> drafted(0, "nudges", date(2026, 11, 29))
    'No nudges are drafted. It looks back: the run for 29 November 2026 is published, and only the newest run drafts.'
    """
    if number:
        return f"{number:,} {what} are drafted; a person approves or rejects each."
    return f"No {what} are drafted." + (f" {runs.look_back(newer_day.isoformat())}" if newer_day else "")


def authors(use: pd.DataFrame) -> str:
    """Return who wrote the texts and what that cost, from `run_tables.model_use`."""
    row = use.iloc[0]
    if not row["drafts"]:
        newer = row.get("newer_day")
        return "Nothing was drafted." if pd.isna(newer) else f"Nothing was drafted. {runs.look_back(newer)}"
    if pd.isna(row["model"]):
        return f"All {row['drafts']:,} texts are templates: no model was asked."
    sentences = [f"A model, {row['model']}, wrote {row['texts']:,} of {row['drafts']:,} texts"]
    if row["texts"]:
        sentences[0] += f", {row['different_texts']:,} of them different"
    if row["requests"]:
        sentences.append(
            f"It was asked {row['requests']:,} times and read {row['input_tokens']:,} tokens and wrote "
            f"{row['output_tokens']:,}"
        )
    else:
        sentences.append("It was not asked: earlier runs had its answers")
    if not pd.isna(row["spent_usd"]):
        sentences.append(f"That cost {usd(row['spent_usd'])}")
    elif row["requests"]:
        sentences.append("What that cost is not known: the model has no listed price")
    if not pd.isna(row["saved_usd"]) and row["saved_usd"] > 0:
        sentences.append(f"Asking for each learner alone would have cost {usd(row['saved_usd'])} more")
    return ". ".join(sentences) + "."


def cohort(shares: pd.DataFrame, drivers: pd.DataFrame, shown: pd.DataFrame | None = None) -> str:
    """Return what `cohorts.label_shares` and `cohorts.driver_counts` say of a cohort, small counts not named.

    `shown` are the shares that the page tells; those that could be told alone, where there is none.
    """
    if shares["learners"].sum() == 0:
        return suppression.TOO_FEW
    counts = shares.set_index("label")["learners"]
    total, high = int(counts.sum()), int(counts["high"])
    if 0 < high < SMALLEST_GROUP:
        sentence = f"Fewer than {SMALLEST_GROUP} of {total:,} learners were at high risk."
    elif "high" in set((suppression.shown(shares) if shown is None else shown)["label"]):
        sentence = f"{high:,} of {total:,} learners were at high risk ({_percent(high, total)})."
    else:
        sentence = f"How many of {total:,} learners were at high risk is not shown: it would tell of few."
    main = suppression.shown(drivers).head(1)
    if main.empty:
        return sentence
    reason = TYPE_WORDS.get(main["driver"].iloc[0], main["driver"].iloc[0]).lower()
    return f"{sentence} The main reason at high or medium risk: {reason} ({main['learners'].iloc[0]:,} learners)."


def label_shares(shares: pd.DataFrame) -> str:
    """Return how many are at high and medium risk, from `cohorts.label_shares`, as a title."""
    counts = shares.set_index("label")["learners"]
    return " and ".join(f"{counts[label]:,} at {label} risk" for label in AT_RISK if label in counts)


def drivers(drivers: pd.DataFrame) -> str:
    """Return the main reason of the learners at risk, from `cohorts.driver_counts`, as a title."""
    if drivers.empty:
        return f"No reason has {SMALLEST_GROUP} learners"
    main = drivers.iloc[0]
    return f"{TYPE_WORDS.get(main['driver'], main['driver'])} weighs most, for {main['learners']:,} learners"


def quadrants(quadrants: pd.DataFrame) -> str:
    """Return the largest group that is not on track, from `cohorts.quadrants`, as a title."""
    rows = quadrants[~quadrants["quadrant"].isin(["on track", "results not known"])]
    if rows.empty or not rows["learners"].max():
        return "No group off track can be shown"
    main = rows.sort_values("learners", ascending=False).iloc[0]
    return f"{main['learners']:,} learners ({main['share_percent']:.0f} %) are {main['quadrant']}"


def moves(table: pd.DataFrame, beside: Sequence[pd.DataFrame] = ()) -> str:
    """Return how many got worse and better, as a title.

    Parameters
    ----------
    table
        `cohorts.all_moves`, whole: what may be told of it is told; or `suppression.masked` of it, as notebooks of
        before give it: then of streams that are hidden no more is told than stands beside them.
    beside
        Those of the larger cohorts, whose pages tell theirs.
    """
    if table.isna().any(axis=None):
        return _moved(*(_told_beside(table, cells) for cells in suppression.directions(table)))
    told, sizes = suppression.told_directions(table, beside=beside), table.to_numpy(dtype=int)
    worse, better = (
        _told_sum(int(sizes[cells].sum()), is_told=bool(is_told.any()), nobody_is_told=not beside)
        for cells, is_told in zip(suppression.directions(table), told, strict=True)
    )
    return _moved(worse, better)


def group_shares(shares: pd.DataFrame, measure: str) -> str:
    """Return how far the groups lie apart in a measure of `fairness.table`, as a title that names no group."""
    known = shares.loc[shares["measure"] == measure, "share"].dropna().astype(float)
    if known.empty:
        return f"No share {measure} can be shown"
    least, most = f"{known.min():.0f}", f"{known.max():.0f}"
    return (
        f"{least} % {measure} in every group" if least == most else f"{least} to {most} % {measure}, by group"
    )


def _moved(worse: str, better: str) -> str:
    title = f"{worse} moved to a higher risk, {better} to a lower one"
    return title[0].upper() + title[1:]


def _told_beside(table: pd.DataFrame, cells: suppression.Flags) -> str:
    streams = table.to_numpy(dtype=float, na_value=np.nan)[cells]
    told = int(np.nansum(streams))
    if not np.isnan(streams).any():
        return f"{told:,}"
    return f"{told:,} or more" if told else "a number that is not shown"


def _told_sum(number: int, *, is_told: bool, nobody_is_told: bool) -> str:
    if is_told or (nobody_is_told and not number):
        return f"{number:,}"
    return f"{SMALLEST_GROUP} or more" if number >= SMALLEST_GROUP else f"fewer than {SMALLEST_GROUP}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "0 %"
