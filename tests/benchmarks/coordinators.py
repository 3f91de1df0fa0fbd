"""What coordinators do on the dashboard, one thing after another, each with how long they waited for it."""

import asyncio
import random
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Locator

from engagement.demo.sample import FAMILY_NAMES, GIVEN_NAMES
from engagement.store import first_row, open_store
from tests.benchmarks.pages import Viewer

PAUSE_S = 1.0  # between two things that one of several viewers does: even a quick one reads
WORDS_SQL = """
select count(*)
from learners
where contains(lower(name), $word) or contains(lower(id), $word) or contains(lower(email), $word)
"""
Words = list[tuple[str, int]]  # a search, and how many learners it finds


@dataclass
class Worked:
    """What a viewer did while the night's run was at work: how long each thing took."""

    waits: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


def search_words(store: Path, count: int, *, seed: int = 1) -> Words:
    """Return so many different searches, each for another number of learners than the one before."""
    chance = random.Random(seed)
    families = [name for names in FAMILY_NAMES.values() for name in names]
    parts = {family[:length] for family in families for length in (1, 3, 9)}
    names = {f"{given} {part}".lower() for given in GIVEN_NAMES for part in parts}
    numbers = {f"{number:04d}" for number in range(10_000)}
    mixed = [*chance.sample(sorted(names), count), *chance.sample(sorted(numbers), count)]
    chance.shuffle(mixed)
    words: Words = []
    with open_store(store).read() as db:
        for word in mixed:
            found = int(first_row(db, WORDS_SQL, {"word": word})[0])
            if found and (not words or words[-1][1] != found):
                words.append((word, found))
            if len(words) == count:
                return words
    raise RuntimeError(f"only {len(words)} of {count} searches")


def shares_of(words: Words, viewers: int) -> list[Words]:
    """Return the words of each viewer; neighbours stay so, as each must change what is found."""
    each = len(words) // viewers
    return [words[begin : begin + each] for begin in range(0, each * viewers, each)]


async def work(viewer: Viewer, words: Words, number: int, ended: "asyncio.Future[Any]") -> Worked:
    """Search, turn the page, open a learner, approve a draft; again until the run has ended and once more."""
    done = Worked()

    async def timed(what: str, act: Awaitable[float]) -> None:
        try:
            taken = await act
            await asyncio.sleep(PAUSE_S)
        except Exception as error:  # whatever went wrong on the page
            done.errors.append(f"{what}: {type(error).__name__} {str(error)[:200]}")
        else:
            done.waits.setdefault(what, []).append(taken)

    last = False
    for word in words:
        await timed("search", viewer.filter(*word))
        if await viewer.page.get_by_test_id("pager-next").count():
            await timed("turn", turn(viewer))
        await timed("learner", open_learner(viewer))
        await viewer.page.get_by_test_id("close-learner").click()
        await timed("queue", to_queue(viewer))
        await timed("approve", approve(viewer, number))
        await timed("back", back(viewer))
        if last:
            break
        last = ended.done()
    done.errors += await viewer.errors()
    return done


async def turn(viewer: Viewer) -> float:
    """Return the wait for the next page."""
    following = viewer.page.get_by_test_id("pager-next")
    first = await viewer.page.evaluate('bench.one("[data-testid=learner-row]").dataset.id')
    return await viewer.click(
        following,
        f'bench.shown() !== null && bench.one("[data-testid=learner-row]").dataset.id !== "{first}"',
    )


async def open_learner(viewer: Viewer, row: int = 0) -> float:
    name = viewer.page.get_by_test_id("learner-row").nth(row).locator("button.link")
    return await viewer.click(name, 'bench.one("[data-testid=section-timeline]") !== null')


async def writable(viewer: Viewer) -> Locator:
    """Open the first learner of the page for whom a nudge may be written, and return the button for it."""
    for row in range(25):
        await open_learner(viewer, row)
        button = viewer.page.get_by_test_id("generate-nudge")
        if not await button.get_attribute("aria-disabled"):
            return button
        await viewer.page.get_by_test_id("close-learner").click()
    raise RuntimeError("a page of learners of whom none may be written to")


async def to_queue(viewer: Viewer) -> float:
    return await viewer.click(
        viewer.page.get_by_test_id("view-review"), 'bench.one("[data-testid=queue-row]") !== null'
    )


async def approve(viewer: Viewer, number: int) -> float:
    """Approve a draft that no other viewer is about to: each has rows of its own."""
    row = viewer.page.get_by_test_id("queue-row").nth(number * 4)
    draft = await row.get_attribute("data-id")
    gone = f'!bench.one("[data-testid=queue-row][data-id=\\"{draft}\\"]")'
    told = 'bench.one("[data-testid=conflicts]") || bench.one(bench.wrong)'
    return await viewer.click(row.get_by_test_id("approve"), f"{gone} || {told}")


async def back(viewer: Viewer) -> float:
    return await viewer.click(viewer.page.get_by_test_id("view-learners"), "bench.shown() !== null")
