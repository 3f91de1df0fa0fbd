"""A seeded, invented cohort: what a school's exports would look like over the past eight weeks.

A demonstration needs data that nobody has to protect and whose truth is known. Each learner has a hidden
diligence; logins, work done, quizzes and missed sessions follow from it, so the columns go together as real
ones do. A nudge at the end of week 6 brings back a known share of those who had stopped logging in
(`NUDGE_RETURN_EFFECT`): whoever measures the effect later can compare the answer with what was put in.

Every random number comes from a generator named by seed, concern and week. So a week looks the same whichever
week was asked for before it, and nudging one learner changes nobody else.
"""

import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from engagement import private
from engagement.errors import InvalidInput

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]
Lists = Mapping[str, tuple[str, ...]]
Ids = set[str] | pd.Index

WEEKS: Final = 8  # of facts, ending at as_of
COURSE_WEEKS: Final = 12  # the course goes on, so nobody has finished it yet
SESSIONS_PER_WEEK: Final = 2
NUDGE_WEEK: Final = 6  # nudges go out at its end; weeks 7 and 8 may differ for it
NUDGE_RETURN_EFFECT: Final = 0.30  # share brought back of those who would have stayed away in week 7

# Any given name goes with any family name, and each family name says that it is made up.
GIVEN_NAMES: Final = (
    *("Amara", "Aiko", "Anil", "Beatriz", "Chidi", "Emre", "Farah", "Goran", "Hana", "Ines", "Jonas", "Kofi"),
    *("Leila", "Linh", "Mateo", "Mei", "Olu", "Priya", "Rosa", "Sami", "Uma", "Viktor", "Yusuf", "Zofia"),
)
FAMILY_NAMES: Final[Lists] = {
    "en": ("Example", "Sample", "Specimen", "Placeholder", "Invented", "Testcase"),
    "de": ("Beispiel", "Muster", "Platzhalter", "Probe", "Erfunden", "Testfall"),
}
TIMEZONES: Final[Lists] = {
    "en": ("Europe/London", "America/New_York", "Asia/Kolkata", "Africa/Nairobi"),
    "de": ("Europe/Berlin", "Europe/Vienna", "Europe/Zurich"),
}
PROGRAM_SHARES: Final = {"Data": 0.40, "Design": 0.20, "Nursing": 0.28, "Welding": 0.12}
CHANNEL_SHARES: Final = {"email": 0.33, "whatsapp": 0.17, "in_app": 0.15}  # the others name none
STUDY_TOPICS: Final = ("planning", "taking notes", "remembering", "reading")
SUBJECT_TOPICS: Final = {
    "Data": ("statistics", "databases"),
    "Design": ("typography", "colour"),
    "Nursing": ("anatomy", "hygiene"),
    "Welding": ("metals", "safety"),
}

NOTHING: Final = np.array(None, dtype=object)
WEEK_S: Final = 7 * 86_400
SESSION_BEFORE_WEEK_END_S: Final = 36 * 3_600  # when the second session of a week is held


@dataclass(frozen=True, eq=False)
class _Hidden:
    """What no export shows; one value per learner."""

    enrolled_s: Ints  # seconds since 1970, UTC
    first_week: Ints  # the week of enrolment; 0 is before week 1
    stays: Floats  # chance that an active week follows an active one
    returns: Floats  # chance that an active week follows an idle one, without a nudge
    effort: Floats  # share of a week's work done in an active week
    quiz_level: Floats  # percent, expected in a quiz
    work_unreported: Flags
    quiz_unreported: Flags
    sessions_unreported: Flags


@dataclass(frozen=True, eq=False)
class _Week:
    """Where each learner stands at the end of a week, and what happened in it."""

    number: int
    active: Flags
    in_class: Flags  # enrolled before the week began: work is due, sessions are held
    last_login_s: Ints  # 0: never
    done: Floats  # weeks' worth of work
    due: Ints
    missed: Ints
    missed_last: Flags  # was active, but left before the second session
    quiz_score: Ints  # of this week's quiz; -1: none taken
    quiz_sum: Ints
    quizzes: Ints


@dataclass(frozen=True, eq=False)
class Cohort:
    """Invented learners and their past eight weeks; made by `cohort`, the same for the same arguments.

    Weeks count from 1 to 8; week 8 ends at `as_of`, a naive UTC instant. Week 1 also holds what came before:
    most learners enrol one or two weeks earlier and log in then. Work and sessions begin with the first whole
    week after enrolment.
    """

    learners: pd.DataFrame
    seed: int
    as_of: datetime
    _hidden: _Hidden = field(repr=False)

    def snapshot(self, week: int, *, nudged: Ids | None = None) -> pd.DataFrame:
        """Return the school's export at the end of `week`: who is enrolled by then, and where they stand.

        `nudged` holds the ids of those nudged at the end of week 6. Only they can differ, from week 7 on.
        """
        _check_weeks(week, week)
        last = deque(_weeks(self, _nudged_flags(self, nudged), until=week), maxlen=1).pop()
        hidden = self._hidden
        of_course = np.where(hidden.work_unreported, np.nan, np.round(100 * last.done / COURSE_WEEKS, 1))
        of_due = np.round(100 * last.done / np.maximum(last.due, 1), 1)
        of_due = np.where((last.due == 0) | hidden.work_unreported, np.nan, of_due)
        mean_score = np.round(last.quiz_sum / np.maximum(last.quizzes, 1), 1)
        facts = self.learners.assign(
            last_login=pd.Series(_instants(last.last_login_s)).mask(last.last_login_s == 0),
            completed_percent=of_due,
            completed_percent_course=of_course,
            completed_percent_due=of_due,
            avg_quiz_score=np.where((last.quizzes == 0) | hidden.quiz_unreported, np.nan, mean_score),
            consecutive_missed_sessions=pd.Series(last.missed, dtype="Int64").mask(
                hidden.sessions_unreported
            ),
        )
        return facts[hidden.first_week <= week].reset_index(drop=True)

    def events(self, week_from: int, week_to: int, *, nudged: Ids | None = None) -> pd.DataFrame:
        """Return what happened from the start of `week_from` to the end of `week_to`, in order of time.

        An active week shows its last login and either the quiz or the sessions attended; an idle one, the
        sessions missed. `metadata` is JSON: `{"score": 71}` for a quiz, `{"sessions": 2}` for sessions.
        """
        _check_weeks(week_from, week_to)
        weeks = _weeks(self, _nudged_flags(self, nudged), until=week_to)
        wanted = (week for week in weeks if week.number >= week_from or week_from == 1)
        events = pd.concat([_week_events(self, week) for week in wanted], ignore_index=True)
        return events.sort_values(["timestamp", "learner_id"], kind="stable", ignore_index=True)


def cohort(learners: int = 2000, *, seed: int = 1, as_of: datetime) -> Cohort:
    """Return `learners` invented enrolments whose eighth week ends at `as_of` (naive, UTC)."""
    if learners < 1 or seed < 0:
        raise InvalidInput(f"learners, seed: {learners} and {seed}, allowed are 1 or more and 0 or more")
    if as_of.tzinfo is not None:
        raise InvalidInput("as_of: has a time zone, a naive instant in UTC is needed")
    person = _persons(learners, seed)
    hidden = _hidden_traits(person, seed, as_of)
    return Cohort(_learners(person, hidden, seed, as_of), seed, as_of, hidden)


def write_csv(cohort: Cohort, folder: Path, week: int = WEEKS, *, nudged: Ids | None = None) -> list[Path]:
    """Write one week's export and that week's events as the loader reads them; return both paths."""
    learners = cohort.snapshot(week, nudged=nudged)
    flags = learners.columns[learners.dtypes == "bool"]
    learners[flags] = learners[flags].astype("str").apply(lambda column: column.str.lower())
    private.make_folder(folder)
    paths = [folder / "sample_learners.csv", folder / "sample_events.csv"]
    for path, frame in zip(paths, (learners, cohort.events(week, week, nudged=nudged)), strict=True):
        frame.to_csv(path, index=False, date_format="%Y-%m-%dT%H:%M:%S", lineterminator="\n")
    return paths


def _draws(seed: int, concern: str, week: int = 0) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed, zlib.crc32(concern.encode()), week]))


def _share(seed: int, concern: str, rows: int, share: float, week: int = 0) -> Flags:
    return np.asarray(_draws(seed, concern, week).random(rows) < share)


def _one_of(seed: int, concern: str, rows: int, shares: Mapping[str, float]) -> Texts:
    """Return one key per row, about as often as its share says; None for what the shares leave."""
    steps = np.cumsum(list(shares.values()))
    picked = np.searchsorted(steps, _draws(seed, concern).random(rows), side="right")
    return np.array([*shares, None], dtype=object)[picked]


def _one_listed(seed: int, concern: str, lists: Lists, by: Texts) -> Texts:
    """Return for each row one of the texts listed for its key in `by`."""
    picked = np.full(len(by), None, dtype=object)
    draws = _draws(seed, concern).random(len(by))
    for key, texts in lists.items():
        here = by == key
        picked[here] = np.array(texts, dtype=object)[(draws[here] * len(texts)).astype(np.int64)]
    return picked


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))


def _seconds(instant: datetime) -> int:
    return int(np.datetime64(instant, "s").astype(np.int64))


def _instants(seconds: Ints) -> npt.NDArray[np.datetime64]:
    return seconds.astype("datetime64[s]").astype("datetime64[us]")


def _persons(rows: int, seed: int) -> Ints:
    """Return for each enrolment the row of that person's first; about 4 % are a second one."""
    order = _draws(seed, "second enrolments").permutation(rows)
    seconds = round(0.04 * rows) if rows > 1 else 0
    pair = np.sort(np.stack([order[:seconds], order[seconds : 2 * seconds]]), axis=0)
    person = np.arange(rows)
    person[pair[1]] = pair[0]
    return person


def _hidden_traits(person: Ints, seed: int, as_of: datetime) -> _Hidden:
    rows = len(person)
    diligence = _draws(seed, "diligence").standard_normal(rows)[person]
    course_start_s = _seconds(as_of) - WEEKS * WEEK_S
    when, kind = _draws(seed, "enrolled").random((2, rows))
    in_time, late = kind < 0.92, kind < 0.98  # the others came in the last fortnight
    weeks_in = np.where(in_time, -1 - when, np.where(late, 4 * when, WEEKS - 2 + 2 * when))
    enrolled_s = course_start_s + (weeks_in * WEEK_S).astype(np.int64)
    # Chosen so that about one in six is at high risk in week 8, two in five at medium, one in fifty unknown.
    effort = -0.4 + 0.65 * diligence + 0.5 * _draws(seed, "effort").standard_normal(rows)
    aptitude = 0.6 * diligence + 0.8 * _draws(seed, "aptitude").standard_normal(rows)
    no_export = _share(seed, "no export", rows, 0.008)
    return _Hidden(
        enrolled_s=enrolled_s,
        first_week=np.maximum(-((course_start_s - enrolled_s) // WEEK_S), 0),
        stays=_sigmoid(2.0 + 0.85 * diligence),
        returns=_sigmoid(-0.55 + 0.75 * diligence),
        effort=_sigmoid(effort),
        quiz_level=60 + 13 * aptitude,
        work_unreported=no_export | _share(seed, "work unreported", rows, 0.015),
        quiz_unreported=no_export | _share(seed, "quiz unreported", rows, 0.02),
        sessions_unreported=_share(seed, "sessions unreported", rows, 0.02),
    )


def _learners(person: Ints, hidden: _Hidden, seed: int, as_of: datetime) -> pd.DataFrame:
    rows = len(person)
    ids = ("S-" + pd.Series(np.arange(1, rows + 1)).astype("str").str.zfill(6)).astype(object)
    locale = _one_of(seed, "locale", rows, {"en": 0.7, "de": 1 - 0.7})
    given = np.array(GIVEN_NAMES, dtype=object)[_draws(seed, "given").integers(0, len(GIVEN_NAMES), rows)]
    email = (ids.str.lower() + "@example.invalid").to_numpy(object)
    lines = np.array([f"+1-202-555-0{line}" for line in range(100, 200)], dtype=object)  # kept for fiction
    no_phone = _share(seed, "no phone", rows, 0.3)
    # What belongs to the person is drawn for every row and then read from the row of the first enrolment.
    personal = {
        "person_id": ids.to_numpy(object),
        "name": given + " " + _one_listed(seed, "family", FAMILY_NAMES, locale),
        "email": np.where(_share(seed, "no email", rows, 0.03), NOTHING, email),
        "phone": np.where(no_phone, NOTHING, lines[_draws(seed, "phone").integers(0, 100, rows)]),
        "locale": locale,
        "timezone": _one_listed(seed, "timezone", TIMEZONES, locale),
        "preferred_channel": _one_of(seed, "channel", rows, CHANNEL_SHARES),
        "whatsapp_opt_in": _share(seed, "whatsapp", rows, 0.5) & ~no_phone,
        "contact_opt_out": _share(seed, "contact opt-out", rows, 0.03),
        "llm_opt_out": _share(seed, "model opt-out", rows, 0.02),
    }
    program = _programs(person, seed)
    lists = {name: (*STUDY_TOPICS, *subjects) for name, subjects in SUBJECT_TOPICS.items()}
    topic = _one_listed(seed, "topic", lists, program)
    start = pd.Timestamp(as_of) - pd.Timedelta(weeks=WEEKS)
    term = "spring" if start.month < 6 else "summer" if start.month < 9 else "autumn"
    columns = {
        "id": ids.to_numpy(object),
        **{name: values[person] for name, values in personal.items()},
        "program": program,
        "cohort": np.full(rows, f"{start.year}-{term}", dtype=object),
        "enrolled_at": _instants(hidden.enrolled_s),
        "topic": np.where(_share(seed, "no topic", rows, 0.25), NOTHING, topic),
        "active": ~_share(seed, "inactive", rows, 0.02),
    }
    return pd.DataFrame(columns).astype(
        {name: "str" for name, values in columns.items() if values.dtype == object}
    )


def _programs(person: Ints, seed: int) -> Texts:
    """Return the programs; a second enrolment is never in the program of the first."""
    shares = np.array(list(PROGRAM_SHARES.values()))
    program = np.searchsorted(shares.cumsum()[:-1], _draws(seed, "program").random(len(person)), side="right")
    second = person != np.arange(len(person))
    steps = _draws(seed, "second program").integers(1, len(shares), int(second.sum()))
    program[second] = (program[person][second] + steps) % len(shares)
    return np.array(list(PROGRAM_SHARES), dtype=object)[program]


def _weeks(cohort: Cohort, nudged: Flags, *, until: int) -> Iterator[_Week]:
    """Yield the weeks 0 (all that came before week 1) to `until`."""
    rows = len(nudged)
    idle, zeros = np.zeros(rows, np.bool_), np.zeros(rows, np.int64)
    week = _Week(-1, idle, idle, zeros, np.zeros(rows), zeros, zeros, idle, zeros - 1, zeros, zeros)
    for number in range(until + 1):
        week = _next_week(cohort, week, number, nudged)
        yield week


def _next_week(cohort: Cohort, before: _Week, number: int, nudged: Flags) -> _Week:
    hidden, rows = cohort._hidden, len(nudged)
    in_class = hidden.first_week < number
    active = _active(cohort, before, number, nudged)
    timing = _draws(cohort.seed, "timing", number).random(rows)
    week_end_s = _seconds(cohort.as_of) - (WEEKS - number) * WEEK_S
    opens_s = np.maximum(hidden.enrolled_s, week_end_s - WEEK_S + 1)
    # An hour is left free at the end of the week, for what follows a login.
    login_s = opens_s + (timing * np.maximum(week_end_s - 3_600 - opens_s, 0)).astype(np.int64)
    mood = _draws(cohort.seed, "work", number).random(rows)
    backlog = before.due - before.done
    work = np.clip(hidden.effort + 0.4 * (mood - 0.5), 0, 1) + 0.08 * hidden.effort * backlog
    came_late = login_s >= week_end_s - SESSION_BEFORE_WEEK_END_S - 3_600
    leaves_early = _share(cohort.seed, "leaves early", rows, 0.25, number)
    missed_last = active & in_class & leaves_early & ~came_late
    missed = np.where(active, missed_last, before.missed + SESSIONS_PER_WEEK)
    takes = active & in_class & _share(cohort.seed, "takes quiz", rows, 0.65, number)
    drawn = hidden.quiz_level + 10 * _draws(cohort.seed, "quiz", number).standard_normal(rows)
    score = np.where(takes, np.clip(np.round(drawn), 0, 100), -1).astype(np.int64)
    return _Week(
        number=number,
        active=active,
        in_class=in_class,
        last_login_s=np.where(active, login_s, before.last_login_s),
        done=before.done + np.where(active & in_class, work, 0),
        due=before.due + in_class,
        missed=np.where(in_class, missed, 0),
        missed_last=missed_last,
        quiz_score=score,
        quiz_sum=before.quiz_sum + np.where(takes, score, 0),
        quizzes=before.quizzes + takes,
    )


def _active(cohort: Cohort, before: _Week, number: int, nudged: Flags) -> Flags:
    """Return who logs in this week: one fixed draw each, so a nudge can only bring somebody back."""
    hidden = cohort._hidden
    chance = np.where(before.active, hidden.stays, hidden.returns)
    if number == NUDGE_WEEK + 1:
        chance = np.where(nudged & ~before.active, chance + (1 - chance) * NUDGE_RETURN_EFFECT, chance)
    # In the week they enrol nearly all look in once; those of the last fortnight have had less time.
    newcomers = 0.5 if number > WEEKS - 2 else 0.96
    chance = np.where(hidden.first_week == number, newcomers, chance)
    chance = np.where(hidden.first_week > number, 0, chance)
    return np.asarray(_draws(cohort.seed, "active", number).random(len(nudged)) < chance)


def _week_events(cohort: Cohort, week: _Week) -> pd.DataFrame:
    ids = cohort.learners["id"].to_numpy(object)
    week_end_s = _seconds(cohort.as_of) - (WEEKS - week.number) * WEEK_S
    delay_s = _draws(cohort.seed, "delay", week.number).integers(600, 3_300, len(ids))
    class_s = np.full(len(ids), week_end_s - SESSION_BEFORE_WEEK_END_S)
    took_quiz = week.quiz_score >= 0
    attended = week.active & week.in_class & ~took_quiz
    missed = week.in_class & (~week.active | week.missed_last)
    sessions_missed = np.where(week.active, 1, SESSIONS_PER_WEEK)
    came = SESSIONS_PER_WEEK - week.missed_last
    kinds = [
        ("login", week.active, week.last_login_s, np.full(len(ids), "{}", dtype=object)),
        ("session_attended", attended, week.last_login_s + delay_s, _json("sessions", came)),
        ("session_missed", missed, class_s, _json("sessions", sessions_missed)),
        ("quiz_completed", took_quiz, week.last_login_s + delay_s, _json("score", week.quiz_score)),
    ]
    parts = [
        pd.DataFrame(
            {
                "learner_id": ids[here],
                "type": kind,
                "timestamp": _instants(at_s[here]),
                "metadata": metadata[here],
            }
        )
        for kind, here, at_s, metadata in kinds
    ]
    return pd.concat(parts, ignore_index=True).astype({"learner_id": "str", "type": "str", "metadata": "str"})


def _json(key: str, values: Ints) -> Texts:
    """Return `{"key": value}` per row; values are -1 (nothing) to 100."""
    return np.array([f'{{"{key}": {value}}}' for value in [*range(101), "null"]], dtype=object)[values]


def _nudged_flags(cohort: Cohort, nudged: Ids | None) -> Flags:
    ids = cohort.learners["id"]
    if nudged is None:
        return np.zeros(len(ids), np.bool_)
    if unknown := sorted(set(nudged).difference(ids)):
        raise InvalidInput(f"nudged: {len(unknown)} of {len(nudged)} not in the cohort, first '{unknown[0]}'")
    return ids.isin(nudged).to_numpy(np.bool_)


def _check_weeks(first: int, last: int) -> None:
    if not 1 <= first <= last <= WEEKS:
        raise InvalidInput(f"week: {first} to {last} asked for, weeks go from 1 to {WEEKS} in order")
