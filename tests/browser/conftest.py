"""Chromium in front of a real dashboard, and what must never happen on any page of it.

The browser belongs to a module: playwright's event loop stays in the thread that started it, and would be in the way
of every later test that runs a loop of its own.
"""

import os
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from engagement.reporting import printing
from engagement.store import Store
from tests.browser import story
from tests.browser.pages import PATIENCE_MS, pages
from tests.support.dashboard_server import serving
from tests.support.shared import shared

NO_BROWSER = "no Chromium on the PATH; on Debian and Ubuntu: apt-get install chromium"

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def chromium_path():
    """Where the browser is. A laptop may do without, and says so; where nobody looks, its absence is a failure."""
    path = next(filter(None, map(shutil.which, printing.PROGRAMS)), None)
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(NO_BROWSER)
    return path


@pytest.fixture(scope="module")
def chromium(chromium_path, browser_type_launch_args):
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path, args=arguments, **browser_type_launch_args
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def told(chromium_path, tmp_path_factory):
    """The store of `story`. Nobody changes it; each dashboard has a copy."""
    return shared(tmp_path_factory, "story.duckdb", lambda path: story.build(Store(path)))


@pytest.fixture(scope="module")
def store(told, tmp_path_factory):
    """The module's own copy, which its dashboard serves."""
    path = tmp_path_factory.mktemp("served") / "store.duckdb"
    shutil.copy(told, path)
    return Store(path)


@pytest.fixture(scope="module")
def address(chromium, store):
    """A dashboard on this machine, without a model, for the one who sits at it."""
    with serving(store.path, "--viewers", "30") as served:
        yield served


@pytest.fixture
def keep_picture(pytestconfig, request, output_path):
    """Keep a picture of each page after a test that failed, where `--screenshot` asks for one."""

    def keep(*shown):
        report = getattr(request.node, "rep_call", None)
        if report is not None and report.failed and pytestconfig.getoption("--screenshot") != "off":
            for number, page in enumerate(shown, start=1):
                page.screenshot(path=f"{output_path}/{number}.png")

    return keep


@pytest.fixture
def visit(chromium, keep_picture):
    """Open a page of an address; it is closed with the test."""
    with pages(chromium) as kept:
        yield kept.visit
        keep_picture(*kept.opened)


@pytest.fixture(scope="module")
def only_page(chromium, address):
    with pages(chromium) as kept:
        yield kept.visit(address)


@pytest.fixture
def page(only_page, keep_picture):
    """The module's one page, back at the table."""
    only_page.evaluate("location.hash = '#/learners'")
    expect(only_page.get_by_test_id("app")).to_have_attribute("data-ready", "true")
    yield only_page
    keep_picture(only_page)
    only_page.watch.saw_nothing()
