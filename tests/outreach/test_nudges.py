import asyncio
import hashlib
import json
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from engagement import runs
from engagement.errors import Changed, InvalidInput, NotFound
from engagement.outreach import drafting, editing, nudges, queue, review
from engagement.pipeline import publication
from engagement.policy import DEFAULT_POLICY, DEFAULT_SELECTION
from engagement.risk import scores
from engagement.store import query
from engagement.targeting import decisions
from tests.support.acting import acting
from tests.support.asking import asking
from tests.support.cohort import (
    AS_OF,
    DAY,
    HOUR,
    LOW,
    MEDIUM,
    Overtaken,
    begin,
    decided,
    learner,
    load,
    night,
    rows,
)
from tests.support.model_server import SENTENCES, ModelServer
from tests.support.once import once

DRAFTED = (
    "select learner_id, channel, type, variant, content from nudges order by learner_id, period, campaign"
)


def ask(store, learner_id="a", channel="in_app", now=AS_OF):
    return nudges.ask(store, learner_id, channel=channel, by=acting(now))


def drafted(store, as_of=AS_OF, pipeline="nightly"):
    run = decided(store, as_of, pipeline=pipeline)
    return run, nudges.draft(store, run)


def test_drafting_again_adds_nothing(store):
    load(store, learner("a"), learner("b"), learner("c", **LOW))
    run, count = drafted(store)
    assert count == 2
    assert nudges.draft(store, run) == 0
    assert rows(store, "select learner_id from nudges order by all") == [("a",), ("b",)]


def test_two_runs_of_the_same_night_draft_one_nudge_for_a_person(store):
    load(store, learner("a"))
    _, first = drafted(store)
    _, second = drafted(store, AS_OF - timedelta(seconds=1))
    assert (first, second) == (1, 0)


def test_a_nudge_that_another_run_drafted_meanwhile_stays_the_only_one(store):
    load(store, learner("a"))
    slow, fast = begin(store), begin(store, AS_OF - HOUR)
    for run in (slow, fast):
        decisions.decide(store, run, policy=DEFAULT_SELECTION)
    nudges.draft(Overtaken(store.path, lambda: nudges.draft(store, fast)), slow)
    assert rows(store, "select run_id from nudges") == [(fast.run_id,)]


def test_drafting_goes_on_where_it_stopped(store):
    load(store, learner("a"), learner("b"))
    run, _ = drafted(store)
    with store.write() as db:
        db.execute("delete from nudges where learner_id = 'b'")
    assert nudges.draft(store, run) == 1
    assert rows(store, "select learner_id from nudges order by all") == [("a",), ("b",)]


HOSTILE = [
    "a",
    "b",
    "a|b",
    "|",
    "",
    '"',
    '","',
    'a","b',
    "\\",
    "\n",
    "a\nb",
    "[",
    "]",
    "ä",
    "a\u0308",
    "名",
    "\u0001",
]


def content_id(*parts):
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def test_no_two_contents_have_one_id(store):
    pairs = [[first, second] for first in HOSTILE for second in HOSTILE]
    contents = [*pairs, *([*pair, "b"] for pair in pairs), *([one] for one in HOSTILE)]
    with store.read() as db:
        ids = [db.execute("select content_id($parts)", {"parts": parts}).fetchone()[0] for parts in contents]
    assert len(set(ids)) == len(contents)
    assert ids == [content_id(*parts) for parts in contents]


def test_the_ids_of_drafts_are_those_of_their_content(store):
    hostile = ['a|"x', "a|名"]
    load(store, *(learner(f"e{number}", person_id=person) for number, person in enumerate(hostile)))
    night(store)
    ask(store, "e0")
    [(manual,)] = rows(store, "select period from nudges where campaign = 'manual'")
    made = [
        *(content_id(person, "nightly", "email", "2026-03-01") for person in hostile),
        content_id(hostile[0], "manual", "in_app", manual),
        *(content_id(f"e{number}", "nightly", "quiz", "2026-W09") for number in (0, 1)),
    ]
    kept = rows(store, "select id from nudges union all select id from quizzes")
    assert sorted(made) == sorted(one for (one,) in kept)


def test_a_draft_that_was_named_another_way_before_is_not_made_again(store):
    load(store, learner("a"), learner("b", avg_quiz_score=10))
    night(store, AS_OF - HOUR)
    with store.write() as db:
        for table in ("nudges", "quizzes"):
            db.execute(f"update {table} set id = sha256(id)")
    night(store)
    assert rows(store, "select (select count(*) from nudges), (select count(*) from quizzes)") == [(2, 2)]


STANDING = "select learner_id, status, run_id from {} where campaign = 'nightly' order by learner_id"


def test_untouched_drafts_of_an_attempt_go_with_it_and_the_others_stay(store):
    load(store, *map(learner, "abcde"))
    first = night(store, AS_OF - HOUR)
    ids = dict(rows(store, "select learner_id, id from nudges"))
    by = acting(AS_OF - 0.75 * HOUR)
    review.approve(store, [ids["c"]], by=by)
    review.reject(store, [ids["d"]], reason="Tone", by=by)
    editing.edit_nudge(store, ids["e"], version=1, subject="Ours", content="Hi {first_name}, ours.", by=by)
    load(store, learner("b", **LOW), at=AS_OF - 0.5 * HOUR)
    again = night(store, AS_OF)
    assert rows(store, STANDING.format("nudges")) == [
        ("a", "draft", again.run_id),
        ("c", "approved", first.run_id),
        ("d", "rejected", first.run_id),
        ("e", "draft", first.run_id),
    ]
    assert rows(store, STANDING.format("quizzes")) == [(one, "draft", again.run_id) for one in "acde"]
    seen = {ids["a"]: 1}  # on a page that was opened before
    told = review.move_seen(store, "nudge", seen, "approved", by=acting(AS_OF))
    assert [conflict["version"] for conflict in told["conflicts"]] == [2]
    night(store, AS_OF + DAY)
    assert rows(store, STANDING.format("nudges"))[0] == ("a", "draft", again.run_id)
    assert len(rows(store, STANDING.format("quizzes"))) == 8  # another week


def test_what_a_model_wrote_stays_with_its_learner_and_goes_where_nobody_is_to_be_written_to(store):
    load(store, *map(learner, "ab"))
    first = night(store, AS_OF - HOUR)
    with store.write() as db:
        for table in ("nudges", "quizzes"):
            db.execute(f"update {table} set gpt_fallback = false, reason = null")
    load(store, learner("b", **LOW), at=AS_OF - 0.5 * HOUR)
    night(store, AS_OF)
    for table in ("nudges", "quizzes"):
        assert rows(store, STANDING.format(table)) == [("a", "draft", first.run_id)]


def test_an_attempt_that_is_never_published_takes_no_draft_away(store):
    load(store, *map(learner, "abc"))
    first = night(store, AS_OF - HOUR)
    run, count = drafted(store)
    assert count == 3
    publication.discard(store, run.run_id, now=AS_OF)
    assert rows(store, STANDING.format("nudges")) == [(one, "draft", first.run_id) for one in "abc"]


def test_what_somebody_touches_while_the_next_attempt_runs_stays_alone(store):
    load(store, *map(learner, "ab"))
    first = night(store, AS_OF - HOUR)
    ids = dict(rows(store, "select learner_id, id from nudges"))
    run, count = drafted(store)
    assert count == 2
    review.approve(store, [ids["b"]], by=acting(AS_OF))
    publication.publish(store, run, now=AS_OF)
    assert rows(store, STANDING.format("nudges")) == [
        ("a", "draft", run.run_id),
        ("b", "approved", first.run_id),
    ]


def rejected(store, day, learner_id="a"):
    """Reject what the night of that day drafted for the learner, and return its text."""
    as_of = AS_OF + day * DAY
    night(store, as_of)
    [(draft, content)] = rows(
        store,
        "select id, content from nudges where learner_id = $id and status = 'draft' and as_of = $at",
        id=learner_id,
        at=as_of,
    )
    review.reject(store, [draft], reason="Tone", by=acting(as_of + HOUR))
    return content


def test_a_text_that_was_rejected_is_not_offered_to_the_person_again_in_any_week(store):
    load(store, *(learner(one, locale="de", **MEDIUM) for one in "az"))
    texts = [rejected(store, 7 * week) for week in range(3)]
    assert len(set(texts)) == 3
    run = night(store, AS_OF + 21 * DAY)
    assert rows(store, "select learner_id from nudges where run_id = $id", id=run.run_id) == [("z",)], (
        "each of the three was rejected for one of them alone"
    )
    left_out = rows(store, "select decision, type, reason from contact_decisions where learner_id = 'a'")
    assert left_out == [("no_contact", None, "no_text_left")]
    with pytest.raises(InvalidInput, match="Each text there is for this was rejected"):
        ask(store, channel="email", now=AS_OF + 21 * DAY)
    assert ask(store, channel="in_app", now=AS_OF + 21 * DAY)["status"] == "draft"


def test_a_text_that_a_person_edited_before_it_was_rejected_may_come_again(store):
    load(store, learner("a"))
    night(store)
    [(draft,)] = rows(store, "select id from nudges")
    editing.edit_nudge(
        store, draft, version=1, subject="Ours", content="Hi {first_name}, ours.", by=acting(AS_OF + HOUR)
    )
    review.reject(store, [draft], reason="Tone", by=acting(AS_OF + HOUR))
    again = night(store, AS_OF + HOUR * 5)
    made = rows(store, "select variant from nudges where run_id = $id", id=again.run_id)
    assert len(made) == 1


def test_a_quiz_that_was_rejected_is_not_offered_to_the_learner_again(store):
    load(store, learner("a"), learner("b"))
    night(store)
    with store.write() as db:
        db.execute("update quizzes set status = 'rejected', version = 2 where learner_id = 'a'")
    later = night(store, AS_OF + 7 * DAY)
    assert rows(store, "select learner_id from quizzes where run_id = $id", id=later.run_id) == [("b",)]


def test_a_night_that_writes_to_nobody_ends_well_though_texts_were_rejected(store):
    load(store, learner("a"))
    night(store)
    with store.write() as db:
        for table in ("nudges", "quizzes"):
            db.execute(f"update {table} set status = 'rejected', version = 2, reason = 'Tone'")
    load(store, learner("a", **LOW), at=AS_OF + HOUR)
    later = night(store, AS_OF + 7 * DAY)
    for table in ("nudges", "quizzes"):
        assert not rows(store, f"select id from {table} where run_id = $id", id=later.run_id)


def test_another_campaign_drafts_its_own_nudge(store):
    load(store, learner("a"))
    drafted(store)
    assert drafted(store, pipeline="weekly")[1] == 1


def test_a_learner_meets_the_same_words_from_monday_to_sunday(store):
    load(store, learner("a"))
    for day in (1, 4, 7):
        drafted(store, AS_OF + day * DAY)
    texts = rows(store, DRAFTED)
    assert len(texts) == 3
    assert len({text[1:] for text in texts}) == 1


def test_a_learner_meets_other_words_in_other_weeks():
    def text(week):
        key = drafting.variant_key("a", "nightly", (AS_OF + 7 * week * DAY).date())
        return nudges.generate({"type": "inactivity", "channel": "in_app", "variant_key": key}).content

    assert len({text(week) for week in range(12)}) == 3


def test_stored_texts_keep_the_placeholder_and_no_name(store):
    named = {"name": "Zebulon Example", "whatsapp_opt_in": True}
    load(store, *(learner(channel, preferred_channel=channel, **named) for channel in ("email", "whatsapp")))
    drafted(store)
    contents = [content for *_, content in rows(store, DRAFTED)]
    assert len(contents) == 2
    assert all("{first_name}" in content and "Zebulon" not in content for content in contents)


def test_a_nudge_is_stored_as_it_is_generated_for_the_learner(store):
    invented = [
        learner(
            f"{locale}-{channel}-{n}", preferred_channel=channel, whatsapp_opt_in=True, locale=locale, **facts
        )
        for locale in ("en", "de-AT")
        for channel in ("email", "in_app", "whatsapp")
        for n, facts in enumerate(({}, {"completed_percent": 60, "avg_quiz_score": 0}))
    ]
    load(store, *invented)
    _, count = drafted(store)
    assert count == 12
    found = rows(store, "select learner_id, channel, type, locale, variant, subject, content from nudges")
    for learner_id, channel, kind, locale, variant, subject, content in found:
        key = f"{learner_id}|nightly|2026-W09"
        text = nudges.generate({"type": kind, "channel": channel, "locale": locale, "variant_key": key})
        assert (text.subject, text.content) == (subject, content)
        assert text.fallback_id.split(".")[2] == str(variant)


def test_more_nudges_than_one_block_holds_are_all_drafted(store, monkeypatch):
    monkeypatch.setattr(drafting, "TEXT_ROWS_PER_BLOCK", 2)
    load(store, *(learner(f"l{number}") for number in range(5)))
    assert drafted(store)[1] == 5
    assert rows(store, "select count(distinct learner_id), count(*) from nudges") == [(5, 5)]


def test_a_template_is_marked_with_its_reason_and_id(store):
    load(store, learner("a", preferred_channel="in_app", locale="de-AT"))
    drafted(store)
    (found,) = rows(store, "select gpt_fallback, reason, fallback_id, locale, status, version from nudges")
    assert found[:2] == (True, "no_model")
    assert found[2].startswith("behind_pace.in_app.")
    assert found[2].endswith(".de")
    assert found[3:] == ("de-AT", "draft", 1)


def test_asking_by_hand_gives_the_contract_and_what_a_coordinator_needs(store):
    load(store, learner("a", name="Kim Example"))
    night(store, AS_OF - 5 * DAY)
    made = ask(store, channel="email")
    assert set(made) == {
        *("content", "prompt_version", "gptFallback"),
        *("id", "subject", "status", "reason", "warnings"),
    }
    assert "Kim" in made["content"]
    assert "{" not in made["content"] + made["subject"]
    assert (made["gptFallback"], made["reason"], made["status"]) == (True, "no_model", "draft")
    (stored,) = rows(store, "select campaign, run_id, content from nudges where id = $id", id=made["id"])
    assert stored[:2] == ("manual", None)
    assert "{first_name}" in stored[2]


def test_a_nudge_asked_for_by_hand_is_in_the_queue_at_once(store):
    load(store, learner("a"))
    made = ask(store)
    assert [row["id"] for row in review.listed(store)] == [made["id"]]


def test_asking_twice_at_different_moments_gives_two_drafts(store):
    load(store, learner("a"))
    assert ask(store)["id"] != ask(store, now=AS_OF + HOUR)["id"]
    assert rows(store, "select count(*) from nudges") == [(2,)]


@pytest.mark.parametrize(
    ("different", "channel", "message"),
    [
        ({"contact_opt_out": True}, "in_app", "asked not to be contacted"),
        ({"active": False}, "in_app", "no longer active"),
        ({"email": None}, "email", "no e-mail address"),
        ({"whatsapp_opt_in": False}, "whatsapp", "opt-in"),
        ({"whatsapp_opt_in": True, "phone": None}, "whatsapp", "phone"),
    ],
    ids=["opted out", "inactive", "no address", "no opt-in", "no phone"],
)
def test_asking_is_refused_without_naming_the_learner(store, different, channel, message):
    load(store, learner("a", name="Zebulon Example", **different), learner("b"))
    with pytest.raises(InvalidInput, match=message) as refused:
        ask(store, channel=channel)
    assert "'a'" in str(refused.value)
    assert "Zebulon" not in str(refused.value)
    assert rows(store, "select count(*) from nudges") == [(0,)]


def test_asking_on_a_channel_that_does_not_exist_says_which_do(store):
    load(store, learner("a"))
    with pytest.raises(InvalidInput, match="in_app, whatsapp, email"):
        ask(store, channel="fax")


def test_asking_for_nobody_is_not_found(store):
    load(store, learner("a"))
    with pytest.raises(NotFound, match="no learner 'b'"):
        ask(store, "b")


def test_asking_past_the_limits_only_warns(store):
    load(store, learner("a"))
    assert ask(store)["warnings"] == []
    assert ask(store, now=AS_OF + HOUR)["warnings"] == ["There is a draft for this person already."]
    waiting = [row["id"] for row in review.listed(store)]
    review.approve(store, waiting, by=acting(AS_OF + 2 * HOUR), known=["recently_contacted"])
    assert ask(store, now=AS_OF + 3 * HOUR)["warnings"] == [
        "This person was contacted too recently.",
        "This person has had the most nudges and calls allowed in a week.",
    ]


def test_a_learner_who_was_never_scored_can_be_nudged_by_hand(store):
    load(store, learner("a"))
    ask(store)
    assert review.listed(store)[0]["risk_label"] is None


def test_generate_nudge_returns_exactly_the_contract():
    made = asyncio.run(nudges.generate_nudge({"type": "praise", "channel": "email"}))
    assert set(made) == {"content", "prompt_version", "gptFallback"}
    assert made["gptFallback"] is True
    assert "{first_name}" in made["content"]


def test_generate_nudge_says_what_the_context_lacks():
    with pytest.raises(InvalidInput, match="context: type, channel missing"):
        asyncio.run(nudges.generate_nudge({}))


def test_discarding_a_run_takes_its_drafts_and_no_others(store):
    load(store, learner("a"))
    ask(store, now=AS_OF - 5 * DAY)
    run, _ = drafted(store)
    with store.write() as db:
        drafting.discard(db, nudges.NUDGES, run.run_id)
    assert rows(store, "select campaign from nudges") == [("manual",)]


def test_asking_in_the_morning_warns_of_tonights_draft(store):
    load(store, learner("a"))
    night_of_today(store)
    assert ask(store, now=AS_OF - 14 * HOUR)["warnings"] == ["There is a draft for this person already."]


def test_asking_in_the_morning_warns_of_what_was_approved_today(store):
    load(store, learner("a"))
    night_of_today(store)
    draft = review.listed(store)[0]["id"]
    review.approve(store, [draft], by=acting(AS_OF - 15 * HOUR, name="coordinator"))
    assert ask(store, now=AS_OF - 14 * HOUR)["warnings"] == ["This person was contacted too recently."]


@once
def night_of_today(store):
    """Do the night's work at a quarter past two, for the end of the day that begins."""
    with store.write() as db:
        named = {"as_of": AS_OF, "day": AS_OF.date(), "parameters": {}, "fingerprint": ""}
        run = runs.begin(db, "nightly", key="k", now=AS_OF - 21.75 * HOUR, **named, policy=DEFAULT_POLICY)
    scores.score(store, run)
    decisions.decide(store, run, policy=DEFAULT_SELECTION)
    nudges.draft(store, run)
    publication.publish(store, run, now=AS_OF - 21.7 * HOUR)


@pytest.fixture
def model():
    """A model's service; `writer` asks it."""
    with ModelServer() as server, asking(server) as server.writer:
        yield server


BEN = acting(AS_OF + HOUR, name="ben", day=AS_OF.date())


def write(store, learner_id="a", **different):
    asked = {"channel": "in_app", "by": acting(AS_OF)} | different
    return nudges.write(store, learner_id, **asked)


def rewrite(store, nudge, **different):
    asked = {"version": nudge["version"], "by": BEN} | different
    return nudges.rewrite(store, nudge["id"], **asked)


def test_what_a_coordinator_asks_for_comes_as_the_queue_shows_it_with_codes_as_warnings(store):
    load(store, learner("a"))
    made = write(store)
    (shown,) = queue.queue(store, "nudge", programs=None)["rows"]
    assert made == shown | {"warnings": []}
    assert (made["changed_by"], made["by_hand"], made["version"]) == ("ana", True, 1)
    assert write(store, by=acting(AS_OF + HOUR))["warnings"] == ["open_draft"]


def test_who_asked_is_in_an_event(store):
    load(store, learner("a"))
    made = write(store)
    ((kind, actor, metadata),) = rows(store, "select type, actor, metadata from events")
    assert (kind, actor) == ("nudge_drafted", "ana")
    assert json.loads(metadata) == {"nudge_id": made["id"], "version": 1}


def test_another_programs_learner_or_draft_is_not_there(store):
    load(store, learner("a", program="Welding"))
    made = write(store, by=acting(AS_OF, programs=["Welding"]))
    for act in (
        lambda: write(store, by=acting(AS_OF + HOUR, programs=["Data"])),
        lambda: rewrite(store, made, by=acting(AS_OF + HOUR, programs=["Data"])),
    ):
        with pytest.raises(NotFound):
            act()
    assert rows(store, "select version from nudges") == [(1,)]
    assert rows(store, "select count(*) from events") == [(1,)]


def test_a_model_is_told_of_the_work_that_the_policy_counts(store):
    done = {"completed_percent": 95, "completed_percent_due": 95, "completed_percent_course": 5}
    done |= {"avg_quiz_score": 0, "consecutive_missed_sessions": 7}
    load(store, learner("a", **done))
    told = {}
    for basis in ("due", "course"):
        run = begin(store, AS_OF, pipeline=basis, policy=replace(DEFAULT_POLICY, basis=basis))
        decisions.decide(store, run, policy=DEFAULT_SELECTION)
        with store.staging(), store.read() as db:
            drafting.choose(db, nudges.NUDGES, run, why_not="", rewrites=True)
            db.execute(query("outreach/prompt_inputs"), {"as_of": run.as_of, "basis": run.policy.basis})
            [(told[basis],)] = db.execute("select completed_percent from temp.prompt_inputs").fetchall()
    assert told == {"due": 95, "course": 5}


def test_a_rewritten_template_has_other_words_and_keeps_what_it_is_about(store):
    load(store, learner("a"))
    night(store)
    (nudge,) = queue.queue(store, "nudge", programs=None)["rows"]
    again = rewrite(store, nudge)
    assert again["content"] != nudge["content"]
    assert (again["id"], again["type"], again["channel"]) == (nudge["id"], nudge["type"], nudge["channel"])
    assert (again["version"], again["gpt_fallback"], again["reason"]) == (2, True, "no_model")
    assert (again["changed_by"], again["edited"], again["created_by_run"]) == (
        "ben",
        False,
        nudge["created_by_run"],
    )
    assert rows(store, "select type, actor from events") == [("nudge_rewritten", "ben")]


def test_what_a_person_wrote_is_replaced_when_they_ask_for_it(store):
    load(store, learner("a"))
    made = write(store)
    mine = {"subject": None, "content": "Mine.", "by": acting(AS_OF)}
    edited = editing.edit_nudge(store, made["id"], version=1, **mine)
    again = rewrite(store, edited)
    assert "Mine." not in again["content"]
    assert not again["edited"]
    assert rows(store, "select content = draft_content from nudges") == [(True,)]


def test_a_model_rewrites_a_template_and_is_asked_anew_each_time(store, model):
    load(store, learner("a"))
    made = write(store)
    for version in (2, 3, 4, 5):
        made = rewrite(store, made, writer=model.writer)
        assert (made["version"], made["gpt_fallback"], made["reason"]) == (version, False, None)
        assert made["content"] == SENTENCES["en"]
    assert len(model.requests) == 4
    assert len({request.data for request in model.requests}) == 3  # in another style each time


def test_a_model_that_fails_leaves_a_template_that_says_why(store, model):
    load(store, learner("a"))
    made = rewrite(store, write(store), writer=model.writer)
    model.behave = lambda *_: "refusal"
    again = rewrite(store, made, writer=model.writer)
    assert (again["gpt_fallback"], again["reason"], again["model"]) == (True, "refused", None)


def test_a_model_that_hangs_leaves_a_template_within_eight_seconds(store, model):
    load(store, learner("a"))
    made = write(store)
    model.behave = lambda *_: "hang"
    began = time.monotonic()
    again = rewrite(store, made, writer=model.writer)
    assert (again["gpt_fallback"], again["reason"], again["version"]) == (True, "deadline", 2)
    assert 7 < time.monotonic() - began < 12  # eight, and what a busy machine takes to store it


@pytest.mark.parametrize("change", ["edit", "approve"])
def test_what_somebody_changes_while_the_model_writes_is_not_overwritten(store, model, change):
    load(store, learner("a"))
    made = write(store)
    mine = {"subject": None, "content": "Mine.", "by": acting(AS_OF)}

    def meanwhile(*_):
        if change == "edit":
            editing.edit_nudge(store, made["id"], version=1, **mine)
        else:
            review.approve(store, [made["id"]], by=acting(AS_OF))

    model.behave = meanwhile
    with pytest.raises(Changed, match="by 'ana'"):
        rewrite(store, made, writer=model.writer)
    (left,) = rows(store, "select status, content, version from nudges")
    assert left == (("draft", "Mine.", 2) if change == "edit" else ("approved", made["content"], 2))
    assert rows(store, "select count(*) from events where type = 'nudge_rewritten'") == [(0,)]


def test_who_opts_out_while_the_model_writes_keeps_the_draft_as_it_was(store, model):
    load(store, learner("a"))
    made = write(store)
    model.behave = lambda *_: load(store, learner("a", contact_opt_out=True), at=AS_OF)
    with pytest.raises(InvalidInput, match="asked not to be contacted"):
        rewrite(store, made, writer=model.writer)
    assert rows(store, "select content, version from nudges") == [(made["content"], 1)]


def test_only_a_draft_of_the_version_that_was_seen_is_rewritten(store, model):
    load(store, learner("a"))
    made = write(store)
    with pytest.raises(Changed):
        rewrite(store, made, version=2, writer=model.writer)
    review.approve(store, [made["id"]], by=acting(AS_OF))
    with pytest.raises(InvalidInput, match="take it back first"):
        rewrite(store, made, version=2, writer=model.writer)
    assert model.requests == []
