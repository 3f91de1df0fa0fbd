"""What somebody does goes on above the views: on a slow line, twice by mistake, after the view was left."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from engagement.pipeline import publication
from tests.browser import story
from tests.browser.line import SCRIPT, Line
from tests.browser.pages import pages
from tests.browser.test_queue import count, found
from tests.browser.walking import draft_of, opened, section
from tests.support.cohort import DAY, begin, rows

LOOK_AGAIN = "document.dispatchEvent(new Event('visibilitychange'))"


@pytest.fixture(scope="module")
def only_page(chromium, address):
    with pages(chromium) as kept:
        yield kept.visit(address, script=SCRIPT)


@pytest.fixture
def line(page):
    """The line of the page, working again after the test; nothing that was said is left of it."""
    yield Line(page)
    page.evaluate("line.release()")
    for _ in range(page.get_by_test_id("toast").count()):
        page.get_by_test_id("toast").first.get_by_role("button", name="Dismiss").click()


def queue(page, query="by=model"):
    page.evaluate("hash => { location.hash = hash }", f"#/review?{query}")
    expect(page.get_by_test_id("queue-row").first).to_be_visible()
    return page.get_by_test_id("queue-row")


def learners_view(page):
    page.get_by_test_id("view-learners").click()
    expect(page.get_by_test_id("learner-row").first).to_be_visible()


def somebody_else_takes(store, *draft_ids, status="draft"):
    with store.write() as db:
        db.execute(
            """
            update nudges set status = $status, version = version + 5, changed_by = 'maya.example', changed_at = now()
            where id in (select unnest($ids::text[]))
            """,
            {"ids": list(draft_ids), "status": status},
        )


@pytest.mark.parametrize("slow", [True, False], ids=["slow", "quick"])
def test_a_double_click_approves_one_and_blames_nobody(page, line, store, slow):
    drafts = queue(page)
    waiting, approved = count(store, "not gpt_fallback"), count(store, status="approved")
    if slow:
        line.keep_asked("move")
    drafts.first.get_by_test_id("approve").dblclick()
    if slow:
        drafts.first.get_by_test_id("approve").click(force=True)  # and once more, while nothing happens
        line.waits(1)
        line.release()
    expect(page.get_by_test_id("toast")).to_have_text(re.compile("1 approved"))
    found(page, waiting - 1)
    expect(page.get_by_test_id("conflicts")).to_have_count(0)
    assert count(store, status="approved") == approved + 1
    page.get_by_test_id("toast-action").click()
    found(page, waiting)


def test_a_double_click_writes_one_message(page, line):
    panel = opened(page, "write3")
    line.keep_answers("write_nudge")
    panel.get_by_test_id("generate-nudge").dblclick()
    line.waits(1)
    panel.get_by_test_id("generate-nudge").click(force=True)
    line.release()
    expect(draft_of(panel)).to_be_visible()
    assert line.asked("write_nudge") == 1


def test_two_approvals_under_way_tell_the_conflicts_of_both(page, line, store):
    drafts = queue(page)
    one, other = (drafts.nth(place).get_attribute("data-id") for place in (0, 1))
    somebody_else_takes(store, one, other)
    line.keep_asked("move")
    drafts.nth(0).get_by_test_id("approve").click()
    drafts.nth(1).get_by_test_id("approve").click()
    line.waits(2)
    line.release()
    told = page.get_by_test_id("conflicts")
    expect(told.get_by_role("listitem")).to_have_count(2)
    expect(told).to_contain_text("2 left as they are")
    expect(told).to_contain_text("maya.example was first")
    told.get_by_role("button", name="Close").click()
    expect(told).to_have_count(0)


def test_what_was_changed_in_another_window_is_not_blamed_on_somebody_else(page, line, store, address):
    drafts = queue(page)
    name = page.get_by_role("banner").locator(".top-viewer").inner_text().rpartition(",")[0]
    taken = drafts.first.get_attribute("data-id")
    with store.write() as db:
        db.execute(
            "update nudges set version = version + 1, changed_by = $name, changed_at = now() where id = $id",
            {"name": name, "id": taken},
        )
    drafts.first.get_by_test_id("approve").click()
    told = page.get_by_test_id("conflicts")
    expect(told).to_contain_text("you changed it yourself")
    told.get_by_role("button", name="Close").click()


@pytest.mark.parametrize("failing", ["refused", "overtaken"])
def test_an_undo_that_fails_after_the_view_was_left_is_told(page, line, store, failing):
    drafts = queue(page)
    draft_id = drafts.first.get_attribute("data-id")
    drafts.first.get_by_test_id("approve").click()
    expect(page.get_by_test_id("toast")).to_contain_text("1 approved.")
    learners_view(page)
    if failing == "refused":
        line.spoil("move")
    else:
        somebody_else_takes(store, draft_id, status="queued")
    page.get_by_test_id("toast-action").click()
    told = page.get_by_test_id("toast")
    expect(told).to_contain_text(
        "Your decision: This page is older than the server."
        if failing == "refused"
        else "maya.example was first; now “Ready to send”"
    )


def test_an_approval_that_ends_after_the_view_was_left_is_told_with_its_way_back(page, line, store):
    drafts = queue(page)
    waiting = count(store)
    line.keep_answers("move")
    drafts.first.get_by_test_id("approve").click()
    line.waits(1)
    learners_view(page)
    line.release()
    expect(page.get_by_test_id("toast")).to_contain_text("1 approved.")
    page.get_by_test_id("toast-action").click()
    expect(page.get_by_test_id("toast")).to_contain_text("1 is a draft again.")
    assert count(store) == waiting


def test_a_message_that_is_written_after_its_panel_was_closed_is_told(page, line):
    panel = opened(page, "write4")
    line.keep_answers("write_nudge")
    panel.get_by_test_id("generate-nudge").click()
    line.waits(1)
    panel.get_by_test_id("close-learner").click()
    line.release()
    told = page.get_by_test_id("toast")
    expect(told).to_contain_text("Dana Example: A template stands in")
    told.get_by_test_id("toast-action").click()
    expect(draft_of(page.get_by_test_id("learner-panel"))).to_be_visible()


def test_a_page_that_is_emptied_gives_one_with_rows(page, line, store):
    many = count(store)
    queue(page, "")
    found(page, many)
    last = -(-many // 25)
    assert last > 1
    rest = many - 25 * (last - 1)
    queue(page, f"page={last}")
    expect(page.get_by_test_id("queue-row")).to_have_count(rest)
    page.get_by_test_id("select-all").check()
    page.get_by_test_id("reject-selected").click()
    page.get_by_label("This is not the moment").check()
    page.get_by_test_id("reject-confirm").click()
    found(page, many - rest)
    expect(page.get_by_test_id("queue-row")).to_have_count(25)
    expect(page.get_by_test_id("queue-empty")).to_have_count(0)
    page.get_by_test_id("toast-action").click()
    found(page, many)


def test_the_space_between_two_words_is_searched_with(page, line, store):
    queue(page, "")
    many = count(store, "name ilike '%amara ex%'")
    search = page.get_by_test_id("queue-search")
    search.click()
    page.keyboard.type("amara ")
    expect(page).to_have_url(re.compile("q=amara"))
    expect(page.locator(".review-panel [aria-busy]")).to_have_attribute("aria-busy", "false")
    page.keyboard.type("ex")
    expect(search).to_have_value("amara ex")
    found(page, many)


def test_letters_that_wait_for_an_answer_are_there_for_the_back_button(page, line, store):
    search = page.get_by_test_id("search")
    line.keep_asked("learners")
    search.press_sequentially("samp")
    page.get_by_test_id("learner-row").first.get_by_role("button").click()
    line.release()
    expect(page.get_by_test_id("learner-panel")).to_be_visible()
    assert line.asked("learners") <= 2  # not once a letter
    page.go_back()
    expect(page.get_by_test_id("learner-panel")).to_have_count(0)
    expect(search).to_have_value("samp")


def test_ones_own_recalculation_brings_no_new_scores(page, line, store):
    line.keep_answers("ping")
    page.evaluate(LOOK_AGAIN)  # answered with the scores there were, and late
    line.waits(1)
    page.get_by_test_id("recalculate").click()
    page.get_by_test_id("recalculate-start").click()
    expect(page.get_by_test_id("recalculated")).to_be_visible()
    line.release()
    page.keyboard.press("Escape")
    page.evaluate(LOOK_AGAIN)
    line.keep_answers("ping")
    page.evaluate(LOOK_AGAIN)
    line.waits(1)  # so the one before was heard
    expect(page.get_by_test_id("new-scores")).to_have_count(0)
    line.release()
    tomorrow = begin(store, story.now() + DAY)
    publication.publish(store, tomorrow, now=story.now() + timedelta(seconds=2))
    page.evaluate(LOOK_AGAIN)
    expect(page.get_by_test_id("new-scores")).to_be_visible()
    page.get_by_test_id("show-new").click()


def test_a_recalculation_that_fails_after_its_dialog_was_closed_is_told(page, line):
    line.keep_asked("recalculate")
    line.spoil("recalculate")
    page.get_by_test_id("recalculate").click()
    page.get_by_test_id("recalculate-start").click()
    line.waits(1)
    page.get_by_role("button", name="Close, go on in the background").click()
    line.release()
    expect(page.get_by_test_id("toast")).to_contain_text(
        "The recalculation: This page is older than the server."
    )


def test_what_got_lost_on_a_closing_line_is_said_and_asked_again(page, line, store):
    line.lose("learners")
    page.get_by_test_id("chip-high").click()
    lost = page.locator("section.list").get_by_test_id("error")
    expect(lost).to_contain_text("The connection was interrupted.")
    lost.get_by_test_id("retry").click()
    expect(lost).to_have_count(0)
    expect(page.locator("section.list")).to_have_attribute("aria-busy", "false")


def test_more_drafts_than_a_request_takes_are_decided_in_several(page):
    asked, moved = page.evaluate(
        """async () => {
        const { actionsOf } = await import(new URL("engagement/static/shared/actions.js", location.href));
        const asked = [];
        const actions = actionsOf(async (_method, { items }) => {
            asked.push(items.length);
            return { moved: items.map((item) => ({ ...item, status: "approved" })), conflicts: [] };
        });
        const items = Array.from({ length: 1203 }, (_, at) => ({ id: String(at), version: 1, name: "x" }));
        const { moved } = await actions.move("queue", "nudge", items, "approved");
        return [asked, moved.length];
    }"""
    )
    assert (asked, moved) == ([500, 500, 203], 1203)


def test_who_approves_past_a_limit_is_told_and_may(page, line, store):
    """In a card of its own, and among many in the queue: those are left out, counted, and go once that is known."""
    panel = opened(page, "write5")
    panel.get_by_test_id("generate-nudge").click()
    draft = draft_of(panel)
    expect(draft).to_be_visible()
    expect(
        panel.get_by_test_id("warning-open_draft")
    ).to_be_visible()  # what is below it has moved for the last time
    panel.get_by_test_id("phoned").click()
    panel.get_by_test_id("phoned-save").click()
    expect(panel.get_by_text("The call is recorded")).to_be_visible()
    expect(panel.get_by_test_id("warning-recently_contacted")).to_be_visible()
    draft.get_by_test_id("approve").click()
    told = draft.get_by_test_id("conflict")
    expect(told).to_contain_text("It should not go out now.")
    expect(told).to_contain_text("in the last three days")
    told.get_by_test_id("overrule").click()
    expect(draft.get_by_text("Approved: it may be sent.")).to_be_visible()
    expect(section(panel, "timeline")).to_contain_text("past a limit: A nudge to this person was sent")
    draft.get_by_test_id("undo").click()
    expect(draft.get_by_test_id("approve")).to_be_visible()

    queue(page, "q=write5")
    page.get_by_test_id("select-all").check()
    page.get_by_test_id("approve-selected").click()
    page.get_by_test_id("confirm-all").click()
    told = page.get_by_test_id("conflicts")
    expect(told).to_contain_text("1 left as it is")
    expect(told).to_contain_text("not approved. A nudge to this person was sent or approved")
    told.get_by_test_id("overrule").dblclick()
    expect(page.get_by_test_id("toast")).to_contain_text("1 approved.")
    expect(told).to_have_count(0)
    past = rows(
        store,
        """
        select metadata ->> '$.past[0]' from events where learner_id = 'write5' and type = 'nudge_approved'
        """,
    )
    assert past == [("recently_contacted",)] * 2
