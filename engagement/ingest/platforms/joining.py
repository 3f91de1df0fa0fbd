"""Whose a row is: exports of one platform name the same person by a number, an address, or the platform's own id.

A row is of the learner whom its id names, or the number of the person, or the platform's id; else of the one whose
address or, where it says nothing else, name it has. Whom nothing names is new. A course is an enrolment of its own:
a person who is known from another one comes to be a second learner, and stays one person.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import pandas as pd

from engagement.ingest.platforms.exports import ON_PLATFORM, UNKNOWN_LOGIN, Part, looked_up
from engagement.store import Store

KEYS: Final = ("id", "person_id", "name", "email", "program", ON_PLATFORM)
_ASKED_AGAIN: Final = "moodle:"  # by whose numbers a sync tells who has left

# What is known of learners, where an export says less.
_OF_LEARNERS: Final = ("id", "person_id", "name", "email", "program", "enrolled_at", "active", "external_id")
_OF_FACTS: Final = ("last_login", "login_is_unknown", "avg_quiz_score", "completed_percent_course")
_AS_THE_STORE_HAS_THEM: Final = {
    "enrolled_at": "datetime64[us]",
    "last_login": "datetime64[us]",
    "avg_quiz_score": "float64",
    "completed_percent_course": "float64",
}
_OF_ALL: Final = (*_OF_LEARNERS, *_OF_FACTS)
_TOGETHER: Final = (("last_login", "login_is_unknown"), ("avg_quiz_score",), ("completed_percent_course",))


class People:
    """Who is known: by the store, and by the exports that were read before in one command, loaded or not."""

    def __init__(self, store: Store, as_of: datetime) -> None:
        self._store = store
        self._as_of = as_of
        self._met = pd.DataFrame(columns=_OF_ALL)
        self._ids: dict[str, str] = {}  # of the last part: the next platform calls somebody else so

    def roster(self) -> pd.DataFrame:
        """Return who is there, and what is known of them."""
        known = self._known()
        return known[known["active"].astype(bool)]

    def met(self, part: Part) -> Part:
        """Return a part with the ids of those whom its rows name; whom it tells of is known from then on."""
        rows = part.source.rows
        if not isinstance(rows, pd.DataFrame):
            return part
        if part.of == "events":
            if not part.by_person:
                return part
            ours = rows["learner_id"].map(self._ids).fillna(rows["learner_id"])
            return replace(part, source=replace(part.source, rows=rows.assign(learner_id=ours)))
        if part.by_person and len(rows):
            before, rows = rows, joined(rows, self._known(), own_ids=part.own_ids)
            self._ids = {
                was: now
                for was, now in zip(before["id"], rows["id"], strict=True)
                if pd.notna(was) and pd.notna(now)
            }
        self._remember(rows)
        return replace(part, source=replace(part.source, rows=rows))

    def _known(self) -> pd.DataFrame:
        """Return everybody, also those who have left."""
        stored = _stored(self._store, self._as_of)
        if self._met.empty:
            return stored
        known = _filled(stored, self._met)
        told = self._met.set_index("id").reindex(known["id"])
        for columns in _TOGETHER:  # of facts the newest counts
            is_told = told[list(columns)].notna().any(axis=1).to_numpy()
            known.loc[is_told, list(columns)] = told.loc[is_told, list(columns)].to_numpy()
        known["active"] = known["active"].astype("boolean").fillna(value=True)
        return known.astype(_AS_THE_STORE_HAS_THEM)

    def _remember(self, rows: pd.DataFrame) -> None:
        told = rows.reindex(columns=_OF_ALL).dropna(subset=["id"]).drop_duplicates("id").astype(object)
        told["active"] = told["active"].map({"true": True, "false": False})
        if "last_login" in rows:
            told["login_is_unknown"] = told["last_login"].eq(UNKNOWN_LOGIN)
            told["last_login"] = pd.to_datetime(told["last_login"], errors="coerce", format="ISO8601").astype(
                object
            )
        self._met = _filled(told, self._met)


def _filled(rows: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Return rows by their id with what others say where they say nothing, and those who are only there."""
    of, there = (part.astype(object).set_index("id") for part in (rows, others))
    every = of.index.union(there.index, sort=False)
    of, there = of.reindex(every), there.reindex(every, columns=of.columns)
    return of.where(of.notna(), there).rename_axis("id").reset_index()


def _stored(store: Store, as_of: datetime) -> pd.DataFrame:
    if not store.is_there():
        nobody = pd.DataFrame(columns=_OF_ALL)
        return nobody.astype(_AS_THE_STORE_HAS_THEM)  # or an instant of nobody's would be a text
    with store.read() as db:
        return db.execute(
            f"""
            select {", ".join(f"learners.{name}" for name in _OF_LEARNERS)},
                {", ".join(f"known.{name}" for name in _OF_FACTS)}
            from learners
            left join facts_at($as_of) as known on learners.id = known.learner_id
            """,  # noqa: S608 (names of our own)
            {"as_of": as_of},
        ).df()


def joined(rows: pd.DataFrame, known: pd.DataFrame, *, own_ids: bool) -> pd.DataFrame:
    """Return rows of learners with the `id`, `person_id` and `program` of those of the `known` whom they name.

    Of `rows` the `id` is a person's number or address, or where they have `own_ids` a number that only the platform
    gives; `known` has `KEYS` and `active`. Who stays without an id is nobody who is known.
    """
    here = list(dict.fromkeys([*rows.columns, "id", "person_id"]))
    rows = _as_texts(rows.reindex(columns=list(dict.fromkeys([*rows.columns, *KEYS]))))
    known = _as_texts(known)
    of_whom = known.drop_duplicates("id").set_index("id")
    rows = _with_keys(rows, of_whom, own_ids=own_ids)
    parts = [
        _of_one_program(part, known if pd.isna(program) else known[known["program"] == program])
        for program, part in rows.groupby("program", dropna=False, sort=False)
    ]
    found = pd.concat(parts).loc[rows.index]
    is_new = found["learner"].isna()
    found["said"] = found["said"].mask(is_new & found["said"].isin(found["learner"].dropna()))
    theirs = of_whom.reindex(found["learner"]).set_index(found.index)
    persons = _persons(found, known, of_whom)
    is_nobodys = persons.isna() & found["number"].isna()
    whole = found.assign(
        id=found["learner"].fillna(_new_ids(found, known, own_ids=own_ids)),
        program=found["program"].fillna(theirs["program"]),
        person_id=persons.fillna(_untaken(found["person_id"], found, known["person_id"], is_nobodys)),
        email=found["email"].fillna(theirs["email"]),
        external_id=_of_one_platform(found[ON_PLATFORM], theirs[ON_PLATFORM]),
    )
    return whole[here]


def _with_keys(rows: pd.DataFrame, of_whom: pd.DataFrame, *, own_ids: bool) -> pd.DataFrame:
    """Return rows with what tells whose they are: `number`, `login`, `nameless`, and the id that they have `said`."""
    if own_ids:
        own = rows[ON_PLATFORM].str.replace(r"^[^:]*:", "", regex=True)
        is_id = _is_that_one(rows, of_whom)
        number = rows["person_id"].mask(rows["person_id"].eq(own).fillna(value=False))
        login = pd.Series(pd.NA, rows.index, "string")
    else:
        is_id = rows["id"].isin(of_whom.index)
        number, login = rows["person_id"], rows["id"]
    return rows.assign(
        number=number,
        login=login,
        nameless=rows["name"].where(rows["id"].isna()),
        said=rows["id"].where(is_id),
    )


def _is_that_one(rows: pd.DataFrame, of_whom: pd.DataFrame) -> pd.Series:
    """Return whether the learner of this id is the one whom the row means: by the platform's id, or the name."""
    there = of_whom.reindex(rows["id"]).set_index(rows.index)
    by_number = there[ON_PLATFORM].eq(rows[ON_PLATFORM]).fillna(value=False)
    by_name = plain_names(there["name"]).eq(plain_names(rows["name"])).fillna(value=False)
    return (by_number | by_name).astype(bool)


def _new_ids(found: pd.DataFrame, known: pd.DataFrame, *, own_ids: bool) -> pd.Series:
    """Return the ids of those who are new in their program: their own, unless it is somebody else's."""
    elsewhere = found["said"].notna()
    taken = pd.concat([known["id"], known["person_id"]]) if own_ids else known["id"]
    return _untaken(
        found["id"].mask(elsewhere, found["id"] + " " + found["program"]), found, taken, ~elsewhere
    )


def _untaken(ids: pd.Series, found: pd.DataFrame, taken: pd.Series, which: pd.Series) -> pd.Series:
    """Return ids, those on the platform where they are taken by others."""
    free: pd.Series = ids.mask(
        which & ids.isin(taken.dropna()) & found[ON_PLATFORM].notna(), found[ON_PLATFORM]
    )
    return free


def _persons(found: pd.DataFrame, known: pd.DataFrame, of_whom: pd.DataFrame) -> pd.Series:
    """Return the `person_id` of those who are known, if only from another program; missing for all others."""
    persons = looked_up(found["learner"].fillna(found["said"]), of_whom["person_id"])
    who = found[ON_PLATFORM].fillna(found["id"])  # one person may be in a course twice, by two sections
    for theirs, ours, compared in _STEPS[:-1]:
        if known.empty or not (persons.isna() & found[theirs].notna()).any():
            continue
        keys = compared(found[theirs])
        rows = pd.DataFrame({"key": keys, "program": found["program"], "who": who})
        lone = rows.groupby(["key", "program"], dropna=False)["who"].transform("nunique").eq(1)
        persons = persons.fillna(
            looked_up(keys.where(lone), _one_of(known, ours, compared, what="person_id"))
        )
    return persons


def _of_one_platform(told: pd.Series, known: pd.Series) -> pd.Series:
    """Return ids on platforms: what was told first stays, unless it is of the one that is asked again by it."""
    of, before = (ids.str.replace(r":.*", "", regex=True) for ids in (told, known))
    of_another = of.ne(before).fillna(value=False)
    is_asked = told.str.startswith(_ASKED_AGAIN).fillna(value=False)
    kept: pd.Series = told.mask(of_another & ~is_asked, known)
    return kept


def _as_texts(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{name: rows[name].astype("string") for name in KEYS})


def _as_it_is(texts: pd.Series) -> pd.Series:
    return texts.astype("string")


def _address(texts: pd.Series) -> pd.Series:
    return texts.astype("string").str.strip().str.casefold()


def plain_names(names: pd.Series) -> pd.Series:
    """Return names as they are compared: one report writes a quote as another sign than the next."""
    plain: pd.Series = names.astype("string").str.replace(r"[\"'`´’“”„]", "'", regex=True)
    return plain.str.split().str.join(" ").astype("string").str.casefold()


# What of a row is compared with what of a learner, and how: what counts more comes first. The last says no person.
_STEPS: Final[Sequence[tuple[str, str, Callable[[pd.Series], pd.Series]]]] = (
    ("number", "id", _as_it_is),
    ("said", "id", _as_it_is),
    ("number", "person_id", _as_it_is),
    ("login", "person_id", _as_it_is),
    (ON_PLATFORM, ON_PLATFORM, _as_it_is),
    ("email", "email", _address),
    ("nameless", "name", plain_names),
)


def _of_one_program(rows: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    learner = pd.Series(pd.NA, rows.index, "string")
    for theirs, ours, compared in _STEPS:
        is_open = learner.isna() & rows[theirs].notna()
        if known.empty or not is_open.any():
            continue
        keys = compared(rows[theirs])
        # What two rows have says nothing of either, nor does it where another row is that learner.
        lone = ~keys.duplicated(keep=False) | (theirs == "said")
        meant = looked_up(keys.where(lone & is_open), _one_of(known, ours, compared, what="id"))
        learner = learner.fillna(meant.where(~meant.isin(learner.dropna())))
    return rows.assign(learner=learner)


def _one_of(
    known: pd.DataFrame, column: str, compared: Callable[[pd.Series], pd.Series], *, what: str
) -> pd.Series:
    """Return by each value of a column `what` is of the one who has it; who is here counts before who has left."""
    keys = compared(known[column])
    of = pd.DataFrame({"key": keys, "of": known[what], "active": known["active"].astype(bool)})
    of = of.assign(id=known["id"], person=known["person_id"])[keys.notna()].sort_values("id")
    of = of[of["active"] | ~of["key"].isin(of.loc[of["active"], "key"])].drop_duplicates(["key", "of"])
    if column == ON_PLATFORM:  # a report of people tells of the first of somebody's enrolments
        of = of.drop_duplicates(["key", "person"])
    return of[~of["key"].duplicated(keep=False)].set_index("key")["of"]
