"""What it takes to score a million learners by another policy and compare; the median of runs in one process."""

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from engagement.evaluation.what_if import simulate
from engagement.policy import DEFAULT_POLICY, RiskPolicy
from engagement.store import Store
from tests.benchmarks.size import LEARNERS

RUNS = 5
LONGEST_S = 5
AS_OF = datetime(2026, 3, 1, tzinfo=UTC).replace(tzinfo=None)
SQL = (
    """
    insert into learners (id, person_id, program, load_id, number, person_number, seen_at)
    select 'learner ' || i, 'person ' || i, 'Data', 'L1', i, i, $at from range($learners) as made (i)
    """,
    """
    insert into learner_facts
    select 'learner ' || i, $at, 'L1', $at - to_hours((hash(i, 1) % 900)::integer), hash(i, 2) % 101, hash(i, 3) % 101,
        hash(i, 2) % 101, case when hash(i, 4) % 10 > 0 then hash(i, 5) % 101 end, hash(i, 6) % 9, false
    from range($learners) as made (i)
    """,
    """
    insert into events
    select 'e' || i, 'learner ' || i, ['course_passed', 'course_failed'][(hash(i, 7) % 2 + 1)::integer], '{}',
        $at + to_days(60), 'import', 'L1'
    from range($learners) as made (i)
    """,
)


def main() -> list[dict[str, Any]]:
    """Return the figure."""
    return _measured(LEARNERS, runs=RUNS)


def smallest() -> list[dict[str, Any]]:
    """Return the same of a store that is made at once."""
    return _measured(300, runs=1)


def _measured(learners: int, *, runs: int) -> list[dict[str, Any]]:
    named = {"at": AS_OF, "learners": learners}
    with tempfile.TemporaryDirectory() as made:
        store = Store(Path(made, "store.duckdb"))
        store.make()
        with store.write() as db:
            for sql in SQL:
                db.execute(sql, named)
        taken = []
        for _ in range(runs):
            begin = time.perf_counter()
            found = simulate(
                store,
                RiskPolicy(high_above=0.6, basis="course"),
                as_of=AS_OF + timedelta(days=1),
                beside=DEFAULT_POLICY,
                program=None,
                now=AS_OF + timedelta(days=1),
                day=AS_OF.date() + timedelta(days=1),
            )
            _ = found.in_words
            taken.append(time.perf_counter() - begin)
        assert found.learners == learners
        assert not found.discrimination.empty
    what = f"another policy for {learners:,} learners whose end is known, median of {runs}"
    return [
        {"what": what, "ours": median(taken), "unit": "s", "most": LONGEST_S},
        {"what": f"{what}, the slowest", "ours": max(taken), "unit": "s"},
    ]
