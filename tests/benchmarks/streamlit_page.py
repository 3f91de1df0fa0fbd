"""The page of learners as a good Streamlit developer would write it: what the dashboard is measured against.

The same table (25 rows a page, the same columns, worst first), the same filters and the same histogram, on a copy of
the store that nobody writes. As Streamlit's documentation advises: the connection is a cached resource, results of
queries are cached data, and what narrows the table is a fragment, so that a search draws no chart anew.

    ENGAGEMENT_STORE=store.duckdb streamlit run tests/benchmarks/streamlit_page.py
"""

import os
from typing import Any, Literal

import duckdb
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

PAGE_SIZE = 25
KEPT_S = 600  # scores change nightly
COLOURS = {"high": "#c0392b", "medium": "#d68910", "low": "#1e8449", "unknown": "#7f8c8d"}
ALL = "All programs"

MATCHING = """
from learners
left join risk_scores on learners.number = risk_scores.learner_number
where
    -- a search also finds who has no score
    (risk_scores.learner_number is not null or ($search <> '' and len($labels) = 0))
    and ($program is null or learners.program = $program)
    and (len($labels) = 0 or list_contains($labels, risk_scores.risk_label))
    and (
        $search = ''
        or contains(lower(learners.name), $search)
        or contains(lower(learners.id), $search)
        or contains(lower(learners.email), $search)
    )
"""
PAGE = f"""
with page as (
    select
        learners.id,
        learners.person_id,
        learners.name,
        learners.program,
        risk_scores.* exclude (learner_id)
    {MATCHING}
    order by risk_scores.risk_score desc nulls last, learners.id
    limit {PAGE_SIZE} offset $skipped
),

contacts as (
    select
        person_id,
        max(coalesce(sent_at, approved_at)) as last_contact_at
    from nudges
    where status in ('approved', 'queued', 'sent', 'delivered') and person_id in (select person_id from page)
    group by person_id
)

select
    page.name,
    page.id,
    page.program,
    page.risk_score,
    page.risk_label,
    case greatest(page.behind_pace, page.low_quiz, page.missed_session, page.inactivity)
        when page.behind_pace then format('{{:.0f}} % of the due work done', page.completed_percent)
        when page.low_quiz then format('quiz average {{:.0f}}', page.avg_quiz_score)
        when page.missed_session then format('missed {{}} sessions in a row', page.consecutive_missed_sessions)
        else coalesce(format('last login {{:.0f}} days ago', page.days_inactive), 'never logged in')
    end as reason,
    page.completed_percent,
    page.avg_quiz_score,
    page.consecutive_missed_sessions,
    page.last_login,
    contacts.last_contact_at
from page
left join contacts on page.person_id = contacts.person_id
order by page.risk_score desc nulls last, page.id
"""
BINS = """
select
    least(floor(risk_scores.risk_score * 20), 19) / 20 as score_from,
    risk_scores.risk_label,
    count(*) as learners
from risk_scores
inner join learners on risk_scores.learner_number = learners.number
where risk_scores.risk_score is not null and ($program is null or learners.program = $program)
group by all
order by all
"""
COLUMNS: dict[Literal["_index"] | str, Any] = {
    "name": "Learner",
    "id": "Id",
    "program": "Program",
    "risk_score": st.column_config.ProgressColumn("Risk", min_value=0, max_value=1, format="%.2f"),
    "risk_label": "Label",
    "reason": "Main reason",
    "completed_percent": st.column_config.NumberColumn("Work done", format="%.0f %%"),
    "avg_quiz_score": st.column_config.NumberColumn("Quizzes", format="%.0f %%"),
    "consecutive_missed_sessions": "Missed",
    "last_login": st.column_config.DatetimeColumn("Last login", format="distance"),
    "last_contact_at": st.column_config.DatetimeColumn("Last contact", format="distance"),
}


@st.cache_resource
def connection() -> duckdb.DuckDBPyConnection:
    """Return the one connection of the server."""
    return duckdb.connect(os.environ["ENGAGEMENT_STORE"], read_only=True)


@st.cache_data(ttl=KEPT_S, max_entries=1000, show_spinner=False)
def programs() -> list[str]:
    """Return the names of the programs."""
    found = connection().cursor().execute("select distinct program from learners order by program").fetchall()
    return [name for (name,) in found]


@st.cache_data(ttl=KEPT_S, max_entries=1000, show_spinner=False)
def count(search: str, labels: list[str], program: str | None) -> int:
    """Return how many learners match."""
    named = {"search": search.lower(), "labels": labels, "program": program}
    rows = connection().cursor().execute(f"select count(*) {MATCHING}", named).fetchall()
    return int(rows[0][0])


@st.cache_data(ttl=KEPT_S, max_entries=1000, show_spinner=False)
def learners(search: str, labels: list[str], program: str | None, page: int) -> pd.DataFrame:
    """Return the rows of a page."""
    named = {
        "search": search.lower(),
        "labels": labels,
        "program": program,
        "skipped": (page - 1) * PAGE_SIZE,
    }
    return connection().cursor().execute(PAGE, named).df()


@st.cache_data(ttl=KEPT_S, max_entries=100, show_spinner=False)
def histogram(program: str | None) -> go.Figure:
    """Return how many learners have which risk."""
    bins = connection().cursor().execute(BINS, {"program": program}).df()
    figure = go.Figure(
        layout={"barmode": "stack", "bargap": 0.05, "height": 300, "margin": {"t": 10, "b": 10}}
    )
    for label, colour in COLOURS.items():
        rows = bins[bins["risk_label"] == label]
        if len(rows):
            figure.add_bar(
                x=rows["score_from"], y=rows["learners"], name=label, marker_color=colour, offset=0
            )
    return figure


def first_page() -> None:
    """Show what a filter finds from its beginning."""
    st.session_state["page"] = 1


@st.fragment
def table(program: str | None) -> None:
    """Show the filters and the page of the table."""
    beside = st.columns([3, 2, 1])
    search = beside[0].text_input("Search", placeholder="Name, id or e-mail", on_change=first_page)
    labels = beside[1].pills("Label", list(COLOURS), selection_mode="multi", on_change=first_page)
    total = count(search.strip(), labels, program)
    pages = max(1, -(-total // PAGE_SIZE))
    page = beside[2].number_input("Page", min_value=1, max_value=pages, key="page")
    with st.container(key="found"):
        st.markdown(f"{total:,} learners")
    rows = learners(search.strip(), labels, program, page)
    st.dataframe(
        rows, column_config=COLUMNS, hide_index=True, width="stretch", height="content", placeholder="–"
    )


st.set_page_config(page_title="Learners", layout="wide")
st.title("Learners")
chosen = st.selectbox("Program", [ALL, *programs()])
only = None if chosen == ALL else chosen
left, right = st.columns([3, 1])
with left:
    table(only)
with right:
    st.plotly_chart(histogram(only), width="stretch", config={"displayModeBar": False})
