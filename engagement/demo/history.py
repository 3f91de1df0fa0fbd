"""The demo: an invented cohort with a past, so that a newcomer sees history, change and reasons at once.

The past is made the way a real one is: weekly exports through the loader, two nights of scoring and drafting
through the functions the notebooks call, approvals through the review queue. Only the learners are invented.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from engagement import runs
from engagement.audit import Actor
from engagement.dates import local_day
from engagement.demo import sample
from engagement.errors import InvalidInput, StoreBusy
from engagement.ingest import events, learners
from engagement.ingest.source import readers
from engagement.ingest.source.source_format import IN_PERCENT, SourceFormat
from engagement.llm import titles
from engagement.outreach import export, nudges, quizzes, review
from engagement.pipeline import publication
from engagement.pipeline.incoming import inputs
from engagement.policy import DEFAULT_POLICY, DEFAULT_SELECTION
from engagement.risk import scores
from engagement.store import LOCK_WAIT_S, Store, first_row, invented
from engagement.store.locks import turnstile
from engagement.targeting import decisions, experiments

GROUPED: Final = SourceFormat(groups={"language": "locale"}, percent_scale=IN_PERCENT)
COORDINATOR: Final = "demo coordinator"
_LATE_APPROVALS: Final = 60  # of the second night; they are left alone tonight
_REJECTED_EVERY: Final = 25  # a few drafts are not good enough


def cohort_day(store: Store) -> datetime | None:
    """Return the instant at which the store's demo cohort ends; None where there is none yet.

    Raises `InvalidInput` where the store is another: the demo adds nothing to learners of somebody's own.
    """
    if not store.is_there():
        return None
    with store.read() as db:
        is_demo = invented.is_invented(db)
        (newest,) = first_row(db, "select max(observed_at) from learner_facts")
        (first_night,) = first_row(db, "select min(as_of) from runs")
    if newest and not is_demo:
        raise InvalidInput(
            f"{store.path.name} holds learners of your own, and the demo's have that name; give yours another"
        )
    result: datetime | None = newest
    if first_night:  # the facts of a day that was not over are known from before its end
        result = first_night + timedelta(weeks=sample.WEEKS - sample.NUDGE_WEEK)
    return result


def make(
    store: Store,
    *,
    size: int,
    seed: int,
    as_of: datetime,
    now: datetime,
    zone: ZoneInfo,
    watch: Callable[[int], None] = lambda _: None,
) -> None:
    """Fill a file beside the store and put it in the store's place once it is whole.

    A demo that is stopped half-way so leaves nothing that the next one could take for a cohort. Raises `StoreBusy`
    where somebody else wrote to the store meanwhile: what they wrote stays.
    """
    before = readers.stamp(store.path)
    begun = store.path.with_name(f"{store.path.name}.begun")
    _remove(begun)
    fill(Store(begun), size=size, seed=seed, as_of=as_of, now=now, zone=zone, watch=watch)
    with Store(begun).write() as db:
        invented.mark(db, now=now)
    with turnstile(store.path, exclusive=True, wait_s=LOCK_WAIT_S):
        written_to = readers.stamp(store.path) != before
        if not written_to:
            begun.replace(store.path)
    _remove(begun)
    if written_to:
        raise StoreBusy(f"{store.path.name} was written to meanwhile; the demo leaves it as it is")


def _remove(path: Path) -> None:
    for suffix in ("", ".wal", ".gate", ".lock", ".export"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def fill(
    store: Store,
    *,
    size: int,
    seed: int,
    as_of: datetime,
    now: datetime,
    zone: ZoneInfo,
    weeks: int = sample.WEEKS,
    watch: Callable[[int], None] = lambda _: None,
) -> set[str] | None:
    """Load `weeks` of the eight of an invented cohort ending at `as_of`, with two published runs after weeks 6 and 7.

    Returns the ids of who was nudged after week 6.

    What is known of the last week is known by `now`, so that whatever is loaded later on that day replaces it.
    Half of those whom the first run would contact wait a week, so that the effect of the nudges can be found.
    """
    cohort = sample.cohort(size, seed=seed, as_of=as_of)
    nudged: set[str] | None = None
    for week in range(1, weeks + 1):
        end = as_of - timedelta(weeks=sample.WEEKS - week)
        rows = cohort.snapshot(week, nudged=nudged)
        known_at = min(end, now)
        learners.load(store, rows, observed_at=known_at, loaded_at=known_at, source_format=GROUPED)
        events.load(store, cohort.events(week, week, nudged=nudged), observed_at=known_at, loaded_at=known_at)
        if week == 1:
            _confirm_titles(store, end)
        if week == sample.NUDGE_WEEK:
            plan = experiments.Plan(holdout=0.5, term="demo", ends_on=local_day(end, zone))
            _night(store, end, zone, plan)
            nudged = _review(store, _coordinator(end + timedelta(hours=10), zone))
        elif week == sample.NUDGE_WEEK + 1:
            _night(store, end, zone, None)
            _review(store, _coordinator(end + timedelta(days=5), zone), at_most=_LATE_APPROVALS)
        watch(week)
    return nudged


def _confirm_titles(store: Store, now: datetime) -> None:
    """Confirm all programs and topics, as a person would who has read them: they are ours."""
    found = titles.listed(store)
    for kind in titles.KINDS:
        texts = [row["text"] for row in found if row["kind"] == kind]
        titles.confirm(store, texts, kind=kind, actor=COORDINATOR, now=now)


def _night(store: Store, as_of: datetime, zone: ZoneInfo, plan: experiments.Plan | None) -> None:
    """Do what the nightly notebooks do, without making a report of it."""
    with store.write() as db:
        fingerprint = inputs.fingerprint(db, as_of)
        run = runs.begin(
            db,
            runs.NIGHTLY,
            key=runs.run_key(runs.NIGHTLY, as_of, {}, fingerprint, DEFAULT_POLICY.policy_hash),
            as_of=as_of,
            day=local_day(as_of, zone),
            parameters={},
            fingerprint=fingerprint,
            now=as_of,
            policy=DEFAULT_POLICY,
        )
    scores.score(store, run)
    decisions.decide(store, run, policy=DEFAULT_SELECTION, plan=plan)
    nudges.draft(store, run)
    quizzes.draft(store, run)
    publication.publish(store, run, now=as_of)


def _coordinator(now: datetime, zone: ZoneInfo) -> Actor:
    return Actor(name=COORDINATOR, now=now, day=local_day(now, zone), programs=None)


def _review(store: Store, by: Actor, *, at_most: int | None = None) -> set[str]:
    """Approve and send the worst drafts as a coordinator would; return who was nudged."""
    ids = [draft["id"] for draft in review.listed(store)[:at_most]]
    rejected = ids[::_REJECTED_EVERY]
    approved = sorted(set(ids) - set(rejected))
    if rejected:
        review.reject(store, rejected, by=by, reason="I spoke to them yesterday")
    if approved:
        review.approve(store, approved, by=by)
    return {nudge["learner_id"] for nudge in export.hand_over(store, by=by)}
