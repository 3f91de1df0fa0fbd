"""What the nightly run of 2,000 learners costs against five `papermill` command lines on the same notebooks.

Ours is `engagement run nightly`: it also marks steps, makes the HTML report and publishes the run. The rival runs
the five notebooks one after the other, as a shell script would, for a run that was begun for it beforehand: no
report, nothing published. Both begin with a copy of one store, and both must write the same drafts.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from engagement import runs
from engagement.dates import end_of_day
from engagement.demo import history
from engagement.pipeline import config
from engagement.pipeline.incoming import inputs
from engagement.policy import DEFAULT_POLICY
from engagement.store import Store, open_store
from tests.benchmarks.commands import Cost, cost, in_turns
from tests.support import cohort

LEARNERS = 2000
RUNS = 3
DAY = date(2026, 3, 1)
AS_OF = end_of_day(DAY, ZoneInfo("UTC"))
BIN = Path(sys.executable).parent
CPU_RATIO = 0.45
Side: TypeAlias = Callable[[Path], tuple[Cost, list[Any]]]  # a folder with a store
DRAFTS = """
select learner_id, channel, type, content from nudges where run_id = $run_id
union all
select learner_id, null, topic, questions::varchar from quizzes where run_id = $run_id
order by all
"""


def main() -> list[dict[str, Any]]:
    """Return the CPU and the clock of both sides."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        prepared = folder / "prepared.duckdb"
        history.fill(
            open_store(prepared), size=LEARNERS, seed=1, as_of=AS_OF, now=AS_OF, zone=ZoneInfo("UTC")
        )
        written: dict[str, list[Any]] = {}
        attempts = iter(range(1000))

        def side(run: Side) -> Callable[[], Cost]:
            def measured() -> Cost:
                home = folder / str(next(attempts))
                home.mkdir()
                shutil.copy(prepared, home / "store.duckdb")
                taken, drafts = run(home)
                assert drafts == written.setdefault("drafts", drafts)
                assert drafts
                shutil.rmtree(home)
                return taken

            return measured

        ours, rival = in_turns(side(_ours), side(_rival), runs=RUNS)
    what = f"nightly run of {LEARNERS:,} learners against five papermill command lines"
    return [
        _row(what, ours.cpu_s, rival.cpu_s, "CPU s") | {"target": CPU_RATIO},
        _row(f"{what}, on the clock", ours.wall_s, rival.wall_s, "s"),
    ]


def smallest() -> list[dict[str, Any]]:
    """Return what the first of the rival's command lines costs; many tests run ours."""
    with tempfile.TemporaryDirectory() as made:
        store = _open(Path(made))
        cohort.load(store, cohort.learner())
        taken = _papermill(Path(made), config.read_pipeline(runs.NIGHTLY).steps[0], _begin(store))
    return [{"what": "one papermill command line", "ours": taken.cpu_s, "unit": "CPU s"}]


def _ours(home: Path) -> tuple[Cost, list[Any]]:
    command: list[str | Path] = [BIN / "engagement", "run", "nightly", "--as-of", DAY.isoformat(), "--json"]
    taken = cost(command, env=_env(home))
    store = _open(home)
    with store.read() as db:
        found = db.execute(
            "select run_id from runs where pipeline = $name order by started_at desc limit 1",
            {"name": runs.NIGHTLY},
        ).fetchall()
    return taken, _drafts(store, found[0][0])


def _rival(home: Path) -> tuple[Cost, list[Any]]:
    store = _open(home)
    run = _begin(store)
    taken = [_papermill(home, step, run) for step in config.read_pipeline(runs.NIGHTLY).steps]
    return Cost(*(sum(column) for column in zip(*taken, strict=True))), _drafts(store, run.run_id)


def _begin(store: Store) -> runs.Run:
    with store.write() as db:
        return runs.begin(
            db,
            runs.NIGHTLY,
            key="benchmark",
            as_of=AS_OF,
            day=DAY,
            parameters={},
            fingerprint=inputs.fingerprint(db, AS_OF),
            now=datetime.now(UTC).replace(tzinfo=None),
            policy=DEFAULT_POLICY,
        )


def _papermill(home: Path, step: config.Step, run: runs.Run) -> Cost:
    named = ["-p", "as_of", DAY.isoformat(), "-p", "run_id", run.run_id]
    return cost([BIN / "papermill", step.path, home / step.path.name, *named], env=_env(home))


def _env(home: Path) -> dict[str, str]:
    return {"ENGAGEMENT_STORE": str(home / "store.duckdb"), "ENGAGEMENT_REPORTS": str(home / "reports")}


def _open(home: Path) -> Store:
    return open_store(home / "store.duckdb")


def _drafts(store: Store, run_id: str) -> list[Any]:
    with store.read() as db:
        return db.execute(DRAFTS, {"run_id": run_id}).fetchall()


def _row(what: str, ours: float, rival: float, unit: str) -> dict[str, Any]:
    return {"what": what, "ours": ours, "rival": rival, "ratio": round(ours / rival, 2), "unit": unit}
