from datetime import date

import pandas as pd
import pytest

from engagement.reporting import displays

HOSTILE = '<img src=x onerror="alert(1)"> & co'
ESCAPED = "&lt;img src=x onerror=&#34;alert(1)&#34;&gt; &amp; co"


def test_cards_say_label_number_share_and_change() -> None:
    frame = pd.DataFrame(
        {
            "label": ["high", "medium", "low", "unknown"],
            "learners": [500, 2500, 1000, 1000],
            "change": [12, -3, 0, None],
        }
    )
    shown = displays.cards(frame)
    assert repr(shown) == (
        "High risk 500 (+12 since the last run) · Medium risk 2,500 (−3 since the last run) · "
        "Low risk 1,000 (no change since the last run) · Unknown 1,000 (no earlier run)"
    )
    assert "<small>10 %</small>" in shown._repr_html_()
    assert 'class="card high"' in shown._repr_html_()


def test_cards_of_other_things_have_no_share() -> None:
    shown = displays.cards(
        pd.DataFrame({"label": ["drafts", "high"], "learners": [7, 3], "change": [None, None]})
    )
    assert "<small>" not in shown._repr_html_()
    assert repr(shown).startswith("Drafts 7 (no earlier run)")


def test_no_cards_say_so() -> None:
    assert repr(displays.cards(pd.DataFrame({"label": [], "learners": [], "change": []}))) == "no cards"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567, "1,234,567"),
        (0.9345, "0.93"),
        (None, "–"),
        (True, "yes"),
        (pd.Timestamp("2026-11-22 02:01:59"), "2026-11-22 02:01"),
        (date(2026, 11, 22), "2026-11-22"),
        (HOSTILE, ESCAPED),
    ],
    ids=["thousands", "decimals", "null", "bool", "instant", "date", "markup"],
)
def test_table_cells_are_plain_escaped_texts(value, text) -> None:
    html = displays.table(pd.DataFrame({"thing": [value]}))._repr_html_()
    assert f">{text}</td>" in html
    assert "<img" not in html


def test_whole_numbers_beside_nulls_stay_whole() -> None:
    html = displays.table(pd.DataFrame({"thing": [2.0, None]}))._repr_html_()
    assert ">2</td>" in html
    assert ">–</td>" in html


def test_table_heads_are_words_and_number_columns_stand_right() -> None:
    html = displays.table(pd.DataFrame({"completed_percent": [1], "main_reason": ["x"]}))._repr_html_()
    assert '<th scope="col" class="number">Completed\u00a0%</th>' in html
    assert '<th scope="col">Main reason</th>' in html


def test_markup_in_captions_and_column_names_is_escaped() -> None:
    html = displays.table(pd.DataFrame({HOSTILE: [1]}), caption=HOSTILE)._repr_html_()
    assert "<img" not in html
    assert f"<caption>{ESCAPED}</caption>" in html


def test_risk_labels_in_a_table_are_marked_and_still_words() -> None:
    html = displays.table(pd.DataFrame({"risk_label": ["high", "odd"]}))._repr_html_()
    assert '<span class="label high">high</span>' in html
    assert "<td>odd</td>" in html


def test_an_empty_table_says_so_in_words() -> None:
    shown = displays.table(pd.DataFrame({"a": []}), caption="Missing inputs")
    assert "Missing inputs: nothing to show." in shown._repr_html_()
    assert repr(shown) == "Missing inputs, 0 rows: A"


@pytest.mark.parametrize("show", [displays.note, displays.finding])
def test_remarks_are_escaped_in_html_and_plain_in_text(show) -> None:
    assert ESCAPED in show(HOSTILE)._repr_html_()
    assert "<img" not in show(HOSTILE)._repr_html_()
    assert repr(show(HOSTILE)) == HOSTILE


def test_a_difference_and_its_range_have_the_same_digits_also_where_one_is_whole() -> None:
    frame = pd.DataFrame({"Difference, points": [10.0, 11.2], "From, points": [4.0, None]})
    _, rows = displays.table_parts(frame)
    assert [[cell.text for cell in row] for row in rows] == [["10.0", "4.0"], ["11.2", "–"]]


def test_a_long_text_has_width_of_its_own_and_a_day_is_not_broken() -> None:
    """Measured in letters: on a phone the column would be a few wide otherwise."""
    frame = pd.DataFrame(
        {"why": ["short", "a sentence that wants some room"], "until": [date(2026, 3, 1)] * 2}
    )
    _, rows = displays.table_parts(frame)
    assert [[cell.css for cell in row] for row in rows] == [["", "when"], ["long", "when"]]
