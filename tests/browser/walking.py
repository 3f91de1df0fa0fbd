"""Steps that many walks through the page have in common."""

from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import expect


def ids(page):
    """Return the learners of the table in its order, once it is no longer about to change."""
    settled(page)
    return page.get_by_test_id("learner-row").evaluate_all("rows => rows.map((row) => row.dataset.id)")


def settled(page):
    """Wait until the table shows what the address asks for."""
    expect(page.locator("section.list")).to_have_attribute("aria-busy", "false")


def found(page, count):
    """Wait until so many learners are found."""
    expect(page.get_by_test_id("found")).to_have_text(f"{count:,} learner{'' if count == 1 else 's'} found")


def opened(page, learner_id, *, query=""):
    """Open a learner by the address and return the panel, once it is whole."""
    page.evaluate("hash => { location.hash = hash; }", f"#/learners?{query}learner={learner_id}")
    panel = page.get_by_test_id("learner-panel")
    expect(panel.get_by_test_id("section-timeline")).to_be_visible()
    return panel


def section(panel, name):
    return panel.get_by_test_id(f"section-{name}")


def draft_of(panel, number=0):
    """Return one of the learner's open nudges, the newest first."""
    return section(panel, "messages").get_by_test_id("draft").nth(number)


@contextmanager
def downloaded(page):
    """Yield a list that gets name and content of the file that the block makes the browser keep."""
    file = []
    with page.expect_download() as waiting:
        yield file
    kept = waiting.value
    file += [kept.suggested_filename, Path(kept.path()).read_bytes()]
