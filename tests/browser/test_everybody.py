"""For everybody: screen readers, the keyboard alone, a phone, dark colours, little motion, another locale."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.pages import PHONE, pages
from tests.browser.walking import draft_of, found, opened, section
from tests.cohort import rows

COLOURS = {"resultTypes": ["violations"], "runOnly": ["color-contrast", "link-in-text-block"]}
EVERYTHING = {"resultTypes": ["violations"]}
DRAFTED = "worst"  # has a template of the nightly run


def learners(page):
    page.evaluate("location.hash = '#/learners'")
    found(page, 147)


def filtered(page):
    page.evaluate("location.hash = '#/learners?search=a&labels=high,medium&contacted=no&top=20&sort=name'")
    expect(page.get_by_test_id("capacity")).to_be_visible()


def numbers_of_plots(page):
    learners(page)
    for summary in page.get_by_text("As a table").all():
        summary.click()
    page.get_by_test_id("overview-templates").locator("summary").click()


def nobody(page):
    page.evaluate("location.hash = '#/learners?search=zzz'")
    expect(page.get_by_test_id("empty")).to_be_visible()


def learner_with_a_template(page):
    panel = opened(page, DRAFTED)
    expect(panel.get_by_test_id("template-mark").first).to_be_visible()
    panel.get_by_test_id("note").click()
    panel.get_by_test_id("note-save").click()
    expect(panel.get_by_text("Write the note first.")).to_be_visible()


def learner_with_a_broken_edit(page):
    draft = draft_of(opened(page, DRAFTED))
    draft.get_by_label("Text", exact=True).fill("{x} " * 1000)
    expect(draft.get_by_label("Text", exact=True)).to_have_attribute("aria-invalid", "true")


def edit_that_would_be_lost(page):
    learner_with_a_broken_edit(page)
    page.get_by_test_id("close-learner").click()
    expect(page.get_by_test_id("unsaved-dialog")).to_be_visible()


def learner_who_opted_out(page):
    expect(opened(page, "optedout").get_by_test_id("refusal")).to_be_visible()


def queue(page):
    page.evaluate("location.hash = '#/review'")
    expect(page.get_by_test_id("queue-row").first).to_be_visible()


def queue_with_one_open(page):
    queue(page)
    page.get_by_test_id("open-row").first.click()
    expect(page.get_by_test_id("draft")).to_be_visible()


def question_before_templates_go(page):
    page.evaluate("location.hash = '#/review?by=template'")
    page.get_by_test_id("select-row").first.check()
    page.get_by_test_id("approve-selected").click()
    expect(page.get_by_test_id("confirm-templates")).to_be_visible()


def question_why_rejected(page):
    queue(page)
    page.get_by_test_id("reject").first.click()
    page.get_by_test_id("reject-confirm").click()
    expect(page.get_by_test_id("reject-dialog")).to_be_visible()


def quiz_tried(page):
    page.evaluate("location.hash = '#/review?kind=quiz'")
    page.get_by_test_id("open-row").first.click()
    page.get_by_test_id("answer-1-1").check()
    page.get_by_test_id("show-answers").click()


def quiz_edited(page):
    page.evaluate("location.hash = '#/review?kind=quiz'")
    page.get_by_test_id("open-row").first.click()
    page.get_by_test_id("tab-edit").click()
    page.get_by_test_id("stem-1").fill("")
    page.get_by_test_id("drop-question-2").click()
    expect(page.get_by_test_id("put-back")).to_be_visible()


def help_page(page):
    page.evaluate("location.hash = '#/help'")
    expect(page.get_by_role("heading", name="What it must not be used for")).to_be_visible()


def recalculation(page):
    learners(page)
    page.get_by_test_id("recalculate").click()
    expect(page.get_by_test_id("recalculate-dialog")).to_be_visible()


VIEWS = [
    learners,
    filtered,
    numbers_of_plots,
    nobody,
    learner_with_a_template,
    learner_with_a_broken_edit,
    edit_that_would_be_lost,
    learner_who_opted_out,
    queue,
    queue_with_one_open,
    question_before_templates_go,
    question_why_rejected,
    quiz_tried,
    quiz_edited,
    help_page,
    recalculation,
]


@pytest.fixture(scope="module")
def phone(chromium, address):
    with pages(chromium) as kept:
        yield kept.visit(address, viewport=PHONE, has_touch=True)


def afresh(page):
    """Come back to the table: no dialog, no edit that is not saved."""
    dialogs = page.get_by_role("dialog")
    while dialogs.count():
        page.keyboard.press("Escape")
        if page.get_by_test_id("close-unsaved").count():
            page.get_by_test_id("close-unsaved").click()
    if page.get_by_test_id("discard").count():
        page.get_by_test_id("discard").click()
    for hash in ("#/help", "#/learners"):
        page.evaluate("hash => { location.hash = hash }", hash)
    expect(page.locator("section.list")).to_have_attribute("aria-busy", "false")


def findings(page, options=EVERYTHING):
    """Return what axe finds, each with where."""
    return [
        f"{found['id']}: {node['target']} {node['failureSummary']}"
        for found in Axe().run(page, options=options).response["violations"]
        for node in found["nodes"]
    ]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_axe_finds_nothing_on_a_wide_page_light_or_dark(only_page, view):
    afresh(only_page)
    only_page.emulate_media(color_scheme="light")
    view(only_page)
    assert findings(only_page) == []
    only_page.emulate_media(color_scheme="dark")
    assert findings(only_page, COLOURS) == []


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_a_phone_of_360_pixels_scrolls_in_one_direction_and_axe_finds_nothing(phone, view):
    afresh(phone)
    view(phone)
    assert sideways(phone) == []
    assert findings(phone) == []
    phone.emulate_media(color_scheme="dark")
    assert findings(phone, COLOURS) == []
    phone.emulate_media(color_scheme="light")


def sideways(page):
    """Return what is wider than the window, of the page itself and of an open dialog."""
    return page.get_by_test_id("app").evaluate(
        """(app) => [document.scrollingElement, ...app.querySelectorAll("dialog, .dialog-body")]
            .filter((box) => box.scrollWidth > box.clientWidth + 1)
            .map((box) => `${box.className || box.tagName}: ${box.scrollWidth} of ${box.clientWidth}`)"""
    )


def test_on_a_phone_the_table_reads_as_cards_and_a_learner_covers_the_page(phone):
    afresh(phone)
    card = phone.get_by_test_id("learner-row").first
    expect(card).to_have_role("row")
    expect(card).to_contain_text("Worst Example")
    phone.get_by_label("Sort", exact=True).select_option("name")
    expect(phone.get_by_test_id("learner-row").first).to_contain_text("Aiko")
    phone.get_by_test_id("learner-row").first.get_by_role("button").tap()
    expect(phone.get_by_role("dialog", name="Learner")).to_be_visible()
    phone.get_by_test_id("close-learner").tap()
    expect(phone.get_by_role("dialog")).to_have_count(0)


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
    tab = page.get_by_role("tab", name="Messages")
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
    opened(page, DRAFTED)
    page.get_by_test_id("recalculate").click()
    moving = page.get_by_test_id("app").evaluate(
        "app => app.getRootNode().getAnimations({subtree: true}).length"
    )
    assert moving == 0
    page.keyboard.press("Escape")


def test_the_colours_can_be_chosen_and_are_kept(page):
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


def test_numbers_and_days_are_written_as_the_viewer_writes_them(visit, address, store):
    page = visit(address, locale="de-DE", timezone_id="Europe/Berlin")
    score = page.get_by_test_id("learner-row").first.locator(".label-score")
    expect(score).to_have_text(re.compile(r"^0,\d\d$"))
    expect(page.get_by_test_id("overview-templates").locator(".figure-value")).to_have_text(
        re.compile("^\\d+\N{NO-BREAK SPACE}%$")
    )
    history = section(opened(page, "c-030"), "history")
    history.get_by_text("As a table").click()
    expect(history.get_by_role("rowheader").first).to_have_text(re.compile(r"^\d{1,2}\. [A-ZÄ]"))


def test_thousands_are_grouped_as_the_viewer_groups_them(visit, address, store):
    page = visit(address, locale="de-DE")
    shown = page.evaluate(
        """async () => {
        const { number } = await import(new URL("engagement/static/format.js", location.href));
        return number(1234567);
    }"""
    )
    assert shown == "1.234.567"
