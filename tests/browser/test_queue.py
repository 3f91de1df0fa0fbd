"""The review queue: many drafts at once, the way back, and what leaves the page as a file."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.walking import downloaded
from tests.support import workbooks
from tests.support.cohort import rows


def count(store, condition="true", kind="nudge", status="draft"):
    table = {"nudge": "published_nudges", "quiz": "published_quizzes"}[kind]
    return rows(
        store,
        f"""
        select count(*) from {table} as drafts inner join learners on drafts.learner_id = learners.id
        where drafts.status = '{status}' and {condition}
        """,
    )[0][0]


def found(page, many, of="nudge"):
    expect(page.get_by_test_id("queue-found")).to_have_text(f"{many} {of}{'' if many == 1 else 's'}")


@pytest.fixture
def queue(page):
    page.evaluate("location.hash = '#/review'")
    expect(page.get_by_test_id("queue-row").first).to_be_visible()
    return page


def test_the_queue_shows_what_waits_worst_first_with_its_marks(queue, store):
    found(queue, count(store))
    scores = queue.get_by_test_id("queue-row").locator(".label-score").all_inner_texts()
    assert scores == sorted(scores, reverse=True)
    row = queue.get_by_test_id("queue-row").filter(has_text="Template, not written for them").first
    expect(row.get_by_test_id("template-mark")).to_contain_text(
        re.compile("Templates were asked for|declined to write this")
    )
    queue.get_by_test_id("pager-next").click()
    expect(queue.get_by_text("Page 2 of ")).to_be_visible()
    expect(queue).to_have_url(re.compile("page=2"))


def test_the_queue_is_narrowed_by_program_writer_and_words(queue, store):
    queue.get_by_label("Written by").select_option("model")
    found(queue, count(store, "not gpt_fallback"))
    expect(queue.get_by_test_id("template-mark")).to_have_count(0)
    queue.get_by_label("Program").select_option("Welding")
    found(queue, count(store, "not gpt_fallback and learners.program = 'Welding'"))
    queue.get_by_label("Written by").select_option("template")
    found(queue, count(store, "gpt_fallback and learners.program = 'Welding'"))
    queue.get_by_label("Search").fill("sample")
    found(queue, count(store, "gpt_fallback and learners.program = 'Welding' and name ilike '%sample%'"))
    expect(queue).to_have_url(re.compile("q=sample"))


def test_drafts_by_the_model_are_approved_at_once_and_taken_back(queue, store):
    queue.get_by_label("Written by").select_option("model")
    many = count(store, "not gpt_fallback")
    found(queue, many)
    approved = count(store, status="approved")
    queue.get_by_test_id("select-all").check()
    expect(queue.get_by_test_id("batch-count")).to_have_text(f"{min(many, 25)} selected")
    queue.get_by_test_id("select-row").first.uncheck()
    queue.get_by_test_id("approve-selected").click()
    expect(queue.get_by_test_id("toast").last).to_contain_text(f"{min(many, 25) - 1} approved.")
    found(queue, many - min(many, 25) + 1)
    assert count(store, status="approved") == approved + min(many, 25) - 1
    queue.get_by_test_id("toast-action").last.click()
    found(queue, many)
    assert count(store, status="approved") == approved


def test_templates_are_not_approved_unseen(queue, store):
    queue.get_by_label("Written by").select_option("template")
    many = count(store, "gpt_fallback")
    found(queue, many)
    queue.get_by_test_id("select-row").first.check()
    queue.get_by_test_id("select-row").nth(1).check()
    expect(queue.get_by_test_id("batch")).to_contain_text("2 templates among them")
    queue.get_by_test_id("approve-selected").click()
    dialog = queue.get_by_test_id("confirm-templates")
    expect(dialog).to_contain_text("2 of these 2 are templates.")
    expect(dialog).to_contain_text("A template was not written for the learner. Read it closely first.")
    queue.keyboard.press("Escape")
    assert count(store, "gpt_fallback") == many
    queue.get_by_test_id("approve-selected").click()
    dialog.get_by_test_id("confirm-all").click()
    found(queue, many - 2)
    queue.get_by_test_id("toast-action").last.click()
    found(queue, many)


def test_many_are_rejected_with_one_reason(queue, store):
    many = count(store)
    queue.get_by_test_id("select-row").nth(0).check()
    queue.get_by_test_id("select-row").nth(1).check()
    queue.get_by_test_id("reject-selected").click()
    dialog = queue.get_by_role("dialog", name="Why are these 2 rejected?")
    dialog.get_by_label("The tone does not fit").check()
    dialog.get_by_test_id("reject-confirm").click()
    found(queue, many - 2)
    reasons = rows(
        store,
        """
        select metadata ->> 'reason', count(*) from events
        where type = 'nudge_rejected' and actor <> 'maya.example'
        group by all
        """,
    )
    assert reasons == [("The tone does not fit", 2)]
    queue.get_by_test_id("toast-action").last.click()
    found(queue, many)


def test_one_is_opened_edited_and_approved_in_its_row(queue, store):
    queue.get_by_label("Written by").select_option("model")
    many = count(store, "not gpt_fallback")
    found(queue, many)
    row = queue.get_by_test_id("queue-row").first
    draft_id = row.get_attribute("data-id")
    row.get_by_test_id("open-row").click()
    row.get_by_label("Text", exact=True).fill("Hi {first_name}, I will be in the lab on Friday.")
    row.get_by_test_id("draft").get_by_test_id("approve").click()
    expect(queue.get_by_test_id("toast").last).to_contain_text("1 approved.")
    found(queue, many - 1)
    kept = rows(store, "select status, content from nudges where id = $id", id=draft_id)
    assert kept == [("approved", "Hi {first_name}, I will be in the lab on Friday.")]
    queue.get_by_label("Status").select_option("approved")
    queue.locator(f'[data-id="{draft_id}"]').get_by_test_id("undo").click()
    queue.get_by_label("Status").select_option("draft")
    found(queue, many)


def test_quizzes_have_a_queue_of_their_own(queue, store):
    queue.get_by_role("tab", name="Quizzes").click()
    many = count(store, kind="quiz")
    expect(queue.get_by_test_id("queue-found")).to_have_text(f"{many} quizzes")
    row = queue.get_by_test_id("queue-row").first
    row.get_by_test_id("open-row").click()
    expect(row.get_by_test_id("quiz-question-1").get_by_role("radio")).to_have_count(4)
    row.get_by_test_id("open-row").click()
    row.get_by_test_id("approve").click()
    expect(queue.get_by_test_id("queue-found")).to_have_text(f"{many - 1} quizzes")
    queue.get_by_test_id("toast-action").last.click()
    expect(queue.get_by_test_id("queue-found")).to_have_text(f"{many} quizzes")


def test_the_queue_is_taken_along_as_a_workbook_and_as_json(queue, store):
    queue.get_by_label("Program").select_option("Design")
    many = count(store, "learners.program = 'Design'")
    found(queue, many)
    with downloaded(queue) as as_workbook:
        queue.get_by_test_id("export-xlsx").click()
    with downloaded(queue) as as_json:
        queue.get_by_test_id("export-json").click()
    lines, items = workbooks.lines(as_workbook[1]), json.loads(as_json[1])
    assert {line["program"] for line in lines} == {"Design"}
    assert len(lines) == len(items) == many
    assert {line["written_by"] for line in lines} == {item["written_by"] for item in items}
    assert [as_workbook[0], as_json[0]] == ["nudges-draft.xlsx", "nudges-draft.json"]


def test_a_name_in_the_queue_opens_the_learner(queue):
    name = queue.get_by_test_id("queue-learner").first
    said = name.inner_text()
    name.click()
    panel = queue.get_by_test_id("learner-panel")
    expect(panel.get_by_role("heading", name=said, level=2)).to_be_visible()
    queue.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(name).to_be_focused()
