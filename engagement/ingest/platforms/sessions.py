"""Sessions: who was there, who was not, and what comes of it.

A table of them has a column for each session, the oldest first, and of each learner whether it was missed: missing
where somebody was excused or nobody took it, which is neither.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd


def missed_in_a_row(missed: pd.DataFrame) -> pd.Series:
    """Return how many of the newest sessions each learner missed in a row; unknown where none was taken, never 0."""
    newest_first = missed.iloc[:, ::-1]
    has_been_there = newest_first.eq(False).fillna(False).cumsum(axis=1) > 0
    count = (newest_first.fillna(False) & ~has_been_there).sum(axis=1).astype("Int64")
    return count.where(missed.notna().any(axis=1))


def events_of(
    missed: pd.DataFrame,
    ids: pd.Series,
    times: Mapping[str, datetime],
    about: Mapping[str, Mapping[str, Any]],
) -> pd.DataFrame:
    """Return an event for each learner and session that was taken, by the line of the learner; `about` by session."""
    found = [
        pd.DataFrame(
            {
                "learner_id": ids[taken],
                "type": missed.loc[taken, name].map({True: "session_missed", False: "session_attended"}),
                "timestamp": at.isoformat(),
                "metadata": json.dumps(about[name], ensure_ascii=False),
            }
        )
        for name, at in times.items()
        if (taken := missed[name].notna() & ids.notna()).any()
    ]
    if not found:
        return pd.DataFrame(columns=["learner_id", "type", "timestamp", "metadata"])
    return pd.concat(found).sort_index(kind="stable")
