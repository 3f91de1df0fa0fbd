"""What asking a model for nudges takes, beside the model library's own documented ways, and where the service fails.

The service is `tests.support.model_server` in a process of its own, a new one for each measurement and always with
the same seed: each side meets the same delays in the same order. So does each side have a process (`asker`), with byte
code kept as in `commands`; the run that fills the folder has a row of its own: it needs memory to compile libraries.

Little's law gives the least time for so many answers, so many at once, each after its mean delay.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from engagement.demo import sample
from engagement.ingest import learners
from engagement.llm import titles
from engagement.llm.client import Model
from engagement.llm.service import Service
from engagement.llm.writer import Writer
from engagement.outreach import nudges
from engagement.policy import DEFAULT_SELECTION
from engagement.settings import PROJECT
from engagement.store import Store
from engagement.targeting import decisions
from tests.benchmarks.asker import AT_ONCE, EARLY, WRITTEN
from tests.support.cohort import AS_OF, begin

NUDGES, MANY, HANGING, IN_OUTAGE = EARLY, 100_000, 10_000, 4_000
DELAY_S = (0.3, 0.8)
OUTAGE_S = (5, 12)
RUNS = 3
RIVALS = {"semaphore": "openai's asynchronous client", "threads": "openai's other client in threads"}
LITTLE_RATIO, CPU_MS, PEAK_MB, GROWTH_RATIO, RIVAL_RATIO = 1.15, 3, 120, 1.1, 1
HANGING_S, HANGING_REQUESTS, TEMPLATES_PERCENT, CALL_S = 11, 80, 3, 8.3
SERVER = "import random; random.seed(1); from tests.support.model_server import main; main()"
DELAYED = ("--delay", *map(str, DELAY_S))
HANGS = ("--fault", "hang")


def main() -> list[dict[str, Any]]:
    """Return what asking takes, and what becomes of it where the service does not answer."""
    with tempfile.TemporaryDirectory() as made:
        kept = Path(made)
        compiling, *_ = [_all_written(side, AT_ONCE, kept=kept) for side in ("ours", *RIVALS)]
        return [
            *_well(kept),
            {
                "what": "peak memory where no byte code is kept yet",
                "ours": compiling["peak_mb"],
                "unit": "MB",
            },
            *_flat(kept),
            *_hanging(kept),
            *_drafting(kept),
            *_outage(kept),
            *_call(kept),
        ]


def smallest() -> list[dict[str, Any]]:
    """Return what our side takes at a service that answers at once."""
    taken = _all_written("ours", AT_ONCE, kept=None)
    return [{"what": f"{AT_ONCE} nudges", "ours": taken["cpu_s"], "unit": "CPU s"}]


def _well(kept: Path) -> list[dict[str, Any]]:
    """Compare the sides, which take turns, at a service that answers after a while."""
    sides = ("ours", *RIVALS)
    turns = [{side: _all_written(side, NUDGES, *DELAYED, kept=kept) for side in sides} for _ in range(RUNS)]

    def median(side: str, figure: str) -> float:
        return statistics.median(float(turn[side][figure]) for turn in turns)

    wall_s, cpu_s = median("ours", "wall_s"), median("ours", "cpu_s")
    peak_mb = max(turn["ours"]["peak_mb"] for turn in turns)
    what = f"{NUDGES:,} nudges, {AT_ONCE} at once, answers after {DELAY_S[0]} to {DELAY_S[1]} s"
    little_s = NUDGES * statistics.mean(DELAY_S) / AT_ONCE
    rows = [
        _row(f"{what}, beside Little's law", wall_s, little_s, "s") | {"target": LITTLE_RATIO},
        {"what": f"{what}, each", "ours": 1000 * cpu_s / NUDGES, "unit": "CPU ms", "most": CPU_MS},
        {"what": f"{what}, peak memory", "ours": peak_mb, "unit": "MB", "most": PEAK_MB},
    ]
    for side, described in RIVALS.items():
        beside = f"{NUDGES:,} nudges beside {described}"
        rows += [
            _row(f"{beside}, on the clock", wall_s, median(side, "wall_s"), "s") | {"target": RIVAL_RATIO},
            _row(beside, cpu_s, median(side, "cpu_s"), "CPU s") | {"target": RIVAL_RATIO},
        ]
    return rows


def _flat(kept: Path) -> list[dict[str, Any]]:
    """Compare the memory late and early in one batch, at a service that answers at once."""
    taken = _all_written("ours", MANY, kept=kept)
    what = f"memory after {MANY:,} nudges beside after {EARLY:,}"
    return [_row(what, taken["rss_mb"], taken["early_rss_mb"], "MB") | {"target": GROWTH_RATIO}]


def _hanging(kept: Path) -> list[dict[str, Any]]:
    taken = _figures("impatient", HANGING, *HANGS, kept=kept)
    assert taken["reasons"].keys() == {"deadline", "breaker_open"}
    assert taken["stopped"] == "breaker_open"  # the reason of all that were not even handed over
    what = f"{HANGING:,} nudges at a service that hangs, without patience"
    return [
        {"what": what, "ours": taken["wall_s"], "unit": "s", "most": HANGING_S},
        {"what": what, "ours": taken["requests"], "unit": "requests", "most": HANGING_REQUESTS},
    ]


def _drafting(kept: Path) -> list[dict[str, Any]]:
    """Draft a whole cohort in a store while the service hangs: every learner gets a template."""
    store = Store(kept / "store.duckdb")
    invented = sample.cohort(HANGING, seed=1, as_of=AS_OF)
    learners.load(store, invented.snapshot(sample.WEEKS, nudged=None), observed_at=AS_OF, loaded_at=AS_OF)
    for row in titles.listed(store):
        titles.confirm(store, [row["text"]], kind=row["kind"], actor="benchmark", now=AS_OF)
    run = begin(store, AS_OF)
    decisions.decide(store, run, policy=DEFAULT_SELECTION)
    counted: dict[str, int] = {}
    with _served(HANGS, os.environ, counted) as url:
        asked = Model("gpt-4.1-mini", SecretStr("sk-none"), url, concurrency=AT_ONCE, outage_wait_s=0)
        service = Service(asked)
        started = time.monotonic()
        drafted = nudges.draft(store, run, Writer(service, ""))
        taken_s = time.monotonic() - started
        service.close()
    with store.read() as db:
        templates = db.execute("select count(*) from nudges where gpt_fallback").fetchall()
    assert templates == [(drafted,)]
    what = f"{drafted:,} drafts for {HANGING:,} learners in a store, the service hangs, without patience"
    return [
        {"what": what, "ours": taken_s, "unit": "s", "most": HANGING_S},
        {"what": what, "ours": counted["requests"], "unit": "requests", "most": HANGING_REQUESTS},
    ]


def _outage(kept: Path) -> list[dict[str, Any]]:
    taken = _figures("ours", IN_OUTAGE, *DELAYED, "--outage", *map(str, OUTAGE_S), kept=kept)
    assert sum(taken["reasons"].values()) == IN_OUTAGE
    percent = 100 * (1 - taken["reasons"][WRITTEN] / IN_OUTAGE)
    what = f"{IN_OUTAGE:,} nudges through {OUTAGE_S[1] - OUTAGE_S[0]} s of outage"
    return [
        {"what": f"{what}, templates", "ours": percent, "unit": "%", "most": TEMPLATES_PERCENT},
        {"what": what, "ours": taken["wall_s"], "unit": "s"},
    ]


def _call(kept: Path) -> list[dict[str, Any]]:
    taken = _figures("call", 2, *HANGS, kept=kept)
    what = "one nudge at a service that hangs"
    return [
        {"what": f"{what}, first of its process", "ours": taken["first_s"], "unit": "s", "most": CALL_S},
        {"what": f"{what}, in a blocked event loop", "ours": taken["in_loop_s"], "unit": "s", "most": CALL_S},
    ]


def _row(what: str, ours: float, rival: float, unit: str) -> dict[str, Any]:
    return {"what": what, "ours": ours, "rival": rival, "ratio": round(ours / rival, 2), "unit": unit}


def _all_written(side: str, count: int, *behaviour: str, kept: Path | None) -> dict[str, Any]:
    taken = _figures(side, count, *behaviour, kept=kept)
    assert taken["reasons"] == {WRITTEN: count}
    assert not behaviour or taken["most_at_once"] == AT_ONCE
    return taken


def _figures(side: str, count: int, *behaviour: str, kept: Path | None) -> dict[str, Any]:
    """Return what one side says it took to ask for so many, and what a service that behaves so has counted."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env = inherited | ({"PYTHONPYCACHEPREFIX": str(kept)} if kept else {})
    counted: dict[str, int] = {}
    with _served(behaviour, env, counted) as url:
        words = [sys.executable, "-m", "tests.benchmarks.asker", side, url, str(count)]
        done = subprocess.run(words, check=False, env=env, cwd=PROJECT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures | counted


@contextmanager
def _served(behaviour: tuple[str, ...], env: Mapping[str, str], counted: dict[str, int]) -> Iterator[str]:
    """Yield the address of a service; fill `counted` when it has ended."""
    with subprocess.Popen[str](
        [sys.executable, "-c", SERVER, *behaviour],
        env=env,
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout
        port = int(server.stdout.readline())
        yield f"http://127.0.0.1:{port}/v1"
        said, _ = server.communicate()
        counted |= json.loads(said)
