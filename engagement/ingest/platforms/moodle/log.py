"""Moodle's log of a course: who did what, when. It has no number and no address of anybody.

The number that Moodle has of who did something stands in the description, which is in English in every language. Whose
it is, is known from the report of course completion, else by the name, where one learner alone has it.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from engagement.errors import InvalidInput
from engagement.ingest.platforms.exports import NOT_KEPT, ON_PLATFORM, Asked, Kind, Look, Part, opened
from engagement.ingest.platforms.joining import plain_names
from engagement.ingest.platforms.moodle import words
from engagement.ingest.platforms.moodle.people import NAME, numbered, plain
from engagement.ingest.platforms.times import as_utc
from engagement.ingest.source.readers import Derived
from engagement.ingest.values.left_out import MOST_LINES, LeftOut
from engagement.store import first_row, read_from

_COLUMNS: Final = 9  # time, who, whom, where, component, event, description, origin, address
_ACTOR: Final = r"^[^'&]* user with id (?:'|&#0?39;)(\d+)"
_USUAL: Final = "The user with id '"  # which a search for the rest would find too, more slowly
_CLOCK: Final = r".* \d\d?:\d\d:\d\d"
_QUIZ: Final = r"has submitted the attempt with id"
_LOGIN: Final = r"has logged in"
_NOT_EVERYBODY: Final = "a log lists what was done, not who is there"


def _is_log(look: Look) -> bool:
    header = look.lines[0] if look.lines else []
    said = {name.casefold() for name in words.DESCRIPTION}
    return (
        len(header) == _COLUMNS
        and header[6] in said
        and header[8].startswith(("ip", "adresse ip", "dirección ip"))
    )


def _log(files: Sequence[Path], asked: Asked) -> Iterator[Part]:
    for file in files:  # one is loaded before the next is read: the newest login of all of them counts
        yield from _one_log(file, asked)


def _one_log(file: Path, asked: Asked) -> list[Part]:
    acts, names, days, refused, notes = _acts(file, asked)
    acts["at"] = _times(acts, days, asked)
    unread = acts["at"].isna()
    if unread.all():
        raise InvalidInput(
            f"{file.name}: not one of its times can be read, the first is in line {acts['line'].min():,}"
        )
    later = acts["at"].gt(asked.as_of)
    actors = _actors(names, asked)
    acts = acts.assign(id=acts["actor"].map(actors["id"]))
    nobodys = acts["id"].isna()
    told = _told(
        acts,
        {
            "by nobody who is known, such as a teacher": nobodys,
            "after the day it is read for": later & ~nobodys,
        },
    )
    acts = acts[acts["is_own"] & ~nobodys & ~later & ~unread]
    if acts.empty:
        raise InvalidInput(
            f"{file.name}: nobody in it is known: a log has neither addresses nor ID numbers; load a completion report "
            "before it, or in the same command"
        )
    newest = acts.groupby("id", sort=False)["at"].max()
    who = actors.reset_index().drop_duplicates("id").set_index("id").loc[newest.index]
    newest = newest.mask(who["last_login"].gt(newest) & who["last_login"].le(asked.as_of), who["last_login"])
    learners = pd.DataFrame(
        {
            "id": newest.index,
            "program": who["program"].to_numpy(),
            "last_login": newest.dt.strftime("%Y-%m-%d %H:%M:%S").to_numpy(),
            ON_PLATFORM: numbered(who["actor"]).to_numpy(),
        }
    )
    derived = Derived(
        file.name, learners, left_out=told, refused=refused, notes=notes, not_everybody=_NOT_EVERYBODY
    )
    parts = [Part("learners", derived)]
    events = acts[acts["type"].notna()].sort_values("line")
    if len(events):
        rows = pd.DataFrame(
            {
                "learner_id": events["id"],
                "type": events["type"],
                "timestamp": events["at"].dt.strftime("%Y-%m-%d %H:%M:%S"),
                "metadata": events["where_"].map(_about),
            }
        )
        again = rows.duplicated()
        twice = _told(events, {"the same line again": again})
        parts.append(
            Part(
                "events",
                Derived(file.name, rows[~again], lines=events["line"][~again].tolist(), left_out=twice),
            )
        )
    return parts


def _acts(file: Path, asked: Asked) -> tuple[pd.DataFrame, pd.Series, pd.Series, pd.DataFrame, Sequence[str]]:
    """Return each line that somebody did; by Moodle's number of who did something the name that is theirs; and days.

    A line has `actor`, `time`, or where that ends in a clock `day_at` among the days, and `seconds`; `where_` and the
    `type` of event that it is; and whether it `is_own`: who acts in another's place has both names there.
    """
    stage = asked.stage
    wanted = (*words.TIME, *words.ACTOR, *words.DESCRIPTION)
    with opened(file, asked, wanted) as (table, _):
        with read_from(table.name):
            stage.execute(
                f"""
                create or replace temp table checked as
                select
                    c0 as time, left(c0, -length(split_part(c0, ' ', -1))) as day, c1 as name,
                    try_cast(
                        case
                            when starts_with(c6, $usual) then split_part(c6, '''', 2)
                            else regexp_extract(c6, $actor, 1)
                        end as integer
                    ) as actor,
                    case
                        when contains(c6, $quiz) then 'quiz_completed' when contains(c6, $login) then 'login'
                    end as type,
                    case when contains(c6, $quiz) then c3 end as where_,
                    null::text as reasons
                from {table.relation}
                """,  # noqa: S608 (a relation of our own)
                {**table.parameters, "usual": _USUAL, "actor": _ACTOR, "quiz": _QUIZ, "login": _LOGIN},
            )
        (taken,) = first_row(stage, "select count(*) from checked")
        refused = table.refused(stage, taken).assign(raw=NOT_KEPT)
        stage.execute(
            "create or replace temp table actors as "
            "select actor, mode(name) as name from checked where actor is not null group by actor"
        )
        stage.execute(
            "create or replace temp table days as "
            "select day, (row_number() over () - 1)::integer as day_at from (select distinct day from checked)"
        )
        acts = stage.execute(
            """
            select
                checked.rowid as line, checked.actor, checked.type, checked.where_,
                checked.name is not distinct from actors.name as is_own,
                case when regexp_full_match(time, $clock) then null else time end as time,
                days.day_at,
                epoch(try_cast(split_part(time, ' ', -1) as interval))::integer as seconds
            from checked
            inner join actors on checked.actor = actors.actor
            inner join days on checked.day is not distinct from days.day
            """,
            {"clock": _CLOCK},
        ).df()
        acts["line"] = table.lines[acts["line"].to_numpy("int64")]  # in any order
        if acts.empty:
            raise InvalidInput(f"{file.name}: no line of the log says in its description who did something")
        names = stage.execute("select actor, name from actors").df().set_index("actor")["name"]
        days = stage.execute("select day from days order by day_at").df()["day"].str.rstrip(", ")
        return acts, names, days, refused, tuple(table.notes)


def _times(acts: pd.DataFrame, days: pd.Series, asked: Asked) -> pd.Series:
    """Return the times of a log; each day is read once, as a log of hundreds of thousands of lines has few."""
    if acts["time"].notna().any():  # an hour with its half of the day, or none
        day = days.take(acts["day_at"].to_numpy()).set_axis(acts.index)
        return as_utc(acts["time"].fillna(day + " " + _clock(acts["seconds"])), asked.zone)
    midnights = as_utc(days.astype("string"), ZoneInfo("UTC"))
    local = midnights.take(acts["day_at"].to_numpy()).reset_index(drop=True) + pd.to_timedelta(
        acts["seconds"].to_numpy(), unit="s"
    )
    found: pd.Series = (
        local.dt.tz_localize(asked.zone, ambiguous=np.ones(len(local), bool), nonexistent="shift_forward")
        .dt.tz_convert("UTC")
        .dt.tz_localize(None)
    )
    return found.set_axis(acts.index)


def _clock(seconds: pd.Series) -> pd.Series:
    clock: pd.Series = (pd.Timestamp(0) + pd.to_timedelta(seconds, unit="s")).dt.strftime("%H:%M:%S")
    return clock


def _actors(names: pd.Series, asked: Asked) -> pd.DataFrame:
    """Return by Moodle's number of who acts the `id`, `program` and `last_login` of that learner."""
    roster = asked.roster()
    if asked.program:
        roster = roster[roster["program"] == asked.program]
    found = pd.DataFrame({ON_PLATFORM: numbered(names.index.to_series())})
    by_number = roster.dropna(subset=[ON_PLATFORM]).drop_duplicates(ON_PLATFORM, keep=False)
    numbered_ids = by_number.set_index(ON_PLATFORM)["id"]
    ours, theirs = plain_names(roster["name"]), plain_names(plain(names))
    is_numbered = roster[ON_PLATFORM].astype("string").str.startswith(f"{NAME}:").fillna(value=False)
    lone = ~ours.duplicated(keep=False) & ours.notna() & ~is_numbered.astype(bool)
    by_name = pd.Series(roster.loc[lone, "id"].to_numpy(), ours[lone])
    meant = theirs.where(~theirs.duplicated(keep=False)).map(by_name)
    found["id"] = found[ON_PLATFORM].map(numbered_ids).astype("string").fillna(meant.astype("string"))
    known = roster.drop_duplicates("id").set_index("id")
    found["program"] = found["id"].map(known["program"].astype(object))
    found["last_login"] = pd.to_datetime(found["id"].map(known["last_login"].astype(object)))
    return found


def _about(where: object) -> str:
    return json.dumps({"title": where} if isinstance(where, str) else {}, ensure_ascii=False)


def _told(acts: pd.DataFrame, kinds: dict[str, pd.Series]) -> LeftOut:
    return {
        what: {"rows": int(which.sum()), "lines": sorted(acts["line"][which])[:MOST_LINES]}
        for what, which in kinds.items()
        if which.any()
    }


KINDS: Final = (
    Kind(
        NAME,
        "a Moodle log",
        _is_log,
        _log,
        gives="when each learner last did something, quizzes handed in",
        cannot="no completion, scores or sessions",
    ),
)
