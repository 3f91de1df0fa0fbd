"""The first view: the figures, the plots, and the table that says whom to look at first."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.walking import downloaded, found, ids, settled
from tests.support import workbooks
from tests.support.cohort import rows

EVERYBODY = "select id from learners inner join risk_scores on id = learner_id"
SORTS = {
    "name": "name",
    "program": "program",
    "risk_score": "risk_score",
    "completed_percent": "completed_percent",
    "avg_quiz_score": "avg_quiz_score",
    "consecutive_missed_sessions": "consecutive_missed_sessions",
    "last_login": "last_login",
}


def of(store, condition="true"):
    return {row[0] for row in rows(store, f"{EVERYBODY} where {condition}")}


def test_the_top_says_how_many_stand_where_and_how_that_changed(page, store):
    now, before = (
        dict(
            rows(
                store,
                """
                select risk_label, count(*)
                from (
                    select learner_id, max_by(risk_label, as_of) as risk_label
                    from risk_history where as_of <= (select max(as_of) - to_days($days) from risk_history)
                    group by learner_id
                )
                group by risk_label
                """,
                days=days,
            )
        )
        for days in (0, 1)
    )
    expect(page.get_by_test_id("overview-learners")).to_contain_text(str(sum(now.values())))
    for label, count in now.items():
        figure = page.get_by_test_id(f"overview-{label}")
        change = count - before.get(label, 0)
        said = f"{abs(change)} {'more' if change > 0 else 'fewer'}" if change else "no change"
        expect(figure.locator(".figure-value")).to_have_text(str(count))
        expect(figure).to_contain_text(said)


def test_the_top_says_what_waits_and_how_much_of_it_is_by_template_and_why(page, store):
    nudges, templates = rows(
        store, "select count(*), count_if(gpt_fallback) from published_nudges where status = 'draft'"
    )[0]
    quizzes, of_quizzes = rows(
        store, "select count(*), count_if(gpt_fallback) from published_quizzes where status = 'draft'"
    )[0]
    waiting = page.get_by_test_id("overview-waiting")
    expect(waiting.locator(".figure-value")).to_have_text(str(nudges + quizzes))
    expect(waiting.get_by_role("button")).to_have_text(f"Review {nudges} nudges, {quizzes} quizzes")
    share = page.get_by_test_id("overview-templates")
    expect(share.locator(".figure-value")).to_have_text(
        f"{100 * (templates + of_quizzes) / (nudges + quizzes):.0f}%"
    )
    share.locator("summary").click()
    expect(
        share.get_by_role("listitem").filter(has_text="The language model declined to write this.")
    ).to_be_visible()
    share.locator("summary").click()


def test_the_top_says_how_old_the_data_is(page):
    expect(page.get_by_test_id("age")).to_have_text(
        re.compile(r"Scores published yesterday, 23:59 · newest facts (now|.* ago)")
    )


@pytest.mark.parametrize("plot", ["How the risk is spread", "Learners by label, day by day"])
def test_a_plot_says_in_words_and_as_a_table_what_it_draws(page, plot):
    card = page.get_by_role("region", name=plot)
    drawing = card.locator(".plot-frame")
    expect(drawing).to_have_attribute("data-state", "drawn")
    expect(drawing).to_have_role("img")
    expect(drawing).to_have_accessible_name(re.compile(r"High.*\d.*Medium.*\d.*Low.*\d"))
    expect(drawing.locator("svg").first).to_be_visible()
    card.get_by_text("As a table").click()
    expect(card.get_by_role("table")).to_be_visible()
    card.get_by_text("As a table").click()


def test_the_table_shows_the_worst_first_and_turns_its_pages(page, store):
    scores = dict(rows(store, "select learner_id, risk_score from risk_scores"))
    worst = sorted((score for score in scores.values() if score is not None), reverse=True)
    expect(page.get_by_role("columnheader", name="Risk")).to_have_attribute("aria-sort", "descending")
    first = ids(page)
    assert [scores[one] for one in first] == worst[:25]
    page.get_by_test_id("pager-next").click()
    expect(page.get_by_text("Page 2 of 6")).to_be_visible()
    assert [scores[one] for one in ids(page)] == worst[25:50]
    expect(page).to_have_url(re.compile("page=2"))
    page.get_by_test_id("pager-previous").click()
    expect(page.get_by_text("Page 1 of 6")).to_be_visible()
    assert ids(page) == first


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("AMARA ex", "name ilike '%amara ex%'"),
        ("c-01", "id like '%c-01%'"),
        ("optedout@", "id = 'optedout'"),
        ("100%_", "false"),
    ],
    ids=["name", "id", "e-mail", "no pattern"],
)
def test_search_finds_part_of_a_name_an_id_or_an_address(page, store, text, condition):
    page.get_by_test_id("search").fill(text)
    expected = of(store, condition)
    found(page, len(expected))
    assert set(ids(page)) == expected
    page.get_by_role("button", name="Clear the search").click()
    found(page, len(of(store)))


def test_chips_program_and_search_narrow_together(page, store):
    page.get_by_test_id("chip-high").click()
    page.get_by_test_id("chip-medium").click()
    page.get_by_label("Program", exact=True).select_option("Design")
    page.get_by_test_id("search").fill("sample")
    expected = of(store, "risk_label in ('high', 'medium') and program = 'Design' and name ilike '%sample%'")
    assert expected
    found(page, len(expected))
    expect(page.get_by_test_id("chip-high")).to_have_attribute("aria-pressed", "true")
    page.get_by_test_id("clear-filters").click()
    found(page, len(of(store)))


def test_a_program_beside_the_table_narrows_it(page, store):
    page.get_by_role("region", name="Programs, worst first").get_by_role("button", name="Welding").click()
    found(page, len(of(store, "program = 'Welding'")))
    expect(page.get_by_test_id("overview-learners")).to_contain_text("Welding")
    page.get_by_role("region", name="Figures").get_by_text("Welding").wait_for()


def test_not_contacted_leaves_out_whom_somebody_phoned_or_wrote_to(page, store):
    page.get_by_test_id("chip-not-contacted").click()
    contacted = {
        row[0]
        for row in rows(
            store,
            """
            select learner_id from published_nudges where status in ('sent', 'delivered')
            union select learner_id from events where type = 'phone_call'
            """,
        )
    }
    assert "phoned" in contacted
    found(page, len(of(store) - contacted))


def test_top_n_leaves_the_worst_whom_one_may_call(page, store):
    page.get_by_test_id("chip-capacity").click()
    found(page, 20)
    page.get_by_test_id("capacity").fill("3")
    found(page, 3)
    expect(page).to_have_url(re.compile("top=3"))
    called = ids(page)
    assert "optedout" not in called
    assert called[0] == "worst"
    scores = dict(rows(store, "select learner_id, risk_score from risk_scores"))
    assert [scores[one] for one in called] == sorted((scores[one] for one in called), reverse=True)


@pytest.mark.parametrize("column", SORTS)
def test_every_column_sorts_both_ways(page, store, column):
    page.get_by_test_id("chip-high").click()
    found(page, len(of(store, "risk_label = 'high'")))
    head = page.get_by_role("columnheader").filter(has=page.get_by_test_id(f"sort-{column}"))
    values = dict(
        rows(
            store,
            f"select id, {SORTS[column]} from (select * from learners) as l join risk_scores on id = learner_id",
        )
    )
    for _ in range(2):
        head.get_by_role("button").click()
        direction = head.get_attribute("aria-sort") or ""
        expect(head).to_have_attribute("aria-sort", re.compile("ascending|descending"))
        settled(page)
        direction = head.get_attribute("aria-sort")
        shown = [values[one] for one in ids(page)]
        known = [value for value in shown if value is not None]
        assert known == sorted(known, reverse=direction == "descending")
        assert shown[: len(known)] == known  # what is missing comes last


def test_reasons_sort_too(page):
    page.get_by_test_id("sort-reason").click()
    first = ids(page)
    page.get_by_test_id("sort-reason").click()
    expect(page.get_by_test_id("learner-row").first).not_to_have_attribute("data-id", first[0])


def test_whoever_was_contacted_comes_before_those_who_were_not(page):
    """One was phoned; a nudge to another is approved and was not sent."""
    page.get_by_test_id("sort-last_contact_at").click()
    expect(page.get_by_test_id("learner-row").first).to_have_attribute("data-id", "phoned")


def test_a_link_opened_afresh_shows_the_same(page, visit, address):
    page.get_by_test_id("chip-medium").click()
    page.get_by_label("Program", exact=True).select_option("Data")
    page.get_by_test_id("sort-avg_quiz_score").click()
    expect(page.get_by_role("columnheader").filter(has_text="Quiz")).to_have_attribute(
        "aria-sort", "ascending"
    )
    mine = ids(page)
    link = page.url.partition("#")[2]
    other = visit(address, f"#{link}")
    expect(other.get_by_test_id("chip-medium")).to_have_attribute("aria-pressed", "true")
    expect(other.get_by_test_id("found")).to_have_text(page.get_by_test_id("found").inner_text())
    assert ids(other) == mine


def test_the_back_button_takes_back_a_filter_and_an_open_learner(page, store):
    page.get_by_test_id("chip-high").click()
    found(page, len(of(store, "risk_label = 'high'")))
    page.get_by_test_id("learner-row").first.get_by_role("button").click()
    expect(page.get_by_test_id("learner-panel")).to_be_visible()
    page.go_back()
    expect(page.get_by_test_id("learner-panel")).to_have_count(0)
    page.go_back()
    found(page, len(of(store)))


def test_an_address_that_makes_no_sense_shows_the_table(page, visit, address, store):
    other = visit(address, "#/nonsense?labels=%3Cb%3E,high&sort=evil&top=-4&page=x&contacted=maybe")
    found(other, len(of(store, "risk_label = 'high'")))


def test_a_page_that_is_no_longer_there_gives_the_first(page, store):
    page.evaluate("location.hash = '#/learners?labels=high&page=99'")
    expect(page.get_by_test_id("learner-row")).to_have_count(len(of(store, "risk_label = 'high'")))
    expect(page).not_to_have_url(re.compile("page"))


def test_what_is_found_is_exported(page, store):
    page.get_by_test_id("chip-high").click()
    expected = of(store, "risk_label = 'high'")
    found(page, len(expected))
    with downloaded(page) as file:
        page.get_by_test_id("export").click()
    name, content = file
    assert re.fullmatch(r"learners-\d{4}-\d\d-\d\d\.xlsx", name)
    assert {row["id"] for row in workbooks.lines(content)} == expected


def test_nobody_found_says_so_and_offers_the_way_back(page, store):
    page.get_by_test_id("search").fill("zzz")
    expect(page.get_by_test_id("empty")).to_contain_text("No learner matches “zzz”")
    expect(page.get_by_test_id("export")).to_have_attribute("aria-disabled", "true")
    page.get_by_test_id("empty").get_by_role("button", name="Clear filters").click()
    found(page, len(of(store)))


def test_the_help_says_what_the_score_is_and_what_it_must_not_be_used_for(page):
    page.get_by_test_id("view-help").click()
    expect(page.get_by_role("heading", name="What it must not be used for")).to_be_visible()
    expect(page.get_by_text("grades or certificates")).to_be_visible()
    expect(
        page.get_by_role("table", name="The four parts of the score and their weights").get_by_role("row")
    ).to_have_count(5)
    expect(page.get_by_role("main")).to_contain_text("Above 0.70. Look at these first.")
    assert page.url.endswith("#/help")


def test_the_back_button_leads_to_the_last_letter_typed_and_before_it_to_none(page, store):
    search = page.get_by_test_id("search")
    found(page, len(of(store)))
    for text in ("s", "sa", "sam"):
        search.fill(text)
    page.get_by_test_id("learner-row").first.locator("button").click()
    expect(page.get_by_test_id("learner-panel")).to_be_visible()
    page.go_back()
    expect(page.get_by_test_id("learner-panel")).to_have_count(0)
    expect(search).to_have_value("sam")
    page.go_back()
    expect(search).to_have_value("")
    found(page, len(of(store)))
