"""A nudge from the first word to the approval, with a model that writes, hangs, or declines."""

import json
import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.walking import draft_of, ids, opened, section
from tests.support.asking import KEY, NAME
from tests.support.cohort import rows
from tests.support.dashboard_server import serving
from tests.support.model_server import ModelServer

WITHIN_S = 8
MACHINE_S = 3  # for clicking, drawing and a busy machine


@pytest.fixture(scope="module")
def service():
    with ModelServer() as server:
        yield server


@pytest.fixture
def model(service):
    """The model's service, well again after each test."""
    yield service
    service.behave = lambda _number, _request: None


@pytest.fixture(scope="module")
def address(chromium, store, service):
    environment = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": service.url, "ENGAGEMENT_MODEL": NAME}
    with serving(store.path, "--viewers", "30", environment=environment) as served:
        yield served


def asked_for(page, learner_id, channel):
    panel = opened(page, learner_id)
    panel.get_by_label("Channel").select_option(channel)
    panel.get_by_test_id("generate-nudge").click()
    return panel, draft_of(panel)


def text_of(draft):
    return draft.get_by_label("Text", exact=True)


def stored(store, learner_id):
    return rows(store, "select status, version, content from nudges where learner_id = $id", id=learner_id)[0]


def test_what_the_model_wrote_has_no_mark_and_says_who_wrote_it(page, model):
    _, draft = asked_for(page, "write1", "in_app")
    expect(text_of(draft)).to_have_value(
        "Hi {first_name}, one short visit to your course is enough for today. Reply if you would like company."
    )
    expect(draft).to_contain_text(f"Written by {NAME}")
    expect(draft.get_by_test_id("template-mark")).to_have_count(0)
    expect(draft.get_by_test_id("draft-preview")).to_contain_text("Hi Ada, one short visit")


def test_while_the_model_hangs_a_page_is_turned_and_after_eight_seconds_a_template_stands_in(page, model):
    model.behave = lambda _number, _request: "hang"
    panel = opened(page, "write2")
    panel.get_by_label("Channel").select_option("whatsapp")
    began = time.monotonic()
    panel.get_by_test_id("generate-nudge").click()
    writing = panel.get_by_test_id("writing")
    expect(writing).to_contain_text("of at most 8 seconds")
    first = ids(page)
    page.get_by_test_id("pager-next").click()
    expect(page.get_by_text("Page 2 of 6")).to_be_visible()
    assert not set(first) & set(ids(page))
    expect(writing).to_be_visible()
    draft = draft_of(panel)
    expect(draft.get_by_test_id("template-mark")).to_contain_text(
        "The language model did not answer in time."
    )
    assert time.monotonic() - began < WITHIN_S + MACHINE_S

    model.behave = lambda _number, _request: None
    draft.get_by_test_id("rewrite").click()
    expect(draft.get_by_test_id("template-mark")).to_have_count(0)
    expect(draft).to_contain_text(f"Written by {NAME}")


def test_a_rule_that_was_broken_twice_is_named(page, model):
    model.behave = lambda *_: json.dumps(
        {"body": "Hi {first_name}, look at https://example.invalid/now today."}
    )
    panel = opened(page, "write1")
    panel.get_by_label("Channel").select_option("in_app")
    panel.get_by_test_id("generate-nudge").click()
    mark = draft_of(panel).get_by_test_id("template-mark")
    expect(mark).to_contain_text("broke our rules twice. The last time: holds a link.")


def test_a_quiz_too_is_there_within_eight_seconds(page, model):
    model.behave = lambda _number, _request: "drip body"
    panel = opened(page, "write3")
    began = time.monotonic()
    panel.get_by_test_id("generate-quiz").click()
    quiz = section(panel, "quizzes").get_by_test_id("quiz")
    expect(quiz.get_by_test_id("template-mark")).to_contain_text("did not answer in time")
    assert time.monotonic() - began < WITHIN_S + MACHINE_S
    model.behave = lambda _number, _request: None
    quiz.get_by_test_id("rewrite").click()
    expect(quiz.get_by_test_id("template-mark")).to_have_count(0)
    expect(quiz).to_contain_text(f"Written by {NAME}")


@pytest.mark.parametrize(
    ("learner_id", "fault", "why"),
    [
        ("write4", "refusal", "The language model declined to write this."),
        ("phoned", "401", "The language model refused our key."),
        ("newcomer", "wrong shape", "What the language model wrote broke our rules twice."),
    ],
)
def test_the_mark_says_why_a_template_stands_in(page, model, learner_id, fault, why):
    model.behave = lambda _number, _request: fault
    _, draft = asked_for(page, learner_id, "email")
    expect(draft.get_by_test_id("template-mark")).to_contain_text(why)


def test_who_wants_nothing_to_go_to_a_model_gets_a_template(page, model):
    model.requests.clear()
    panel, draft = asked_for(page, "private", "email")
    expect(panel.get_by_test_id("flags")).to_contain_text("Nothing about them goes to a language model")
    expect(draft.get_by_test_id("template-mark")).to_contain_text(
        "The learner does not want anything about them to go to a language model."
    )
    assert model.requests == []


def test_an_edit_is_counted_and_checked_while_typing_and_saved(page, model, store):
    _, draft = asked_for(page, "write5", "in_app")
    text = text_of(draft)
    text.fill("x" * 285)
    expect(draft.get_by_test_id("draft-counter")).to_contain_text("5 characters too many")
    expect(draft.get_by_text("Longer than the 280 characters this channel allows.").first).to_be_visible()
    expect(text).to_have_attribute("aria-invalid", "true")
    expect(draft.get_by_test_id("approve")).to_have_accessible_description(
        "Solve the problem beside the text first."
    )
    text.fill("Hello{first_name}")
    expect(text).to_have_accessible_description(re.compile("Greet by name"))
    text.fill("Hello {first_name}, see you on Monday.")
    expect(draft.get_by_test_id("draft-counter")).to_contain_text("214 characters left")
    expect(text).not_to_have_attribute("aria-invalid", "true")
    expect(draft.get_by_test_id("draft-preview")).to_contain_text("Hello Eli, see you on Monday.")
    expect(draft.get_by_test_id("unsaved")).to_be_visible()
    draft.get_by_test_id("save").click()
    expect(draft.get_by_text("Saved.", exact=True)).to_be_visible()
    expect(draft.get_by_test_id("unsaved")).to_have_count(0)
    assert stored(store, "write5") == ("draft", 2, "Hello {first_name}, see you on Monday.")


def test_an_edit_is_approved_at_once_and_taken_back(page, model, store):
    _, draft = asked_for(page, "write6", "email")
    draft.get_by_label("Subject").fill("One question")
    draft.get_by_test_id("approve").click()  # "Save and approve"
    expect(draft.get_by_text("Approved: it may be sent.")).to_be_visible()
    assert stored(store, "write6")[0] == "approved"
    assert rows(store, "select subject from nudges where learner_id = 'write6'") == [("One question",)]
    expect(page.get_by_test_id("warning-recently_contacted")).to_be_visible()
    draft.get_by_test_id("undo").click()
    expect(text_of(draft)).to_be_visible()
    assert stored(store, "write6")[0] == "draft"


def test_a_rejection_needs_a_reason_and_keeps_it(page, model, store):
    _, draft = asked_for(page, "write7", "in_app")
    draft.get_by_test_id("reject").click()
    dialog = page.get_by_test_id("reject-dialog")
    dialog.get_by_test_id("reject-confirm").click()
    expect(dialog.get_by_text("Choose a reason or write one.")).to_be_visible()
    dialog.get_by_label("A call is better").check()
    dialog.get_by_test_id("reject-reason").fill("She asked for one")
    dialog.get_by_test_id("reject-confirm").click()
    expect(draft.get_by_text("Rejected: it will not be sent.")).to_be_visible()
    kept = rows(
        store,
        "select metadata ->> 'reason' from events where learner_id = 'write7' and type = 'nudge_rejected'",
    )
    assert kept == [("A call is better: She asked for one",)]
    draft.get_by_test_id("undo").click()
    expect(text_of(draft)).to_be_visible()


def test_writing_again_asks_before_it_replaces_what_somebody_typed(page, model):
    panel, draft = asked_for(page, "write8", "in_app")
    before = text_of(draft).input_value()
    text_of(draft).fill("Hi {first_name}, mine.")
    draft.get_by_test_id("rewrite").click()
    page.get_by_role("dialog", name="Replace your text?").get_by_role("button", name="Cancel").click()
    expect(text_of(draft)).to_have_value("Hi {first_name}, mine.")
    draft.get_by_test_id("rewrite").click()
    page.get_by_test_id("rewrite-confirm").click()
    expect(text_of(draft)).to_have_value(before)
    expect(section(panel, "timeline")).to_contain_text("Nudge: written again by")


def test_a_second_draft_for_the_same_person_warns(page, model):
    panel, _ = asked_for(page, "write9", "in_app")
    expect(panel.get_by_test_id("warning-open_draft")).to_have_text(
        "There is a draft for this person already."
    )
