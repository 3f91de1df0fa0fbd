"""A plugin for the pytest that compares notebooks: nbval's kernels are forked from a run's template process."""

import os

import nbval.kernel
import pytest
from jupyter_client.manager import KernelManager

from engagement.jupyter import kernels

os.environ.pop("PYTHONPATH", None)  # this is found by it, and no kernel needs it

# Of our own modules none: a notebook finds only what it imports, as in a kernel of its reader.
PRELOADED = (
    *(name for name in kernels.PRELOADED if not name.startswith("engagement.")),
    *("duckdb", "jinja2", "narwhals", "pydantic_settings"),
)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop():
    with kernels.template(PRELOADED, base=KernelManager) as manager:
        nbval.kernel.KernelManager = manager
        return (yield)
