"""What another account of the machine could see of processes, and what their own account sees. Linux only."""

from pathlib import Path


def descendants(pid):
    """Return the process and those it started, and they."""
    children = [
        int(child)
        for thread in Path(f"/proc/{pid}/task").iterdir()
        for child in (thread / "children").read_text().split()
    ]
    return [pid, *(each for child in children for each in descendants(child))]


def command_line(pid):
    """Return its words."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
