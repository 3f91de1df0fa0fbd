"""One learner: why they are scored so, how to get in touch, and what is recorded of it. No model is set up here."""

import io
import re
import zipfile

import pytest
from playwright.sync_api import expect

from tests.browser.walking import downloaded, draft_of, opened, section
from tests.support.cohort import rows


def test_the_reasons_and_the_four_parts_add_up_to_the_score(page):
    panel = opened(page, "worst")
    reasons = section(panel, "reasons").get_by_role("listitem")
    expect(reasons).to_have_text(
        ["0% of the due work done", "Missed 7 sessions in a row", "Quiz average 10%"]
    )
    parts = panel.get_by_test_id("score-parts").get_by_role("row")
    shown = [row.get_by_role("cell").first.inner_text() for row in parts.all()[1:]]
    expect(panel.get_by_test_id("learner-label")).to_contain_text(shown[-1])
    assert sum(map(float, shown[:-1])) == pytest.approx(float(shown[-1]), abs=0.02)  # each is rounded
    expect(panel.get_by_test_id("score-parts").get_by_role("img")).to_have_accessible_name(
        re.compile(r"^The score as a bar: Behind with the work 0\.50")
    )


def test_what_would_help_says_how_much_and_what_the_risk_is_then(page):
    helps = section(opened(page, "worst"), "help")
    expect(helps).to_contain_text("Each of these alone would lower the risk.")
    expect(helps.get_by_role("row", name=re.compile("Work done 0% .* or more"))).to_contain_text("Medium")
    expect(section(opened(page, "write9"), "help")).to_contain_text("The risk is already low.")


def test_who_is_not_scored_is_not_called_safe(page):
    panel = opened(page, "unknown")
    expect(panel.get_by_test_id("learner-label")).to_contain_text("Unknown")
    expect(section(panel, "reasons")).to_contain_text("That does not mean they are safe.")
    expect(panel.get_by_test_id("section-why_score")).to_have_count(0)


def test_who_never_came_reads_so(page):
    expect(section(opened(page, "newcomer"), "reasons")).to_contain_text("Never logged in")


def test_the_history_is_drawn_and_a_table(page):
    history = section(opened(page, "c-030"), "history")
    expect(history.get_by_role("img")).to_have_accessible_name(
        re.compile(r"^Risk score from 0\.\d\d on .* to 0\.\d\d on ")
    )
    history.get_by_text("As a table").click()
    expect(history.get_by_role("row")).to_have_count(3)


def test_the_timeline_says_what_happened_newest_first_and_can_be_narrowed(page):
    timeline = section(opened(page, "write1"), "timeline")
    lines = timeline.locator(".event-what")
    expect(lines).to_have_text(["badge_earned", "Missed a session", "Completed a quiz", "Logged in"])
    expect(timeline).to_contain_text("score: 71")
    timeline.get_by_test_id("timeline-activity").click()
    expect(lines).to_have_text(["Missed a session", "Completed a quiz", "Logged in"])


def test_the_profile_says_how_to_reach_somebody_and_who_they_are(page):
    panel = opened(page, "write1")
    reach = panel.get_by_test_id("reachable")
    expect(reach.get_by_role("link", name="+1-202-555-0100")).to_have_attribute("href", "tel:+12025550100")
    expect(reach.get_by_role("link", name="write1@example.invalid")).to_have_attribute(
        "href", "mailto:write1%40example.invalid"
    )
    expect(reach).to_contain_text("(Europe/Berlin)")
    expect(section(panel, "about")).to_contain_text("2026-autumn")
    expect(section(panel, "about")).to_contain_text("statistics")


def test_a_call_counts_as_a_contact_and_warns(page, store):
    panel = opened(page, "write2")
    expect(panel.get_by_test_id("warning-recently_contacted")).to_have_count(0)
    panel.get_by_test_id("phoned").click()
    panel.get_by_label("What came of it (optional)").fill("She wants to go on in May")
    panel.get_by_test_id("phoned-save").click()
    expect(panel.get_by_text("The call is recorded and counts as a contact.")).to_be_visible()
    expect(panel.get_by_test_id("warning-recently_contacted")).to_be_visible()
    expect(panel.get_by_test_id("reachable")).to_contain_text("1 contact in seven days")
    first = section(panel, "timeline").get_by_role("listitem").first
    expect(first).to_contain_text("Phoned")
    expect(first).to_contain_text("She wants to go on in May")
    assert rows(store, "select count(*) from events where learner_id = 'write2' and type = 'phone_call'") == [
        (1,)
    ]


def test_a_note_is_kept_and_is_no_contact(page):
    panel = opened(page, "write3")
    panel.get_by_test_id("note").click()
    panel.get_by_test_id("note-save").click()
    expect(panel.get_by_text("Write the note first.")).to_be_visible()
    panel.get_by_label("Note", exact=True).fill("Works nights until December")
    panel.get_by_test_id("note-save").click()
    expect(section(panel, "timeline").get_by_role("listitem").first).to_contain_text(
        "Works nights until December"
    )
    expect(panel.get_by_test_id("warning-recently_contacted")).to_have_count(0)
    expect(panel.get_by_test_id("reachable")).to_contain_text("none recorded")


def test_who_was_phoned_yesterday_may_be_written_to_with_a_warning(page):
    panel = opened(page, "phoned")
    expect(panel.get_by_test_id("warning-recently_contacted")).to_have_text(
        "A nudge to this person was sent or approved, or somebody phoned them, in the last three days."
    )
    expect(panel.get_by_test_id("generate-nudge")).not_to_have_attribute("aria-disabled", "true")


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("optedout", "This learner asked not to be contacted."),
        ("inactive", "This learner is no longer enrolled."),
    ],
)
def test_who_may_not_be_written_to_has_a_button_that_says_why(page, store, who, why):
    panel = opened(page, who)
    expect(panel.get_by_test_id("refusal")).to_have_text(why)
    for button in ("generate-nudge", "generate-quiz"):
        expect(panel.get_by_test_id(button)).to_have_attribute("aria-disabled", "true")
        expect(panel.get_by_test_id(button)).to_have_accessible_description(why)
        panel.get_by_test_id(button).click(force=True)
    assert rows(store, "select count(*) from nudges where learner_id = $who", who=who) == [(0,)]


def test_a_channel_without_an_address_says_so(page):
    panel = opened(page, "noaddress")
    panel.get_by_label("Channel").select_option("email")
    expect(panel.get_by_test_id("generate-nudge")).to_have_accessible_description(
        "There is no address for this channel, or several persons have the same."
    )
    panel.get_by_label("Channel").select_option("in_app")
    expect(panel.get_by_test_id("generate-nudge")).not_to_have_attribute("aria-disabled", "true")


def test_a_template_says_that_it_is_one_and_why(page):
    panel = opened(page, "write4")
    panel.get_by_label("Channel").select_option("email")
    panel.get_by_test_id("generate-nudge").click()
    draft = draft_of(panel)
    mark = draft.get_by_test_id("template-mark")
    expect(mark).to_contain_text("Template: not written for Dana Example")
    expect(mark).to_contain_text("No language model is set up here.")
    expect(mark).to_have_accessible_name("Template: not written for Dana Example")
    expect(mark).to_have_css("border-top-style", "dashed")  # not by colour alone
    expect(draft.get_by_test_id("approve")).to_have_text("Approve the template")


def test_a_learner_has_what_was_written_and_what_became_of_it(page, store):
    (learner_id,) = rows(
        store, "select learner_id from published_nudges where status = 'rejected' order by id limit 1"
    )[0]
    messages = section(opened(page, learner_id), "messages")
    expect(messages.locator("summary").get_by_test_id("status")).to_have_text("Rejected")
    messages.locator("summary").click()
    expect(messages.get_by_text("Rejected: it will not be sent.")).to_be_visible()
    expect(messages.get_by_text("By maya.example", exact=False)).to_be_visible()


def test_a_quiz_is_tried_edited_shortened_and_taken_along(page, store):
    panel = opened(page, "write5")
    panel.get_by_test_id("generate-quiz").click()
    quiz = section(panel, "quizzes").get_by_test_id("quiz")
    expect(quiz.get_by_test_id("template-mark")).to_contain_text("No language model is set up here.")
    (questions, right) = rows(
        store,
        """
        select json_array_length(questions), (questions -> 0 ->> 'answer_index')::integer
        from quizzes where learner_id = 'write5'
        """,
    )[0]

    first = quiz.get_by_test_id("quiz-question-1")
    first.get_by_test_id(f"answer-1-{right + 1}").check()
    expect(first.locator(".feedback")).to_contain_text("Right.")
    first.get_by_test_id(f"answer-1-{(right + 1) % 4 + 1}").check()
    expect(first.locator(".feedback")).to_contain_text("Not quite.")
    expect(first.get_by_text("Explanation:")).to_be_visible()

    quiz.get_by_test_id("tab-edit").click()
    quiz.get_by_test_id("stem-1").fill("")
    expect(quiz.get_by_test_id("approve")).to_have_accessible_description(
        "1 field above must be filled or changed first."
    )
    quiz.get_by_test_id("stem-1").fill("What does <b>2 & 3</b> make?")
    quiz.get_by_test_id("drop-question-2").click()
    expect(quiz.get_by_text("Question 2 is removed once you save.")).to_be_visible()
    quiz.get_by_test_id("put-back").click()
    quiz.get_by_test_id("drop-question-2").click()
    quiz.get_by_test_id("save").click()
    expect(quiz.get_by_text("Saved.", exact=True)).to_be_visible()
    expect(quiz.get_by_test_id("template-mark")).to_contain_text("Began as a template, then edited by")

    with downloaded(page) as moodle:
        quiz.get_by_test_id("download-moodle").click()
    with downloaded(page) as gift:
        quiz.get_by_test_id("download-gift").click()
    with downloaded(page) as qti:
        quiz.get_by_test_id("download-qti").click()
    assert qti[0].endswith(".qti.zip")
    assert zipfile.ZipFile(io.BytesIO(qti[1])).testzip() is None
    assert moodle[0].endswith(".xml")
    assert moodle[1].decode().count('<question type="multichoice">') == questions - 1
    assert "<![CDATA[What does <b>2 & 3</b> make?]]>" in moodle[1].decode()
    assert gift[0].endswith(".gift.txt")
    assert "[plain]What does <b>2 & 3</b> make?" in gift[1].decode()

    quiz.get_by_test_id("approve").click()
    expect(quiz.get_by_text("Approved: it may be sent.")).to_be_visible()
    quiz.get_by_test_id("undo").click()
    expect(quiz.get_by_test_id("save")).to_be_visible()


def test_a_quiz_keeps_three_questions(page, store):
    panel = opened(page, "write6")
    panel.get_by_test_id("quiz-topic").fill("statistics")
    panel.get_by_test_id("generate-quiz").click()
    quiz = section(panel, "quizzes").get_by_test_id("quiz")
    quiz.get_by_test_id("tab-edit").click()
    (questions,) = rows(
        store, "select json_array_length(questions) from quizzes where learner_id = 'write6'"
    )[0]
    for _ in range(questions - 3):
        quiz.get_by_test_id("drop-question-1").click()
    expect(quiz.get_by_test_id("drop-question-1")).to_have_accessible_description(
        "A quiz keeps at least three questions."
    )
    quiz.get_by_test_id("discard").click()


def test_nobody_of_that_id_is_said_so(page):
    page.evaluate("location.hash = '#/learners?learner=nobody'")
    expect(page.get_by_test_id("learner-panel").get_by_test_id("error")).to_contain_text("This is not there.")


def test_an_edit_that_is_not_saved_is_not_lost_by_closing(page):
    panel = opened(page, "write7")
    panel.get_by_test_id("generate-nudge").click()
    text = draft_of(panel).get_by_label("Text", exact=True)
    text.fill("Hi {first_name}, something of my own.")
    page.get_by_test_id("close-learner").click()
    page.get_by_test_id("keep-editing").click()
    expect(text).to_have_value("Hi {first_name}, something of my own.")
    page.get_by_test_id("view-help").click()
    expect(page.get_by_test_id("toast")).to_contain_text("are kept, but not saved")
    page.get_by_test_id("toast-action").click()
    expect(draft_of(page.get_by_test_id("learner-panel")).get_by_label("Text", exact=True)).to_have_value(
        "Hi {first_name}, something of my own."
    )
    draft_of(page.get_by_test_id("learner-panel")).get_by_test_id("discard").click()


def test_recalculating_says_what_changed(page, store):
    before = dict(rows(store, "select risk_label, count(*) from risk_scores group by risk_label"))
    page.get_by_test_id("recalculate").click()
    dialog = page.get_by_test_id("recalculate-dialog")
    expect(dialog.get_by_label("For which learners")).to_be_visible()
    dialog.get_by_test_id("recalculate-start").click()
    expect(dialog.get_by_test_id("recalculated")).to_contain_text(
        re.compile(r"learners scored: [1-9]\d* worse than before")
    )
    after = dict(rows(store, "select risk_label, count(*) from risk_scores group by risk_label"))
    assert after != before
    line = dialog.get_by_role("row", name="High")
    expect(line.get_by_role("cell")).to_have_text(
        [str(before["high"]), str(after["high"]), f"+{after['high'] - before['high']}"]
    )
    expect(dialog.get_by_role("heading", name=re.compile("Worse than before"))).to_be_visible()
    dialog.get_by_role("button", name="Close").last.click()
    expect(page.get_by_test_id("overview-high").locator(".figure-value")).to_have_text(str(after["high"]))
    expect(page.get_by_test_id("new-scores")).to_have_count(0)  # one's own are no news
