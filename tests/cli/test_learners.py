"""`engagement learners`, `learner`, `nudge` and `quiz`."""

import pytest

GENERATED = {"content", "prompt_version", "gptFallback", "id", "subject", "status", "reason"}


def test_learners_are_listed_worst_first_with_a_reason(as_json):
    listed = as_json("learners")
    assert [row["id"] for row in listed] == ["a", "b", "c"]
    assert {"id", "name", "program", "risk_score", "risk_label", "top_reason"} <= set(listed[0])
    assert listed[0]["top_reason"] == "0 % of the due work done"


def test_learners_can_be_chosen(as_json):
    assert [row["id"] for row in as_json("learners", "--risk", "low")] == ["c"]
    assert [row["id"] for row in as_json("learners", "--program", "Welding")] == ["b"]
    assert [row["id"] for row in as_json("learners", "--limit", "1")] == ["a"]


def test_learners_are_found_by_their_names(as_json, refused):
    assert [row["id"] for row in as_json("learners", "--search", "b@example")] == ["b"]
    assert [row["id"] for row in as_json("learners", "--search", "EXÁMPLE b", "--limit", "50")] == ["b"]
    assert as_json("learners", "--search", "nobody") == []
    assert "leave out" in refused("learners", "--to-call", "--search", "ada")[1]


@pytest.mark.parametrize("command", [("learners",), ("learners", "--to-call"), ("queue", "list"), ("score",)])
def test_a_program_that_there_is_not_is_refused_with_those_there_are(engagement, command):
    code, out, err = engagement(*command, "--program", "weldin", "--json")
    assert (code, out) == (2, "")
    assert "program 'weldin': there is none; there are Welding, Data" in err


def test_whom_to_call_first_comes_with_a_phone(as_json):
    listed = as_json("learners", "--to-call", "--limit", "2")
    assert [(row["id"], row["phone"]) for row in listed] == [
        ("a", "+1-202-555-0100"),
        ("b", "+1-202-555-0100"),
    ]
    assert [row["id"] for row in as_json("learners", "--to-call", "--program", "Welding")] == ["b"]


def test_learner_shows_everything_about_one(as_json):
    found = as_json("learner", "a")
    assert {"id", "contributions", "what_would_help", "history", "events", "nudges", "quizzes"} <= set(found)
    assert (found["id"], found["risk_label"]) == ("a", "high")


@pytest.mark.parametrize("written", ['="a"', " a ", "\u200ea", "'a"])
def test_an_id_typed_or_pasted_is_the_one_that_was_loaded(as_json, written):
    assert as_json("learner", written)["id"] == "a"


@pytest.mark.parametrize(
    "command", [("nudge", "a", "--channel", "email"), ("quiz", "a", "--topic", "reading")]
)
def test_a_draft_by_hand_is_the_contract_and_more(as_json, command):
    made = as_json(*command, "--model", "none")
    assert set(made) == GENERATED | {"warnings"}
    assert made["status"] == "draft"
    assert made["gptFallback"] is True
