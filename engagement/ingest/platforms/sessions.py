"""Sessions: who was there, who was not, and what comes of it.

A table of them has a column for each session, the oldest first, and of each learner whether it was missed: missing
where somebody was excused or nobody took it, which is neither.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from engagement.ingest.platforms.exports import Asked


def missed_in_a_row(missed: pd.DataFrame) -> pd.Series:
    """Return how many of the newest sessions each learner missed in a row; unknown where none was taken, never 0."""
    newest_first = missed.iloc[:, ::-1]
    has_been_there = newest_first.eq(False).fillna(False).cumsum(axis=1) > 0
    count = (newest_first.fillna(False) & ~has_been_there).sum(axis=1).astype("Int64")
    return count.where(missed.notna().any(axis=1))


def with_earlier(missed: pd.DataFrame, ids: pd.Series, asked: Asked) -> pd.DataFrame:
    """Return a table by when sessions began with those before that were loaded earlier."""
    known = asked.sessions()
    known = known[known["learner_id"].isin(ids) & (known["timestamp"] <= asked.as_of)]
    if known.empty:
        return missed
    wide = known.pivot_table(index="learner_id", columns="timestamp", values="missed", aggfunc="min")
    earlier = wide.reindex(ids).set_axis(missed.index).astype("boolean")
    earlier = earlier[[at for at in earlier.columns if at not in set(missed.columns)]]
    both = pd.concat([earlier, missed], axis=1)
    return both[sorted(both.columns)]


def events_of(missed: pd.DataFrame, ids: pd.Series, about: pd.DataFrame) -> pd.DataFrame:
    """Return an event for each learner and session that was taken, by the line of the learner.

    `missed` is by when sessions began; `about` is alike, what is to be said of each event as JSON.
    """
    times: Sequence[Any] = missed.columns.tolist()  # instants
    found = [
        pd.DataFrame(
            {
                "learner_id": ids[taken],
                "type": missed.loc[taken, at].map({True: "session_missed", False: "session_attended"}),
                "timestamp": at.isoformat(),
                "metadata": about.loc[taken, at],
            }
        )
        for at in times
        if (taken := missed[at].notna() & ids.notna()).any()
    ]
    if not found:
        return pd.DataFrame(columns=["learner_id", "type", "timestamp", "metadata"])
    return pd.concat(found).sort_index(kind="stable")
