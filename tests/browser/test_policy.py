"""A night by other numbers than the default's, with a calibration kept: the page tells those, and the chance."""

import re
from datetime import datetime

import pytest
from playwright.sync_api import expect

from engagement import runs
from engagement.evaluation import calibration
from engagement.evaluation.calibration import STEPS, Calibration
from engagement.pipeline import publication
from engagement.policy import DEFAULT_POLICY, RiskPolicy
from engagement.risk import scores
from engagement.store import Store
from tests.browser.walking import opened, section
from tests.support.cohort import AS_OF, DAY, LOW, UNKNOWN, learner, load

POLICY = RiskPolicy(
    weights={"behind_pace": 0.46, "low_quiz": 0.24, "missed_session": 0.14, "inactivity": 0.16},
    missed_sessions_cap=5,
    recency_days=20,
    high_above=0.6,
    medium_above=0.3,
    basis="course",
)
LIMITS = {"recent_hours": 100, "cap_contacts": 1}
DEFAULTS = (
    "0.70",
    "0.40",
    "up to 7",
    "up to 30",
    "50%",
    "10%",
    "due work",
    "2 contacts",
    "3 days",
)
# 0.46 for the work and 0.14 for the sessions: what is missing at 0.6, and what is more, is the time away.
EDGE = {"completed_percent": 0, "avg_quiz_score": 100, "consecutive_missed_sessions": 5}
EDGES = {"on": 0, "over": 0.05}
KEPT_AT = datetime(2025, 11, 3)  # noqa: DTZ001 (an instant is a naive datetime in UTC here)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("served") / "store.duckdb")
    enrolled = {"enrolled_at": datetime(2026, 1, 28)}  # noqa: DTZ001 (an instant is a naive datetime in UTC here)
    load(store, learner("worst", **enrolled), learner("fine", **LOW), learner("unknown", **UNKNOWN))
    load(store, *(learner(name, **EDGE, last_login=AS_OF - days * DAY) for name, days in EDGES.items()))
    for as_of in (AS_OF - DAY, AS_OF):
        with store.write() as db:
            run = runs.begin(
                db,
                "nightly",
                key=str(as_of),
                as_of=as_of,
                day=as_of.date(),
                parameters={"30_nudges": LIMITS},
                fingerprint="",
                policy=POLICY,
                now=as_of,
            )
        scores.score(store, run)
        publication.publish(store, run, now=as_of)
    curves = {1: (0.63,) * (STEPS + 1)}
    cohorts = ("Data 2025-03", "Data 2025-09")
    kept = Calibration(POLICY.policy_hash, "left", cohorts, 1_840, curves)
    calibration.keep(store, kept, now=KEPT_AT)
    return store


def test_every_number_of_this_policy_is_another():
    differing = [name for name, value in vars(DEFAULT_POLICY).items() if getattr(POLICY, name) != value]
    assert differing == list(vars(DEFAULT_POLICY))


def test_the_help_tells_the_numbers_in_use(page):
    page.get_by_test_id("view-help").click()
    parts = page.get_by_role("table", name="The four parts of the score and their weights")
    expect(parts.get_by_role("row", name="Behind with the work 46%")).to_be_visible()
    expect(parts.get_by_role("row", name="Sessions missed in a row, up to 5.")).to_contain_text("14%")
    expect(parts.get_by_role("row", name="Days since the last login, up to 20.")).to_contain_text("16%")
    main = page.get_by_role("main")
    expect(main).to_contain_text("Half of the course done adds 0.23; a quiz average of 60% adds 0.10;")
    expect(main).to_contain_text("two sessions missed add 0.06; three days away add 0.02. Together 0.41.")
    expect(main).to_contain_text("Above 0.60. Look at these first.")
    expect(main).to_contain_text("0.30 or less.")


def test_no_page_tells_a_number_of_the_default_policy(page):
    texts = [page.get_by_role("main").inner_text()]
    texts.append(page.get_by_role("img", name="Bars of the learners").get_attribute("aria-label"))
    assert "High, above 0.60" in texts[-1]
    texts.append(section(opened(page, "worst"), "why_score").inner_text())
    history = section(opened(page, "worst"), "history")
    expect(history).to_contain_text("high above 0.60")
    expect(history).to_contain_text("medium above 0.30")
    texts.append(history.inner_text())
    page.get_by_test_id("view-help").click()
    expect(page.get_by_role("heading", name="What it must not be used for")).to_be_visible()
    texts.append(page.get_by_role("main").inner_text())
    found = [(number, text) for text in texts for number in DEFAULTS if number in text]
    assert found == []


def test_limits_are_told_as_the_night_keeps_to_them(page):
    page.get_by_test_id("view-help").click()
    expect(page.get_by_role("main")).to_contain_text(
        "Who was contacted in the last 100 hours, or had one contact in seven, can be written to"
    )
    panel = opened(page, "fine")
    panel.get_by_test_id("phoned").click()
    hint = "Counts as a contact, so no nudge is drafted for them in the next 100 hours."
    expect(panel.get_by_text(hint)).to_be_visible()
    panel.get_by_test_id("phoned-save").click()
    expect(panel.get_by_test_id("warning-recently_contacted")).to_have_text(
        "A nudge to this person was sent or approved, or somebody phoned them, in the last 100 hours."
    )
    expect(panel.get_by_test_id("warning-cap_reached")).to_have_text(
        "In the last seven days one contact with this person was made or approved."
    )


def test_a_score_is_nowhere_shown_as_a_threshold_that_it_does_not_stand_at(page):
    for name, label, shown in (("on", "Medium", "0.60"), ("over", "High", "0.61")):
        row = page.locator(f'[data-testid="learner-row"][data-id="{name}"]')
        expect(row.locator(".label-risk")).to_contain_text(f"{label}{shown}")
        panel = opened(page, name)
        expect(panel.get_by_test_id("learner-label")).to_contain_text(f"{label}{shown}")
        expect(panel.get_by_test_id("score-parts").locator("tfoot strong")).to_have_text(shown)
        history = section(panel, "history")
        history.get_by_text("As a table").click()
        expect(history.get_by_role("row").nth(1)).to_contain_text(shown)
        page.get_by_test_id("close-learner").click()


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles"])
def test_days_are_those_of_the_institution_wherever_the_browser_is(visit, address, zone):
    """What happened at an instant (a call, a draft) is told by the viewer's clock; the day of a run has none."""
    page = visit(address, timezone_id=zone)
    history = page.get_by_role("region", name="Learners by label, day by day")
    history.get_by_text("As a table").click()
    expect(history.get_by_role("rowheader")).to_have_text(["1 Mar", "28 Feb"])
    drawn = history.locator(".plot-frame")
    expect(drawn).to_have_accessible_name(
        re.compile("^Lines of the learners by label from 28 Feb to 1 Mar\\.")
    )
    expect(page.get_by_test_id("age")).to_contain_text("changes since Sat 28 Feb")
    panel = opened(page, "worst")
    expect(section(panel, "why_score")).to_contain_text("as of 1 Mar.")
    expect(panel.get_by_test_id("chance-source")).to_contain_text("as known on 3 Nov 2025")
    expect(panel.get_by_test_id("about")).to_contain_text("Enrolled28 Jan")
    expect(section(panel, "history").locator(".spark-days")).to_have_text("28 Feb28 Feb")
    section(panel, "history").get_by_text("As a table").click()
    expect(section(panel, "history").get_by_role("rowheader")).to_have_text(["28 Feb"])


def test_a_chance_stands_beside_the_score_and_says_where_it_comes_from(page):
    panel = opened(page, "worst")
    expect(panel.get_by_test_id("chance")).to_have_text(
        "63 of 100 with a score like this withdrew or failed later"
    )
    source = section(panel, "why_score").get_by_test_id("chance-source")
    expect(source).to_contain_text(
        "63 of 100: for week 5 of a course, by the courses Data 2025-03, Data 2025-09"
    )
    expect(source).to_contain_text("as known on 3 Nov 2025")
    expect(panel.get_by_test_id("learner-label")).to_contain_text("High")


def test_who_has_no_score_has_no_chance(page):
    panel = opened(page, "unknown")
    expect(panel.get_by_test_id("learner-label")).to_contain_text("Unknown")
    expect(panel.get_by_test_id("chance")).to_have_count(0)
