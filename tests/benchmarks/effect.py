"""What it takes to say what an experiment with a million assigned persons found.

The store holds a million learners, three events each around the assignment, and a sent nudge for every second one.
Timed is the whole of `effect.estimate`, from a closed store to the answer in words; the median of runs in one process,
as a notebook has it.
"""

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from engagement.evaluation import effect
from engagement.store import Store
from tests.benchmarks.size import LEARNERS

RUNS = 5
LONGEST_S = 3
AS_OF = datetime(2026, 3, 1, tzinfo=UTC).replace(tzinfo=None)
SQL = (
    """
    insert into runs (run_id, pipeline, key, attempt, as_of, day, parameters, input_fingerprint, policy, status,
        started_at, published_at)
    values ('n', 'nightly', 'k', 1, $at, $at::date, '{}', '', '{}', 'published', $at, $at)
    """,
    "insert into experiments values ('nightly/x', 'nightly', 'x', 0.5, 'back', 7, $at::date, $at, 'n')",
    """
    insert into learners (id, person_id, program, load_id, number, person_number)
    select 'learner ' || i, 'person ' || i, 'Data', 'L1', i, i from range($learners) as made (i)
    """,
    """
    insert into assignments
    select 'nightly/x', person_id,
        case when drawn(concat_ws('|', 'nightly/x', person_id), 2) = 0 then 'control' else 'nudge' end,
        $at, $at + interval 7 days, 'n'
    from learners
    """,
    """
    insert into events
    select 'e' || i || '-' || n, 'learner ' || i, ['login', 'session_missed', 'quiz_completed'][n], '{}',
        $at + to_hours((hash(i, n) % 400)::integer - 200), 'import', 'L1'
    from range($learners) as made (i), range(1, 4) as kinds (n)
    """,
    """
    insert into nudges (id, learner_id, person_id, campaign, period, program, as_of, channel, type, locale,
        draft_content, content, gpt_prompt_version, gpt_fallback, status, sent_at, run_id, created_at)
    select 'n' || number, id, person_id, 'nightly', 'p', 'Data', $at, 'email', 'behind_pace', 'en', 'text', 'text', '1',
        true, 'sent', $at + interval 1 day, 'n', $at
    from learners where number % 2 = 0
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
                db.execute(sql, {name: value for name, value in named.items() if f"${name}" in sql})
        taken = []
        for _ in range(runs):
            begin = time.perf_counter()
            found = effect.estimate(store, as_of=AS_OF + timedelta(days=9), zone=ZoneInfo("UTC"))
            words = found.in_words
            taken.append(time.perf_counter() - begin)
        persons = sum(arm.persons for arm in (found.nudged, found.compared) if arm)
        assert persons == learners, words
    what = f"what an experiment with {learners:,} assigned persons found, median of {runs}"
    return [
        {"what": what, "ours": median(taken), "unit": "s", "most": LONGEST_S},
        {"what": f"{what}, the slowest", "ours": max(taken), "unit": "s"},
    ]
