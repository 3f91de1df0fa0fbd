"""A phone of 360 pixels: everything is there, in one column."""

import pytest
from playwright.sync_api import expect

from tests.browser.pages import PHONE, pages
from tests.browser.views import VIEWS, afresh, findings


@pytest.fixture(scope="module")
def phone(chromium, address):
    with pages(chromium) as kept:
        yield kept.visit(address, viewport=PHONE, has_touch=True)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_a_phone_of_360_pixels_scrolls_in_one_direction_and_axe_finds_nothing(phone, view):
    afresh(phone)
    view(phone)
    assert sideways(phone) == []
    assert findings(phone) == []


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
    expect(phone.get_by_test_id("learner-row").first).to_contain_text("Ada Example")
    phone.get_by_test_id("learner-row").first.get_by_role("button").tap()
    expect(phone.get_by_role("dialog", name="Learner")).to_be_visible()
    phone.get_by_test_id("close-learner").tap()
    expect(phone.get_by_role("dialog")).to_have_count(0)
