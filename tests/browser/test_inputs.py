"""What is missing in the data stands under how old the scores are, for whoever opens it."""

from playwright.sync_api import expect


def test_what_is_missing_is_told_by_program_when_it_is_opened(page):
    inputs = page.get_by_test_id("inputs")
    expect(inputs.get_by_role("table")).to_have_count(0)
    inputs.get_by_text("What is missing in the data").click()
    table = inputs.get_by_role("table", name="Inputs that are missing, program by program")
    expect(table.get_by_role("columnheader")).to_have_text(
        ["Program", "Input", "Not known", "What is missing"]
    )
    first = table.get_by_role("row").nth(1)
    expect(first.get_by_role("rowheader")).not_to_be_empty()
    expect(first).to_contain_text("%")
    inputs.get_by_text("What is missing in the data").click()
    expect(inputs.get_by_role("table")).to_have_count(0)
