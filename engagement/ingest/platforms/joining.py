"""Whose a row is: exports of one platform name the same person by a number, an address, or the platform's own id.

A row is of the learner whom its id names, or the number of the person, or the platform's id; else of the one whose
address or, where it says nothing else, name it has. Whom nothing names is new. A course is an enrolment of its own:
a person who is known from another one comes to be a second learner, and stays one person.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

import pandas as pd

from engagement.ingest.platforms.exports import UNKNOWN_LOGIN, Part
from engagement.store import Store

ON_PLATFORM: Final = "external_id"  # the platform's own id of a person, with the platform's name before it
KEYS: Final = ("id", "person_id", "name", "email", "program", ON_PLATFORM)


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
        self._ids: dict[str, str] = {}

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
            before, rows = rows, joined(rows, self._known())
            self._ids |= {
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


def joined(rows: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Return rows of learners with the `id`, `person_id` and `program` of those of the `known` whom they name.

    Of `rows` the `id` is a person's number or address; `known` has `KEYS` and `active`. Who stays without an id is
    nobody who is known.
    """
    here = list(dict.fromkeys([*rows.columns, "id", "person_id", "program"]))
    rows = _as_texts(rows.reindex(columns=list(dict.fromkeys([*rows.columns, *KEYS]))))
    known = _as_texts(known)
    parts = [
        _of_one_program(part, known if pd.isna(program) else known[known["program"] == program])
        for program, part in rows.groupby("program", dropna=False, sort=False)
    ]
    found = pd.concat(parts).loc[rows.index]
    of_whom = known.drop_duplicates("id").set_index("id")
    is_known = found["learner"].notna()
    elsewhere = ~is_known & found["id"].isin(of_whom.index)
    namesake = _looked_up(_address(found["email"]), _one_of(known, "email", _address)).where(~is_known)
    meant = found["learner"].fillna(found["id"].where(elsewhere)).fillna(namesake)
    new = found["id"].mask(elsewhere, found["id"] + " " + found["program"])
    whole = found.assign(
        id=found["learner"].fillna(new),
        program=found["program"].fillna(_looked_up(found["learner"], of_whom["program"])),
        person_id=_looked_up(meant, of_whom["person_id"]).fillna(found["person_id"]),
    )
    return whole[here]


def _as_texts(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{name: rows[name].astype("string") for name in KEYS})


def _looked_up(keys: pd.Series, values: pd.Series) -> pd.Series:
    found: pd.Series = keys.astype(object).map(values.astype(object)).astype("string")
    return found


def _of_one_program(rows: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    learner = rows["id"].where(rows["id"].isin(known["id"])).astype("string")
    steps: list[tuple[str, str, Callable[[pd.Series], pd.Series]]] = [
        ("id", "person_id", _as_it_is),
        (ON_PLATFORM, ON_PLATFORM, _as_it_is),
        ("email", "email", _address),
        ("name", "name", plain_names),
    ]
    for theirs, ours, compared in steps:
        keys = compared(rows[theirs])
        # What two rows have says nothing of either, nor does it where another row is that learner.
        lone = ~keys.duplicated(keep=False) & (rows["id"].isna() if theirs == "name" else True)
        meant = _looked_up(keys.where(lone & learner.isna()), _one_of(known, ours, compared))
        learner = learner.fillna(meant.where(~meant.isin(learner.dropna())))
    return rows.assign(learner=learner)


def _one_of(known: pd.DataFrame, column: str, compared: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """Return the one learner of each value of a column, by the value; who is here counts before who has left."""
    keys = compared(known[column])
    of = pd.DataFrame({"key": keys, "id": known["id"], "active": known["active"].astype(bool)})
    of = of[keys.notna()]
    of = of[of["active"] | ~of["key"].isin(of.loc[of["active"], "key"])]
    return of[~of["key"].duplicated(keep=False)].set_index("key")["id"]


def _as_it_is(texts: pd.Series) -> pd.Series:
    return texts.astype("string")


def _address(texts: pd.Series) -> pd.Series:
    return texts.astype("string").str.strip().str.casefold()


def plain_names(names: pd.Series) -> pd.Series:
    """Return names as they are compared: one report writes a quote as another sign than the next."""
    plain: pd.Series = names.astype("string").str.replace(r"[\"'`´’“”„]", "'", regex=True)
    return plain.str.split().str.join(" ").str.casefold()
