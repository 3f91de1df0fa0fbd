"""Learners and their facts: loading them, and looking one up.

A load upserts learners and appends a fact only where something changed, so the same export every night costs
nothing and every earlier day can be scored again as it was known then.
"""

from datetime import datetime
from typing import Final

from engagement import intake, loads
from engagement.conventions import AS_DOCUMENTED, Conventions
from engagement.loads import LoadSummary
from engagement.schema import LEARNERS
from engagement.store import Cursor, Store, first_row, query

FACTS: Final = (
    "last_login",
    "completed_percent",
    "completed_percent_course",
    "completed_percent_due",
    "avg_quiz_score",
    "consecutive_missed_sessions",
)
_FLAGS: Final = ("whatsapp_opt_in", "contact_opt_out", "llm_opt_out", "active")
# What a learner becomes where the source is silent; an update leaves alone what the source does not have.
_DEFAULTS: Final = {
    "person_id": "id",
    "locale": "'en'",
    "whatsapp_opt_in": "false",
    "contact_opt_out": "false",
    "llm_opt_out": "false",
    "active": "true",
}


def load(
    store: Store,
    source: intake.Source,
    *,
    observed_at: datetime,
    loaded_at: datetime,
    conventions: Conventions = AS_DOCUMENTED,
    max_quarantine: float = 1.0,
) -> LoadSummary:
    """Load a CSV, a Parquet file or a frame in the columns of `schema.LEARNERS`.

    Parameters
    ----------
    observed_at
        When what the source says was known (naive UTC); for an earlier `as_of` it does not exist.
    loaded_at
        Now (naive UTC).
    conventions
        How the source writes what it does not show.
    max_quarantine
        The largest share of refused rows (0 to 1) with which the rest is still loaded.

    Raises
    ------
    InvalidInput
        The source is refused whole: a column missing, doubled or swapped, no rows, or none accepted.
    """
    content_hash = intake.content_hash(source)
    with loads.checked(store, source, LEARNERS, conventions) as columns:
        here = {column.name for column in columns}
        with store.write() as db:
            load_id = loads.next_load_id(db)
            _prepare(db, here)
            db.execute(query("refuse_doubled_learners"))
            while first_row(db, query("refuse_shared_email"))[0]:
                pass  # who is refused keeps the address they had, which another row may claim
            _upsert(db, here, load_id, observed_at)
            _append_facts(db, here, load_id, observed_at)
            return loads.record(
                db,
                load_id,
                "learners",
                source,
                observed_at=observed_at,
                loaded_at=loaded_at,
                content_hash=content_hash,
                max_quarantine=max_quarantine,
            )


def _prepare(db: Cursor, here: set[str]) -> None:
    """Give `checked` every column there is, so that what follows need not ask which the source had."""
    for column in LEARNERS:
        if column.name not in here:
            kind = {"instant": "timestamp", "flag": "boolean", "number": "double"}.get(column.kind, "text")
            db.execute(f"alter table temp.checked add column {column.name} {kind}")
    db.execute(query("complete_person_id"))


def _upsert(db: Cursor, here: set[str], load_id: str, observed_at: datetime) -> None:
    """Insert who is new and update who changed, save where something newer is known: an old file undoes no opt-out."""
    columns = [column.name for column in LEARNERS if column.name not in FACTS]
    updated = [name for name in columns if name in here and name != "id"]
    values = {
        name: f"coalesce(source.{name}, learners.{name})" if name in _DEFAULTS else f"source.{name}"
        for name in updated
    }
    inserted = [
        f"coalesce(source.{name}, {_default(name)})" if name in _DEFAULTS else f"source.{name}"
        for name in columns
    ]
    changed = " or ".join(f"learners.{name} is distinct from {values[name]}" for name in updated)
    db.execute(
        f"""
        merge into learners
        using (
            select * from temp.checked
            where len(reasons) = 0 and id not in (
                select known.id
                from learners as known
                inner join loads on known.load_id = loads.load_id
                where least(loads.observed_at, loads.loaded_at) > $observed_at
            )
        ) as source
        on learners.id = source.id
        when matched and ({changed}) then update set
            {", ".join(f"{name} = {values[name]}" for name in updated)}, load_id = $load_id
        when not matched then insert ({", ".join(columns)}, load_id)
            values ({", ".join(inserted)}, $load_id)
        """,  # noqa: S608 (names from the schema)
        {"load_id": load_id, "observed_at": observed_at},
    )


def _default(name: str) -> str:
    return "source.id" if name == "person_id" else _DEFAULTS[name]


def _append_facts(db: Cursor, here: set[str], load_id: str, observed_at: datetime) -> None:
    db.execute(query("append_changed_facts"), {"load_id": load_id, "observed_at": observed_at})


def count(store: Store) -> int:
    """Return how many enrolments the store knows."""
    with store.read() as db:
        return int(first_row(db, "select count(*) from learners")[0])
