"""Whose each kernel is.

A kernel belongs to whoever asks for its ticket first, which is the page it was given to: nobody else knows its
number. From then on nobody else may talk to it or end it, and it ends when its page is gone.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

from jupyter_server.base.handlers import JupyterHandler
from tornado import web

ALONE_S: Final = 60  # a page that is there talks to its kernel within seconds


@dataclass
class Owners:
    """Whose each kernel is, and since when nobody listens to it; `viewers` may have one at a time."""

    viewers: int
    names: dict[str, str] = field(default_factory=dict)
    alone_since: dict[str, float] = field(default_factory=dict)


async def sweep(kernels: Any, notebook: str, owners: Owners, *, now_s: float) -> None:
    """End the kernels whose page is gone, which a browser that crashed does not say."""
    for pool in (owners.names, owners.alone_since):
        for gone in set(pool) - set(kernels.list_kernel_ids()):
            del pool[gone]
    for kernel_id in given(kernels, notebook):
        if kernels._kernel_connections.get(kernel_id, 0):
            owners.alone_since.pop(kernel_id, None)
        elif now_s - owners.alone_since.setdefault(kernel_id, now_s) >= ALONE_S:
            await kernels.shutdown_kernel(kernel_id, now=True)


def given(kernels: Any, notebook: str) -> list[str]:
    """Return the kernels that were given to a page: all but those that wait for the next one."""
    waiting = {task.result()["kernel_id"] for task in kernels._pools.get(notebook, ()) if _is_ready(task)}
    starting = sum(not _is_ready(task) for task in kernels._pools.get(notebook, ()))
    others = [kernel_id for kernel_id in kernels.list_kernel_ids() if kernel_id not in waiting]
    return others[: len(others) - starting] if starting else others


def _is_ready(task: "asyncio.Task[Any]") -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def claim(handler: JupyterHandler, kernel_id: str) -> None:
    """Raise 404 where the kernel is gone or somebody else's; the first who asks gets it."""
    if handler.current_user is None or kernel_id not in handler.kernel_manager:
        raise web.HTTPError(404)
    owners: Owners = handler.settings["dashboard"]
    name = handler.current_user.username
    if owners.names.setdefault(kernel_id, name) != name:
        raise web.HTTPError(404)
