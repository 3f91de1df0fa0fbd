"""Prompts and their keys for a million learners in the store, beside jinja filling a template for each of them.

Ours is what a run does (`completions.prompts_to_ask`): lines by `nudge_data` over the relation, the key by SHA-256 in
DuckDB, into a temporary table. The rival has the rows in Python already, fills one template for each and makes the
same keys: held to the same texts. It does so for some rows, and its time is multiplied.
"""

import hashlib
import statistics
import time
from typing import Any

import duckdb
import jinja2

from engagement.llm import prompts
from engagement.store import first_row

ROWS, PER = 1_000_000, 200_000
FILLED = 20_000
RUNS = 3
MOST_S, RIVAL_RATIO = 1, 0.25
PREFIX = prompts.nudge_task("email", "en").key_prefix(
    model="gpt-4.1-mini", base_url="https://api.openai.com/v1"
)
TYPES = ["behind_pace", "low_quiz", "missed_session", "inactivity", "welcome", "support_referral", "praise"]

# One row per learner: what a run knows, a tenth of it missing; two in three of 18 programs and 60 topics have titles.
INPUTS = """
create temp table prompt_inputs as
with drawn as (
    select range as id, hash(range, 1) as a, hash(range, 2) as b, hash(range, 3) as c, hash(range, 4) as d,
        hash(range, 5) as e, hash(range, 6) as f, hash(range, 7) as g, hash(range, 8) as h
    from range($rows)
)
select
    id,
    $types[(1 + a % 7)::bigint] as type,
    (1 + b % 3)::integer as variant,
    case when c % 18 < 12 then 'Programme ' || (c % 18) end as program_title,
    case when d % 60 < 40 then 'Topic ' || (d % 60) end as topic_title,
    a // 7 % 30 = 0 as never_logged_in,
    case when e % 10 > 0 then e // 10 % 1001 / 10 end as completed_percent,
    case when f % 10 > 0 then f // 10 % 1001 / 10 end as avg_quiz_score,
    case when g % 10 > 0 then (g // 10 % 12)::double end as consecutive_missed_sessions,
    case when a // 7 % 30 > 0 and h % 10 > 0 then (h // 10 % 60)::double end as days_inactive
from drawn
"""


def main() -> list[dict[str, Any]]:
    """Return seconds for so many rows, and how many prompts are different."""
    return _measured(ROWS, FILLED, runs=RUNS)


def smallest() -> list[dict[str, Any]]:
    """Return the same of a few rows."""
    return _measured(300, 100, runs=1)


def _measured(rows: int, filled: int, *, runs: int) -> list[dict[str, Any]]:
    with duckdb.connect() as db:
        db.execute(INPUTS, {"types": TYPES, "rows": rows})
        found = db.execute(f"from prompt_inputs where id < {filled} order by id")
        names = [column[0] for column in found.description or ()]
        learners = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        ours, rival = [], []
        for run in range(runs + 1):
            ours_s, rival_s = _ours(db, rows), _rival(learners)
            if run:  # the first is not counted
                ours.append(ours_s)
                rival.append(rival_s)
        kept = db.execute(f"select data, cache_key from prompts where id < {filled} order by id").fetchall()
        assert kept == _filled(learners)
        (different,) = first_row(db, "select count(distinct cache_key) from prompts")
    ours_s, rival_s = (statistics.median(taken) for taken in (ours, rival))
    what = f"prompts and keys in DuckDB, {PER:,} rows of {rows:,}"
    beside = f"{what}, beside jinja in Python ({filled:,}, multiplied)"
    return [
        {"what": what, "ours": ours_s, "unit": "s", "most": MOST_S},
        _row(beside, ours_s, rival_s) | {"target": RIVAL_RATIO},
        {
            "what": f"different prompts of {rows:,} invented learners, one channel",
            "ours": different,
            "unit": "prompts",
        },
    ]


def _ours(db: duckdb.DuckDBPyConnection, rows: int) -> float:
    begin = time.monotonic()
    relation = prompts.nudge_data(db.table("prompt_inputs"))
    db.execute(
        f"""
        create or replace temp table prompts as
        select id, data, sha256(concat($prefix, chr(10), data)) as cache_key
        from ({relation.sql_query()})
        """,
        {"prefix": PREFIX},
    )
    return (time.monotonic() - begin) * PER / rows


def _rival(learners: list[dict[str, Any]]) -> float:
    begin = time.monotonic()
    _filled(learners)
    return (time.monotonic() - begin) * PER / len(learners)


def _filled(learners: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return each learner's lines and key."""
    template = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(_template())
    texts = (template.render(learner) for learner in learners)
    return [(text, hashlib.sha256(f"{PREFIX}\n{text}".encode()).hexdigest()) for text in texts]


def _template() -> str:
    """Return the lines as one would write them for one learner, every range a branch."""
    text = (
        "reason: {{ type }}\n"
        f"course: {{{{ program_title or {prompts.NEUTRAL_COURSE!r} }}}}\n"
        "{% if topic_title %}topic: {{ topic_title }}\n{% endif %}"
    )
    for column, band in prompts.BANDS.items():
        types = [type for type, columns in prompts.NEEDED.items() if column in columns]
        branches = [f"{{% elif {column} < {below} %}}{band.label}: {words}\n" for below, words in band.ranges]
        never = f"{{% elif never_logged_in %}}{band.label}: {prompts.NEVER}\n"
        text += (
            f"{{% if type not in {types} %}}"
            f"{never if column == 'days_inactive' else ''}"
            f"{{% elif {column} is none %}}{''.join(branches)}"
            f"{{% else %}}{band.label}: {band.above}\n{{% endif %}}"
        )
    return text + "style: {{ variant }}"


def _row(what: str, ours: float, rival: float) -> dict[str, Any]:
    return {"what": what, "ours": ours, "rival": rival, "ratio": round(ours / rival, 2), "unit": "s"}
