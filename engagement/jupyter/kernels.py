"""Kernels that start at once: each notebook of a run has its own, forked from a process that has imported everything.

Starting Python, ipykernel, pandas and DuckDB takes longer than most steps of a run do. A template process pays it
once and runs no notebook itself; a kernel is a fork of it, as new as any: it shares no variable, store or connection
with the kernels before it. Kernels end with the template, and the template with the run, even if that is killed.
Only on Linux, where forking is safe after such imports. Elsewhere, and where the template is gone or the notebook
asks for another Python, kernels start as they always do.
"""

import errno
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Final, cast

from engagement.errors import refused
from engagement.jupyter import startup

# What the notebooks of a run end up importing, measured, among it what pandas and plotly put off until they show.
PRELOADED: Final = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "IPython.core.completerlib",
    "IPython.extensions.storemagic",
    "nbformat",
    "pandas.io.formats.html",
    "pandas.io.formats.string",
    "plotly.offline",
    "plotly.graph_objs.bar",
    "plotly.graph_objs.layout",
    "plotly.graph_objs.scatter",
    "engagement.reporting.charts.runs",
    "engagement.views.cohorts",
    "engagement.reporting.displays",
    "engagement.reporting.headlines",
    "engagement.jupyter.session",
    "engagement.outreach.quizzes",
    "engagement.pipeline.incoming.sources",
)
LAUNCHER: Final = "ipykernel_launcher"
ANSWER_S: Final = 60  # the first answer waits for the imports; a template that takes longer is not used
# Files that a process of ours may open: a kernel does 66, one that asks a model 64 connections more. With fewer,
# kernels end or hang half-way; no system gives less by default.
FILES_NEEDED: Final = 256


def enough_files() -> None:
    """Let this process and its kernels open as many files as they need; `StoreUnusable` where they may not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= FILES_NEEDED:
        return
    most = FILES_NEEDED if hard == resource.RLIM_INFINITY else min(hard, FILES_NEEDED)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < FILES_NEEDED:
        few = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        raise refused(few, what=f"kernels need {FILES_NEEDED} open files")


@contextmanager
def template(preloaded: Sequence[str] = PRELOADED, *, base: type[Any] | None = None) -> Iterator[type[Any]]:
    """Yield the class of kernel managers for a run; its kernels end when the block does.

    Parameters
    ----------
    preloaded
        Modules that the kernels find imported.
    base
        The class that starts kernels as they always do; `jupyter_client`'s own where there is none.
    """
    from jupyter_client.manager import AsyncKernelManager

    enough_files()
    base = base or AsyncKernelManager
    if sys.platform != "linux":
        yield base
        return
    ours, theirs = socket.socketpair()
    ours.settimeout(ANSWER_S)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno()), *preloaded],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env=os.environ
            | {"PYDEVD_DISABLE_FILE_VALIDATION": "1"},  # the debugger's advice is for nobody here
            start_new_session=True,  # Ctrl-C is for the runner, which then ends the kernels
        )
    with process, ours, ours.makefile(encoding="utf-8") as answers:  # it ends when our end is closed

        def ask(**question: Any) -> Any:
            ours.sendall(json.dumps(question).encode() + b"\n")
            return json.loads(answers.readline())

        yield _manager(ask, base)


def kept(manager: type[Any], begun: list[Any]) -> type[Any]:
    """Return a class of kernel managers like that one, each of which is put into `begun`.

    It keeps how its kernel ended: whoever tidies up after that forgets the process.
    """

    class Kept(manager):  # type: ignore[misc]
        ended: int | None = None  # the exit code; negative: the signal

        def __init__(self, **named: Any) -> None:
            super().__init__(**named)
            begun.append(self)

        async def _async_is_alive(self) -> bool:
            if self.ended is None and self.has_kernel:
                self.ended = await self.provisioner.poll()
            return bool(await super()._async_is_alive())

        is_alive = _async_is_alive

    return Kept


def _manager(ask: Callable[..., Any], base: type[Any]) -> type[Any]:
    """Return a manager class whose kernels come from the template.

    A question to `ask` has one answer, each a line of JSON; `OSError` or `ValueError` where the template is gone.
    """
    from jupyter_client.connect import KernelConnectionInfo
    from jupyter_client.provisioning.local_provisioner import LocalProvisioner

    class Provisioner(LocalProvisioner):
        async def launch_kernel(self, cmd: list[str], **named: Any) -> KernelConnectionInfo:
            if cmd[0] == sys.executable and LAUNCHER in cmd:
                arguments = cmd[cmd.index(LAUNCHER) + 1 :]
                env = dict(named.get("env") or os.environ)
                cwd = os.fspath(named.get("cwd") or Path.cwd())
                with suppress(OSError, ValueError):  # without a template: the ordinary way, below
                    self.pid = self.pgid = pid = ask(arguments=arguments, env=env, cwd=cwd)
                    self.process = cast("subprocess.Popen[bytes]", _Forked(ask, pid))
                    return self.connection_info
            return await super().launch_kernel(cmd, **named)

    class Manager(base):  # type: ignore[misc]
        def __init__(self, **named: Any) -> None:
            super().__init__(**named)
            self.provisioner = Provisioner(kernel_id="", kernel_spec=self.kernel_spec, parent=self)

    return Manager


class _Forked:
    """What the provisioner uses of a `Popen`, for a process whose parent is the template."""

    stdin = stdout = stderr = None

    def __init__(self, ask: Callable[..., Any], pid: int) -> None:
        self.pid = pid
        self._ask = ask
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            try:
                self._code = self._ask(poll=self.pid)
            except (OSError, ValueError):  # the template is gone, and its kernels with it
                self._code = -signal.SIGKILL
        return self._code

    wait = poll  # asked only after the process has ended

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


def _serve(questions: IO[str]) -> dict[str, Any] | None:
    """Fork kernels and say what became of them; return, in a kernel, what was asked for, and None at the end."""
    living: set[int] = set()
    with suppress(OSError):  # the runner was killed: this ends as well
        for text in questions:
            question: dict[str, Any] = json.loads(text)
            if "poll" in question:
                pid, status = os.waitpid(question["poll"], os.WNOHANG)
                living.discard(pid)
                answer = os.waitstatus_to_exitcode(status) if pid else None
            else:
                answer = _fork()
                if not answer:
                    return question
                living.add(answer)
            questions.write(json.dumps(answer) + "\n")
            questions.flush()
    for pid in living:
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return None


def _fork() -> int:
    """Return the kernel's process id, or 0 in the kernel; it leads a group of its own, as signals need it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer Pythons warn of the idle threads that numpy's library has
        pid = os.fork()
    with suppress(PermissionError, ProcessLookupError):  # both sides do it, and either may come first
        os.setpgid(pid, pid)
    return pid


def _become_kernel(arguments: list[str], env: dict[str, str], cwd: str) -> None:
    from ipykernel.kernelapp import IPKernelApp

    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    if pandas := sys.modules.get("pandas"):  # imported outside IPython, it took this for a terminal
        pandas.set_option("display.max_columns", 20)
    IPKernelApp.launch_instance([*arguments, f"--IPKernelApp.parent_handle={os.getppid()}"])


def main() -> None:
    """Import, then fork kernels until the runner hangs up."""
    import gc

    startup.skip_iri_grammar()
    del sys.path[0]  # the folder this began in, as the launcher of ordinary kernels does
    for name in sys.argv[2:]:
        import_module(name)
    gc.collect()
    gc.freeze()  # what was imported stays in memory that all kernels share
    end = socket.socket(fileno=int(sys.argv[1]))
    with end, end.makefile("rw", encoding="utf-8") as questions:
        asked_for = _serve(questions)
    if asked_for is None:
        os._exit(0)  # nothing to tidy up, and DuckDB's bindings would complain of being cut short
    _become_kernel(**asked_for)


if __name__ == "__main__":
    main()
