"""A million xAPI statements loaded beside DuckDB's bare reader, and with the memory that a quarter of them take.

The rival is `read_json` of the same lines into a table, every field by its own name: no rule, no learner, no event.
CPU seconds, because reading in order takes one core and the rival takes all. Each load is a process of its own, so that
the most memory that it held is its own, too.
"""

import os
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from engagement.ingest import events, learners
from engagement.ingest.platforms import recognition
from engagement.ingest.source.source_format import SourceFormat
from engagement.store import Store
from tests.benchmarks import commands

STATEMENTS = 1_000_000
FEWER = 4
RUNS = 3
RATIO, GROWTH = 3, 1.3
AS_OF = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC).replace(tzinfo=None)
VERBS = ("viewed", "viewed", "viewed", "login", "completed", "answered", "submit", "started")


def main() -> list[dict[str, Any]]:
    """Return CPU seconds of loading statements beside reading them, and memory beside that of fewer."""
    with tempfile.TemporaryDirectory() as made:
        return _rows(Path(made), STATEMENTS, runs=RUNS)


def smallest() -> list[dict[str, Any]]:
    """Return the same of a few statements."""
    with tempfile.TemporaryDirectory() as made:
        return _rows(Path(made), 2_000, runs=1)


def _rows(folder: Path, size: int, *, runs: int) -> list[dict[str, Any]]:
    many, few = folder / "many.jsonl", folder / "few.jsonl"
    _write(many, size)
    _write(few, size // FEWER)
    ours, rival = commands.in_turns(
        lambda: _cost("load", many, folder), lambda: _cost("read", many, folder), runs=runs
    )
    held, of_few = (int((folder / f"{file.stem}.kb").read_text()) for file in _loaded(folder, many, few))
    what = f"{size:,} xAPI statements"
    return [
        {
            "what": f"{what} loaded, beside read_json",
            "ours": ours.cpu_s,
            "rival": rival.cpu_s,
            "ratio": ours.cpu_s / rival.cpu_s,
            "unit": "CPU s",
            "target": RATIO,
        },
        {
            "what": f"memory for {what}, beside a quarter of them",
            "ours": held / 1000,
            "rival": of_few / 1000,
            "ratio": held / of_few,
            "unit": "MB",
            "target": GROWTH,
        },
    ]


def _loaded(folder: Path, *files: Path) -> tuple[Path, ...]:
    for file in files:
        _cost("load", file, folder)
    return files


def _write(file: Path, size: int) -> None:
    """Write statements as Moodle's plugin does: who, what, when, in which course, and a score where there is one."""
    verbs = ", ".join(f"'{verb}'" for verb in VERBS)
    with duckdb.connect() as db:
        db.execute(
            f"""
            copy (
                select json_object(
                    'id', uuid(),
                    'actor', json_object(
                        'account', json_object('homePage', 'https://lms.example.invalid', 'name', (i * 7919 % ({size} // 100))::text),
                        'name', 'Invented ' || (i * 7919 % ({size} // 100))
                    ),
                    'verb', json_object('id', 'https://verbs.example.invalid/' || verb, 'display', json_object('en', verb)),
                    'object', json_object(
                        'id', 'https://lms.example.invalid/mod/quiz/attempt.php?attempt=' || i,
                        'definition', json_object(
                            'name', json_object('en', 'Week ' || i % 20),
                            'type', 'http://types.example.invalid/' || if(verb = 'completed', 'attempt', 'page')
                        ),
                        'objectType', 'Activity'
                    ),
                    'timestamp', strftime(timestamp '2025-09-01' + to_seconds(i % 15000000), '%Y-%m-%dT%H:%M:%SZ'),
                    'context', json_object(
                        'platform', 'Invented', 'language', 'en', 'contextActivities', json_object(
                            'category', [json_object('id', 'https://lms.example.invalid')],
                            'parent', [
                                json_object(
                                    'id', 'https://lms.example.invalid/mod/quiz/view.php?id=' || i % 20,
                                    'definition', json_object('type', 'http://types.example.invalid/assessment')
                                ),
                                json_object(
                                    'id', 'https://lms.example.invalid/course/view.php?id=3',
                                    'definition', json_object(
                                        'name', json_object('en', 'Biology 101'), 'type', 'http://types.example.invalid/course'
                                    )
                                )
                            ]
                        )
                    ),
                    'result', json_object('score', json_object('raw', i % 11, 'min', 0, 'max', 10, 'scaled', i % 11 / 10))
                )
                from (select i, [{verbs}][1 + i % {len(VERBS)}] as verb from range({size}) as numbers (i))
            ) to '{file}' (format csv, header false, quote '', escape '', delimiter '\x01')
            """  # noqa: E501 (a statement as it is written)
        )


def _cost(what: str, file: Path, folder: Path) -> commands.Cost:
    return commands.cost([sys.executable, "-m", __spec__.name if __spec__ else __name__, what, file, folder])


def load(file: Path, folder: Path) -> None:
    """Load the statements into a new store, and write down the most memory that it took."""
    path = folder / f"{os.getpid()}.duckdb"
    store = Store(path)
    kinds = {file: kind for file in [file] if (kind := recognition.recognised(file))}
    loaders = {"learners": learners.load, "events": events.load}
    for part in recognition.read(store, kinds, SourceFormat(), as_of=AS_OF):
        loaders[part.of](
            store, part.source, observed_at=AS_OF, loaded_at=AS_OF, source_format=part.source_format
        )
    # of this program: what is told of a process counts what its parent held, too
    held = re.findall(r"^VmHWM:\s*(\d+)", Path("/proc/self/status").read_text(), flags=re.MULTILINE)
    (folder / f"{file.stem}.kb").write_text(held[0])
    path.unlink()


def read(file: Path, folder: Path) -> None:
    """Read the statements into a table, as they are."""
    path = folder / f"{os.getpid()}.duckdb"
    with duckdb.connect(path) as db:
        db.execute(f"create table statements as from read_json('{file}')")
    path.unlink()


if __name__ == "__main__":
    {"load": load, "read": read}[sys.argv[1]](*map(Path, sys.argv[2:]))
