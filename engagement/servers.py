"""JupyterLab for analysts, on loopback.

The command becomes the server, so that Ctrl-C and a supervisor reach it and nothing is left behind.
"""

import os
import sys
from typing import NoReturn

from engagement.settings import PROJECT


def explore(*, port: int) -> NoReturn:
    """Open JupyterLab in the project, at the notebook that explores a cohort."""
    options = [f"--port={port}", "--ip=127.0.0.1", "--LabApp.extension_manager=readonly"]
    if os.geteuid() == 0:  # in a container; the page still asks for its token
        options.append("--allow-root")
    _become("jupyterlab", str(PROJECT / "notebooks" / "explore_cohort.ipynb"), *options)


def _become(module: str, *arguments: str) -> NoReturn:
    os.chdir(PROJECT)
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 (no shell is meant)
