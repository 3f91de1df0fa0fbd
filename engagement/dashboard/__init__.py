"""The coordinators' dashboard: one widget, the methods that answer it, and the server that serves nothing else."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engagement.dashboard.widget import Dashboard


def page() -> "Dashboard":
    """Return the widget that `notebooks/dashboard.ipynb` shows."""
    from engagement.dashboard import widget

    return widget.page()
