"""Servers a person starts: Voila with the coordinators' page, JupyterLab for analysts. Both on loopback.

The command becomes the server, so that Ctrl-C and a supervisor reach it and nothing is left behind.
"""

import os
import sys
from typing import NoReturn

from engagement.settings import PROJECT


def dashboard(*, port: int) -> NoReturn:
    """Serve `notebooks/dashboard.ipynb`, and nothing else: no other notebook, file, template or theme."""
    options = [
        f"--port={port}",
        "--Voila.ip=127.0.0.1",
        "--no-browser",
        "--VoilaConfiguration.file_allowlist=['^$']",
        "--VoilaConfiguration.allow_template_override=NO",
        "--VoilaConfiguration.allow_theme_override=NO",
        "--MappingKernelManager.cull_idle_timeout=600",
        "--MappingKernelManager.cull_interval=60",
        "--MappingKernelManager.cull_connected=True",
    ]
    _become("voila", str(PROJECT / "notebooks" / "dashboard.ipynb"), *options)


def explore(*, port: int) -> NoReturn:
    """Open JupyterLab in the project, at the notebook that explores a cohort."""
    options = [f"--port={port}", "--ip=127.0.0.1", "--LabApp.extension_manager=readonly"]
    if os.geteuid() == 0:  # in a container; the page still asks for its token
        options.append("--allow-root")
    _become("jupyterlab", str(PROJECT / "notebooks" / "explore_cohort.ipynb"), *options)


def _become(module: str, *arguments: str) -> NoReturn:
    os.chdir(PROJECT)
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 (no shell is meant)
