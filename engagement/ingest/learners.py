"""Learners and their facts: loading them, and looking one up.

A load upserts learners and appends a fact only where something changed, so the same export every night costs
nothing and every earlier day can be scored again as it was known then.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final

from engagement.errors import InvalidInput
from engagement.ingest import completing, consents
from engagement.ingest.facts import FACTS
from engagement.ingest.loads import loading
from engagement.ingest.reencoded import refuse_reencoded
from engagement.ingest.schema import LEARNERS, NAME_PARTS, ROLE
from engagement.ingest.source import readers
from engagement.ingest.source.source_format import AS_DOCUMENTED, KEYS, SourceFormat, group_column
from engagement.store import Cursor, Store, first_row, query, registered
from engagement.store.search import searched_text

SLIPPED_ROWS: Final = 10  # a few addresses that change hands are a mended mistake
ROWS_COMPARED: Final = 10_000  # a column that slips does so before them
MAX_ABSENT: Final = 0.2  # of the active learners; with more absent it is hardly the whole list
# What a search looks in, as migration 007 has it.
_SEARCHED: Final = ("name", "id", "email")
# What a learner becomes where the source is silent; an update leaves alone what the source does not have.
_DEFAULTS: Final = {
    "person_id": "source.id",
    "locale": "'en'",
    "whatsapp_opt_in": "false",
    "contact_opt_out": "false",
    "llm_opt_out": "false",
    "active": "true",
}
_SETTLED: Final = "left join temp.settled_consents as settled on checked.id = settled.id"


def load(
    store: Store,
    source: readers.Source,
    *,
    observed_at: datetime,
    loaded_at: datetime,
    source_format: SourceFormat = AS_DOCUMENTED,
    max_quarantine: float = 1.0,
    if_unlike: loading.IfUnlike = "warn",
) -> loading.LoadSummary:
    """Load a CSV, a Parquet file or a frame in the columns of `schema.LEARNERS`.

    Parameters
    ----------
    observed_at
        When what the source says was known (naive UTC); for an earlier `as_of` it does not exist.
    loaded_at
        Now (naive UTC).
    source_format
        How the source writes what cannot be seen in it.
    max_quarantine
        The largest share of refused rows (0 to 1) with which the rest is still loaded.
    if_unlike
        Whether a load that falls short of those before it is told of, or refused.

    Raises
    ------
    InvalidInput
        The source is refused whole: no table, a column missing, doubled or swapped, no rows, or too few accepted.
    """
    with _begun(store, source, source_format, observed_at=observed_at, loaded_at=loaded_at) as begun:
        settled = _write(begun, begun.checked.columns, source_format.groups)
        loaded = loading.record(begun, max_quarantine=max_quarantine, if_unlike=if_unlike)
        return _told(begun, settled, loaded)


def load_full(
    store: Store,
    source: readers.Source,
    *,
    observed_at: datetime,
    loaded_at: datetime,
    source_format: SourceFormat = AS_DOCUMENTED,
    max_quarantine: float = 1.0,
    max_absent: float = MAX_ABSENT,
    if_unlike: loading.IfUnlike = "warn",
) -> loading.LoadSummary:
    """Load the list of everybody: as `load` does, and who is not in it becomes inactive, who is active again.

    A refused row still says that its learner is there. Raises `InvalidInput` also where a refused row does not say for
    certain whose it is, and where more than the share `max_absent` of the active learners would become inactive.
    """
    if isinstance(source, readers.Derived) and source.not_everybody:
        raise InvalidInput(f"{source.name}: {source.not_everybody}; load it without `--full`")
    with _begun(store, source, source_format, observed_at=observed_at, loaded_at=loaded_at) as begun:
        begun.db.execute("update temp.checked set active = true where active is null")
        inactivated = _inactivate_absent(begun, max_absent)
        settled = _write(begun, begun.checked.columns | {"active"}, source_format.groups)
        loaded = loading.record(begun, max_quarantine=max_quarantine, of="everybody", if_unlike=if_unlike)
        return replace(_told(begun, settled, loaded), inactivated=inactivated)


def _told(begun: loading.Load, settled: consents.Settled, loaded: loading.LoadSummary) -> loading.LoadSummary:
    """Return what became of the source with what nobody would see in its rows."""
    (known_later,) = first_row(begun.db, query("ingest/count_known_later"))
    (sharing,) = first_row(begun.db, query("ingest/count_shared_addresses"))
    return replace(
        loaded,
        known_later=known_later,
        sharing_an_address=sharing,
        refusing=settled.refusing,
        held_back=settled.held_back,
    )


@contextmanager
def _begun(
    store: Store,
    source: readers.Source,
    source_format: SourceFormat,
    *,
    observed_at: datetime,
    loaded_at: datetime,
) -> Iterator[loading.Load]:
    """Hold open the write of a load in which `checked` has every column there is, whichever the source had."""
    columns = (*LEARNERS, *NAME_PARTS, ROLE, *source_format.group_columns)
    with loading.begun(
        store, source, columns, source_format, kind="learners", observed_at=observed_at, loaded_at=loaded_at
    ) as begun:
        for column in LEARNERS:
            if column.name not in begun.checked.columns:
                kind = {
                    "instant": "timestamp",
                    "login": "timestamp",
                    "flag": "boolean",
                    "number": "double",
                }.get(column.kind, "text")
                begun.db.execute(f"alter table temp.checked add column {column.name} {kind}")
        if "last_login" not in begun.checked.columns:
            begun.db.execute("alter table temp.checked add column login_is_unknown boolean default true")
        refuse_reencoded(begun, "id")
        completing.names(begun)
        completing.ids(begun)
        begun.db.execute(query("ingest/complete_person_id"))
        # A day's facts may be dated to its end; what comes later on that day is newer all the same.
        for sql in ("ingest/known_facts_by_now", "ingest/known_learners_by_now"):
            begun.db.execute(query(sql), {"now": begun.loaded_at})
        begun.db.execute(query("ingest/known_later"), {"observed_at": begun.observed_at})
        completing.facts(begun)
        begun.db.execute(query("ingest/refuse_doubled_learners"))
        yield begun


def _write(begun: loading.Load, here: set[str], groups: Iterable[str]) -> consents.Settled:
    """Write learners, facts and groups from `checked`, of which `here` are the columns that count."""
    db, known = begun.db, {"load_id": begun.load_id, "observed_at": begun.observed_at}
    begun.notes.extend([*_slipped(db), *completing.nameless(begun)])
    settled = consents.settle(begun)
    _upsert(begun, here, settled)
    consents.mark(begun)
    if first_row(db, "select count(*) from temp.known_later")[0]:
        db.execute(query("ingest/confirm_facts"), known)
    db.execute(query("ingest/append_changed_facts"), known)
    db.execute(query("ingest/mark_seen"), {"observed_at": begun.observed_at})
    for name in groups:  # which are kept apart: nothing but `fairness` reads them
        sql = query("ingest/keep_group").replace("group_value", group_column(name))
        db.execute(sql, {"name": name, "load_id": begun.load_id})
    return settled


def _slipped(db: Cursor) -> list[str]:
    """Return what is told where each address seems to be that of the row above or below.

    It is no reason to refuse: they may be true all the same, where addresses are numbers that are given anew.
    """
    changed, moved, own, beside = first_row(
        db, query("ingest/count_slipped_addresses"), {"most": ROWS_COMPARED}
    )
    slipped = "has the column slipped by a row? Whoever is written to would be somebody else: mend the file and load it"
    if moved >= SLIPPED_ROWS and 2 * moved > changed:
        return [
            f"email: {moved:,} of {changed:,} addresses that change were another learner's until now; {slipped}"
        ]
    if beside >= SLIPPED_ROWS and beside > 5 * own:
        return [
            f"email: {beside:,} addresses read like the name in the next row, {own:,} like their own; {slipped}"
        ]
    return []


def _inactivate_absent(begun: loading.Load, max_absent: float) -> int:
    """Make inactive who is absent, before the file is written."""
    db, incoming = begun.db, begun.checked.incoming
    with registered(db, "fields_of_not_rows", incoming.fields_of_not_rows()):
        (nameless,) = first_row(db, query("ingest/count_nameless"))
        db.execute(query("ingest/absent_learners"))
    if nameless:
        raise InvalidInput(
            f"{incoming.name}: {nameless} refused rows do not say for certain whose they are, so that nobody "
            "can be told absent; mend them, or load the file without `--full`"
        )
    source = begun.checked.source
    why = source.if_absent if isinstance(source, readers.Derived) else ""
    # What speaks of one course says nothing of who is in another.
    of = "program in (select program from temp.checked)" if why else "true"
    db.execute(f"delete from temp.absent where id not in (select id from learners where {of})")  # noqa: S608
    absent, active = first_row(
        db,
        f"select (select count(*) from temp.absent), (select count(*) from learners where active and {of})",  # noqa: S608
    )
    if absent and absent / active > max_absent:
        why = f" ({why})" if why else ""
        raise InvalidInput(
            f"{incoming.name}: {absent} of {active} active learners are not in it, more than "
            f"{100 * max_absent:g} %{why}; if it is the whole list all the same, `--yes` loads it"
        )
    db.execute(
        """
        update learners
        set active = false, inactive_since = $observed_at, seen_at = $observed_at, load_id = $load_id
        where id in (select id from temp.absent)
        """,
        {"load_id": begun.load_id, "observed_at": begun.observed_at},
    )
    return int(absent)


def _upsert(begun: loading.Load, here: set[str], settled: consents.Settled) -> None:
    """Insert who is new and update who changed, save where something newer is known: an old file undoes no opt-out."""
    columns = [column.name for column in LEARNERS if column.name not in FACTS]
    says_opt_in = "whatsapp_opt_in" in here  # and where it leaves it empty, says no
    if settled.anybody:
        here = here.union(consents.COLUMNS)
    if {column.name for column in NAME_PARTS} & begun.checked.columns:
        here = here | {"name"}
    if begun.source_format.key != "id":  # by which they are known, however it is spelt here
        here = here.difference(KEYS[begun.source_format.key])
    searched = {name: f"source.{name}" for name in _SEARCHED}
    inserted = {
        name: f"coalesce(source.{name}, {_DEFAULTS[name]})" if name in _DEFAULTS else f"source.{name}"
        for name in columns
    } | {
        "searched": searched_text(", ".join(searched.values())),
        "inactive_since": "case when not coalesce(source.active, true) then $observed_at::timestamp end",
        "seen_at": "$observed_at::timestamp",
    }
    updated = {
        name: f"coalesce(source.{name}, learners.{name})" if name in _DEFAULTS else f"source.{name}"
        for name in columns
        if name in here and name != "id"
    }
    kept = {name: value if name in here else f"learners.{name}" for name, value in searched.items()}
    updated["searched"] = searched_text(", ".join(kept.values()))
    if says_opt_in:
        updated["whatsapp_opt_in"] = inserted["whatsapp_opt_in"]
    if settled.anybody:
        inserted["held_by"] = updated["held_by"] = "source.held_by"
    if "active" in here:
        updated["inactive_since"] = (
            f"case when not {updated['active']} then coalesce(learners.inactive_since, $observed_at) end"
        )
    if "person_id" in here:
        begun.db.execute(query("ingest/keep_earlier_persons"), {"until": begun.loaded_at})
    changed = " or ".join(f"learners.{name} is distinct from {value}" for name, value in updated.items())
    begun.db.execute(
        f"""
        merge into learners
        using (
            select checked.*{", settled.held_by" if settled.anybody else ""}
            from temp.checked
            left join temp.known_later as later on checked.id = later.id
            {_SETTLED if settled.anybody else ""}
            where checked.reasons is null and later.id is null
        ) as source
        on learners.id = source.id
        when matched and ({changed}) then update set
            {", ".join(f"{name} = {value}" for name, value in updated.items())}, load_id = $load_id
        when not matched then insert ({", ".join(inserted)}, load_id)
            values ({", ".join(inserted.values())}, $load_id)
        """,  # noqa: S608 (names from the schema)
        {"load_id": begun.load_id, "observed_at": begun.observed_at},
    )
    begun.db.execute(query("ingest/number_persons"))
    begun.db.execute(query("ingest/mark_shared_addresses"))


def count(store: Store) -> int:
    """Return how many enrolments the store knows."""
    with store.read() as db:
        return int(first_row(db, "select count(*) from learners")[0])
