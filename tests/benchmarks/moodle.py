"""A large course of a Moodle: its downloads beside DuckDB's bare reader, and a sync by its web services.

The rival is `read_csv` of the same three files, every column as text: no time in words, no rule, no store. Seconds are
of the processor, so that a busy machine does not count. Of a sync the calls count: a server that teaches answers them.
"""

import csv
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

import duckdb

from engagement.ingest import events, learners
from engagement.ingest.platforms import recognition
from engagement.ingest.platforms.moodle import sync, web
from engagement.ingest.source.source_format import SourceFormat
from engagement.store import Store
from tests.support.moodle_server import TOKEN, invented, serving

LEARNERS = 1_000
ACTIVITIES = 40
LINES = 300_000
DELAY_S = 0.02
RUNS = 3
READ_RATIO, CALLS_A_LEARNER = 6, 1.1
AS_OF = datetime(2026, 11, 29, 12, tzinfo=UTC).replace(tzinfo=None)
BEGAN = datetime(2026, 9, 1, 8, tzinfo=ZoneInfo("Europe/Berlin"))


def main() -> list[dict[str, Any]]:
    """Return seconds of the processor of the downloads, and calls and seconds of a sync."""
    return [
        _downloads(LEARNERS, ACTIVITIES, LINES, runs=RUNS),
        *_synced(LEARNERS, ACTIVITIES, delay_s=DELAY_S),
    ]


def smallest() -> list[dict[str, Any]]:
    """Return the same of a small course."""
    return [_downloads(30, 5, 300, runs=1), *_synced(20, 5, delay_s=0)]


def _downloads(people: int, activities: int, lines: int, *, runs: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        files = _written(folder, people, activities, lines)
        plain_s = min(_processor_s(partial(_plain, files)) for _ in range(runs))
        ours_s = min(_processor_s(partial(_loaded, folder / f"{run}.duckdb", files)) for run in range(runs))
    return {
        "what": f"completion and grades of {people:,} learners, a log of {lines:,} lines, beside read_csv",
        "ours": round(ours_s, 3),
        "rival": round(plain_s, 3),
        "ratio": round(ours_s / plain_s, 2),
        "unit": "s of the processor",
        "target": READ_RATIO,
    }


def _processor_s(done: Any) -> float:
    begun = time.process_time()
    done()
    return time.process_time() - begun


def _plain(files: list[Path]) -> None:
    with duckdb.connect() as db:
        for file in files:
            db.execute(f"create or replace table plain as from read_csv('{file}', all_varchar = true)")


def _loaded(path: Path, files: list[Path]) -> None:
    store = Store(path)
    kinds = {file: kind for file in files if (kind := recognition.recognised(file))}
    said = SourceFormat("Europe/Berlin", values={"program": "Data 101"})
    loaders: dict[str, Any] = {"learners": learners.load, "events": events.load}
    for part in recognition.read(store, kinds, said, as_of=AS_OF):
        known = {"observed_at": AS_OF, "loaded_at": AS_OF, "source_format": part.source_format}
        summary = loaders[part.of](store, part.source, **known)
        assert summary.quarantined == 0


def _written(folder: Path, people: int, activities: int, lines: int) -> list[Path]:
    progress, grades, log = (folder / name for name in ("progress.csv", "grades.csv", "log.csv"))
    due = [f"{BEGAN + timedelta(days=2 * at):%Y-%m-%d %H:%M:%S}" for at in range(activities)]
    with progress.open("w", encoding="utf-8", newline="") as file:
        rows = _writer(file)
        pairs = [text for at in range(activities) for text in (f"Page {at}", due[at])]
        rows.writerow(["", "ID number", "Email address", *pairs])
        for who in range(people):
            states = [
                text
                for at in range(activities)
                for text in (("Completed", due[at]) if (who + at) % 3 else ("Not completed", ""))
            ]
            rows.writerow([f"Ida Tester{who}", f"{who:07}", f"l{who}@example.invalid", *states])
    with grades.open("w", encoding="utf-8", newline="") as file:
        rows = _writer(file)
        items = [f"Quiz: Quiz {at} (Percentage)" for at in range(activities)]
        about = ("First name", "Surname", "ID number", "Institution", "Department", "Email address")
        rows.writerow([*about, *items, "Course total (Percentage)", "Last downloaded from this course"])
        for who in range(people):
            scores = [f"{(who + at) % 101}.00 %" for at in range(activities)]
            name = ("Ida", f"Tester{who}", f"{who:07}", "", "", f"l{who}@example.invalid")
            rows.writerow([*name, *scores, "50.00 %", "1795987335"])
    with log.open("w", encoding="utf-8-sig", newline="") as file:
        rows = _writer(file)
        rows.writerow(
            [
                "Time",
                "User full name",
                "Affected user",
                "Event context",
                "Component",
                "Event name",
                "Description",
                "Origin",
                "IP address",
            ]
        )
        for line in range(lines, 0, -1):
            who, at = line % people, BEGAN + timedelta(seconds=20 * line)
            time_ = f"{at.day}/{at:%m/%y, %H:%M:%S}"
            did = f"The user with id '{who + 3}' viewed the course with id '2'."
            what = ("Course: Data 101", "System", "Course viewed", did)
            rows.writerow([time_, f"Ida Tester{who}", "-", *what, "web", "192.0.2.1"])
    return [progress, grades, log]


def _writer(file: IO[str]) -> Any:
    return csv.writer(file, lineterminator="\n")  # as Moodle ends its lines


def _synced(people: int, activities: int, *, delay_s: float) -> list[dict[str, Any]]:
    with (
        tempfile.TemporaryDirectory() as made,
        serving(invented(people, activities), delay_s=delay_s) as (url, calls),
    ):
        begun = time.monotonic()
        with web.Web(url, TOKEN, Path(made, "kept"), now=AS_OF) as asked:
            sync.course_of(asked, "7", program="", as_of=AS_OF)
        taken_s = time.monotonic() - begun
    what = f"a sync of {people:,} learners from a server that answers in {1000 * delay_s:g} ms"
    return [
        {
            "what": f"{what}, calls a learner",
            "ours": round(len(calls) / people, 3),
            "unit": "calls",
            "most": CALLS_A_LEARNER if people >= LEARNERS else 1.5,
        },
        {"what": what, "ours": round(taken_s, 1), "unit": "s"},
    ]
