"""Loading a million learners from CSV beside DuckDB's bare reader, and ten million within 4 GiB.

The rival is `read_csv` of the same file into a table, every column as text: no rule, no store, no line of a bad row.
"Rules alone" ends with every value read and every reason found; "committed" with learners and facts in the store.
The same rows with very many columns, as a workbook, and with their addresses slipped by a row stand beside plain CSV.
A dry run of another week's file stands beside loading and scoring it, each by the command line on a copy of the store.
Ten million are loaded and scored by the command line, as a user would, each process kept under the limit by the
operating system; a million under the same limit is what they are compared with.
"""

import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from engagement.demo import sample
from engagement.files import encoding
from engagement.ingest import learners, validation
from engagement.ingest.schema import LEARNERS
from engagement.ingest.source.source_format import AS_DOCUMENTED
from engagement.store import Store
from tests.benchmarks import commands

LEARNERS_IN_FILE = 1_000_000
COPIES = 10
OF_A_SHAPE = 100_000
WIDE = 300
RUNS = 3
LIMIT_BYTES = 4 * 1024**3
GENERATED_S = 20
RULES_RATIO, COMMITTED_RATIO, GROWTH_RATIO, SHAPE_RATIO, DRY_RATIO = 3, 7, 12, 3, 1.2
AS_OF = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC).replace(tzinfo=None)


def main() -> list[dict[str, Any]]:
    """Return seconds of loading, and of the largest load against the smaller one."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        file = folder / "learners.csv"
        rows = _beside_read_csv(file, LEARNERS_IN_FILE, runs=RUNS)
        few_s = _load_and_score(folder / "few", file)
        rows += _other_shapes(folder, OF_A_SHAPE, runs=RUNS)
        _multiply(file, folder / "many.csv")
        many_s = _load_and_score(folder / "many", folder / "many.csv")
    what = "10,000,000 learners loaded and scored under 4 GiB, beside 1,000,000"
    return [*rows, _row(what, many_s, few_s, "s") | {"target": GROWTH_RATIO}]


def smallest() -> list[dict[str, Any]]:
    """Return seconds of loading a small file."""
    with tempfile.TemporaryDirectory() as made:
        file = Path(made, "learners.csv")
        rows = [*_beside_read_csv(file, 300, runs=1), *_other_shapes(Path(made), 30, runs=1)]
        taken_s = _load_and_score(Path(made, "few"), file)
    return [*rows, {"what": "300 learners loaded and scored under 4 GiB", "ours": taken_s, "unit": "s"}]


def _beside_read_csv(file: Path, size: int, *, runs: int) -> list[dict[str, Any]]:
    begin = time.monotonic()
    invented = sample.cohort(size, seed=1, as_of=AS_OF).snapshot(sample.WEEKS)
    generated_s = time.monotonic() - begin
    _write(invented, file)
    del invented
    plain, rules, committed = _in_turns(
        lambda _: _plain(file),
        lambda _: _rules(file.parent, file),
        lambda run: _committed(file.parent, file, run),
        runs=runs,
    )
    what = f"{size:,} rows of CSV"
    return [
        {"what": f"{size:,} invented learners", "ours": generated_s, "unit": "s", "most": GENERATED_S},
        _row(f"{what}, rules alone, beside read_csv", rules, plain, "s") | {"target": RULES_RATIO},
        _row(f"{what}, committed, beside read_csv", committed, plain, "s") | {"target": COMMITTED_RATIO},
    ]


def _other_shapes(folder: Path, size: int, *, runs: int) -> list[dict[str, Any]]:
    """Return the same rows with very many columns, as a workbook, and slipped, beside them as plain CSV."""
    cohort = sample.cohort(size, seed=1, as_of=AS_OF)
    invented = cohort.snapshot(sample.WEEKS)
    shapes = {name: folder / name for name in ("plain.csv", "wide.csv", "sheet.xlsx")}
    _write(invented, shapes["plain.csv"])
    others = ", ".join(f"(i * {at}) % 100 + 0.5 as week_{at}" for at in range(WIDE - invented.shape[1]))
    with duckdb.connect() as db:
        db.register("frame", invented)
        db.execute(
            f"copy (select * exclude (i), {others} from (select *, row_number() over () as i from frame)) "
            f"to '{shapes['wide.csv']}' (header, delimiter ',')"
        )
    with pd.ExcelWriter(shapes["sheet.xlsx"], engine="xlsxwriter") as book:
        invented.to_excel(book, index=False)
    plain, wide, sheet = _in_turns(
        *(partial(_committed, folder, file) for file in shapes.values()), runs=runs
    )
    known, slipped = folder / "known.duckdb", folder / "slipped.csv"
    learners.load(Store(known), shapes["plain.csv"], observed_at=AS_OF, loaded_at=AS_OF)
    _write(invented.assign(email=invented["email"].shift()), slipped)
    again, moved = _in_turns(
        *(partial(_committed, folder, file, known=known) for file in (shapes["plain.csv"], slipped)),
        runs=runs,
    )
    what = f"{size:,} rows"
    return [
        _row(f"{what} of {WIDE} columns, beside plain CSV", wide, plain, "s") | {"target": SHAPE_RATIO},
        _row(f"{what} of a workbook, beside plain CSV", sheet, plain, "s") | {"target": SHAPE_RATIO},
        _row(f"{what} with addresses slipped, beside the file that is known", moved, again, "s")
        | {"target": SHAPE_RATIO},
        _dry_run(folder, known, cohort, runs=runs) | {"target": DRY_RATIO},
    ]


def _dry_run(folder: Path, known: Path, cohort: sample.Cohort, *, runs: int) -> dict[str, Any]:
    """Return what it takes to see what another week's file would change, beside loading and scoring it."""
    file, store = folder / "other.csv", folder / "copy.duckdb"
    _write(cohort.snapshot(sample.WEEKS - 1), file)
    env = {"ENGAGEMENT_STORE": str(store)}

    def taken_s(*commands_: list[str]) -> float:
        shutil.copyfile(known, store)
        return sum(commands.cost([commands.ENGAGEMENT, *words], env=env).wall_s for words in commands_)

    load = ["load", str(file)]
    dry, done = _in_turns(
        lambda _: taken_s([*load, "--dry-run"]), lambda _: taken_s(load, ["score"]), runs=runs
    )
    return _row(
        f"{len(cohort.learners):,} rows, seen before they are loaded, beside loading and scoring",
        dry,
        done,
        "s",
    )


def _in_turns(*sides: Callable[[int], float], runs: int) -> list[float]:
    """Return the median of each side; they take turns, after an uncounted run of each where there are several."""
    taken: list[list[float]] = [[] for _ in sides]
    uncounted = min(runs - 1, 1)
    for run in range(uncounted + runs):
        for side, seconds in zip(sides, taken, strict=True):
            measured = side(run)
            if run >= uncounted:
                seconds.append(measured)
    return [statistics.median(seconds) for seconds in taken]


def _write(frame: Any, file: Path) -> None:
    with duckdb.connect() as db:
        db.register("frame", frame)
        db.execute(f"copy frame to '{file}' (header, delimiter ',')")


def _multiply(file: Path, many: Path) -> None:
    """Write the file's learners as often as COPIES says, each time as other people."""
    with duckdb.connect() as db:
        db.execute(
            f"""
            copy (
                select * replace (copy || '-' || id as id, copy || '-' || person_id as person_id,
                    copy || email as email)
                from range({COPIES}) as copies (copy)
                cross join read_csv('{file}', all_varchar = true)
            ) to '{many}' (header, delimiter ',')
            """
        )


def _plain(file: Path) -> float:
    with file.open(encoding="utf-8") as lines:
        header = lines.readline().strip().split(",")
    with duckdb.connect() as db:
        types = ", ".join(f"'{name}': 'VARCHAR'" for name in header)
        begin = time.monotonic()
        db.execute(
            f"create temp table plain as select * from read_csv('{file}', auto_detect = false, header = true, "
            f"delim = ',', quote = '\"', escape = '\"', columns = {{{types}}})"
        )
        return time.monotonic() - begin


def _rules(folder: Path, file: Path) -> float:
    begin = time.monotonic()
    with validation.checked(Store(folder / "rules.duckdb"), file, LEARNERS, AS_DOCUMENTED, now=AS_OF):
        return time.monotonic() - begin


def _committed(folder: Path, file: Path, run: int, *, known: Path | None = None) -> float:
    encoding._sheets.clear()  # as in a process of its own: a sheet is converted once in each
    path = folder / f"committed-{run}.duckdb"
    if known:
        shutil.copyfile(known, path)
    begin = time.monotonic()
    learners.load(Store(path), file, observed_at=AS_OF, loaded_at=AS_OF)
    taken_s = time.monotonic() - begin
    path.unlink()
    return taken_s


def _load_and_score(home: Path, file: Path) -> float:
    home.mkdir()
    # Arrow, which only the tests install, would reserve a gigabyte of addresses that nobody uses.
    env = {"ENGAGEMENT_STORE": str(home / "store.duckdb"), "ARROW_DEFAULT_MEMORY_POOL": "system"}
    day = f"{AS_OF:%Y-%m-%d}"
    load = ["load", str(file), "--observed-at", day]
    return sum(
        commands.cost([commands.ENGAGEMENT, *words], env=env, before=_limit).wall_s
        for words in (load, ["score", "--as-of", day])
    )


def _limit() -> None:
    """Let the system refuse memory past the limit, swap and all; what is shared, such as libraries, is not counted."""
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_BYTES, LIMIT_BYTES))


def _row(what: str, ours: float, rival: float, unit: str) -> dict[str, Any]:
    return {"what": what, "ours": ours, "rival": rival, "ratio": round(ours / rival, 2), "unit": unit}
