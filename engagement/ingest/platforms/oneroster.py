"""OneRoster 1.1 and 1.2: the bundle that a school's register pushes every night, as a folder or a zip archive.

It says who is enrolled in what, from when to when; where a grade book provides it, also what was due and what became of
it. Passwords and demographics lie in it too: of each file only the columns that are named here are looked at.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from engagement.ingest.platforms.bundles import Bundle, by_id
from engagement.ingest.platforms.exports import (
    Asked,
    Kind,
    Look,
    Part,
    left_out,
    looked_up,
    numbers,
    whole_name,
)
from engagement.ingest.platforms.times import as_utc, end_of_day
from engagement.ingest.source.readers import Derived

_USERS: Final = (
    *(
        "sourcedId",
        "status",
        "enabledUser",
        "givenName",
        "familyName",
        "preferredGivenName",
        "preferredFamilyName",
    ),
    *("email", "sms", "phone"),
)
_ENROLMENTS: Final = (
    *("sourcedId", "status", "classSourcedId", "userSourcedId", "role", "beginDate", "endDate"),
)
_CLASSES: Final = ("sourcedId", "status", "title", "courseSourcedId", "termSourcedIds")
_COURSES: Final = ("sourcedId", "title")
_TERMS: Final = ("sourcedId", "startDate")
_ITEMS: Final = ("sourcedId", "status", "classSourcedId", "dueDate", "resultValueMin", "resultValueMax")
_RESULTS: Final = (
    *(
        "sourcedId",
        "status",
        "lineItemSourcedId",
        "studentSourcedId",
        "scoreStatus",
        "score",
        "scoreDate",
        "missing",
    ),
)
_MANIFEST: Final = ("propertyName", "value")
_GONE: Final = ("tobedeleted", "inactive")
_EXEMPT: Final = "exempt"
_GRADED: Final = ("fully graded", "partially graded")
_DONE: Final = ("submitted", *_GRADED)


def _is_bundle(look: Look) -> bool:
    return any(look.holds("users.csv", "enrollments.csv", name) for name in ("classes.csv", "orgs.csv"))


def _bundles(paths: Sequence[Path], asked: Asked) -> list[Part]:
    return [_one_bundle(Bundle(path, asked), asked) for path in paths]


def _one_bundle(bundle: Bundle, asked: Asked) -> Part:
    sheet = bundle.table("enrollments.csv", _ENROLMENTS)
    enrolments = pd.DataFrame({name: sheet.texts(name) for name in _ENROLMENTS})
    users = by_id(bundle.rows("users.csv", _USERS), "sourcedId")
    classes = by_id(bundle.rows("classes.csv", _CLASSES), "sourcedId")
    begins = as_utc(enrolments["beginDate"], asked.zone)
    user, of_class = enrolments["userSourcedId"], enrolments["classSourcedId"]
    nobodys = _nobodys(enrolments, user.isin(users.index), begins, asked)
    left = pd.concat(nobodys, axis=1).any(axis=1)
    person = users.reindex(user).set_axis(enrolments.index)
    taught = classes.reindex(of_class).set_axis(enrolments.index)
    title = bundle.rows("courses.csv", _COURSES).pipe(by_id, "sourcedId")["title"]
    ends = end_of_day(enrolments["endDate"], asked.zone)
    starts = begins.fillna(
        looked_up(
            of_class, _starts(classes, by_id(bundle.rows("academicSessions.csv", _TERMS), "sourcedId"), asked)
        )
    )
    is_active = (
        _is_kept(enrolments)
        & _is_kept(person)
        & person["enabledUser"].str.casefold().ne("false").fillna(True)
        & _is_kept(taught)
        & ~ends.lt(asked.as_of).fillna(False)
    )
    learners = pd.DataFrame(
        {
            "id": enrolments["sourcedId"],
            "person_id": user,
            "name": whole_name(
                person["preferredGivenName"].fillna(person["givenName"]),
                person["preferredFamilyName"].fillna(person["familyName"]),
            ),
            "email": person["email"],
            "phone": person["sms"].fillna(person["phone"]),
            "program": looked_up(taught["courseSourcedId"], title)
            .fillna(taught["title"])
            .fillna(asked.program or pd.NA),
            "enrolled_at": starts.dt.strftime("%Y-%m-%d %H:%M:%S"),
            "active": is_active.map({True: "true", False: "false"}),
        }
    )[~left]
    items = bundle.rows("lineItems.csv", _ITEMS)
    if len(items):
        results = bundle.rows("results.csv", _RESULTS)
        learners = learners.join(_work(enrolments[~left], items, results, asked))
    derived = Derived(
        bundle.path.name,
        learners,
        lines=learners.index.tolist(),
        left_out=left_out(enrolments, **nobodys),
        refused=sheet.refused,
        notes=[*sheet.notes, *_of_manifest(bundle)],
    )
    return Part("learners", derived)


def _is_kept(rows: pd.DataFrame) -> pd.Series:
    """Return which rows are there, by their status: none is one, as is a record that there is not."""
    return ~rows["status"].str.casefold().isin(_GONE)


def _nobodys(
    enrolments: pd.DataFrame, has_user: pd.Series, begins: pd.Series, asked: Asked
) -> dict[str, pd.Series]:
    """Return which enrolments are left out, by the first reason; one that is gone ends who is known by it."""
    roster = asked.roster()
    is_known = enrolments["sourcedId"].isin(roster["id"].tolist() if len(roster) else [])
    reasons = {
        "no learner, by the role": enrolments["role"].str.casefold().ne("student").fillna(True),
        "gone, by the status": ~_is_kept(enrolments) & ~is_known,
        "no such user in users.csv": ~has_user,
        "begins later": begins.gt(asked.as_of).fillna(False),
    }
    before = pd.Series(False, enrolments.index)
    found = {}
    for why, applies in reasons.items():
        found[why] = applies.astype(bool) & ~before
        before |= found[why]
    return found


def _starts(classes: pd.DataFrame, terms: pd.DataFrame, asked: Asked) -> pd.Series:
    """Return when the first term of each class starts."""
    listed = classes["termSourcedIds"].dropna().str.split(",").explode().str.strip()
    first: pd.Series = looked_up(listed, as_utc(terms["startDate"], asked.zone)).groupby(level=0).min()
    return first


def _work(enrolments: pd.DataFrame, items: pd.DataFrame, results: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """Return what of each enrolment's work is done, of what was due and of all, and the mean score; by line."""
    ranges = numbers(items[["resultValueMin", "resultValueMax"]], None)
    items = items.assign(
        least=ranges["resultValueMin"].fillna(0),
        most=ranges["resultValueMax"],
        is_due=end_of_day(items["dueDate"], asked.zone).le(asked.as_of).fillna(False),
    )[_is_kept(items)].drop_duplicates("sourcedId", keep="last")
    known = ~as_utc(results["scoreDate"], asked.zone).gt(asked.as_of).fillna(False)
    results = results[_is_kept(results) & known].drop_duplicates(
        ["lineItemSourcedId", "studentSourcedId"], keep="last"
    )
    asked_of = enrolments[["classSourcedId", "userSourcedId"]].rename_axis("line").reset_index()
    work = asked_of.merge(items, on="classSourcedId").merge(
        results[["lineItemSourcedId", "studentSourcedId", "scoreStatus", "score", "missing"]],
        how="left",
        left_on=["sourcedId", "userSourcedId"],
        right_on=["lineItemSourcedId", "studentSourcedId"],
    )
    status = work["scoreStatus"].str.casefold().str.replace("_", " ")
    work = work[status.ne(_EXEMPT).fillna(True)]
    status = status.loc[work.index]
    done: pd.Series = status.isin(_DONE) & work["missing"].str.casefold().ne("true").fillna(True)
    score = numbers(work[["score"]], None)["score"]
    can_be = (work["most"] - work["least"]).where(lambda width: width > 0)
    percent = (100 * (score - work["least"]) / can_be).clip(0, 100).where(done & status.isin(_GRADED))
    of_100 = 100 * done.astype("Float64")
    by_line = pd.DataFrame(
        {
            "line": work["line"],
            "done": of_100,
            "due": of_100.where(work["is_due"]),
            "percent": percent,
        }
    ).groupby("line")
    return pd.DataFrame(
        {
            "completed_percent_due": by_line["due"].mean().round(6),
            "completed_percent_course": by_line["done"].mean().round(6),
            "avg_quiz_score": by_line["percent"].mean().round(6),
        }
    )


def _of_manifest(bundle: Bundle) -> list[str]:
    """Return what is to be said of whom the bundle does not list."""
    said = bundle.rows("manifest.csv", _MANIFEST)
    how = said.loc[said["propertyName"].str.casefold().eq("file.enrollments").fillna(False), "value"]
    if how.str.casefold().eq("delta").any():
        return ["it holds only what changed, so that nobody is gone who is not in it"]
    return ["it lists everybody: with `--full`, who is not in it becomes inactive"]


KINDS: Final = (
    Kind(
        "oneroster",
        "a OneRoster bundle",
        _is_bundle,
        _bundles,
        gives="learners, programs, who began and left when; with lineItems done of what was due, and the mean score",
        cannot="no logins or sessions",
    ),
)
