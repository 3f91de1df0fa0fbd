import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from traitlets.config import Config

from engagement.jupyter import kernels

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")

PARENT = "import os; print(os.getppid())"


@pytest.fixture(scope="module")
def kernel() -> Iterator[type[Any]]:
    with kernels.template() as made:
        yield made


def shown(kernel: type[Any], code: str, folder: Path, **options: Any) -> str:
    """Return what the code prints in a kernel of its own."""
    notebook: nbformat.NotebookNode = new_notebook(cells=[new_code_cell(code)])
    config = Config({"KernelManager": {"transport": "ipc", "ip": str(folder / "k")}})
    client = NotebookClient(
        notebook, kernel_manager_class=kernel, kernel_name="python3", config=config, **options
    )
    client.execute(cwd=str(folder))
    return "".join(
        output["text"] for output in notebook.cells[0].outputs if output["output_type"] == "stream"
    )


@pytest.fixture(scope="module")
def two(kernel: type[Any], tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """What two kernels print one after the other: what they find of an earlier one, and whose children they are."""
    code = f"import json\nprint(globals().get('left'), getattr(json, 'left', None))\nleft = json.left = 1\n{PARENT}"
    return [shown(kernel, code, tmp_path_factory.mktemp("two")).splitlines() for _ in range(2)]


def test_a_kernel_sees_nothing_of_the_one_before(two: list[list[str]]) -> None:
    assert [found for found, _ in two] == ["None None"] * 2


def test_kernels_come_from_one_template(two: list[list[str]]) -> None:
    (_, first), (_, second) = two
    assert first == second != str(os.getpid())


def test_a_kernel_has_the_environment_and_folder_of_the_moment(
    kernel: type[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGEMENT_STORE", "of-this-moment.duckdb")
    code = "import os; print(os.environ['ENGAGEMENT_STORE'], os.getcwd())"
    assert shown(kernel, code, tmp_path) == f"of-this-moment.duckdb {tmp_path}\n"


def test_a_forked_kernel_calculates_with_every_library(kernel: type[Any], tmp_path: Path) -> None:
    code = """
import duckdb, numpy as np, pandas as pd
print(int((np.ones((300, 300)) @ np.ones((300, 300))).sum()))
print(duckdb.sql('select sum(range)::bigint from range(1000000)').fetchall()[0][0])
print(pd.DataFrame({'a': [1, 2], 'b': ['x', 'y']}).groupby('b').a.sum().sum())
"""
    assert shown(kernel, code, tmp_path).split() == ["27000000", "499999500000", "3"]


def test_a_killed_kernel_is_noticed(kernel: type[Any], tmp_path: Path) -> None:
    from nbclient.exceptions import DeadKernelError

    with pytest.raises(DeadKernelError):
        shown(kernel, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", tmp_path)
    assert shown(kernel, "print('next')", tmp_path) == "next\n"


def test_a_cell_that_hangs_is_ended_with_its_kernel(kernel: type[Any], tmp_path: Path) -> None:
    from nbclient.exceptions import CellTimeoutError

    code = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(99)"
    with pytest.raises(CellTimeoutError):
        shown(kernel, code, tmp_path, timeout=2, shutdown_kernel="immediate")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_without_its_template_a_kernel_starts_the_ordinary_way(tmp_path: Path) -> None:
    with kernels.template() as kernel:
        template = int(shown(kernel, PARENT, tmp_path))
        os.kill(template, signal.SIGKILL)
        assert shown(kernel, PARENT, tmp_path) == f"{os.getpid()}\n"


def test_kernels_end_when_the_runner_is_killed(tmp_path: Path) -> None:
    code = f"""
import asyncio
from traitlets.config import Config
from engagement.jupyter import kernels

async def start():
    with kernels.template() as kernel:
        config = Config({{"KernelManager": {{"transport": "ipc", "ip": {str(tmp_path / "k")!r}}}}})
        manager = kernel(kernel_name="python3", config=config)
        await manager.start_kernel(cwd={str(tmp_path)!r})
        print(manager.provisioner.pid, flush=True)
        await asyncio.sleep(60)

asyncio.run(start())
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        pid = int(runner.stdout.readline())
        os.kill(pid, 0)
        runner.kill()
    end = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def test_template_comes_and_goes_without_a_word():
    code = "from engagement.jupyter import kernels\nwith kernels.template():\n    pass"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("", "")
