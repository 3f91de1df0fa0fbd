"""The reading of logs: lines to acts in a private Parquet file, and acts to learners and events by the rules.

Of a statement only the places are taken that its table names, so that addresses, devices and texts that were handed in
are never read. A million statements take the memory of a few.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pandas as pd

from engagement.errors import InvalidInput
from engagement.files.copies import Kept
from engagement.files.json_lines import json_lines
from engagement.ingest.platforms.exports import UNKNOWN_LOGIN, Asked, Look, Part
from engagement.ingest.platforms.statements.rules import Rules, rules_of
from engagement.ingest.source.readers import Derived
from engagement.ingest.values.left_out import MOST_LINES, LeftOut
from engagement.store import Cursor, first_row, pattern, query, read_from, registered
from engagement.text import one_line

_ROWS: Final = 30_720  # that a file of acts has in one piece: they are held until they are written
_LOOKED_AT: Final = 20  # lines
_LONGEST: Final = 16 * 1024 * 1024  # bytes of a line
_SHOWN: Final = 5  # kinds without a rule
_TEXTS: Final = ("id", "person_id", "name", "email", "program")
_KEPT: Final = ("person_id", "name", "email", "avg_quiz_score", "completed_percent_course")
NOT_JSON: Final = "not JSON (cut off)"


def objects(look: Look) -> Iterator[Mapping[str, Any]]:
    """Yield the objects with which a file begins, whatever stands before them on their lines."""
    text, at, decoder = look.start, 0, json.JSONDecoder()
    for _ in range(_LOOKED_AT):
        if (at := text.find("{", at)) < 0:
            return
        try:
            found, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1  # a page of statements is larger than what is looked at
            continue
        if isinstance(found.get("statements"), list):
            yield from (each for each in found["statements"] if isinstance(each, dict))
        else:
            yield found
        at = end


def parts(files: Sequence[Path], asked: Asked, table: str, acts_sql: str) -> list[Part]:
    """Return the learners and the events of logs, by the rules of a table; `acts_sql` says what its places mean.

    Raises `InvalidInput` where nothing in them is a learner's.
    """
    rules, stage = rules_of(table), asked.stage
    name = files[0].name + (f" and {len(files) - 1} more" if len(files) > 1 else "")
    with read_from(name):
        acts = _acts(files, asked, rules, acts_sql)
        written = [pattern(each.path) for each in acts]
        stage.execute("set variable acts = $acts", {"acts": written})
        with registered(stage, "rules", rules.with_types(asked.types)):
            stage.execute(query("ingest/statement_rules"))
        acts.append(_of_learners(stage))  # which is there as long as they are
        out = _left_out(stage)
        learners = stage.execute(query("ingest/statement_learners")).df()
        learners = learners.astype(dict.fromkeys([*_TEXTS[:-1], "course", "course_name"], "string"))
        if learners.empty:
            why = ", ".join(f"{why} ({left['rows']:,})" for why, left in out.items())
            raise InvalidInput(f"{name}: nothing in it is a learner's{': ' if why else ''}{why}")
        notes = _notes(stage, files)
        rows, known = _as_ours(learners, asked)
        events, count = _events(stage, known)
    of_learners = Derived(name, rows, lines=learners["line"].tolist(), left_out=out, notes=notes)
    found = [Part("learners", of_learners)]
    if count:
        found.append(Part("events", Derived(name, events)))
    return found


def _of_learners(stage: Cursor) -> Kept:
    """Return a file of the acts of learners, which the view `of_learners` reads: in memory it would grow with them."""
    kept = Kept()
    sql = query("ingest/statement_acts").rstrip().rstrip(";")
    stage.execute(
        f"copy ({sql}) to '{kept.path}' (format parquet, row_group_size {_ROWS}, use_tmp_file false)"
    )
    stage.execute("set variable of_learners = $place", {"place": pattern(kept.path)})
    stage.execute(
        "create or replace temp view of_learners as select * from read_parquet(getvariable('of_learners'))"
    )
    return kept


def _left_out(stage: Cursor) -> LeftOut:
    told = stage.execute(query("ingest/statements_left_out"), {"most": MOST_LINES}).fetchall()
    return {why: {"rows": count, "lines": lines} for why, count, lines in told}


def _notes(stage: Cursor, files: Sequence[Path]) -> list[str]:
    """Return what is told of kinds that no rule names, of scores that say two things, and of how lines are counted."""
    kinds = stage.execute(
        "select trim(verb || ' ' || object), acts from ruled where not has_rule order by acts desc, verb, object"
    ).fetchall()
    notes = []
    if kinds:
        more = f" and {len(kinds) - _SHOWN} other kinds" if len(kinds) > _SHOWN else ""
        shown = ", ".join(f"{one_line(kind, 60)} ({acts:,})" for kind, acts in kinds[:_SHOWN])
        notes.append(
            f"of unknown types, so that they only show that somebody was there: {shown}{more}; "
            "`--map-type VERB=TYPE` says what one is"
        )
    (odd,) = first_row(
        stage, "select count(*) from of_learners where at_odds and score <> '' and not is_again"
    )
    if odd:
        notes.append(f"{odd:,} scores are another in points than in the share beside them: the points count")
    if len(files) > 1:
        notes.append("lines are counted through all files, in the order in which they were named")
    return notes


def _as_ours(learners: pd.DataFrame, asked: Asked) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the learners in our columns, and by what other id (`who`, `id`) the store knows some of them.

    A log speaks only of what stands in it: what is known besides stands, and a newer login than it has counts.
    """
    roster = asked.roster()
    roster = roster.astype(dict.fromkeys(_TEXTS, "string"))
    known = _known(learners, roster)
    ours = learners["id"].map(known.set_index("who")["id"]).astype("string").fillna(learners["id"])
    of_known = roster.set_index("id").reindex(ours).set_index(learners.index)
    course = learners["course_name"].map(_title).astype("string").fillna(learners["course"])
    login = pd.concat([learners["last_login"], of_known["last_login"]], axis=1).max(axis=1)
    # who has done nothing here since they were enrolled has never been there; of anybody else it is not known
    is_never = learners["enrolled_at"].notna() | of_known["login_is_unknown"].eq(False).fillna(False)
    rows = learners.drop(columns=["line", "course", "course_name"]).assign(
        id=ours,
        **{name: learners[name].fillna(of_known[name]) for name in _KEPT},
        program=of_known["program"].fillna(course).fillna(asked.program or None),
        last_login=_written(login).mask(login.isna() & ~is_never, UNKNOWN_LOGIN),
        enrolled_at=_written(learners["enrolled_at"].fillna(of_known["enrolled_at"])),
        active=learners["active"].map({True: "true", False: "false"}),
    )
    silent = [
        name for name in rows if name not in ("id", "program", "last_login") and rows[name].isna().all()
    ]
    return rows.drop(columns=silent), known


def _known(learners: pd.DataFrame, roster: pd.DataFrame) -> pd.DataFrame:
    """Return by which id the store knows who is not known by the log's own: by the person's number, or the address."""
    strangers = learners.loc[~learners["id"].isin(roster["id"]), ["id", "email"]].rename(
        columns={"id": "who"}
    )
    found = []
    for theirs, ours in (("who", "person_id"), ("email", "email")):
        single = roster[["id", ours]].dropna()
        single = single.assign(key=single[ours].str.casefold())
        single = single[~single["key"].duplicated(keep=False)]
        named = strangers.assign(key=strangers[theirs].str.casefold()).dropna(subset="key")
        found.append(named.merge(single[["id", "key"]], on="key")[["who", "id"]])
    return pd.concat(found).drop_duplicates("who").astype("string")


def _title(written: object) -> object:
    """Return a name as it is, or of those in several languages the first."""
    if not isinstance(written, str) or not written.startswith("{"):
        return written
    with suppress(ValueError):
        return next((text for text in json.loads(written).values() if isinstance(text, str)), None)
    return written


def _written(instants: pd.Series) -> pd.Series:
    texts: pd.Series = instants.dt.strftime("%Y-%m-%dT%H:%M:%S.%f").astype("string")
    return texts


def _events(stage: Cursor, known: pd.DataFrame) -> tuple[Kept, int]:
    """Return a file of the acts that are events of ours, and how many they are."""
    kept = Kept()
    with registered(stage, "known", known):
        sql = query("ingest/statement_events").rstrip().rstrip(";")
        (count,) = first_row(
            stage,
            f"copy ({sql}) to '{kept.path}' (format parquet, use_tmp_file false)",
        )
    return kept, count


def _acts(files: Sequence[Path], asked: Asked, rules: Rules, acts_sql: str) -> list[Kept]:
    """Return a file for each log with what each line says, by the places of the table."""
    paths = [path for place in rules.places.values() for path in place]
    taken = iter(range(1, len(paths) + 1))
    places = ", ".join(
        f"coalesce({', '.join(f'f[{next(taken)}]' for _ in place)}) as {name}"
        for name, place in rules.places.items()
    )
    line = "case when starts_with(raw, '{') then raw else raw[instr(raw, '{'):] end"
    each = "unnest(coalesce(try(from_json(json_extract(raw, $each), '[\"VARCHAR\"]')), [raw])) as raw"
    one = f"(select line, {each if rules.each else 'raw'} from lines)"  # noqa: S608 (no value)
    when = "timezone('UTC', try_cast({0} as timestamptz))"
    if asked.zone.key != "UTC":
        local = "timezone('UTC', timezone($zone, try_cast({0} as timestamp)))"
        when = f"case when regexp_matches(substr({{0}}, 11), '[Zz+-]') then {when} else {local} end"
    sql = f"""
        copy (
            with lines as (
                select row_number() over () + $before as line, {line} as raw
                from read_csv($file, auto_detect = false, header = false, delim = '\x01', quote = '', escape = '',
                    columns = {{'raw': 'VARCHAR'}}, max_line_size = {_LONGEST}, buffer_size = {2 * _LONGEST})
            ),
            found as (select line, try(json_extract_string(raw, $paths)) as f from {one} where trim(raw) <> ''),
            named as (select line, f is null as is_broken, {places} from found),
            acts as ({acts_sql.rstrip().rstrip(";")}),
            timed as (
                select *, {when.format("at_text")} as happened, {when.format("begins_text")} as begins from acts
            )
            select
                * exclude (why, at_text, begins_text, verb, object, is_broken),
                coalesce(verb, '') as verb, coalesce(object, '') as object,
                case
                    when is_broken then '{NOT_JSON}'
                    when why is not null then why
                    when happened is null then 'no timestamp'
                    when happened > $as_of then 'after as_of'
                end as why
            from timed
        ) to '{{to}}' (format parquet, row_group_size {_ROWS}, use_tmp_file false)
        """  # noqa: S608 (names and paths of our own tables)
    bound: dict[str, Any] = {"paths": paths, "as_of": asked.as_of, "before": 0}
    if rules.each:
        bound["each"] = rules.each
    if asked.zone.key != "UTC":
        bound["zone"] = asked.zone.key
    kept: list[Kept] = []
    for file in files:
        to = Kept()
        with json_lines(file) as plain:
            asked.stage.execute(sql.replace("{to}", str(to.path)), bound | {"file": pattern(plain)})
        kept.append(to)
        (bound["before"],) = first_row(
            asked.stage, "select max(line) from read_parquet($file)", {"file": pattern(to.path)}
        )
        bound["before"] = bound["before"] or 0
    return kept
