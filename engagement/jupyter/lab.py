"""JupyterLab for analysts, on loopback, over a copy of the store and copies of the notebooks.

So no analysis keeps the nightly run waiting, changes what coordinators see, or shows up in git.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from engagement.jupyter import kernels, workspace
from engagement.settings import PROJECT
from engagement.store import Store, snapshots

WORKBENCH: Final = PROJECT / "notebooks" / "explore"
# Whose `labconfig/page_config.json` turns off what asks to fetch JupyterLab's news and looks for newer versions.
_CONFIGURATION: Final = Path(__file__).parent
_ASKED_TO_END: Final = (signal.SIGTERM, signal.SIGHUP)


def explore(store: Store, *, port: int) -> int:
    """Open JupyterLab at the notebook that explores a cohort; return its exit code when it has ended."""
    kernels.enough_files()
    beside = workspace.lay_out(PROJECT / "notebooks", WORKBENCH)
    with snapshots.taken(store) as (copy, in_use), TemporaryDirectory(prefix="eg") as sockets:
        print(
            f"A copy of the store as it is now is looked at, until JupyterLab ends: {copy}", file=sys.stderr
        )
        print("The notebooks have no figures yet: Run, then Run All Cells, makes yours.", file=sys.stderr)
        for name in beside:
            print(f"Your copy has changes, and so has the original; that one is {name}", file=sys.stderr)
        command = [
            *(sys.executable, "-m", "jupyterlab", f"--port={port}", "--ip=127.0.0.1"),
            "--LabApp.extension_manager=readonly",
            # By a port, whoever connects hears what a kernel shows, from any account of the machine.
            "--KernelManager.transport=ipc",
            "--LanguageServerManager.autodetect=False",  # it would list twenty that are not there
            f"--LabApp.default_url=/lab/tree/{workspace.FIRST}",
            f"--ServerApp.root_dir={WORKBENCH}",
            # In a container; the page still asks for its token.
            *(["--allow-root"] if os.geteuid() == 0 else []),
        ]
        theirs = os.environ.get("JUPYTER_CONFIG_PATH")
        env = os.environ | {
            "ENGAGEMENT_STORE": str(copy),
            "JUPYTER_RUNTIME_DIR": sockets,  # for its owner alone, and short: a socket's path may not be long
            "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, (theirs, str(_CONFIGURATION)))),
        }
        with subprocess.Popen(command, cwd=PROJECT, env=env, pass_fds=[in_use]) as server:
            return _until_it_ends(server)


def _until_it_ends(server: subprocess.Popen[bytes]) -> int:
    """Wait for the server. Ctrl-C reaches it from the terminal by itself; what asks only this process is passed on."""
    before = {
        number: signal.signal(number, lambda asked, _: server.send_signal(asked)) for number in _ASKED_TO_END
    }
    before[signal.SIGINT] = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return server.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
