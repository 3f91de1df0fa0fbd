"""Facts of a hundred thousand learners made from ten million events, beside one query by hand.

The rival is the query that whoever has only these events would write: it makes the same columns of the same rows, in
memory, and keeps them in a table. Ours ends with the facts in the store, checked and dated. CPU seconds.
"""

import resource
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from engagement.ingest import derived_facts, learners
from engagement.store import Store

LEARNERS, EVENTS = 100_000, 10_000_000
RATIO = 1.5
AS_OF = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC).replace(tzinfo=None)
BY_HAND = """
create or replace temp table by_hand as
with last_seen as (
    select
        learner_id,
        max(timestamp) filter (where type <> 'session_missed') as last_login,
        max(timestamp) filter (where type = 'session_attended') as attended_at,
        count(*) filter (where type in ('session_attended', 'session_missed')) as sessions
    from events
    where timestamp <= $as_of and type in ('login', 'session_attended', 'session_missed', 'quiz_completed')
    group by learner_id
),
best as (
    select learner_id, metadata ->> 'item' as item, least(max((metadata ->> 'score')::double), 100) as score
    from events
    where timestamp <= $as_of and type = 'quiz_completed'
    group by all
),
scores as (select learner_id, avg(score) as avg_quiz_score from best group by learner_id),
missed as (
    select events.learner_id, count(*) as missed
    from events
    inner join last_seen using (learner_id)
    where type = 'session_missed' and timestamp <= $as_of and (attended_at is null or timestamp > attended_at)
    group by events.learner_id
)
select learner_id, last_login, avg_quiz_score, if(sessions > 0, coalesce(missed, 0), null) as missed_in_a_row
from last_seen
left join scores using (learner_id)
left join missed using (learner_id)
"""


def main() -> list[dict[str, Any]]:
    """Return CPU seconds of facts made from many events, beside those of a query."""
    return _rows(LEARNERS, EVENTS, runs=3)


def smallest() -> list[dict[str, Any]]:
    """Return the same of a few events."""
    return _rows(20, 1_000, runs=1)


def _rows(people: int, size: int, *, runs: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as made:
        store = Store(Path(made, "store.duckdb"))
        _fill(store, people, size)

        def derive(as_of: datetime) -> None:
            derived_facts.derive(store, as_of=as_of, loaded_at=AS_OF)

        def by_hand(as_of: datetime) -> None:
            with store.staging(), store.read() as db:
                db.execute(BY_HAND, {"as_of": as_of})

        ours, rival = _in_turns(derive, by_hand, runs=runs)
    return [
        {
            "what": f"facts of {people:,} learners from {size:,} events, beside a query by hand",
            "ours": ours,
            "rival": rival,
            "ratio": ours / rival,
            "unit": "CPU s",
            "target": RATIO,
        }
    ]


def _fill(store: Store, people: int, size: int) -> None:
    """Put learners and events into the store; events at once, as they are not what is measured."""
    known = pd.DataFrame({"id": [f"S-{at}" for at in range(people)], "name": "Invented", "program": "Maths"})
    learners.load(store, known, observed_at=datetime(2025, 9, 1), loaded_at=datetime(2025, 9, 1))  # noqa: DTZ001
    with store.write() as db:
        db.execute(
            f"""
            insert into events (id, learner_id, type, metadata, timestamp, actor, source)
            select
                'e' || i,
                'S-' || i * 7919 % {people},
                type,
                case when type = 'quiz_completed' then json_object('score', i % 101, 'item', 'week ' || i % 12) else '{{}}' end,
                timestamp '2025-09-01' + to_seconds(i * 104729 % 15500000),
                'import',
                'invented'
            from (
                select
                    i,
                    ['login', 'login', 'login', 'quiz_completed', 'session_attended', 'session_missed', 'note'][1 + i % 7]
                        as type
                from range({size}) as numbers (i)
            )
            """  # noqa: E501 (a list)
        )


def _in_turns(*sides: Callable[[datetime], None], runs: int) -> list[float]:
    """Return the least CPU seconds of each side: whatever else the machine does only adds to them.

    Each turn is a week after the one before it, so that most facts are new ones.
    """
    taken: list[list[float]] = [[] for _ in sides]
    for weeks in reversed(range(runs)):
        for side, seconds in zip(sides, taken, strict=True):
            before = _cpu_s()
            side(AS_OF - timedelta(weeks=weeks))
            seconds.append(_cpu_s() - before)
    return [min(seconds) for seconds in taken]


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
