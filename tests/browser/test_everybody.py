"""For everybody: the keyboard alone, little motion, chosen colours, another locale."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.pages import pages
from tests.browser.walking import draft_of, found, opened, section
from tests.support.cohort import rows


def test_the_keyboard_alone_finds_a_learner_writes_to_them_and_approves(page, store):
    def press(*keys):
        for key in keys:
            page.keyboard.press(key)

    def tab_to(target, most=60):
        for _ in range(most):
            if target.evaluate("one => one === one.getRootNode().activeElement"):
                return
            press("Tab")
        raise AssertionError("the keyboard does not get there")

    press("/")
    expect(page.get_by_test_id("search")).to_be_focused()
    page.keyboard.type("write1@")
    found(page, 1)
    name = page.get_by_test_id("learner-row").get_by_role("button")
    tab_to(name)
    press("Enter")
    panel = page.get_by_test_id("learner-panel")
    expect(panel).to_be_focused()
    expect(panel.get_by_test_id("section-timeline")).to_be_visible()
    tab_to(panel.get_by_test_id("generate-nudge"))
    press("Enter")
    draft = draft_of(panel)
    expect(draft).to_be_focused()
    tab_to(draft.get_by_test_id("approve"))
    press("Enter")
    expect(draft.get_by_text("Approved: it may be sent.")).to_be_visible()
    expect(draft).to_be_focused()
    press("Escape")
    expect(panel).to_have_count(0)
    expect(name).to_be_focused()
    assert rows(store, "select status from nudges where learner_id = 'write1'") == [("approved",)]


def test_the_keyboard_reaches_past_the_head_and_through_the_queue(page):
    page.evaluate("document.activeElement.blur()")
    page.reload()
    expect(page.get_by_test_id("app")).to_have_attribute("data-ready", "true")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.get_by_test_id("view-review").focus()
    page.keyboard.press("Enter")
    tab = page.get_by_role("tab", name="Nudges")
    tab.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Quizzes")).to_be_focused()
    expect(page.get_by_role("tab", name="Quizzes")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowLeft")
    reject = page.get_by_test_id("reject").first
    reject.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_test_id("reject-dialog")
    for _ in range(12):  # the focus stays inside
        page.keyboard.press("Tab")
        inside = dialog.evaluate(
            "one => one.contains(one.getRootNode().activeElement) || document.activeElement === document.body"
        )
        assert inside
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(reject).to_be_focused()


def test_who_wants_little_motion_gets_none(page):
    opened(page, "worst")
    page.get_by_test_id("recalculate").click()
    moving = page.get_by_test_id("app").evaluate(
        "app => app.getRootNode().getAnimations({subtree: true}).length"
    )
    assert moving == 0
    page.keyboard.press("Escape")


def test_the_colours_can_be_chosen_and_are_kept(page):
    page.emulate_media(color_scheme="light")
    app = page.get_by_test_id("app")
    light = app.evaluate("one => getComputedStyle(one).backgroundColor")
    page.get_by_test_id("scheme").click()
    page.get_by_test_id("scheme").click()
    expect(app).to_have_attribute("data-scheme", "dark")
    assert app.evaluate("one => getComputedStyle(one).backgroundColor") != light
    page.reload()
    expect(app).to_have_attribute("data-scheme", "dark")
    page.get_by_test_id("scheme").click()
    expect(app).to_have_attribute("data-scheme", "auto")


@pytest.fixture(scope="module")
def german(chromium, address):
    """The page of somebody whose browser speaks German."""
    with pages(chromium) as kept:
        yield kept.visit(address, locale="de-DE", timezone_id="Europe/Berlin")


def test_numbers_and_days_are_written_as_the_viewer_writes_them(german):
    score = german.get_by_test_id("learner-row").first.locator(".label-score")
    expect(score).to_have_text(re.compile(r"^0,\d\d$"))
    expect(german.get_by_test_id("overview-templates").locator(".figure-value")).to_have_text(
        re.compile("^\\d+\N{NO-BREAK SPACE}%$")
    )
    history = section(opened(german, "c-030"), "history")
    history.get_by_text("As a table").click()
    expect(history.get_by_role("rowheader").first).to_have_text(re.compile(r"^\d{1,2}\. [A-ZÄ]"))


def test_thousands_are_grouped_as_the_viewer_groups_them(german):
    shown = german.evaluate(
        """async () => {
        const { number } = await import(new URL("engagement/static/shared/format.js", location.href));
        return number(1234567);
    }"""
    )
    assert shown == "1.234.567"
