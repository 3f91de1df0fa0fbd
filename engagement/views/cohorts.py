"""Cohorts as small tables: what was true of a cohort on any day.

Each function returns one pandas frame that a notebook shows or a chart draws.
"""

from collections.abc import Sequence
from typing import Any, Final

import narwhals as nw
import pandas as pd

from engagement import runs
from engagement.policy import DEFAULT_SELECTION, INPUTS, RiskPolicy
from engagement.risk import explanations, formula
from engagement.store import Store, query
from engagement.targeting import decisions
from engagement.views import named as by_name
from engagement.views import suppression
from engagement.vocabulary import AT_RISK, LABELS, SCORED_LABELS, SMALLEST_GROUP

ACTIVE_DAYS: Final = 7  # a course that meets every week sees everybody once
MISSED_SESSIONS: Final = 2  # one may be missed for any reason
QUADRANTS: Final = ("under-engaged", "struggling", "drifting", "on track", "results not known")


def learners_at(
    store: Store,
    as_of: Any,
    *,
    program: str | None = None,
    cohort: str | None = None,
    policy: RiskPolicy | None = None,
) -> pd.DataFrame:
    """Return a cohort as it was known at `as_of`, scored: one row per learner, without names or addresses.

    From facts alone, so the same day gives the same numbers however often scores were published since. By the policy in
    use, or another. `InvalidInput` where there is no such program or cohort.
    """
    with store.read() as db:
        program, cohort = by_name.program(db, program), by_name.cohort(db, cohort)
        if policy is None:
            policy = runs.policy_in_use(db, None if program is None else [program])
        named = {"as_of": as_of, "program": program, "cohort": cohort, "basis": policy.basis}
        frame = db.execute(query("views/cohort_at"), named).df()
    scored = nw.from_native(formula.score(frame, policy=policy))
    return scored.with_columns(driver=explanations.main_reason(policy)).to_native()


def larger(
    store: Store, as_of: Any, *, program: str | None = None, cohort: str | None = None
) -> list[pd.DataFrame]:
    """Return the cohorts of which that of `learners_at` is a part, and whose pages lie beside its own, everybody last.

    All by one policy, that of the part: by two, its labels would be no part of theirs.
    """
    if program is None and cohort is None:
        return []
    with store.read() as db:
        policy = runs.policy_in_use(db, None if program is None else [by_name.program(db, program) or ""])
    parts = [{"program": program}, {"cohort": cohort}] if program and cohort else []
    return [learners_at(store, as_of, **part, policy=policy) for part in (*parts, {})]


def label_shares(cohort: pd.DataFrame) -> pd.DataFrame:
    """Return one row per label of a cohort from `learners_at`: `label`, `learners`, `share_percent`."""
    return _shares(cohort["risk_label"], LABELS, "label")


def shown_labels(cohort: pd.DataFrame, larger: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return what may be shown of `label_shares` beside the pages of the `larger` cohorts."""
    return suppression.shown(label_shares(cohort), beside=[label_shares(each) for each in larger])


def shown_bins(cohort: pd.DataFrame, larger: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return what may be shown of `bins` beside the labels, and the pages of the `larger` cohorts."""
    return suppression.shown_within(bins(cohort), by="label", beside=[bins(each) for each in larger])


def bins(cohort: pd.DataFrame) -> pd.DataFrame:
    """Return `run_tables.score_bins` of a cohort from `learners_at`."""
    score_from = (cohort["risk_score"] * 20).floordiv(1).clip(upper=19) / 20
    binned = cohort.assign(score_from=score_from, score_to=score_from + 0.05, label=cohort["risk_label"])
    return (
        binned.groupby(["score_from", "score_to", "label"], dropna=False).size().reset_index(name="learners")
    )


def driver_counts(cohort: pd.DataFrame) -> pd.DataFrame:
    """Return `run_tables.drivers` of a cohort from `learners_at`."""
    at_risk = cohort[cohort["risk_label"].isin(AT_RISK)]
    counted = at_risk.groupby("driver").size().reset_index(name="learners")
    return counted.sort_values(["learners", "driver"], ascending=[False, True], ignore_index=True)


def shown_drivers(cohort: pd.DataFrame, larger: Sequence[pd.DataFrame] = ()) -> pd.DataFrame:
    """Return `driver_counts` without those that would tell of few beside the labels, or the `larger` cohorts' pages."""
    beside = [_drivers_by_label(each) for each in larger]
    return suppression.shown_across(_drivers_by_label(cohort), by="label", of="driver", beside=beside)


def _drivers_by_label(cohort: pd.DataFrame) -> pd.DataFrame:
    driver = cohort["driver"].where(cohort["risk_label"].isin(AT_RISK))
    counted = cohort.assign(driver=driver).groupby(["risk_label", "driver"], dropna=False).size()
    return counted.reset_index(name="learners").rename(columns={"risk_label": "label"})


def good_percent(store: Store) -> float:
    """Return from where on results are good: below it, a quiz is drafted."""
    with store.read() as db:
        return decisions.policy_in_use(db).quiz_below


def shown_quadrants(
    cohort: pd.DataFrame, larger: Sequence[pd.DataFrame], *, good_percent: float
) -> pd.DataFrame:
    """Return what may be shown of `quadrants` beside the pages of the `larger` cohorts."""
    beside = [quadrants(each, good_percent=good_percent) for each in larger]
    return suppression.shown(quadrants(cohort, good_percent=good_percent), beside=beside)


def quadrants(cohort: pd.DataFrame, *, good_percent: float = DEFAULT_SELECTION.quiz_below) -> pd.DataFrame:
    """Return activity by results of a cohort from `learners_at`: `quadrant`, `learners`, `share_percent`.

    * Active: seen in the last week, and not two sessions missed in a row.
    * Good results: the mean of work done and quiz average, as far as they are known, is `good_percent` or more; to
      notebooks of before, which do not say it, as documented.
    """
    results = cohort[["completed_percent", "avg_quiz_score"]].mean(axis=1)
    is_good = results >= good_percent
    is_active = (cohort["days_inactive"] <= ACTIVE_DAYS) & ~(
        cohort["consecutive_missed_sessions"].fillna(0) >= MISSED_SESSIONS
    )
    named = pd.Series("under-engaged", index=cohort.index)
    named = named.mask(is_active & is_good, "on track").mask(is_active & ~is_good, "struggling")
    named = named.mask(~is_active & is_good, "drifting").mask(results.isna(), "results not known")
    return _shares(named, QUADRANTS, "quadrant")


def moves(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return who went from which label to which: a row per label in `before`, a column per label in `after`.

    Both from `learners_at`; who is in one of them only, or has no score on one of the days, is left out.
    """
    return all_moves(before, after).loc[list(SCORED_LABELS), list(SCORED_LABELS)]


def all_moves(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return `moves` with those who had no score on one of the days, or were not there (`suppression.ABSENT`).

    They are no moves, and tell of those that are: what may be shown of these is decided with them.
    """
    labels = [frame.set_index("id")["risk_label"].astype(object) for frame in (before, after)]
    both = pd.concat(labels, axis=1, keys=["from", "to"]).fillna(suppression.ABSENT)
    table = pd.crosstab(both["from"], both["to"])
    everything = [*LABELS, suppression.ABSENT]
    return table.reindex(index=everything, columns=everything, fill_value=0)


def medians(cohort: pd.DataFrame, shown: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the median of each input for each label of a cohort that ten learners or more have.

    Of those that are `shown` alone, where a page tells which: that a hidden label has ten would tell of another.
    """
    if shown is not None:
        cohort = cohort[cohort["risk_label"].isin(shown["label"])]
    common = cohort.groupby("risk_label").filter(lambda rows: len(rows) >= SMALLEST_GROUP)
    found = common.groupby("risk_label")[list(INPUTS.values())].median().round(1)
    return found.reindex([label for label in LABELS if label in found.index]).reset_index()


def enough(cohort: pd.DataFrame) -> pd.DataFrame:
    """Return the cohort, or nobody where it has fewer than ten learners: of so few nothing is shown."""
    return cohort if len(cohort) >= SMALLEST_GROUP else cohort.head(0)


def _shares(values: pd.Series, kinds: Sequence[str], name: str) -> pd.DataFrame:
    counts = values.value_counts().reindex(list(kinds), fill_value=0)
    percent = (100 * counts / max(counts.sum(), 1)).round(1)
    return pd.DataFrame(
        {name: counts.index, "learners": counts.to_numpy(), "share_percent": percent.to_numpy()}
    )
