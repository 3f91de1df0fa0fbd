"""Executes the notebooks over a scratch store and stores in them what they show: `python -m tests.support.notebooks`.

Git keeps the outputs, so that a reader sees them and a test compares them. They are small and depend on nothing but
the code: executing twice writes the same bytes. Figures are left out; their data would be most of each file.
"""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from engagement.dates import end_of_day
from engagement.demo import history
from engagement.jupyter import startup
from engagement.settings import PROJECT
from engagement.store import Store
from tests.support.shared import shared

startup.skip_iri_grammar()

import nbformat  # noqa: E402
from nbclient import NotebookClient  # noqa: E402
from traitlets.config import Config  # noqa: E402

NOTEBOOKS: Final = PROJECT / "notebooks"
IN_ORDER: Final = (
    "10_load",
    "20_score",
    "30_nudges",
    "31_quizzes",
    "90_report",
    "effect",
    "fairness",
    "backtest",
    "explore_cohort",
    "tour",
    "dashboard",
)
AS_OF: Final = end_of_day(date(2026, 3, 1), ZoneInfo("UTC"))  # the default of every notebook's parameter
LEARNERS: Final = 300
SCRATCH: Final = "scratch.duckdb"
CELL_TIMEOUT_S: Final = 120
OUTPUT_NOT_COMPARED: Final = "nbval-ignore-output"
_NOT_FOR_NOTEBOOKS: Final = (
    "ENGAGEMENT_DATA",
    "OPENAI_",
    "PYTEST_",
)  # real learners, a key, options of tests around


def scratch_store(folder: Path) -> dict[str, str]:
    """Make a store of invented learners in `folder`; return the environment in which notebooks use it."""
    fill(folder / SCRATCH)
    return environment(folder)


def shared_scratch_store(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the same as `scratch_store`, with a copy of a store that was made once for all processes of the tests."""
    folder = tmp_path_factory.mktemp("scratch")
    shutil.copyfile(shared(tmp_path_factory, SCRATCH, fill), folder / SCRATCH)
    return environment(folder)


def fill(path: Path) -> None:
    """Make a store of invented learners."""
    history.fill(Store(path), size=LEARNERS, seed=1, as_of=AS_OF, now=AS_OF, zone=ZoneInfo("UTC"))


def environment(folder: Path) -> dict[str, str]:
    """Return the environment in which notebooks use the store in that folder."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_FOR_NOTEBOOKS)}
    return inherited | {
        "ENGAGEMENT_STORE": str(folder / SCRATCH),
        "ENGAGEMENT_REPORTS": str(folder / "reports"),
        "ENGAGEMENT_TIMEZONE": "UTC",
    }


def execute(paths: Iterable[Path]) -> None:
    """Execute the notebooks in order over one new scratch store; each keeps its outputs."""
    with tempfile.TemporaryDirectory(prefix="eg") as folder:
        env = scratch_store(Path(folder))
        for number, path in enumerate(paths):
            notebook = nbformat.read(path, as_version=4)
            kernel = {"transport": "ipc", "ip": f"{folder}/k{number}"}
            client = NotebookClient(
                notebook,
                timeout=CELL_TIMEOUT_S,
                coalesce_streams=True,
                kernel_name="python3",
                resources={"metadata": {"path": str(path.parent)}},
                config=Config({"KernelManager": kernel}),
            )
            asyncio.run(client.async_execute(env=env))
            path.write_text(nbformat.writes(stable(notebook)) + "\n", encoding="utf-8")


def stable(notebook: Any) -> Any:
    """Return the notebook without what differs from one execution to the next, and without its figures."""
    notebook.metadata = {
        "kernelspec": notebook.metadata.kernelspec,
        "language_info": {"name": "python"},
    }
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, start=1):
        cell.execution_count = number
        cell.metadata.pop("execution", None)
        if OUTPUT_NOT_COMPARED in cell.metadata.get("tags", []):
            cell.outputs = []
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = number
    return notebook


def main() -> None:
    """Refresh what the notebooks show."""
    execute(NOTEBOOKS / f"{name}.ipynb" for name in IN_ORDER)
    for name in IN_ORDER:
        print(f"notebooks/{name}.ipynb: {(NOTEBOOKS / f'{name}.ipynb').stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    sys.exit(main())
