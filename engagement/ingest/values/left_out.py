"""Rows that are nobody's: sums, previews, teachers, the header once more. They are left out, and listed by their lines.

They are no refused rows: nothing in them is to be mended, and they say of nobody that they are there or are not. A row
in which nothing stands is not even one of these.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from engagement.ingest.schema import ROLE, Column
from engagement.ingest.values.reading import literal, matches
from engagement.store import Cursor, registered

if TYPE_CHECKING:
    from engagement.ingest.source.readers import Incoming

MOST_LINES: Final = 20  # that are listed of a kind
_UNREAD: Final = 1_000  # rows whose texts are looked at
LeftOut = dict[str, dict[str, int | list[int]]]

# What stands in place of a learner above sums, and below the last row.
_SUM: Final = (
    r"(?i)(overall|class|group|course|section|grand|sub|weighted)?[ -]*"
    r"(average|mean|median|total|sum|count|minimum|maximum|standard deviation|std\.? ?dev\.?)s?"
    r"( (score|grade|mark|point|student|learner|user|row|record)s?)?( ?\(.*\))?:?"
    r"|(?i)points possible|possible points|max(imum)? (points|score|marks)|out of"
    r"|(?i)(gesamt)?(summe|durchschnitt|mittelwert)|gesamt|insgesamt|moyenne( générale)?|total général|somme"
    r"|(?i)promedio( general)?|total general|suma|media( generale?| geral)?|média( geral)?|totale|gemiddelde|totaal"
    r"|(?i)średnia|razem|genomsnitt|gennemsnit|gjennomsnitt|summa|keskiarvo|ortalama|toplam|среднее|итого|всего"
    r"|平均|合計|合计|总计|小計|총계|평균|المتوسط|المجموع"
    r"|(?i)\(?[0-9.,]+ (row|record|student|learner|user|participant|entrie|entry|result)s?( .*)?\)?\.?"
    r"|(?i)[- *]*end of (report|file|export|list|data)[- *.]*"
)
_SUM_ALONE: Final = re.compile(_SUM.replace("(?i)", ""), re.IGNORECASE)
# Whom a platform makes up, so that a teacher sees what a learner sees.
_TEST_STUDENT: Final = (
    r"(?i)(test|demo|preview)[ -]?(student|user|learner)|(student|user|learner), ?(test|demo|preview)"
    r"|(?i).*_?previewuser|estudiante de prueba|prueba, estudiante de|étudiant[, ]+test|teilnehmer[, ]+test"
)
_PREVIEW: Final = "previewuser"
_LEARNERS: Final = re.compile(
    r"student(in|en|enrollment)?|learner|pupil|participant|trainee|apprentice|member|teilnehmer(in)?|schüler(in)?|"
    r"studierende[r]?|lernende[r]?|étudiante?|élève|apprenante?|estudiante|alumn[oa]|studente(ssa)?|alun[oa]|"
    r"deelnemer|leerling|uczeń|студент|ученик|学生|學生|受講者|학생"
)
_OTHERS: Final = re.compile(
    r"(non-?editing |editing |head |co-?)?(teacher|instructor|lecturer|tutor|trainer|facilitator|coach)(enrollment)?|"
    r"mentor|"
    r"teaching assistant|ta(enrollment)?|professor(in)?|faculty|staff|aide|proctor|grader|designer(enrollment)?|"
    r"(site |system )?admin(istrator)?|(course |site |category )?(manager|creator)|course ?builder|"
    r"observer(enrollment)?|"
    r"parent|guardian|relative|guest|studentviewenrollment|"
    r"lehrer(in)?|lehrkraft|lehrende[r]?|dozent(in)?|trainer(in)?|betreuer(in)?|kursersteller(in)?|gast|"
    r"enseignante?|professeure?|formateur|formatrice|tuteur|gestionnaire|profesora?|docente?|gestora?|professore(ssa)?|"
    r"insegnante|formador(a)?|leraar|nauczyciel|преподаватель|учитель|教师|教師|교사"
)


def take_out(
    stage: Cursor, incoming: "Incoming", names: Mapping[str, str], not_rows: pd.DataFrame
) -> tuple[LeftOut, pd.DataFrame]:
    """Take the rows that are nobody's out of `checked`; return them by what they are, and which `not_rows` stay.

    `names` are the source's own for some of our columns.
    """
    _forget_blank(stage, incoming.columns)
    found = _nobodys(stage, incoming, names)
    sums = [at for at, raw in enumerate(not_rows["raw"]) if _is_ragged_sum(raw)]
    stage.execute("delete from checked where rowid in (select record from nobodys)")
    stage.execute("drop table nobodys")
    incoming.leave_out(sums)
    if sums:
        lines = not_rows["line"].iloc[sums].tolist()
        known = found.get("a sum", {"rows": 0, "lines": []})
        found["a sum"] = {
            "rows": int(np.add(known["rows"], len(lines))),
            "lines": sorted([*np.ravel(known["lines"]).tolist(), *lines])[:MOST_LINES],
        }
    return found, not_rows.drop(not_rows.index[sums]).reset_index(drop=True)


def _forget_blank(stage: Cursor, columns: Sequence[Column]) -> None:
    """Take out the rows of which no cell of ours says anything."""
    nothing = " and ".join(f"{column.name} is null" for column in columns)
    missing = "\n".join(f"{column.name}: missing" for column in columns if column.in_every_row)
    stage.execute(
        f"delete from checked where {nothing} and odd is null and reasons = $missing",  # noqa: S608 (names from the schema)
        {"missing": missing},
    )


def _nobodys(stage: Cursor, incoming: "Incoming", names: Mapping[str, str]) -> LeftOut:
    """Put the rows that are nobody's into the table `nobodys`, and return them by what they are."""
    here = {column.name: column for column in incoming.columns}
    is_learner = bool({"id", "name"} & here.keys()) and "learner_id" not in here
    texts = [name for name, column in here.items() if column.kind in ("id", "name", "text")]
    headers = {name: names.get(name, name).strip().lower() for name in texts}
    repeated = " and ".join(f"lower({name}) = $header_{name}" for name in texts)
    kinds = {"the header again": repeated} if len(texts) > 1 else {}
    if is_learner:
        says_nobody = ["email is null"] if "email" in here else []
        if "program" in here:
            is_short = " or ".join(f"{name} is null" for name in ("id", "program") if name in here)
            says_nobody.append(f"reasons is not null and ({is_short})")
        sums = {name: matches(name, _SUM) if name in here else "true" for name in ("id", "name")}
        id_, name = (name if name in here else "null::text" for name in ("id", "name"))
        kinds["a sum"] = (
            f"case when {' and '.join(says_nobody) or f'{id_} is null'} then case when {id_} is null then "
            f"{name} is not null and {sums['name']} else {sums['id']} and ({name} is null or {sums['name']}) end end"
        )
        is_preview = f"ends_with(lower({id_}), '{_PREVIEW}')"
        kinds["a test student"] = (
            f"({matches('name', _TEST_STUDENT)} or {is_preview})" if "name" in here else is_preview
        )
    others = []
    if ROLE.name in here:
        roles = stage.execute("select distinct role from checked where role is not null").fetchall()
        others = [role for (role,) in roles if _is_no_learner(role)]
        kinds["no learner, by the role"] = "list_contains($others, role)"
    cases = " ".join(f"when {condition} then {literal(what)}" for what, condition in kinds.items())
    parameters = {f"header_{name}": text for name, text in headers.items()} if len(texts) > 1 else {}
    stage.execute(
        f"""
        create or replace temp table nobodys as
        select record, what from (
            select rowid as record, {f"case {cases} end" if cases else "null::text"} as what from checked
        ) where what is not null
        """,  # noqa: S608 (names and rules of our own)
        parameters | ({"others": others} if ROLE.name in here else {}),
    )
    if "email" in here and not is_learner:
        _add_by_their_texts(stage, incoming, {names.get(name, name).strip().lower() for name in here})
    counted = stage.execute(
        f"select what, count(*), list(record order by record)[:{MOST_LINES}] from nobodys group by what order by what"  # noqa: S608
    ).fetchall()
    return {
        what: {"rows": rows, "lines": incoming.places(stage, np.array(records))["line"].tolist()}
        for what, rows, records in counted
    }


def _add_by_their_texts(stage: Cursor, incoming: "Incoming", header: set[str]) -> None:
    """Add to `nobodys` rows of which no address was read, and that by their texts are a sum, or the header again."""
    unread = stage.execute(f"select rowid from checked where email is null limit {_UNREAD}").fetchall()  # noqa: S608
    if not unread:
        return
    records = np.ravel(unread)
    raw = incoming.places(stage, records)["raw"].tolist()
    found = [
        (record, "the header again" if header <= {field.lower() for field in _fields(text)} else "a sum")
        for record, text in zip(records.tolist(), raw, strict=True)
        if _is_ragged_sum(text) or header <= {field.lower() for field in _fields(text)}
    ]
    if found:
        with registered(stage, "found", pd.DataFrame(found, columns=["record", "what"])):
            stage.execute("insert into nobodys from found")


# Student/in, Teilnehmer*in, profesor(a), Lehrende/r: the one word and the other in one.
_EITHER: Final = re.compile(
    r"[/*:_·(]-?(in|innen|r|e|a|o|ne|rice|euse|ora)\)?(?=$|[\s,;/|+&])", re.IGNORECASE
)


def _is_no_learner(role: str) -> bool:
    role = _EITHER.sub("", role)
    parts = [part.strip() for part in re.split(r"[,;/|+&]", role.casefold()) if part.strip()]
    return (
        bool(parts)
        and all(_OTHERS.fullmatch(part) for part in parts)
        and not any(map(_LEARNERS.fullmatch, parts))
    )


def _is_ragged_sum(raw: str) -> bool:
    """Return whether a record with too few or too many fields is a line of sums, or below the rows."""
    first, *others = _fields(raw)
    return bool(_SUM_ALONE.fullmatch(first)) and all(
        re.fullmatch(r"[0-9.%/()+ -]*", other) for other in others
    )


def _fields(raw: str) -> list[str]:
    return [part.strip(' "') for part in re.split("[,;\t|]", raw.strip())]
