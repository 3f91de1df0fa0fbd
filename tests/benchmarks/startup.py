"""How soon the command line answers: `engagement --help` beside the import of the library it is made with."""

import sys
from pathlib import Path
from typing import Any

from tests.benchmarks.commands import cost, in_turns

RUNS = 7
HELP_S = 0.4  # CPU: past this a person notices
BIN = Path(sys.executable).parent


def main() -> list[dict[str, Any]]:
    """Return one row per way of starting."""
    return _measured(RUNS)


def smallest() -> list[dict[str, Any]]:
    """Return the same, each way once."""
    return _measured(1)


def _measured(runs: int) -> list[dict[str, Any]]:
    def python(code: str) -> Any:
        return lambda: cost([sys.executable, "-c", code])

    shown, typer, package, nothing = in_turns(
        lambda: cost([BIN / "engagement", "--help"]),
        python("import typer"),
        python("import engagement"),
        python("pass"),
        runs=runs,
    )
    return [
        _row("engagement --help beside import typer", shown.cpu_s, typer.cpu_s) | {"most": HELP_S},
        _row("import engagement beside an empty Python", package.cpu_s, nothing.cpu_s),
    ]


def _row(what: str, ours: float, rival: float) -> dict[str, Any]:
    return {"what": what, "ours": ours, "rival": rival, "ratio": round(ours / rival, 2), "unit": "CPU s"}
