"""Several people at once: each sees their own programs, and who comes second to a draft is told who came first."""

from contextlib import ExitStack

import pytest
from playwright.sync_api import expect

from tests.browser.pages import pages
from tests.browser.proxy import signed_in
from tests.browser.walking import draft_of, found, ids, opened, section
from tests.support.cohort import rows
from tests.support.dashboard_server import PROXY_SECRET, serving

USERS = """
[users.ada]
role = "coordinator"
programs = ["Data", "Design"]

[users.wim]
role = "coordinator"
programs = ["Design", "Welding"]

[users.rea]
role = "viewer"
programs = "all"

[users.new]
role = "coordinator"
"""


@pytest.fixture(scope="module")
def address(chromium, store, tmp_path_factory):
    users = tmp_path_factory.mktemp("users") / "users.toml"
    users.write_text(USERS, encoding="utf-8")
    environment = {"ENGAGEMENT_USERS": str(users), "ENGAGEMENT_PROXY_SECRET": PROXY_SECRET}
    with serving(store.path, "--viewers", "30", environment=environment) as served:
        yield served


@pytest.fixture(scope="module")
def seen_by(address):
    """Return the address at which somebody is signed in."""
    with ExitStack() as stack:
        known = {}

        def of(user):
            if user not in known:
                known[user] = stack.enter_context(signed_in(address, user))
            return known[user]

        yield of


@pytest.fixture(scope="module")
def opened_by(chromium, seen_by):
    with pages(chromium) as kept:
        known = {}

        def of(user):
            if user not in known:
                known[user] = kept.visit(seen_by(user))
            return known[user]

        yield of


@pytest.fixture
def page_of(opened_by, keep_picture):
    """Return the one page of somebody, at the address that is asked for, with nothing left of an earlier test."""
    shown = []

    def of(user, hash="#/learners"):
        page = opened_by(user)
        for place in ("#/help", hash):
            page.evaluate("hash => { location.hash = hash }", place)
        shown.append(page)
        return page

    yield of
    keep_picture(*shown)
    for page in shown:
        page.watch.saw_nothing()


def draft_in(store, program, place):
    """Return a learner of the program for whom a draft by the model waits, and its id."""
    return rows(
        store,
        """
        select learners.id, drafts.id, learners.name
        from published_nudges as drafts inner join learners on drafts.learner_id = learners.id
        where drafts.status = 'draft' and not gpt_fallback and learners.program = $program
        order by learners.id limit 1 offset $place
        """,
        program=program,
        place=place,
    )[0]


def stored(store, draft_id):
    return rows(store, "select status, content from nudges where id = $id", id=draft_id)[0]


def test_two_people_at_once_see_their_own_programs_and_no_other(page_of, store):
    counts = dict(
        rows(
            store,
            "select program, count(*) from learners join risk_scores on id = learner_id group by program",
        )
    )
    seen = {user: page_of(user) for user in ("ada", "wim")}
    for user, programs in (("ada", ["Data", "Design"]), ("wim", ["Design", "Welding"])):
        page = seen[user]
        expect(page.get_by_role("banner")).to_contain_text(f"{user}, coordinator")
        found(page, sum(counts[program] for program in programs))
        expect(page.get_by_label("Program", exact=True).get_by_role("option")).to_have_text(
            ["All programs", *programs]
        )
        expect(page.get_by_test_id("overview-learners").locator(".figure-value")).to_have_text(
            str(sum(counts[program] for program in programs))
        )
    welder, _, name = draft_in(store, "Welding", 0)
    seen["ada"].get_by_test_id("search").fill(welder)
    found(seen["ada"], 0)
    seen["wim"].get_by_test_id("search").fill(welder)
    found(seen["wim"], 1)
    seen["ada"].evaluate("hash => { location.hash = hash }", f"#/learners?learner={welder}")
    expect(seen["ada"].get_by_test_id("learner-panel").get_by_test_id("error")).to_contain_text(
        "This is not there."
    )
    expect(seen["ada"].get_by_test_id("learner-panel")).not_to_contain_text(name)
    seen["ada"].evaluate("location.hash = '#/learners?program=Welding'")
    found(seen["ada"], counts["Data"] + counts["Design"])
    seen["ada"].get_by_test_id("view-review").click()
    expect(seen["ada"].get_by_label("Program").get_by_role("option")).to_have_text(
        ["All programs", "Data", "Design"]
    )


def test_who_comes_second_to_an_approval_is_told_who_was_first(page_of, store):
    learner_id, draft_id, _ = draft_in(store, "Design", 0)
    ada, wim = page_of("ada"), page_of("wim")
    hers, his = draft_of(opened(ada, learner_id)), draft_of(opened(wim, learner_id))
    hers.get_by_test_id("approve").click()
    expect(hers.get_by_text("Approved: it may be sent.")).to_be_visible()
    his.get_by_test_id("reject").click()
    wim.get_by_label("The tone does not fit").check()
    wim.get_by_test_id("reject-confirm").click()
    told = his.get_by_test_id("conflict")
    expect(told).to_contain_text("Somebody else was first.")
    expect(told).to_contain_text("ada changed this")
    expect(told).to_contain_text("It is now “Approved”")
    assert stored(store, draft_id)[0] == "approved"
    acted = rows(
        store,
        "select type, actor from events where learner_id = $id and actor in ('ada', 'wim')",
        id=learner_id,
    )
    assert acted == [("nudge_approved", "ada")]


def test_who_comes_second_with_words_of_their_own_chooses_which_stay(page_of, store):
    learner_id, draft_id, _ = draft_in(store, "Design", 1)
    ada, wim = page_of("ada"), page_of("wim")
    hers, his = draft_of(opened(ada, learner_id)), draft_of(opened(wim, learner_id))
    his.get_by_label("Text", exact=True).fill("Hi {first_name}, these are the words of Wim.")
    hers.get_by_label("Text", exact=True).fill("Hi {first_name}, these are the words of Ada.")
    hers.get_by_test_id("save").click()
    expect(hers.get_by_text("Saved.", exact=True)).to_be_visible()
    his.get_by_test_id("save").click()
    told = his.get_by_test_id("conflict")
    expect(told).to_contain_text("ada changed this")
    expect(told).to_contain_text("these are the words of Ada.")
    expect(his.get_by_label("Text", exact=True)).to_have_value("Hi {first_name}, these are the words of Wim.")
    expect(his.get_by_test_id("approve")).to_have_accessible_description("Choose first which text to keep.")
    told.get_by_test_id("conflict-mine").click()
    his.get_by_test_id("save").click()
    expect(his.get_by_text("Saved.", exact=True)).to_be_visible()
    assert stored(store, draft_id) == ("draft", "Hi {first_name}, these are the words of Wim.")


def test_of_many_only_what_nobody_else_decided_is_moved(page_of, store):
    _, draft_id, name = draft_in(store, "Design", 2)
    ada, wim = (
        page_of("ada", "#/review?by=model&program=Design"),
        page_of("wim", "#/review?by=model&program=Design"),
    )
    wim.get_by_test_id("select-all").check()
    many = wim.get_by_test_id("queue-row").count()
    expect(wim.get_by_test_id("batch-count")).to_have_text(f"{many} selected")
    ada.locator(f'[data-id="{draft_id}"]').get_by_test_id("approve").click()
    expect(ada.get_by_test_id("toast")).to_contain_text("1 approved.")
    wim.get_by_test_id("approve-selected").click()
    told = wim.get_by_test_id("conflicts")
    expect(told).to_contain_text("1 left as it is")
    expect(told.get_by_role("listitem")).to_contain_text(f"{name}: ada was first; now “Approved”")
    expect(wim.get_by_test_id("toast")).to_contain_text(f"{many - 1} approved.")
    wim.get_by_test_id("toast-action").click()
    expect(wim.get_by_test_id("queue-found")).to_have_text(f"{many - 1} nudges")
    assert stored(store, draft_id)[0] == "approved"


def test_who_only_looks_has_no_buttons_and_reads_why(page_of, store):
    page = page_of("rea")
    expect(page.get_by_role("banner")).to_contain_text("rea, viewer")
    expect(page.get_by_test_id("recalculate")).to_have_count(0)
    learner_id, _, _ = draft_in(store, "Welding", 0)
    panel = opened(page, learner_id)
    expect(panel.get_by_test_id("viewer-only")).to_contain_text("you need the role of a coordinator")
    for action in (
        "generate-nudge",
        "generate-quiz",
        "phoned",
        "note",
        "approve",
        "reject",
        "save",
        "rewrite",
    ):
        expect(page.get_by_test_id(action)).to_have_count(0)
    expect(section(panel, "messages")).to_contain_text("Hi ")
    page.evaluate("location.hash = '#/review'")
    expect(page.get_by_test_id("viewer-only")).to_contain_text("you need the role of a coordinator")
    expect(page.get_by_test_id("queue-row").first).to_be_visible()
    for action in ("select-row", "select-all", "approve", "reject"):
        expect(page.get_by_test_id(action)).to_have_count(0)


def test_who_has_no_program_yet_reads_so(visit, seen_by):
    page = visit(seen_by("new"))
    expect(page.get_by_text("No program is assigned to you yet.")).to_be_visible()
    assert ids(page) == []


def test_who_is_not_on_the_list_reads_so(visit, seen_by):
    page = visit(seen_by("stranger"), ready=False)
    page.watch.forgive("Failed to load resource")  # which it was told: 403, and no icon
    expect(page.get_by_role("heading", name="You are not on the list")).to_be_visible()
