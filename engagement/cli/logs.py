"""Logs on standard error: lines for a person at a terminal, one JSON object each for everything else.

They carry run ids, steps and counts; never a learner's name or address, a text, or a key.
"""

import logging
import sys


def set_up() -> None:
    """Send the package's log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    if sys.stderr.isatty():
        handler.setLevel(logging.WARNING)  # progress is shown on the screen already
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    else:
        from pythonjsonlogger.json import JsonFormatter  # only where nobody watches

        handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    log = logging.getLogger("engagement")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
