"""What coordinators wait for on the dashboard, beside a Streamlit page with the same table, filters and plot.

Both are served and looked at on one machine, so the browser, the servers and a night's run share its cores, as they
never would; ratios say more than seconds. The sides take turns, word by word or round by round. A search word is
used once a server: nothing is answered from a cache that another word filled. `streamlit_page` is the other page,
`pages` what serves and drives both. `BENCHMARK_LEARNERS` gives another size than a million, for trying.

Not measured: a network between browser and server, typing letter by letter, other browsers, hours of use.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from engagement.dates import end_of_day
from engagement.demo import sample
from engagement.ingest import learners
from engagement.reporting import printing
from engagement.settings import PROJECT
from engagement.store import open_store
from tests.benchmarks.coordinators import (
    PAUSE_S,
    Words,
    open_learner,
    search_words,
    shares_of,
    turn,
    work,
    writable,
)
from tests.benchmarks.pages import (
    OURS,
    STREAMLIT,
    Viewer,
    browser,
    come,
    free_port,
    kernels,
    preheated,
    served,
    unique_mb,
)
from tests.benchmarks.size import BIN, FEWER, LEARNERS
from tests.support import cohort
from tests.support.model_server import ModelServer

FEW = LEARNERS // FEWER
CAPACITY = 5_000  # drafts that wait for a decision
CHANGED = 0.05  # learners with new facts on the second night
ZONE = ZoneInfo("UTC")
VIEWERS = 5
OPENINGS, FILTERS, ROUNDS, ROUND, TURNS, GENERATIONS = 7, 40, 5, 5, 6, 3
MODEL_S = 5.0  # a slow model, within the eight seconds it is given
LEFT_S = 100  # within 90 s, looked at from outside
OPEN_RATIO, FILTER_RATIO, LARGER_RATIO, TURN_RATIO = 0.6, 0.35, 2, 2
WAIT_S, KERNEL_MB = 1, 60
REST_S = 0.5
READ_S = 5  # what the engine took for an answer goes back within seconds


@dataclass(frozen=True)
class Site:
    """A page that is served."""

    url: str
    pid: int
    kind: Any


def main() -> list[dict[str, Any]]:
    """Return the figures of both pages; none where there is no Chromium."""
    chromium = _chromium()
    if chromium is None:
        return []
    with tempfile.TemporaryDirectory() as made:
        return asyncio.run(_measured(Path(made), chromium))


def smallest() -> list[dict[str, Any]]:
    """Return one wait of one viewer on a page of few learners; none where there is no Chromium."""
    chromium = _chromium()
    if chromium is None:
        return []
    with tempfile.TemporaryDirectory() as made:
        return asyncio.run(_looked_at(Path(made), chromium))


async def _looked_at(folder: Path, chromium: str) -> list[dict[str, Any]]:
    store = open_store(folder / "few.duckdb")
    cohort.load(store, cohort.learner())
    cohort.night(store)
    with _ours(store.path, "http://127.0.0.1:9", anew=False) as ours:
        async with browser(chromium) as opened, _viewers(opened, ours, 1) as (viewer,):
            return [{"what": "a learner is opened", "ours": await open_learner(viewer), "unit": "s"}]


def _chromium() -> str | None:
    path = next(filter(None, map(shutil.which, printing.PROGRAMS)), None)
    if path is None:
        print("dashboard: not measured, for there is no chromium on this machine", file=sys.stderr)
    return path


async def _measured(folder: Path, chromium: str) -> list[dict[str, Any]]:
    if task := asyncio.current_task():  # told to end: servers, browser and folder are taken down all the same
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    few, many = _store(folder / "few.duckdb", FEW), _store(folder / "many.duckdb", LEARNERS)
    theirs = Path(shutil.copy(few, folder / "theirs.duckdb"))
    words, others = search_words(few, FILTERS * 2 + VIEWERS * ROUNDS * ROUND), search_words(many, FILTERS)
    single, five, rest = words[:FILTERS], words[FILTERS:-FILTERS], words[-FILTERS:]
    with ModelServer(delay_s=(MODEL_S, MODEL_S)) as model, ExitStack() as sites:
        ours = sites.enter_context(_ours(few, model.url))
        larger = sites.enter_context(_ours(many, model.url))
        rival = sites.enter_context(_streamlit(theirs, folder / "home"))
        async with browser(chromium) as opened:
            return [
                *await _openings(opened, ours, rival),
                *await _filters(opened, ours, rival, single),
                *await _larger(opened, ours, larger, rest, others),
                *await _five(opened, ours, rival, five),
                *await _memory(opened, ours, words),
                *await _turns(opened, ours),
                *await _night(opened, ours, few),
                *await _left(opened, ours),
            ]


async def _openings(opened: Any, ours: Site, rival: Site) -> list[dict[str, Any]]:
    """Ask for each page in turns, with an empty cache of the browser; the first time of each is not counted."""
    taken: dict[str, list[float]] = {ours.url: [], rival.url: []}
    for _ in range(OPENINGS + 1):
        for site in (ours, rival):
            await preheated(ours.pid)
            viewer = await come(opened, site.url, site.kind)
            taken[site.url].append(await viewer.loaded())
            await viewer.leave()
    mine, its = (times[1:] for times in taken.values())
    what = f"from asking for the page to a table, {FEW:,} learners"
    return [
        _beside(what, median(mine), median(its)) | {"target": OPEN_RATIO},
        _beside(f"{what}, the slowest of {OPENINGS}", max(mine), max(its)),
    ]


async def _filters(opened: Any, ours: Site, rival: Site, words: Words) -> list[dict[str, Any]]:
    async with _viewers(opened, ours, 1) as (mine,), _viewers(opened, rival, 1) as (its,):
        taken = [(await _rested(mine, one), await _rested(its, one)) for one in words]
    first, second = zip(*taken, strict=True)
    what = f"from a search to its table, {FEW:,} learners, one viewer"
    return [
        _beside(f"{what}, p50", median(first), median(second)) | {"target": FILTER_RATIO},
        _beside(f"{what}, p95", _p95(first), _p95(second)) | {"target": FILTER_RATIO},
    ]


async def _larger(opened: Any, fewer: Site, more: Site, words: Words, others: Words) -> list[dict[str, Any]]:
    async with _viewers(opened, fewer, 1) as (one,), _viewers(opened, more, 1) as (other,):
        taken = [
            (await _rested(one, these), await _rested(other, those))
            for these, those in zip(words, others, strict=True)
        ]
    small, large = zip(*taken, strict=True)
    what = f"from a search to its table, {LEARNERS:,} learners beside {FEW:,}"
    return [
        _beside(f"{what}, p50", median(large), median(small)) | {"target": LARGER_RATIO},
        _beside(f"{what}, p95", _p95(large), _p95(small)) | {"target": LARGER_RATIO},
    ]


async def _rested(viewer: Viewer, word: tuple[str, int]) -> float:
    """Return the seconds of a filter; a page works on after it shows a result, which is not the other's time."""
    await asyncio.sleep(REST_S)
    return await viewer.filter(*word)


async def _five(opened: Any, ours: Site, rival: Site, words: Words) -> list[dict[str, Any]]:
    """Five viewers who search, read for a second, and search again; a round on one side, then on the other."""
    taken: dict[str, list[float]] = {ours.url: [], rival.url: []}
    errors: dict[str, list[str]] = {ours.url: [], rival.url: []}
    async with _viewers(opened, ours, VIEWERS) as mine, _viewers(opened, rival, VIEWERS) as its:
        for begin in range(0, ROUNDS * ROUND, ROUND):
            shares = [share[begin : begin + ROUND] for share in shares_of(words, VIEWERS)]
            for site, viewers in ((ours, mine), (rival, its)):

                async def searches(viewer: Viewer, share: Words) -> list[float]:
                    waits = []
                    for one in share:
                        waits.append(await viewer.filter(*one))
                        await asyncio.sleep(PAUSE_S)
                    return waits

                rounds = await asyncio.gather(*map(searches, viewers, shares))
                taken[site.url] += [wait for waits in rounds for wait in waits]
        for site, viewers in ((ours, mine), (rival, its)):
            errors[site.url] = [error for viewer in viewers for error in await viewer.errors()]
    mine_s, its_s = taken.values()
    what = f"from a search to its table, {FEW:,} learners, {VIEWERS} viewers at once"
    return [
        _beside(f"{what}, p50", median(mine_s), median(its_s)),
        _beside(f"{what}, p95", _p95(mine_s), _p95(its_s)) | {"target": FILTER_RATIO},
        _count(f"{what}, errors", errors[ours.url], most=0),
    ]


async def _memory(opened: Any, ours: Site, words: Words) -> list[dict[str, Any]]:
    """What each viewer's kernel has for itself while what it showed is read, before it wrote anything."""
    async with _viewers(opened, ours, VIEWERS) as viewers:
        for number, viewer in enumerate(viewers):
            await viewer.filter(*words[number])
            await open_learner(viewer)
        await asyncio.sleep(READ_S)
        taken = sorted(map(unique_mb, kernels(ours.pid)))[-VIEWERS:]
    what = "memory of a viewer's kernel that no other process shares, page used and read, nothing generated"
    return [{"what": what, "ours": max(taken), "unit": "MB", "most": KERNEL_MB}]


async def _turns(opened: Any, ours: Site) -> list[dict[str, Any]]:
    """Turn pages, then turn them while a slow model is asked for a nudge."""
    alone, meanwhile = [], []
    async with _viewers(opened, ours, 1) as (viewer,):
        for _ in range(GENERATIONS):
            alone += [await turn(viewer) for _ in range(TURNS)]
            button = await writable(viewer)
            await viewer.click(button, 'bench.one("[data-testid=generate-nudge][aria-busy=true]")')
            turns: list[float] = []
            while len(turns) < TURNS and await button.get_attribute("aria-busy"):
                turns.append(await turn(viewer))
            meanwhile += turns
            await viewer.until(
                'bench.one("[data-testid=generate-nudge]")?.getAttribute("aria-busy") !== "true"'
            )
            await viewer.page.get_by_test_id("close-learner").click()
    what = "a turned page while a model writes, beside one without"
    return [
        _beside(f"{what}, p50 of {len(meanwhile)}", median(meanwhile), median(alone))
        | {"target": TURN_RATIO},
        _beside(f"{what}, the slowest", max(meanwhile), max(alone)),
    ]


async def _night(opened: Any, ours: Site, store: Path) -> list[dict[str, Any]]:
    """Let five viewers work while the second night's run scores everybody and publishes."""
    today = _today()
    _change(store, today)
    words = search_words(store, 200, seed=2)
    async with _viewers(opened, ours, VIEWERS) as viewers:
        night = await asyncio.create_subprocess_exec(
            *map(str, _nightly(today)),
            env=os.environ | _environment(store),
            cwd=PROJECT,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            begin = time.monotonic()
            ended = asyncio.ensure_future(night.communicate())
            works = map(work, viewers, shares_of(words, VIEWERS), range(VIEWERS), [ended] * VIEWERS)
            worked = await asyncio.gather(*works)
            _, said = await ended
            night_s = time.monotonic() - begin
        finally:
            if night.returncode is None:
                night.kill()
    failures = [] if night.returncode == 0 else [said.decode()[-500:]]
    waits = [wait for one in worked for times in one.waits.values() for wait in times]
    errors = [*failures, *(error for one in worked for error in one.errors)]
    what = f"nightly run of {FEW:,} learners while {VIEWERS} viewers work"
    longest = f"{what}, longest wait of {len(waits)}"
    return [
        _count(f"{what}, errors on either side", errors, most=0),
        {"what": longest, "ours": max(waits), "unit": "s", "most": WAIT_S},
        {"what": f"{what}, p50 of the waits", "ours": median(waits), "unit": "s"},
        {"what": f"{what}, the run", "ours": night_s, "unit": "s"},
    ]


async def _left(opened: Any, ours: Site) -> list[dict[str, Any]]:
    """Let five viewers leave, some without a word, and look when their kernels are gone."""
    viewers = [await come(opened, ours.url, ours.kind) for _ in range(VIEWERS)]
    for viewer in viewers:
        await viewer.loaded()
    for number, viewer in enumerate(viewers):
        await (viewer.leave() if number % 2 else viewer.vanish())
    begin = time.monotonic()
    while len(kernels(ours.pid)) > 1 and time.monotonic() - begin < LEFT_S:
        await asyncio.sleep(0.5)
    what = f"kernels after {VIEWERS} viewers left"
    return [
        {"what": what, "ours": len(kernels(ours.pid)), "unit": "kernels", "most": 1},
        {"what": f"{what}, until then", "ours": time.monotonic() - begin, "unit": "s"},
    ]


@asynccontextmanager
async def _viewers(opened: Any, site: Site, count: int) -> AsyncIterator[list[Viewer]]:
    """Yield viewers whose page is loaded and has answered once, so that no measurement meets a cold page."""
    viewers = []
    try:
        for number in range(count):
            viewers.append(viewer := await come(opened, site.url, site.kind))
            await viewer.loaded()
            everybody = await viewer.page.evaluate("bench.shown()")
            await viewer.filter(f"no such {number}", 0)
            await viewer.filter("", everybody)
        yield viewers
    finally:
        for viewer in viewers:
            await viewer.leave()


@contextmanager
def _ours(store: Path, model: str, *, anew: bool = True) -> Iterator[Site]:
    """Serve the dashboard; `anew` with byte code that is kept beside the store, where there is none yet."""
    port = free_port()
    words: list[str | Path] = [
        BIN / "engagement",
        "dashboard",
        "--port",
        str(port),
        "--viewers",
        str(2 * VIEWERS),
    ]
    token = "benchmark-0123456789"
    env = _environment(store) | {"OPENAI_API_KEY": "sk-benchmark-0123456789", "OPENAI_BASE_URL": model}
    env["ENGAGEMENT_DASHBOARD_TOKEN"] = token
    if not anew:
        del env["PYTHONPYCACHEPREFIX"]
    log = store.with_suffix(".log")
    with served(words, port=port, ready="/engagement/static/frame/page.css", env=env, log=log) as pid:
        yield Site(f"http://127.0.0.1:{port}/?token={token}", pid, OURS)


@contextmanager
def _streamlit(store: Path, home: Path) -> Iterator[Site]:
    home.mkdir()
    port = free_port()
    options = {
        "server.headless": "true",
        "server.address": "127.0.0.1",
        "server.port": port,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "viewer",
    }
    words: list[str | Path] = [BIN / "streamlit", "run", Path(__file__).with_name("streamlit_page.py")]
    env = _environment(store) | {"HOME": str(home)}
    with served(
        [*words, *(f"--{name}={value}" for name, value in options.items())],
        port=port,
        ready="/_stcore/health",
        env=env,
        log=store.with_suffix(".log"),
    ) as pid:
        yield Site(f"http://127.0.0.1:{port}/", pid, STREAMLIT)


def _store(path: Path, size: int) -> Path:
    """Return a store of invented learners as it is after a first night."""
    day = _today() - timedelta(days=1)
    end = end_of_day(day, ZONE)
    rows = sample.cohort(size, seed=1, as_of=end).snapshot(sample.WEEKS - 1)
    _load(path, rows, end - timedelta(days=7))
    command = [*_nightly(day), "-p", f"capacity={CAPACITY}"]
    subprocess.run(command, check=True, env=os.environ | _environment(path), cwd=PROJECT, capture_output=True)
    return path


def _change(store: Path, day: date) -> None:
    """Give one learner in twenty new facts."""
    end = end_of_day(day, ZONE)
    rows = sample.cohort(FEW, seed=1, as_of=end_of_day(day - timedelta(days=1), ZONE)).snapshot(
        sample.WEEKS - 1
    )
    chance = np.random.default_rng(1)
    rows = rows[chance.random(len(rows)) < CHANGED]
    done = np.round(100 * chance.random(len(rows)), 1)
    _load(
        store,
        rows.assign(completed_percent=done, completed_percent_due=done),
        end - timedelta(days=1, seconds=-1),
    )


def _load(path: Path, rows: pd.DataFrame, at: datetime) -> None:
    learners.load(open_store(path), rows, observed_at=at, loaded_at=at)


def _nightly(day: date) -> list[str | Path]:
    return [BIN / "engagement", "run", "nightly", "--as-of", day.isoformat(), "--model", "none"]


def _environment(store: Path) -> dict[str, str]:
    """Return the settings of a command on that store; byte code is kept, as on a machine that has run it before."""
    return {
        "ENGAGEMENT_STORE": str(store),
        "ENGAGEMENT_REPORTS": str(store.with_suffix(".reports")),
        "PYTHONPYCACHEPREFIX": str(store.with_name("kept")),
    }


def _today() -> date:
    return datetime.now(UTC).date()


def _p95(times: Sequence[float]) -> float:
    return quantiles(times, n=20, method="inclusive")[-1]


def _beside(what: str, ours: float, rival: float) -> dict[str, Any]:
    return {"what": what, "ours": ours, "rival": rival, "ratio": round(ours / rival, 2), "unit": "s"}


def _count(what: str, found: list[str], *, most: int) -> dict[str, Any]:
    for text in found:
        print(f"{what}: {text}", file=sys.stderr)
    return {"what": what, "ours": len(found), "unit": "errors", "most": most}
