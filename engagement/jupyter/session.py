"""What a notebook begins with: the store of this process, and the run its rows belong to."""

import logging
import math
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from engagement import runs
from engagement.dates import local_day, parse_as_of, utc, utc_now
from engagement.errors import InvalidInput, NotFound
from engagement.ingest.facts import newest_facts_at
from engagement.llm.writer import Writer, writer_for
from engagement.policy import RiskPolicy
from engagement.runs import Run
from engagement.settings import read_settings
from engagement.store import Store, first_row
from engagement.store import open_store as store_at

_log: Final = logging.getLogger(__name__)


def open_store() -> Store:
    """Return the store that the settings name."""
    return store_at(read_settings().store)


def zone() -> ZoneInfo:
    """Return the time zone in which a date begins and ends."""
    return read_settings().zone


def real_data() -> Path | None:
    """Return the folder of real learners that the settings name; None where they name none."""
    return read_settings().data


def instant(store: Store, as_of: str) -> datetime:
    """Return the instant (naive UTC) that a date or an ISO date and time means here.

    Empty: that of the published scores, so that what is counted here is what the report and the page show; of the
    newest facts where these came later.
    """
    if as_of:
        return parse_as_of(as_of, zone())
    newest = _newest_facts(store)
    with store.read() as db:
        (scored,) = first_row(db, "select max(as_of) from risk_scores")
    return max(newest, scored or newest)


def known_instant(store: Store, as_of: str | date | datetime | None, *, now: datetime) -> datetime:
    """Return the instant that is meant, empty: as of `instant`.

    A day past the newest facts is told; one that is still to come is `InvalidInput`.
    """
    if as_of is None or as_of == "" or as_of != as_of:  # noqa: PLR0124 (a date that pandas has none of is not itself)
        return instant(store, "")
    found = utc(as_of) if isinstance(as_of, datetime) else instant(store, str(as_of))
    day, today, known = (local_day(moment, zone()) for moment in (found, now, _newest_facts(store)))
    if day > max(today, known):
        raise InvalidInput(f"as_of {day}: lies after today; the newest facts are from {known}")
    if day > known:
        _log.warning(
            "as of %s: the newest facts are from %s, and are looked at as they were then", day, known
        )
    return found


def _newest_facts(store: Store) -> datetime:
    with store.read() as db:
        newest = newest_facts_at(db, None)
    if newest is None:
        raise NotFound("the store holds no facts yet; `engagement load` brings some")
    return newest


def weeks_before(store: Store, since: str, *, as_of: datetime, weeks: int = 4) -> datetime:
    """Return the instant of `since`, or where it is empty, so many weeks before `as_of`."""
    return instant(store, since) if since else as_of - timedelta(weeks=weeks)


def open_run(store: Store, *, run_id: str, as_of: str) -> Run:
    """Return the run a pipeline gave this notebook; without one, a scratch run that is never published.

    So a notebook opened by hand in JupyterLab can be run cell by cell and changes nothing that others see.
    """
    if run_id:
        return runs.get(store, run_id)
    end = parse_as_of(as_of, zone())
    return runs.scratch(
        store,
        as_of=end,
        day=local_day(end, zone()),
        now=utc_now(),
    )


def policy_in_use(store: Store, program: str | None = None) -> RiskPolicy:
    """Return the policy of the newest published scores; of those of one program, where one is named."""
    with store.read() as db:
        return runs.policy_in_use(db, [program] if program else None)


def writer(model: str = "", *, budget_usd: float = math.inf) -> Writer:
    """Return who writes the texts of a notebook.

    Parameters
    ----------
    model
        Its name; empty for what the settings say, `none` for templates.
    budget_usd
        At most so much for a run.
    """
    return writer_for(read_settings(), model=model, budget_usd=None if budget_usd == math.inf else budget_usd)
