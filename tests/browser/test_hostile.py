"""Texts that attack: in every field they are shown as they are, and nothing of them runs."""

import json
from datetime import timedelta

import pandas as pd
import pytest
from playwright.sync_api import expect

from engagement.ingest import events
from engagement.store import Store
from tests.browser import story
from tests.browser.walking import downloaded, draft_of, found, opened, section
from tests.support import workbooks
from tests.support.cohort import DAY, HOUR, learner, load, night, rows

IMG = "<img src=x onerror=\"window.hacked=1;alert('img')\">"
BREAK = "\"><script>window.hacked=1;alert('script')</script>"
LINK = "<a href=\"javascript:window.hacked=1\">javascript:alert('link')</a>"
TEMPLATE = "{{7*7}} ${alert(1)} {% raw %} #{7*7}"
BIDI = "\u202egnp.exe\u202c \u2066x\u2069"
FORMULA = '=HYPERLINK("http://evil.invalid","x")'
STYLE = "<svg/onload=alert(1)><style>*{display:none}</style>"
TEXTS = {
    "img": IMG,
    "break": BREAK,
    "link": LINK,
    "template": TEMPLATE,
    "bidi": BIDI,
    "formula": FORMULA,
    "style": STYLE,
}
ALL = "\n".join(TEXTS.values())
OF_EVERY_OBJECT = ("constructor", "__proto__", "toString")  # what a look-up by name finds in anything
ID = "<b onclick=alert(1)>\"'&amp;/../x"
NOTHING_RAN = "!window.hacked && Object.prototype.polluted === undefined"


@pytest.fixture(scope="module")
def store(chromium_path, tmp_path_factory):
    """A store into which the texts came past every check, as by another program."""
    store = Store(tmp_path_factory.mktemp("hostile") / "store.duckdb")
    at = story.now()
    first, second = story.nights(at)
    ids = [*TEXTS, ID]
    known = {"last_login": at - 20 * DAY, "enrolled_at": at - 60 * DAY, "topic": "x", "cohort": "x"}
    people = [learner(one, **known, email=f"{place}@example.invalid") for place, one in enumerate(ids)]
    load(store, *people, at=first - HOUR)
    happened = [
        {"learner_id": one, "type": kind, "timestamp": at - 3 * DAY, "metadata": json.dumps({kind: kind})}
        for one in ids
        for kind in ("login", *OF_EVERY_OBJECT)
    ]
    events.load(store, pd.DataFrame(happened), observed_at=first - HOUR, loaded_at=first - HOUR)
    night(store, first)
    night(store, second)
    questions = [
        {
            "id": f"q{number}",
            "stem": f"{ALL} {number}",
            "options": [{"text": f"{IMG} {at}", "feedback": f"{BREAK} {at}"} for at in range(4)],
            "answer_index": 1,
            "explanation": ALL,
            "difficulty": "easy",
        }
        for number in range(1, 5)
    ]
    with store.write() as db:
        for one, text in TEXTS.items():
            named = {"id": one, "text": text}
            db.execute(
                """
                update learners
                set name = $text, program = $text, topic = $text, cohort = $text, phone = $text, timezone = $text,
                    locale = $text
                where id = $id
                """,
                named,
            )
            db.execute("update nudges set program = $text, subject = $text where learner_id = $id", named)
        every = {
            "all": ALL,
            "metadata": json.dumps({"text": ALL, ALL: {ALL: [ALL]}, "__proto__": {"polluted": 1}}),
        }
        db.execute("update nudges set content = $all, reason = $all, changed_by = $all", {"all": ALL})
        db.execute(
            "update quizzes set questions = $questions, topic = $all, reason = $all",
            {"questions": json.dumps(questions), "all": ALL},
        )
        db.execute(
            "update events set type = $all, metadata = $metadata, actor = $all where type = 'login'", every
        )
    return store


@pytest.fixture(autouse=True)
def nothing_runs(page):
    yield
    assert page.evaluate(NOTHING_RAN)
    assert (
        page.locator(
            "img[src=x], script:text('hacked'), a[href^='javascript'], [onclick], [onerror], [onload]"
        ).count()
        == 0
    )


def test_the_table_shows_hostile_texts_as_they_are(page):
    found(page, len(TEXTS) + 1)
    for one, text in TEXTS.items():
        row = page.locator(f'[data-id="{one}"]')
        expect(row.get_by_role("rowheader").get_by_role("button")).to_have_text(text)
        expect(row.get_by_role("cell").first).to_have_text(text)
    expect(page.get_by_role("option", name=IMG)).to_have_count(1)
    page.get_by_label("Program", exact=True).select_option(BREAK)
    found(page, 1)
    page.get_by_test_id("search").fill(IMG)
    expect(page.get_by_test_id("empty")).to_contain_text(f"No learner matches “{IMG}”")


@pytest.mark.parametrize("one", TEXTS)
def test_a_learner_shows_hostile_texts_as_they_are(page, one):
    panel = opened(page, one)
    expect(panel.get_by_role("heading", level=2)).to_have_text(TEXTS[one])
    expect(section(panel, "about")).to_contain_text(TEXTS[one])
    expect(panel.get_by_test_id("reachable").locator("dd").first).to_have_text(TEXTS[one])
    expect(section(panel, "timeline")).to_contain_text(IMG)
    for name in OF_EVERY_OBJECT:
        expect(section(panel, "timeline")).to_contain_text(f"{name}: {name}")
    draft = draft_of(panel)
    expect(draft.get_by_label("Text", exact=True)).to_have_value(ALL)
    expect(draft.get_by_test_id("draft-preview")).to_contain_text(BREAK)
    expect(draft.get_by_test_id("template-mark")).to_contain_text("The reason was not recorded.")


def test_an_id_that_is_markup_is_a_link_like_any_other(page):
    page.get_by_test_id("search").fill(ID)
    found(page, 1)
    page.get_by_test_id("learner-row").get_by_role("button").click()
    panel = page.get_by_test_id("learner-panel")
    expect(panel.get_by_test_id("section-timeline")).to_be_visible()
    panel.get_by_test_id("note").click()
    panel.get_by_label("Note", exact=True).fill(ALL.replace(BIDI, ""))
    panel.get_by_test_id("note-save").click()
    expect(panel.get_by_text("The note is saved.")).to_be_visible()
    expect(section(panel, "timeline").get_by_role("listitem").first).to_contain_text(IMG)
    panel.get_by_test_id("note").click()
    panel.get_by_label("Note", exact=True).fill(BIDI)
    panel.get_by_test_id("note-save").click()
    expect(panel.get_by_test_id("error")).to_contain_text("change of writing direction")


def test_a_hostile_quiz_is_shown_tried_and_edited_as_text(page):
    page.evaluate("location.hash = '#/review?kind=quiz'")
    row = page.get_by_test_id("queue-row").first
    expect(row).to_contain_text(IMG)
    row.get_by_test_id("open-row").click()
    question = row.get_by_test_id("quiz-question-1")
    question.get_by_test_id("answer-1-1").check()
    expect(question.locator(".feedback")).to_contain_text(BREAK)
    expect(question.locator(".explanation")).to_contain_text(LINK)
    row.get_by_test_id("tab-edit").click()
    expect(row.get_by_test_id("stem-1")).to_have_value(f"{ALL} 1")
    with downloaded(page) as moodle:
        row.get_by_test_id("download-moodle").click()
    assert b"<script>" in moodle[1]
    assert moodle[1].count(b"<![CDATA[") > 10


def test_the_queue_shows_hostile_texts_as_they_are(page):
    page.evaluate("location.hash = '#/review'")
    for text in (IMG, BREAK, FORMULA):
        expect(
            page.get_by_test_id("queue-row").get_by_role("button", name=text, exact=True).first
        ).to_be_visible()
    page.get_by_test_id("show-whole").first.click()
    expect(page.get_by_test_id("queue-row").first).to_contain_text(STYLE)


def test_what_is_exported_runs_in_no_spreadsheet(page):
    with downloaded(page) as learners:
        page.get_by_test_id("export").click()
    page.evaluate("location.hash = '#/review'")
    with downloaded(page) as queue:
        page.get_by_test_id("export-xlsx").click()
    for content in (learners[1], queue[1]):
        assert FORMULA in {cell for line in workbooks.lines(content) for cell in line.values()}


def test_recalculating_shows_hostile_names_as_they_are(page, store):
    load(
        store,
        learner(
            "img",
            name=IMG,
            program=IMG,
            completed_percent=100,
            avg_quiz_score=100,
            consecutive_missed_sessions=0,
        ),
        at=story.now() - timedelta(seconds=5),
    )
    page.get_by_test_id("recalculate").click()
    page.get_by_test_id("recalculate-start").click()
    expect(page.get_by_test_id("recalculated")).to_be_visible()
    page.keyboard.press("Escape")
    assert rows(store, "select count(*) from learners") == [(len(TEXTS) + 1,)]


@pytest.mark.parametrize(
    "hash",
    [
        "#/learners?search=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&program=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "#/learners?learner=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
        "#/review?q=%7B%7Bconstructor.constructor('alert(1)')()%7D%7D&kind=%3Cscript%3E&__proto__=1",
        "#javascript:alert(1)",
        "#/learners?__proto__[polluted]=1&constructor=1&sort=__proto__",
    ],
)
def test_a_hostile_link_only_shows_the_page(page, hash):
    page.evaluate("hash => { location.hash = hash }", hash)
    expect(page.get_by_role("navigation", name="Views")).to_be_visible()
    expect(page.locator("main")).to_be_visible()
