"""A course of a Moodle by its web services: who is in it, what they did, what was due, how they scored.

People, grades and dates come in one call each; only what is done is asked for learner by learner. What is hidden, or
for another group, is not due for a learner: here, unlike in the report, that can be told.
"""

import html
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import pandas as pd

from engagement.dates import unix_s
from engagement.errors import InvalidInput
from engagement.ingest import learners
from engagement.ingest.loads.loading import LoadSummary
from engagement.ingest.platforms.exports import ON_PLATFORM, UNKNOWN_LOGIN, Part
from engagement.ingest.platforms.joining import People
from engagement.ingest.platforms.moodle.people import NAME
from engagement.ingest.platforms.moodle.web import Refused, Web
from engagement.ingest.source.readers import Derived
from engagement.store import Store

_FIELDS: Final = "id,idnumber,fullname,email,phone1,lastcourseaccess,roles,groups"
_TEACHERS: Final = {"editingteacher", "teacher", "manager", "coursecreator"}
_AT_ONCE: Final = 500  # people of whom one call asks whether their account is suspended
_EXPECTED: Final = "expectcompletionon"
_SINCE: Final = 1  # all times; 0 stands for now


def load(
    store: Store,
    url: str,
    token: str,
    courses: Sequence[str],
    *,
    program: str = "",
    yes: bool = False,
    now: datetime,
    in_run: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> list[LoadSummary]:
    """Load courses of a Moodle as it answers now; whom it named once and names no more has left.

    A sync that was cut goes on where it was. Where more than a fifth of a program are gone at once they stay, and it is
    told, save with `yes`; of a `program` that is said nobody is taken to have left, as other courses may be in it. What
    a run asks, `in_run`, is its own: no news to it. Raises `InvalidInput` for an address, a token or a course that
    there is not, `EngagementError` where Moodle cannot be reached.
    """
    kept = store.path.with_name(f"{store.path.name}.moodle")
    people = People(store, now)
    with Web(url, token, kept, now=now, sleep=sleep) as web:
        parts = [people.met(course_of(web, each, program=program, as_of=now)) for each in courses]
        loaded = [
            learners.load(
                store,
                replace(part.source, of_files=() if in_run else None),
                observed_at=now,
                loaded_at=now,
                source_format=part.source_format,
            )
            for part in (parts if program else _with_those_who_left(parts, people.roster(), yes=yes))
        ]
        web.done()
    return loaded


def _with_those_who_left(parts: Sequence[Part], known: pd.DataFrame, *, yes: bool) -> Iterator[Part]:
    """Yield the parts, after the last of a program its part of those who left: that they did is all it says."""
    is_moodles = known[ON_PLATFORM].astype("string").str.startswith(f"{NAME}:").fillna(False).astype(bool)
    of_moodle = known.loc[is_moodles, ["id", "program"]]
    here = pd.concat([part.source.rows for part in parts if isinstance(part.source.rows, pd.DataFrame)])
    for part, programs in zip(parts, _last_of(parts), strict=True):
        mine = of_moodle[of_moodle["program"].isin(programs)]
        left = mine[~mine["id"].isin(here["id"])]
        if len(left) > learners.MAX_ABSENT * len(mine) and not yes:
            told = (
                f"{len(left):,} of {len(mine):,} learners are not in it any more, which is more than "
                f"{100 * learners.MAX_ABSENT:g} %: they stay; if they left, `engagement sync moodle --yes` says so"
            )
            yield replace(part, source=replace(part.source, notes=[*part.source.notes, told]))
            continue
        yield part
        if len(left):
            gone = Derived(
                f"{part.source.name}, who left", left.assign(active="false").reset_index(drop=True)
            )
            yield replace(part, source=gone)


def _last_of(parts: Sequence[Part]) -> list[set[str]]:
    """Return for each part the programs that no later one is of."""
    of = [set(part.source.rows["program"]) for part in parts if isinstance(part.source.rows, pd.DataFrame)]
    return [programs.difference(*of[place + 1 :]) for place, programs in enumerate(of)]


def course_of(web: Web, course: str, *, program: str, as_of: datetime) -> Part:
    """Return the learners of a course, by its number or short name; they are of `program`, else of the short name."""
    number, short_name = _course(web, course)
    people = [each for each in _enrolled(web, number) if not _is_teacher(each)]
    if not people:
        raise InvalidInput(f"course {course[:40]!r}: nobody is in it but teachers")
    suspended = _suspended(web, number, people)
    there = [each for each in people if each["id"] not in suspended]
    scores, notes = _scores(web, number, there)
    done = _done(web, number, there, as_of)
    unknown = len(there) - len(done)
    if unknown:
        notes.append(f"of {unknown:,} learners Moodle does not say what is done")
    rows = pd.DataFrame([_row(each, scores, done, suspended) for each in people])
    rows["program"] = program or short_name
    derived = Derived(f"{short_name} (Moodle)", rows, notes=notes)
    return Part("learners", derived, by_person=True)


def _course(web: Web, course: str) -> tuple[int, str]:
    field = "id" if course.isdecimal() else "shortname"
    found = web.ask("core_course_get_courses_by_field", field=field, value=course)["courses"]
    if len(found) != 1:
        raise InvalidInput(
            f"course {course[:40]!r}: the owner of the token sees no course whose {field} is that"
        )
    return int(found[0]["id"]), html.unescape(str(found[0]["shortname"]))


def _enrolled(web: Web, number: int, **only: int) -> list[dict[str, Any]]:
    options = [{"name": name, "value": value} for name, value in {"userfields": _FIELDS, **only}.items()]
    return list(web.ask("core_enrol_get_enrolled_users", courseid=number, options=options))


def _is_teacher(person: Mapping[str, Any]) -> bool:
    return bool({role.get("shortname") for role in person.get("roles") or []} & _TEACHERS)


def _suspended(web: Web, number: int, people: Sequence[Mapping[str, Any]]) -> set[int]:
    """Return whose enrolment is suspended or over, and whose account is: nothing says it beside their names."""
    found = {int(each["id"]) for each in _enrolled(web, number, onlysuspended=1)}
    ids = [int(each["id"]) for each in people]
    for start in range(0, len(ids), _AT_ONCE):
        asked = web.ask("core_user_get_users_by_field", field="id", values=ids[start : start + _AT_ONCE])
        found |= {int(each["id"]) for each in asked if each.get("suspended")}
    return found


def _scores(web: Web, number: int, people: Sequence[Mapping[str, Any]]) -> tuple[dict[int, float], list[str]]:
    """Return each learner's mean over the quizzes with a grade, in percent, and what is to be said of it."""
    try:
        report = web.ask("gradereport_user_get_grade_items", courseid=number)["usergrades"]
    except Refused as refused:
        scores = _best_grades(web, number, people)
        return scores, [
            f"the grade report fails there ({refused.code or 'a fault of its own'}; a < in the name of an activity "
            "does that), so that the scores are those of the quizzes, without what a teacher set by hand"
        ]
    found: dict[int, float] = {}
    for person in report:
        percents = [
            _percent(item["graderaw"], item.get("grademin") or 0, item["grademax"])
            for item in person["gradeitems"]
            if item.get("itemmodule") == "quiz" and item.get("graderaw") is not None
        ]
        found |= _mean(int(person["userid"]), percents)
    return found, []


def _best_grades(web: Web, number: int, people: Sequence[Mapping[str, Any]]) -> dict[int, float]:
    quizzes = web.ask("mod_quiz_get_quizzes_by_courses", courseids=[number])["quizzes"]
    found: dict[int, float] = {}
    for person in people:
        percents = []
        for quiz in quizzes:
            best = web.ask("mod_quiz_get_user_best_grade", quizid=quiz["id"], userid=person["id"])
            if best.get("hasgrade") and quiz.get("grade"):
                percents.append(_percent(best["grade"], 0, quiz["grade"]))
        found |= _mean(int(person["id"]), percents)
    return found


def _percent(score: float, least: float, most: float) -> float | None:
    return min(100.0, max(0.0, 100 * (score - least) / (most - least))) if most > least else None


def _mean(person: int, percents: Sequence[float | None]) -> dict[int, float]:
    known = [each for each in percents if each is not None]
    return {person: round(sum(known) / len(known), 6)} if known else {}


def _done(
    web: Web, number: int, people: Sequence[Mapping[str, Any]], as_of: datetime
) -> dict[int, tuple[float | None, float | None]]:
    """Return of each learner how much is done of what was due, and of the course, in percent."""
    modules = {
        int(module["id"]): module
        for section in web.ask("core_course_get_contents", courseid=number)
        for module in section["modules"]
    }
    events = web.ask(
        "core_calendar_get_calendar_events",
        events={"courseids": [number]},
        options={"timestart": _SINCE, "userevents": 0, "siteevents": 0},
    )["events"]
    due = {
        (event["modulename"], int(event["instance"]))
        for event in events
        if event["eventtype"] == _EXPECTED and event["timestart"] <= unix_s(as_of)
    }
    found = {}
    for person in people:
        try:
            statuses = web.ask(
                "core_completion_get_activities_completion_status", courseid=number, userid=person["id"]
            )["statuses"]
        except Refused:
            continue  # one who has left meanwhile
        groups = {int(group["id"]) for group in person.get("groups") or []}
        mine = [
            each
            for each in statuses
            if each.get("hascompletion", True) and _is_for(modules.get(int(each["cmid"])), groups)
        ]
        now_due = [each for each in mine if (each["modname"], int(each["instance"])) in due]
        found[int(person["id"])] = (_share(now_due), _share(mine))
    return found


def _share(statuses: Sequence[Mapping[str, Any]]) -> float | None:
    done = sum(int(each["state"]) != 0 for each in statuses)
    return round(100 * done / len(statuses), 6) if statuses else None


def _is_for(module: Mapping[str, Any] | None, groups: set[int]) -> bool:
    """Return whether an activity is there for whoever is in these groups; what a token does not see is not."""
    if module is None or not module.get("visible", 1):
        return False
    try:
        rule = json.loads(module.get("availability") or "null")
    except ValueError:
        return True
    return _holds(rule, groups) if isinstance(rule, dict) else True


def _holds(rule: Mapping[str, Any], groups: set[int]) -> bool:
    """Return whether a condition holds, as far as groups decide it; any other is taken to be met."""
    if operator := str(rule.get("op", "")):
        each = [_holds(one, groups) for one in rule.get("c") or []]
        met = any(each) if operator.endswith("|") and each else all(each)
        return met != operator.startswith("!")
    if rule.get("type") == "group":
        return rule["id"] in groups if "id" in rule else bool(groups)
    return True


def _row(
    person: Mapping[str, Any],
    scores: Mapping[int, float],
    done: Mapping[int, tuple[float | None, float | None]],
    suspended: set[int],
) -> dict[str, Any]:
    number = int(person["id"])
    due, course = done.get(number, (None, None))
    idnumber, email = person.get("idnumber") or None, person.get("email") or None
    return {
        "id": idnumber or (email.casefold() if email else None) or f"{NAME}:{number}",
        "person_id": idnumber,
        ON_PLATFORM: f"{NAME}:{number}",
        "name": html.unescape(person.get("fullname") or "") or None,
        "email": email,
        "phone": person.get("phone1"),
        "last_login": _login(person.get("lastcourseaccess")),
        "completed_percent_due": due,
        "completed_percent_course": course,
        "avg_quiz_score": scores.get(number),
        "active": "false" if number in suspended else "true",
    }


def _login(epoch: int | None) -> str | None:
    """Return the last access: 0 is never, and where the token may not see it nobody knows."""
    if epoch is None:
        return UNKNOWN_LOGIN
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M:%S") if epoch else None
