"""Findings in words: the sentence a table is for."""

import pandas as pd

from engagement.charts import DRIVERS
from engagement.prices import usd


def headline(labels: pd.DataFrame) -> str:
    """Return how many are at high risk, and how that changed, from `cohorts.label_counts`.

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


def freshness(frame: pd.DataFrame) -> str:
    """Return how old the newest facts are, and whom they leave out, from `cohorts.freshness`."""
    row = frame.iloc[0]
    if pd.isna(row["newest_facts"]):
        return "Nothing is known by this date."
    age = row["age_days"]
    old = "less than a day" if age < 1 else f"{age:.0f} day{'' if round(age) == 1 else 's'}"
    sentences = [f"The newest facts are from {row['newest_facts']:%d %B %Y}, {old} old."]
    if row["without_facts"]:
        sentences.append(
            f"{row['without_facts']:,} active learners have no facts by this date and are not scored."
        )
    if row["logins_in_future"]:
        sentences.append(
            f"{row['logins_in_future']:,} last logins are later than the run and count as today."
        )
    return " ".join(sentences)


def authors(use: pd.DataFrame) -> str:
    """Return who wrote the texts and what that cost, from `cohorts.model_use`."""
    row = use.iloc[0]
    if not row["drafts"]:
        return "Nothing was drafted."
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


def cohort(shares: pd.DataFrame, drivers: pd.DataFrame) -> str:
    """Return what `cohorts.label_shares` and `cohorts.driver_counts` say of a cohort."""
    if shares["learners"].sum() == 0:
        return "Nothing is known of anybody by this date."
    counts = shares.set_index("label")["learners"]
    total, high = int(counts.sum()), int(counts["high"])
    sentence = f"{high:,} of {total:,} learners were at high risk ({_percent(high, total)})."
    if drivers.empty:
        return sentence
    main = drivers.iloc[0]
    reason = DRIVERS.get(main["driver"], main["driver"]).lower()
    return f"{sentence} The main reason at high or medium risk: {reason} ({main['learners']:,} learners)."


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "0 %"
