"""Did the nudges help? Those by chance nudged beside those by chance left alone, and how sure that is.

Everybody counts in the arm they were assigned to, whatever was done with them since: who left the draft unsent, or
phoned somebody of the comparison group, had reasons that go with the outcome, and leaving those persons out would make
an effect of them. So the result speaks of the program of nudges as it was carried out.

There is one look, when the experiment is over: who looks every week and stops at the first good one finds an effect
where there is none. The outcome is what the plan names. Where its numbers would tell of fewer than ten people, the
verdict is told and no number of it: from a difference and one share the other follows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from engagement.dates import end_of_day
from engagement.errors import NotFound
from engagement.evaluation import intervals
from engagement.evaluation.told import Told
from engagement.runs import Run
from engagement.store import Cursor, Store, query, records
from engagement.targeting.experiments import ARMS, LEAST_FALL, OUTCOMES, Plan, identity
from engagement.views import suppression
from engagement.vocabulary import SMALLEST_GROUP

PERSONS_NEEDED: Final = 20  # in each arm; with fewer even a strong effect is chance


@dataclass(frozen=True)
class Arm:
    """Persons of one arm whose window is over: how many, of whom contacted, and who did what the plan looks at."""

    persons: int
    contacted: int
    share: intervals.Share


@dataclass(frozen=True, kw_only=True, repr=False)
class Effect(Told):
    """What an experiment found, by what was planned; without a `plan` there has been none.

    While it runs there is nothing but who is `assigned` to which arm, and until when: whoever can look will look, and
    who looks every week finds an effect of nothing in one case of six. Afterwards `difference` (nudged less comparison,
    of shares 0 to 1) is None where an arm is empty; `planned_for` and `detectable` are the smallest rise that these
    numbers show in four of five experiments, by the rate in the week before and by the comparison's. The fields hold
    what was counted; the sentences and tables tell what may be told of it (`is_of_few`).
    """

    experiment: str
    plan: Plan | None
    as_of: datetime
    over_at: datetime
    assigned: Mapping[str, int]  # persons by arm
    nudged: Arm | None
    compared: Arm | None
    difference: intervals.Interval | None
    planned_for: float | None
    detectable: float | None
    before: intervals.Share | None
    compared_before: intervals.Share | None = None

    @property
    def verdict(self) -> str:
        """One of `none`, `running`, `too_few`, `helped`, `harmed`, `cannot_tell`."""
        if self.plan is None:
            return "none"
        if self.as_of < self.over_at:
            return "running"
        return verdict(
            self.difference, min(arm.persons if arm else 0 for arm in (self.nudged, self.compared))
        )

    @property
    def is_of_few(self) -> bool:
        """Whether a number here would tell of an arm of fewer than ten, or of so few in one who did it or did not."""
        shares = [arm.share for arm in (self.nudged, self.compared) if arm]
        shares += [share for share in (self.before, self.compared_before) if share]
        drawn = list(self.assigned.values())
        return bool(suppression.hidden_groups(drawn).any()) or any(
            _is_of_few(share.count, share.of) for share in shares
        )

    @property
    def shown(self) -> pd.DataFrame:
        """What stands beneath the sentence: `arms`."""
        return arms(self)

    @property
    def in_words(self) -> str:
        """The verdict as one or two sentences."""
        words = {**_WORDS, **_WORDS_OF_FEW} if self.is_of_few else _WORDS
        return words[self.verdict].format(**self._said())

    @property
    def title(self) -> str:
        """The difference as the title of a picture."""
        if self.verdict == "running":
            return f"Not to be read before {self.over_at:%Y-%m-%d}"
        if self.difference is None or self.plan is None:
            return "There is nothing to compare yet"
        if self.is_of_few:
            return f"How many {self.plan.looks_at} is not shown: it would tell of few"
        more = "more" if self.difference.value >= 0 else "fewer"
        difference = points(abs(self.difference.value))
        return f"Of those nudged {difference} {more} {self.plan.looks_at} than of those who waited"

    @property
    def power_in_words(self) -> str:
        """How large an effect had to be to be found: as expected before the run, and as it came out."""
        if self.plan is None:
            return "Nothing, while nobody waits."
        if self.verdict == "running":
            return "It is told when the experiment is over."
        if self.is_of_few:
            return "That is not shown: it would tell of few."
        if self.detectable is None or self.planned_for is None:
            return "So few persons show nothing, however large the effect."
        return (
            f"With so many persons, a rise of {points(self.detectable)} is found in four of five experiments. By the "
            f"rate of the week before, it would have been one of {points(self.planned_for)}."
        )

    def _said(self) -> dict[str, str]:
        found = self.difference or intervals.Interval(0.0, 0.0, 0.0)
        return {
            "what": self.plan.looks_at if self.plan else "",
            "day": f"{self.over_at:%Y-%m-%d}",
            "assigned": _at_least_ten(sum(self.assigned.values())),
            "difference": points(found.value),
            "low": f"{100 * found.low:.1f}",
            "high": points(found.high),
            "nudged": _percent(self.nudged),
            "compared": _percent(self.compared),
            "fewest": str(PERSONS_NEEDED),
            "detectable": "no rise at all"
            if self.detectable is None
            else f"a rise of {points(self.detectable)}",
        }


_WORDS: Final[Mapping[str, str]] = {
    "none": "Cannot tell: there is no experiment yet. Where nightly.toml has a holdout, some wait a week by chance, "
    "and those who heard can be held beside them.",
    "running": "Cannot tell yet: {assigned} persons are assigned, and the experiment and its last window end on {day}. "
    "Nothing is shown before: a look would find effects where there are none.",
    "too_few": "Cannot tell: an arm has fewer than {fewest} persons.",
    "helped": "It helped: of those nudged {nudged} {what}, of the others {compared}. That is {difference} more, with "
    "95 % confidence {low} to {high}.",
    "harmed": "It did harm: of those nudged {nudged} {what}, of the others {compared}. That is {difference}, with "
    "95 % confidence {low} to {high}.",
    "cannot_tell": "Cannot tell: of those nudged {nudged} {what}, of the others {compared}; the difference may be "
    "anything from {low} to {high}. With these numbers {detectable} would have been found in four of five experiments.",
}

_WORDS_OF_FEW: Final[Mapping[str, str]] = {
    "helped": "It helped: of those nudged more {what} than of the others, and hardly by chance. How many is not shown: "
    "it would tell of few.",
    "harmed": "It did harm: of those nudged fewer {what} than of the others, and hardly by chance. How many is not "
    "shown: it would tell of few.",
    "cannot_tell": "Cannot tell: that of those nudged more or fewer {what} than of the others may be chance. How many "
    "is not shown: it would tell of few.",
}


def verdict(difference: intervals.Interval | None, persons: int) -> str:
    """Return what a difference between two arms says once the experiment is over; see `Effect.verdict`."""
    if difference is None or persons < PERSONS_NEEDED:
        return "too_few"
    if difference.low > 0:
        return "helped"
    return "harmed" if difference.high < 0 else "cannot_tell"


def planned(store: Store) -> pd.DataFrame:
    """Return one row per published experiment, newest first: its plan, and `persons` assigned by arm."""
    with store.read() as db:
        rows = records(db, query("evaluation/experiments"))
    return pd.DataFrame(rows, columns=["experiment", *_PLANNED, "nudge", "control"])


def shown_plans(plans: pd.DataFrame) -> pd.DataFrame:
    """Return what may be told of `planned`: without who was drawn into which arm where one has fewer than ten."""
    drawn = plans[list(ARMS)]
    hidden = [bool(suppression.hidden_groups(persons).any()) for persons in drawn.to_numpy()]
    return plans.assign(**drawn.astype("Int64").mask(pd.Series(hidden, index=plans.index, dtype=bool)))


def plans_in_words(plans: pd.DataFrame) -> pd.DataFrame:
    """Return what may be told of `planned` as a report tells it: who waits, until when, what is looked at, how many."""
    told = shown_plans(plans)
    looks_at = [
        OUTCOMES[outcome].format(days=days)
        for outcome, days in zip(told["outcome"], told["window_days"], strict=True)
    ]
    return pd.DataFrame(
        {
            "experiment": told["experiment"],
            "waits_percent": 100 * told["holdout"].astype(float),
            "assigned_until": told["ends_on"],
            "looks_at_who": looks_at,
            "nudged": told["nudge"],
            "waited": told["control"],
        }
    )


def arms_in_words(effect: Effect) -> pd.DataFrame:
    """Return `arms` with what the plan looks at in place of `did`."""
    return arms(effect).rename(columns={"did": effect.plan.looks_at} if effect.plan else {})


def estimate(store: Store, experiment: str = "", *, as_of: datetime, zone: ZoneInfo) -> Effect:
    """Return what an experiment found by `as_of`; `NotFound` where somebody named one that there is not.

    Parameters
    ----------
    experiment
        Its id, such as "nightly/2026-autumn"; empty: the newest that is over, or else the newest.
    as_of
        Naive UTC. Only persons whose window is over by then are counted.
    zone
        Where the last day of the experiment ends.
    """
    found = planned(store)
    if experiment:
        found = found[found["experiment"] == experiment]
    if found.empty and experiment:
        raise NotFound(f"no experiment {experiment!r}")
    if found.empty:
        return _not_read("", None, as_of, as_of, {})
    rows: list[Any] = found.to_dict("records")
    row = next((row for row in rows if _over_at(_plan(row), zone) <= as_of), rows[0])
    plan = _plan(row)
    assigned = {arm: int(row[arm]) for arm in ARMS}
    if as_of < _over_at(plan, zone):
        return _not_read(row["experiment"], plan, as_of, _over_at(plan, zone), assigned)
    with store.read() as db:
        after = _arms(db, row["experiment"], plan, as_of=as_of)
        before = _arms(db, row["experiment"], plan, as_of=as_of, weeks_before=True)
    nudged, compared = after.get("nudge"), after.get("control")
    return Effect(
        experiment=row["experiment"],
        plan=plan,
        as_of=as_of,
        over_at=_over_at(plan, zone),
        assigned=assigned,
        nudged=nudged,
        compared=compared,
        difference=intervals.newcombe(nudged.share, compared.share) if nudged and compared else None,
        planned_for=_detectable(after, _together(before)),
        detectable=_detectable(after, compared.share if compared else None),
        before=before["nudge"].share if "nudge" in before else None,
        compared_before=before["control"].share if "control" in before else None,
    )


def _not_read(
    experiment: str, plan: Plan | None, as_of: datetime, over_at: datetime, assigned: Mapping[str, int]
) -> Effect:
    """Return the effect of nothing, or of what is not over: outcomes are not even asked for."""
    return Effect(
        experiment=experiment,
        plan=plan,
        as_of=as_of,
        over_at=over_at,
        assigned=assigned,
        nudged=None,
        compared=None,
        difference=None,
        planned_for=None,
        detectable=None,
        before=None,
    )


def outlook(store: Store, run: Run, plan: Plan | None) -> str:
    """Return in words what the persons that a run assigned can show, from how many did it in the week before."""
    if plan is None:
        return "Nobody waits: there is no experiment."
    with store.read() as db:
        before = _arms(db, identity(run.history_of, plan.term), plan, run_id=run.run_id, weeks_before=True)
    rate = _together(before)
    least = _detectable(before, rate)
    held_out = before["control"].persons if "control" in before else 0
    if rate is None or least is None:
        return f"{held_out:,} persons wait; so few show nothing."
    return (
        f"{held_out:,} of {rate.of:,} persons wait. In the week before, {100 * rate.value:.0f} % of them all "
        f"{plan.looks_at}; a rise of {points(least)} would be found in four of five experiments."
    )


def comparisons(effect: Effect) -> pd.DataFrame:
    """Return one row per way of looking at it: `way`, `difference`, `low`, `high` (shares; missing: not known).

    Before and after is there to show how far it misleads: people are nudged when they are at their worst, and most who
    are at their worst are better a week later.
    """
    rows: list[dict[str, Any]] = []
    if effect.is_of_few:
        return pd.DataFrame(columns=["way", "difference", "low", "high"])
    if effect.difference:
        rows.append({"way": "Nudged less waited", **vars(effect.difference)})
    if effect.before and effect.nudged:
        naive = effect.nudged.share.value - effect.before.value
        rows.append({"way": "Misleading: after less before", "value": naive})
    frame = pd.DataFrame(rows, columns=["way", "value", "low", "high"])
    return frame.rename(columns={"value": "difference"})


def arms(effect: Effect) -> pd.DataFrame:
    """Return one row per arm: `group`, `persons`, `contacted`, how many `did` what the plan looks at, and `percent`.

    While the experiment runs, `group` and `persons` alone. Missing is what would tell of fewer than ten.
    """
    drawn = [effect.assigned.get(arm, 0) for arm in ARMS]
    drawn_is_told = not suppression.hidden_groups(drawn).any()
    if effect.verdict == "running":
        told = [number if drawn_is_told else None for number in drawn]
        return pd.DataFrame({"group": ["nudged", "waited"], "persons": pd.array(told, dtype="Int64")})
    found = {"nudged": effect.nudged, "waited": effect.compared}
    rows = [
        {
            "group": name,
            "persons": arm.persons if drawn_is_told else None,
            "contacted": None if _is_of_few(arm.contacted, arm.persons) else arm.contacted,
            "did": None if effect.is_of_few else arm.share.count,
            "percent": None if effect.is_of_few else round(100 * arm.share.value),
        }
        for name, arm in found.items()
        if arm
    ]
    frame = pd.DataFrame(rows, columns=["group", "persons", "contacted", "did", "percent"])
    return frame.astype(dict.fromkeys(frame.columns[1:], "Int64"))


def _is_of_few(part: int, of: int) -> bool:
    return bool(suppression.hidden_groups([part, of - part]).any())


def _at_least_ten(persons: int) -> str:
    return f"{persons:,}" if persons >= SMALLEST_GROUP or not persons else f"fewer than {SMALLEST_GROUP}"


def points(share: float) -> str:
    """Return a difference of shares in words.

    Examples
    --------
    >>> points(-0.0312)
    '-3.1 points'
    """
    return f"{100 * share:.1f} points"


_PLANNED: Final = ("holdout", "term", "ends_on", "outcome", "window_days")


def _arms(
    db: Cursor,
    experiment: str,
    plan: Plan,
    *,
    as_of: datetime | None = None,
    run_id: str | None = None,
    weeks_before: bool = False,
) -> dict[str, Arm]:
    rows = records(
        db,
        query("evaluation/effect_arms"),
        {
            "experiment": experiment,
            "as_of": as_of,
            "run_id": run_id,
            "outcome": plan.outcome,
            "least_fall": LEAST_FALL,
            "first_day": -plan.window_days if weeks_before else 0,
            "last_day": 0 if weeks_before else plan.window_days,
        },
    )
    return {
        row["arm"]: Arm(row["persons"], row["contacted"], intervals.Share(row[plan.outcome], row["persons"]))
        for row in rows
        if row["arm"] in ARMS
    }


def _plan(row: Mapping[str, Any]) -> Plan:
    return Plan(**{name: row[name] for name in _PLANNED})


def _over_at(plan: Plan, zone: ZoneInfo) -> datetime:
    return end_of_day(plan.last_day, zone) + timedelta(days=plan.window_days)


def _together(arms: Mapping[str, Arm]) -> intervals.Share | None:
    persons = sum(arm.persons for arm in arms.values())
    return intervals.Share(sum(arm.share.count for arm in arms.values()), persons) if persons else None


def _detectable(arms: Mapping[str, Arm], rate: intervals.Share | None) -> float | None:
    if rate is None or set(arms) != set(ARMS):
        return None
    persons = [arms[arm].persons for arm in ARMS]
    # With fewer the verdict is none, whatever comes out.
    return intervals.detectable(*persons, rate=rate.value) if min(persons) >= PERSONS_NEEDED else None


def _percent(arm: Arm | None) -> str:
    return f"{100 * arm.share.value:.0f} %" if arm else "nobody"
