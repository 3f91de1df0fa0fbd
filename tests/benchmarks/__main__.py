"""Run the benchmarks (all, or those named), print one table, and keep the figures with what they were measured on.

A benchmark is a module of this folder with a `main` that returns rows: `what`, `ours`, `unit`, and where there is
something to compare with `rival` and `ratio`; and either `target`, the largest good ratio, or `most`, the largest good
value of ours; without both the row only informs.
Rows of another kind, such as how good the score is, are kept too, and shown as their module prints them.
Nothing here fails when a figure is bad: times depend on the machine, and a table is read by a person. A benchmark that
cannot be run does fail, when the others have been measured.

Each has a `smallest` beside its `main`: the same, or an inner part of it, at a size that takes seconds and shows that
it still runs. The tests run these.
"""

import io
import json
import os
import platform
import sys
import traceback
from contextlib import redirect_stdout
from datetime import UTC, datetime
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FIGURES = HERE / "figures.json"
LIBRARIES = (
    "duckdb",
    "narwhals",
    "numpy",
    "pandas",
    "papermill",
    "ipykernel",
    "nbconvert",
    "plotly",
    "typer",
    "openai",
    "aiohttp",
    "jinja2",
    "voila",
    "anywidget",
    "streamlit",
    "playwright",
)


def benchmarks() -> list[str]:
    """Return the names of the modules beside this one that measure something."""
    files = sorted(file for file in HERE.glob("*.py") if not file.stem.startswith("_"))
    return [file.stem for file in files if "\ndef main(" in file.read_text(encoding="utf-8")]


def is_met(row: dict[str, Any]) -> bool | None:
    """Return whether a row is as good as it should be; None where nothing was set."""
    if "most" in row:
        return bool(row["ours"] <= row["most"])
    return bool(row["ratio"] <= row["target"]) if "target" in row else None


def finished(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as it is kept: rounded, judged, dated."""
    rounded = {side: round(row[side], 3) for side in ("ours", "rival") if side in row}
    return row | rounded | {"met": is_met(row), "date": f"{datetime.now(UTC):%Y-%m-%d}"}


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as text in columns."""
    lines = [("what", "ours", "rival", "ratio", "target", "met")]
    for row in rows:
        target = f"{row['most']:g} {row['unit']}" if "most" in row else f"{row.get('target', '–')}"
        ours, rival = (f"{row[side]:.2f} {row['unit']}" if side in row else "" for side in ("ours", "rival"))
        ratio = f"{row['ratio']:.2f}" if "ratio" in row else ""
        met = {True: "yes", False: "NO", None: ""}[row["met"]]
        lines.append((row["what"], ours, rival, ratio, target, met))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
        for line in lines
    )


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    models = []
    if (cpus := Path("/proc/cpuinfo")).exists():
        texts = cpus.read_text(encoding="utf-8").splitlines()
        models = [text.partition(":")[2].strip() for text in texts if text.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": {name: metadata.version(name) for name in LIBRARIES},
    }


def main() -> None:
    """Measure, print, keep."""
    known = benchmarks()
    names = sys.argv[1:] or known
    if unknown := set(names) - set(known):
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}; there is {', '.join(known)}")
    kept = json.loads(FIGURES.read_text(encoding="utf-8"))["figures"] if FIGURES.exists() else {}
    figures: dict[str, list[dict[str, Any]]] = {name: kept[name] for name in known if name in kept}
    shown: list[dict[str, Any]] = []
    failed: list[str] = []
    for name in names:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        try:
            with redirect_stdout(io.StringIO()) as printed:
                rows: list[dict[str, Any]] = import_module(f"tests.benchmarks.{name}").main()
        except Exception:
            traceback.print_exc()
            failed.append(name)
            continue
        compared = [finished(row) for row in rows if "ours" in row]
        shown += compared
        if not compared:
            print(printed.getvalue())
        if rows:  # none where something is missing that it needs, which it has said
            figures[name] = compared or rows
    content = {"machine": machine(), "figures": figures}
    FIGURES.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if shown:
        print(table(shown))
    if failed:
        sys.exit(f"could not be run: {', '.join(failed)}")


if __name__ == "__main__":
    main()
