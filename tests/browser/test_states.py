"""When something is wrong: a run that failed, a store that is busy, missing, damaged or too new, a kernel that died."""

import os
import re
import shutil
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from engagement import runs
from engagement.pipeline import publication
from engagement.policy import DEFAULT_POLICY
from engagement.store.locks import sole_runner, turnstile
from tests.browser import story
from tests.browser.walking import found, ids
from tests.support.cohort import begin, rows

WAIT_S = 5  # for the store, before the page says that it is busy
LOOK_AGAIN = "document.dispatchEvent(new Event('visibilitychange'))"  # as when somebody comes back to the tab


@pytest.fixture
def kept(store, tmp_path):
    """Put the store back as it was, whatever a test does to it."""
    copy = tmp_path / "kept.duckdb"
    with turnstile(store.path, exclusive=True, wait_s=WAIT_S):
        shutil.copy(store.path, copy)
    yield
    with turnstile(store.path, exclusive=True, wait_s=WAIT_S):
        shutil.copy(copy, store.path)


def kernel_of(page, address):
    """Return the process of the page's kernel: a child of this dashboard's template that has the kernel's sockets."""
    port = address.rpartition(":")[2]
    server = next(child for child in _children(os.getpid()) if f"--port {port}" in _command(child))
    template = next(child for child in _children(server) if "engagement.jupyter.kernels" in _command(child))
    (kernel_id,) = set(re.findall(r'"kernelId": "([0-9a-f-]+)"', page.content()))
    bound = [line.split()[6] for line in Path("/proc/net/unix").read_text().splitlines() if kernel_id in line]
    sockets = {f"socket:[{number}]" for number in bound}
    (kernel,) = (child for child in _children(template) if sockets & _opened(child))
    return kernel


def _opened(pid):
    return {str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()}


def _children(pid):
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def _command(pid):
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def test_a_link_on_another_site_opens_the_page_where_it_points(visit, address):
    page = visit(address)  # which lets this browser in
    page.goto(f"data:text/html,<a href='{address}/%23/queue'>The queue</a>")
    page.get_by_role("link", name="The queue").click()
    expect(page.get_by_role("navigation", name="Views")).to_be_visible()
    assert page.url == f"{address}/?again#/queue"


def test_a_kernel_that_died_is_said_and_a_reload_helps(visit, address):
    page = visit(address)
    page.watch.forgive("WebSocket", "Failed to load resource", "kernel", "Kernel", "Connection lost")
    found(page, len(rows_of_page(page)))
    os.kill(kernel_of(page, address), signal.SIGKILL)
    page.evaluate(LOOK_AGAIN)
    lost = page.get_by_test_id("banner").get_by_test_id("error")
    expect(lost).to_contain_text("The connection was lost. What you saved is safe. Reload the page to go on.")
    expect(lost).to_contain_text("Most likely this machine has run out of memory")
    lost.get_by_role("button", name="Reload the page").click()
    expect(page.get_by_test_id("app")).to_have_attribute("data-ready", "true")
    expect(page.get_by_test_id("banner")).to_have_count(0)
    assert ids(page)


def rows_of_page(page):
    text = page.get_by_test_id("found")
    expect(text).to_have_text(re.compile(r"^\d+ learners found$"))
    return range(int(text.inner_text().split()[0]))


def test_a_store_that_is_busy_for_five_seconds_is_said_and_trying_again_works(page, store):
    with turnstile(store.path, exclusive=True, wait_s=WAIT_S):
        page.get_by_test_id("chip-high").click()
        busy = page.locator("section.list").get_by_test_id("error")
        expect(busy).to_contain_text("The data is being written just now.")
    busy.get_by_test_id("retry").click()
    found(page, rows(store, "select count(*) from risk_scores where risk_label = 'high'")[0][0])
    expect(busy).to_have_count(0)


def test_a_page_that_opens_while_the_store_is_busy_offers_to_try_again(visit, address, store):
    with turnstile(store.path, exclusive=True, wait_s=WAIT_S):
        page = visit(address, ready=False)
        expect(page.get_by_test_id("error")).to_contain_text("The data is being written just now.")
    page.get_by_test_id("retry").click()
    expect(page.get_by_test_id("app")).to_have_attribute("data-ready", "true")


def test_a_store_that_is_not_there_yet_is_said(visit, address, store, kept):
    store.path.unlink()
    page = visit(address, ready=False)
    expect(page.get_by_test_id("error")).to_contain_text("There is no data yet.")
    expect(page.get_by_test_id("retry")).to_be_visible()


@pytest.mark.parametrize("what", ["damaged", "newer"])
def test_a_store_that_cannot_be_read_is_said_without_a_trace(visit, address, store, kept, what):
    if what == "damaged":
        store.path.write_bytes(b"\0" * 500_000)
    else:
        with store.write() as db:
            db.execute("insert into schema_version values (999)")
    page = visit(address, ready=False)
    expect(page.get_by_test_id("error")).to_contain_text("The data cannot be read.")
    expect(page.get_by_test_id("app")).not_to_contain_text("Traceback")
    expect(page.get_by_test_id("app")).not_to_contain_text(str(store.path.parent))


def test_a_run_that_failed_is_said_with_its_step(visit, address, store, kept):
    at = story.now()
    with store.write() as db:
        run = runs.begin(
            db,
            "nightly",
            key="failed",
            as_of=at,
            day=at.date(),
            parameters={},
            fingerprint="",
            now=at - timedelta(minutes=5),
            policy=DEFAULT_POLICY,
        )
        runs.mark_step(db, run.run_id, "20_score", 2, "failed", tries=3, now=at)
        runs.mark(db, run.run_id, "failed", now=at, error="StoreBusy")
    page = visit(address)
    said = page.get_by_test_id("run-failed")
    expect(said).to_contain_text("The last run failed")
    expect(said).to_contain_text("It stopped at the step “20_score”.")
    expect(said).to_contain_text("The scores shown are those of the run before.")
    assert ids(page)


def test_a_run_that_is_under_way_is_said_and_its_scores_are_offered(visit, address, store, kept):
    page = visit(address)
    expect(page.get_by_test_id("banner")).to_have_count(0)
    with sole_runner(store.path):
        page.evaluate(LOOK_AGAIN)
        expect(page.get_by_test_id("run-running")).to_contain_text("A run is under way")
    high = page.get_by_test_id("overview-high").locator(".figure-value").inner_text()
    publication.publish(store, begin(store, story.now()), now=story.now())
    page.evaluate(LOOK_AGAIN)
    expect(page.get_by_test_id("new-scores")).to_contain_text("New scores are there.")
    expect(page.get_by_test_id("overview-high").locator(".figure-value")).to_have_text(
        high
    )  # nothing moves unasked
    page.get_by_test_id("show-new").click()
    expect(page.get_by_test_id("overview-high").locator(".figure-value")).not_to_have_text(high)
    expect(page.get_by_test_id("new-scores")).to_have_count(0)
