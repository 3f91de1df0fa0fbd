"""Which column of a header is which of ours: told by name alone, in any order and case, among any others.

What other platforms call a column is no rule, or a file would be read otherwise than somebody thinks. It is a
suggestion for a header in which one is missing, with the option to copy.
"""

import difflib
import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from engagement.errors import InvalidInput
from engagement.files.headers import A_HEADER_NAMES, looks_like_row, plain_name, seen_name
from engagement.ingest.facts import DONE, SCORED_BY
from engagement.ingest.schema import NAME_PARTS, ROLE, Column
from engagement.ingest.source.source_format import MAP_HINT
from engagement.text import one_line

_WHO: Final = ("name", "email", "phone")
# What is looked for where something is missing, so that one command says it all.
_BESIDES: Final = {*_WHO, *SCORED_BY, ROLE.name, *(column.name for column in NAME_PARTS)}
_SHOWN: Final = 300  # characters of a header
_LONGEST_NAME: Final = 200
_ALIKE: Final = 0.8  # a letter or two of a word
# What learning platforms and registers call it, in some of the languages they speak.
_ELSEWHERE: Final[Mapping[str, Sequence[str]]] = {
    "id": (
        *("student id", "user id", "learner id", "id number", "username", "user name", "login", "login id"),
        *(
            "sis user id",
            "sis id",
            "orgdefinedid",
            "org defined id",
            "sourcedid",
            "external user key",
            "identifier",
        ),
        *(
            "matrikelnummer",
            "matrikel",
            "anmeldename",
            "identifiant",
            "numéro d'étudiant",
            "número de matrícula",
        ),
        *("nombre de usuario", "studentnummer", "codice studente", "student number", "enrolment id"),
    ),
    "name": (
        *("full name", "fullname", "student", "student name", "learner", "user full name", "display name"),
        *(
            "vollständiger name",
            "nom complet",
            "nom",
            "nombre completo",
            "nombre",
            "volledige naam",
            "nome completo",
        ),
    ),
    "email": (
        *(
            "e-mail",
            "email address",
            "e-mail address",
            "mail",
            "user email",
            "e-mail-adresse",
            "adresse de courriel",
        ),
        *(
            "courriel",
            "correo",
            "correo electrónico",
            "dirección de correo",
            "e-mailadres",
            "endereço de e-mail",
        ),
    ),
    "phone": (
        "telephone",
        "telephone number",
        "phone number",
        "mobile",
        "telefon",
        "téléphone",
        "teléfono",
        "sms",
    ),
    "program": (
        *(
            "programme",
            "course",
            "course name",
            "section",
            "class",
            "course title",
            "studiengang",
            "kurs",
            "cours",
        ),
        *("programa", "curso", "formation", "opleiding", "cursus", "corso", "department"),
    ),
    "last_login": (
        *(
            "last access",
            "last activity",
            "last seen",
            "last access to course",
            "last course access",
            "last visited",
        ),
        *("last activity at", "last login date", "letzter zugriff", "letzter login", "letzte aktivität"),
        *(
            "dernier accès",
            "dernière connexion",
            "último acceso",
            "último login",
            "ultimo accesso",
            "laatste toegang",
        ),
    ),
    "completed_percent": (
        *(
            "progress",
            "completion",
            "percent complete",
            "% complete",
            "completed",
            "completion rate",
            "final score",
        ),
        *(
            "completion progress",
            "course total",
            "course progress",
            "fortschritt",
            "abschluss",
            "progression",
        ),
        *("avancement", "progreso", "avance", "voortgang", "progresso", "weighted total"),
    ),
    "avg_quiz_score": (
        *(
            "quiz avg",
            "quiz average",
            "average quiz score",
            "quiz score",
            "current score",
            "grade",
            "quizzes",
        ),
        *(
            "average grade",
            "mean quiz score",
            "note",
            "durchschnittsnote",
            "moyenne",
            "nota media",
            "calificación",
        ),
    ),
    "consecutive_missed_sessions": (
        *("missed", "missed sessions", "sessions missed", "absences", "absent", "missed in a row"),
        *("fehlzeiten", "verpasste sitzungen", "séances manquées", "ausencias", "faltas", "assenze"),
    ),
    "first_name": ("firstname", "given name", "forename", "vorname", "prénom", "prenom", "voornaam", "imię"),
    "last_name": (
        *("lastname", "surname", "family name", "nachname", "familienname", "nom de famille", "apellidos"),
        *("apellido", "cognome", "sobrenome", "achternaam", "nazwisko"),
    ),
    "role": ("roles", "rolle", "rôle", "rol", "função", "ruolo"),
    "learner_id": ("id", "student id", "user id", "username", "learner", "actor", "user"),
    "type": ("event", "event type", "event name", "action", "verb", "ereignis"),
    "timestamp": ("time", "date", "when", "event time", "created at", "datum", "zeit", "heure"),
}
# By which the header of a file is found that has none of ours.
ELSEWHERE_NAMES: Final = frozenset(name for names in _ELSEWHERE.values() for name in names)


def match_header(
    header: Sequence[str],
    columns: Sequence[Column],
    names: Mapping[str, str],
    source: str,
    *,
    unneeded: Collection[str] = (),
) -> dict[Column, int]:
    """Return those of `columns` that the source has, and where each stands; `names` are its own for some of ours.

    What is `unneeded` need not stand there. Raises `InvalidInput` that names the columns which are missing, or
    stand there twice, and what may be meant.
    """
    theirs = [plain_name(text) for text in header]
    wanted = {column: plain_name(names.get(column.name, column.name)) for column in columns}
    if doubled := [text for text in wanted.values() if theirs.count(text) > 1]:
        raise InvalidInput(
            f"{source}: column {', '.join(doubled)} stands more than once in the header; {MAP_HINT}"
        )
    missing = {
        column: text
        for column, text in wanted.items()
        if text not in theirs and (column.name in names or (column.in_header and column.name not in unneeded))
    }
    if missing:
        may_be_said = any(column.name == "program" for column in missing)
        hint = "; one that is the same for every row may be said: `--set program=NAME`" if may_be_said else ""
        besides = {
            column: text
            for column, text in wanted.items()
            if column.name in _BESIDES and column not in missing and text not in theirs
        }
        raise InvalidInput(
            f"{source}: {_what_is_missing(header, missing, besides, list(wanted.values()))}{hint}"
        )
    here = {column: theirs.index(text) for column, text in wanted.items() if text in theirs}
    if not here:  # where a row need not name a learner by an id
        raise InvalidInput(f"{source}: {_there(header, [])}; {MAP_HINT}")
    return here


def absent(header: Sequence[str], columns: Sequence[Column], names: Mapping[str, str]) -> str:
    """Return which facts a source is silent about, and what in its header may be meant; empty for nothing."""
    theirs = [plain_name(text) for text in header]
    here = {column.name for column in columns if plain_name(names.get(column.name, column.name)) in theirs}
    looked_for = {*SCORED_BY, *_WHO} - here
    if here & DONE:
        looked_for -= DONE
    if here & {column.name for column in NAME_PARTS}:
        looked_for.discard("name")
    missing = {column: plain_name(column.name) for column in columns if column.name in looked_for}
    silent = [text for column, text in missing.items() if column.name in SCORED_BY]
    meant = _meant(header, missing, taken=[plain_name(names.get(name, name)) for name in here])
    said = (
        [f"there is no {', '.join(silent)}: what was known of it before stands, else it is unknown"]
        if silent
        else []
    )
    return "; ".join([*said, _did_you_mean(meant)] if meant else said)


def _did_you_mean(meant: Mapping[Column, str]) -> str:
    options = " ".join(f"--map {shlex.quote(f'{column.name}={theirs}')}" for column, theirs in meant.items())
    return f"did you mean {', '.join(repr(theirs) for theirs in meant.values())}? `{options}`"


def _what_is_missing(
    header: Sequence[str], missing: Mapping[Column, str], besides: Mapping[Column, str], wanted: Sequence[str]
) -> str:
    """Return which columns are missing, and what in the header may be these, or those that would help `besides`."""
    found = sorted(set(wanted).intersection(map(plain_name, header)))
    if len(found) < A_HEADER_NAMES and looks_like_row(header):
        return (
            "the first line looks like a row: there is no header; put a line with the names of the columns above it, "
            f"such as {','.join(wanted)[:_SHOWN]}"
        )
    meant = _meant(header, {**missing, **besides}, taken=found)
    if meant:
        of_missing = [text for column, text in missing.items() if column in meant]
        others = [text for column, text in missing.items() if column not in meant]
        also = f"; {_missing(others)} besides" if others and of_missing else ""
        key = ""
        if any(column.name == "id" and column not in meant for column in missing):
            by_address = "email" in found or any(column.name == "email" for column in meant)
            key = "; `--key email` where learners are known by their addresses" if by_address else ""
        return f"{_missing(of_missing or others)}; {_did_you_mean(meant)}{also}{key}"
    if len(found) < A_HEADER_NAMES:
        return f"{_there(header, found)}; {MAP_HINT}"
    return f"{_missing(list(missing.values()))}; {_there(header, found)}; {MAP_HINT}"


def _missing(names: Sequence[str]) -> str:
    return f"column {names[0]} missing" if len(names) == 1 else f"columns {', '.join(names)} are missing"


def _there(header: Sequence[str], found: Sequence[str]) -> str:
    """Return what the first line has: all of it only where it is certain to be a header."""
    if len(found) >= A_HEADER_NAMES:
        return f"the header has {one_line(', '.join(map(plain_name, header)), _SHOWN)}"
    return (
        f"of our columns the first line names only {found[0]!r}"
        if found
        else "the first line names none of ours"
    )


def _meant(
    header: Sequence[str], missing: Mapping[Column, str], *, taken: Iterable[str]
) -> dict[Column, str]:
    """Return for missing columns the name in the header that is near to it, or that it has on other platforms."""
    free = {plain_name(text): seen_name(text) for text in header if plain_name(text)}
    for name in taken:
        free.pop(name, None)
    likely = []
    for place, (column, text) in enumerate(missing.items()):
        names = [text] if text != plain_name(column.name) else [text, *_ELSEWHERE.get(column.name, ())]
        for theirs in free:
            alike = 1.0 if theirs in names else max(_likeness(theirs, name) for name in names)
            if alike >= _ALIKE and len(theirs) <= _LONGEST_NAME:
                likely.append((-alike, place, column, theirs))
    best: dict[Column, str] = {}
    for _, _, column, theirs in sorted(likely, key=lambda pair: pair[:2]):
        if column not in best and theirs in free:
            best[column] = one_line(free.pop(theirs), _LONGEST_NAME)
    return {column: best[column] for column in missing if column in best}


def _likeness(theirs: str, name: str) -> float:
    """Return how near a name of a header is to one that is looked for, 0 to 1; what stands in brackets counts less."""
    one, other = (re.sub(r"[\W_]+", " ", text).strip() for text in (theirs, name))
    bare = re.sub(r"[\W_]+", " ", re.sub(r"[(\[].*", "", theirs)).strip()
    return max(
        difflib.SequenceMatcher(None, one, other).ratio()
        if min(len(one), len(other)) > 3
        else float(one == other),
        0.95 if bare == other else 0.0,
    )
