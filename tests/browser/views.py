"""Every view and every dialog of the page, each as a step that opens it; and what axe finds there."""

import re

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.walking import draft_of, found, opened, settled

AXE = Axe().axe_script  # read once a page: it is half a megabyte
# What axe would load for rules that are not asked, the page's own policy forbids.
EVERYTHING = {"resultTypes": ["violations"], "preload": False}
COLOURS = {**EVERYTHING, "runOnly": ["color-contrast", "link-in-text-block"]}
DRAFTED = "worst"  # has a template of the nightly run, and a quiz
# The whole table and the whole queue are looked at once; behind a panel or a dialog one row is enough, and quicker.
ONE_ROW = f"search={DRAFTED}&"
ONE_DRAFT = f"#/review?q={DRAFTED}"
ONE_OR_TWO = re.compile("^(1 nudge|1 quiz|2 quizzes)$")  # a quiz a week, and two nights may be of two


def learners(page):
    page.evaluate("location.hash = '#/learners'")
    found(page, 147)


def filtered(page):
    page.evaluate("location.hash = '#/learners?search=a&labels=high,medium&contacted=no&top=20&sort=name'")
    expect(page.get_by_test_id("capacity")).to_be_visible()
    settled(page)  # while it waits for an answer the table is pale


def numbers_of_plots(page):
    learners(page)
    for summary in page.get_by_text("As a table").all():
        summary.click()
    page.get_by_test_id("overview-templates").locator("summary").click()


def nobody(page):
    page.evaluate("location.hash = '#/learners?search=zzz'")
    expect(page.get_by_test_id("empty")).to_be_visible()


def learner_with_a_template(page):
    panel = opened(page, DRAFTED, query=ONE_ROW)
    expect(panel.get_by_test_id("template-mark").first).to_be_visible()
    panel.get_by_test_id("note").click()
    panel.get_by_test_id("note-save").click()
    expect(panel.get_by_text("Write the note first.")).to_be_visible()


def learner_with_a_broken_edit(page):
    draft = draft_of(opened(page, DRAFTED, query=ONE_ROW))
    draft.get_by_label("Text", exact=True).fill("{x} " * 1000)
    expect(draft.get_by_label("Text", exact=True)).to_have_attribute("aria-invalid", "true")


def edit_that_would_be_lost(page):
    learner_with_a_broken_edit(page)
    page.get_by_test_id("close-learner").click()
    expect(page.get_by_test_id("unsaved-dialog")).to_be_visible()


def learner_who_opted_out(page):
    expect(opened(page, "optedout", query=ONE_ROW).get_by_test_id("refusal")).to_be_visible()


def queue(page):
    page.evaluate("location.hash = '#/review'")
    expect(page.get_by_test_id("queue-row").first).to_be_visible()


def one_draft(page, more=""):
    page.evaluate("hash => { location.hash = hash }", f"{ONE_DRAFT}{more}")
    expect(page.get_by_test_id("queue-found")).to_have_text(ONE_OR_TWO)


def queue_with_one_open(page):
    one_draft(page)
    page.get_by_test_id("open-row").first.click()
    expect(page.get_by_test_id("draft")).to_be_visible()


def question_before_templates_go(page):
    one_draft(page, "&by=template")
    page.get_by_test_id("select-row").first.check()
    page.get_by_test_id("approve-selected").click()
    expect(page.get_by_test_id("confirm-templates")).to_be_visible()


def question_why_rejected(page):
    one_draft(page)
    page.get_by_test_id("reject").first.click()
    page.get_by_test_id("reject-confirm").click()
    expect(page.get_by_test_id("reject-dialog")).to_be_visible()


def quiz_tried(page):
    one_draft(page, "&kind=quiz")
    page.get_by_test_id("open-row").first.click()
    page.get_by_test_id("answer-1-1").check()
    page.get_by_test_id("show-answers").click()


def quiz_edited(page):
    one_draft(page, "&kind=quiz")
    page.get_by_test_id("open-row").first.click()
    page.get_by_test_id("tab-edit").click()
    page.get_by_test_id("stem-1").fill("")
    page.get_by_test_id("drop-question-2").click()
    expect(page.get_by_test_id("put-back")).to_be_visible()


def help_page(page):
    page.evaluate("location.hash = '#/help'")
    expect(page.get_by_role("heading", name="What it must not be used for")).to_be_visible()


def recalculation(page):
    nobody(page)
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
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    violations = page.evaluate("async options => (await axe.run(options)).violations", options)
    return [
        f"{found['id']}: {node['target']} {node['failureSummary']}"
        for found in violations
        for node in found["nodes"]
    ]
