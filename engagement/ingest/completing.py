"""What a source leaves unsaid of learners: ids where it has another key, names in parts, facts it is silent about."""

from typing import Final

from engagement.content.names import first_name
from engagement.errors import InvalidInput
from engagement.ingest.facts import DONE, FACTS
from engagement.ingest.loads import loading
from engagement.ingest.schema import NAME_PARTS
from engagement.ingest.source.readers import Derived
from engagement.ingest.source.source_format import KEYS

NAMES_LOOKED_AT: Final = 10_000  # whether anybody can be greeted by them

# The share of the work that counts where the source has none of which nobody says what it is of.
_DONE_OF: Final = {
    "completed_percent_due": "checked.completed_percent_due",
    # What is done of the course does not take the place of what was done of the work that was due.
    "completed_percent_course": """
        case
            when known.completed_percent is distinct from known.completed_percent_course then known.completed_percent
            else checked.completed_percent_course
        end
    """,
}
# Letters are compared, not how large they are written.
_COMPARED: Final = "lower({})"


def names(begun: loading.Load) -> None:
    """Make the name of its parts, or write it with a comma after the family's where that comes first."""
    here = begun.checked.columns
    parts = [column.name for column in NAME_PARTS if column.name in here]
    if parts and "name" not in here:
        begun.db.execute(f"update temp.checked set name = nullif(concat_ws(' ', {', '.join(parts)}), '')")  # noqa: S608
    elif "name" in here and begun.source_format.name_order == "family-first":
        begun.db.execute(
            r"update temp.checked set name = regexp_replace(name, '^(\S+)\s+(\S)', '\1, \2') where name not like '%,%'"
        )


def nameless(begun: loading.Load) -> list[str]:
    """Return what is told of names from which no first name can be told."""
    found = begun.db.execute(
        f"select name from temp.checked where name is not null and reasons is null limit {NAMES_LOOKED_AT}"  # noqa: S608
    ).fetchall()
    greeted = sum(first_name(name) is not None for (name,) in found)
    if greeted == len(found):
        return []
    told = (
        f"name: from {len(found) - greeted:,} of {len(found):,} names no first name can be told, so that they are "
        "greeted by none"
    )
    if isinstance(begun.checked.source, Derived):  # of which no columns can be named
        return [told]
    return [f"{told}; `--map first_name=COLUMN` or `--name-order family-first` may say more"]


def facts(begun: loading.Load) -> None:
    """Let what was known of the facts about which the source is silent stand: it speaks only for the columns it has."""
    here = begun.checked.columns
    absent = [name for name in FACTS if name not in here]
    if not absent:
        return
    kept = {name: f"known.{name}" for name in absent}
    if "last_login" in kept:
        kept["login_is_unknown"] = "coalesce(known.login_is_unknown, true)"
    if "completed_percent" in absent and here & DONE:
        kept["completed_percent"] = _DONE_OF[min(here & DONE, key=tuple(_DONE_OF).index)]
    begun.db.execute(
        f"""
        update temp.checked as checked
        set {", ".join(f"{name} = {value}" for name, value in kept.items())}
        from (
            select said.id, known.* exclude (learner_id)
            from (select distinct id from temp.checked) as said
            left join facts_at($observed_at) as known on said.id = known.learner_id
        ) as known
        where checked.id = known.id
        """,  # noqa: S608 (names from the schema)
        {"observed_at": begun.observed_at},
    )


def _programs(begun: loading.Load) -> None:
    """Say the program of known learners where the source has none; one who is not known needs it."""
    if "program" in begun.checked.columns:
        return
    begun.db.execute(
        "update temp.checked set program = learners.program from learners where checked.id = learners.id"
    )
    begun.db.execute(
        """
        update temp.checked
        set reasons = concat_ws(
            chr(10), 'program: missing, and the learner is not known yet; `--set program=NAME` says it', reasons
        )
        where program is null and id is not null
        """
    )


def ids(begun: loading.Load) -> None:
    """Give each row the id of the learner whom its key names; a key that names nobody, or several, is a reason."""
    key = begun.source_format.key
    if key == "id":
        _programs(begun)
        return
    db, here = begun.db, begun.checked.columns
    columns = list(KEYS[key])
    if "program" in here and "program" not in columns:
        columns.append("program")  # of several enrolments the one that is meant
    if absent := [name for name in columns if name not in here]:
        raise InvalidInput(f"{begun.checked.incoming.name}: `--key {key}` needs the column {absent[0]}")
    same = " and ".join(
        f"{_COMPARED.format(f'checked.{name}')} = {_COMPARED.format(f'learners.{name}')}" for name in columns
    )
    db.execute(
        f"""
        update temp.checked as checked
        set
            id = case when found.learners = 1 then found.id end,
            program = coalesce(checked.program, found.program),
            reasons = case when found.learners = 1 then checked.reasons else concat_ws(chr(10), checked.reasons, case
                when found.learners = 0 then '{key}: no learner is known by it' else '{key}: several learners have it'
            end) end
        from (
            select
                checked.rowid as record,
                -- who has left and come again is who they are now
                coalesce(nullif(count_if(learners.active), 0), count(learners.id)) as learners,
                arg_max(learners.id, learners.active) as id,
                arg_max(learners.program, learners.active) as program
            from temp.checked as checked
            left join learners on {same}
            group by checked.rowid
        ) as found
        where checked.rowid = found.record
        """  # noqa: S608 (names of our own)
    )
