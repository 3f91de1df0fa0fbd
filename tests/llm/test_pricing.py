import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.errors import InvalidInput
from engagement.llm import prompts
from engagement.llm.pricing import (
    COMPARED,
    Budget,
    OverBudget,
    Price,
    about_tokens,
    count_tokens,
    most_tokens,
    price,
)

ONE_A_TOKEN = Price(1_000_000, 250_000, 2_000_000)  # one dollar a token read, two a token written
TITLES = (
    "Planning a week of study",
    "Selbstständiges Lernen für Fortgeschrittene",
    "Apprendre à s'organiser au quotidien",
    "Планирование учебной недели",
    "Σχεδιασμός της εβδομάδας",
    "تخطيط أسبوع الدراسة",
    "תכנון שבוע הלימודים",
    "पढ़ाई के सप्ताह की योजना",
    "การวางแผนสัปดาห์การเรียน",
    "学习周计划",
    "学習週間の計画",
    "공부 주간 계획",
    "የጥናት ሳምንት እቅድ",
    "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ",
    "🎓📚 ✏️",
    "C++ & C#: 1 / x^2",
)


def test_the_list_knows_what_a_model_costs():
    found = price("gpt-4.1-mini")
    assert (found.input_usd, found.cached_usd, found.output_usd) == pytest.approx((0.40, 0.10, 1.60))


def test_the_list_knows_every_model_that_is_compared():
    assert None not in [price(name) for name in COMPARED]


@pytest.mark.parametrize("name", ["no-such-model", "", "../x", "llama-at-home:7b"])
def test_the_price_of_a_model_that_is_not_listed_is_not_known(name):
    assert price(name) is None


@pytest.mark.parametrize("name", ["gpt-4.1-mini", "no-such-model"])
def test_an_own_price_wins_over_the_list(name):
    assert price(name, own="0.5/2") == Price(0.5, 0.5, 2)


def test_an_own_price_may_be_nothing():
    assert price("no-such-model", own="0/0") == Price(0, 0, 0)


@pytest.mark.parametrize(
    "own", ["free", "1", "1/2/3", "/", "0.4/", "-1/2", "1/-2", "nan/1", "1/inf", "0,40/1,60", "$1/$2", " "]
)
def test_an_own_price_that_is_none_is_refused(own):
    with pytest.raises(InvalidInput, match=r"ENGAGEMENT_PRICE: .* 0\.40/1\.60"):
        price("gpt-4.1-mini", own=own)


def test_tokens_from_the_cache_cost_their_own_price():
    assert Price(4, 1, 16).cost_usd(1_000_000, 500_000) == 12
    assert Price(4, 1, 16).cost_usd(1_000_000, 500_000, cached_tokens=1_000_000) == 9


def test_more_tokens_from_the_cache_than_were_read_give_no_money_back():
    assert Price(4, 1, 16).cost_usd(0, 0, cached_tokens=1_000_000) == 1


def run(work):
    async def in_time():
        async with asyncio.timeout(10):
            return await work

    return asyncio.run(in_time())


def test_what_was_reserved_and_not_spent_can_be_spent():
    async def work():
        budget = Budget(ONE_A_TOKEN, cap_usd=10)
        for _ in range(3):
            reserved = await budget.reserve(2, 1)
            assert reserved == 4
            budget.settle(reserved, 3)
        assert budget.spent_usd == 9
        with pytest.raises(OverBudget):
            await budget.reserve(2, 0)

    run(work())


def test_a_request_waits_for_another_that_may_leave_enough():
    async def work():
        budget = Budget(ONE_A_TOKEN, cap_usd=10)
        first = await budget.reserve(6, 0)
        second = asyncio.create_task(budget.reserve(5, 0))
        await asyncio.sleep(0)
        assert not second.done()
        budget.settle(first, 5)
        assert await second == 5

    run(work())


def test_a_request_that_waited_in_vain_is_over_the_budget():
    async def work():
        budget = Budget(ONE_A_TOKEN, cap_usd=10)
        first = await budget.reserve(6, 0)
        second = asyncio.create_task(budget.reserve(5, 0))
        await asyncio.sleep(0)
        budget.settle(first, 6)
        with pytest.raises(OverBudget):
            await second

    run(work())


def test_what_a_run_has_spent_before_counts():
    async def work():
        budget = Budget(ONE_A_TOKEN, cap_usd=10, spent_usd=8)
        assert await budget.reserve(2, 0) == 2
        budget = Budget(ONE_A_TOKEN, cap_usd=10, spent_usd=8)
        with pytest.raises(OverBudget):
            await budget.reserve(3, 0)

    run(work())


def test_a_budget_of_nothing_pays_for_nothing():
    async def work():
        with pytest.raises(OverBudget):
            await Budget(ONE_A_TOKEN, cap_usd=0).reserve(1, 1)

    run(work())


def test_without_a_cap_nobody_waits_and_what_is_spent_is_counted():
    async def work():
        budget = Budget(ONE_A_TOKEN)
        for reserved in [await budget.reserve(10**6, 10**6) for _ in range(3)]:
            budget.settle(reserved, 7)
        return budget.spent_usd

    assert run(work()) == 21


def test_without_a_price_nothing_is_counted_and_a_cap_is_refused():
    assert run(Budget(None).reserve(10, 10)) == 0
    assert Budget(None).price is None
    with pytest.raises(InvalidInput, match="ENGAGEMENT_PRICE"):
        Budget(None, cap_usd=5)


REQUESTS = st.lists(
    st.tuples(st.integers(0, 2_000), st.integers(0, 800), st.floats(0, 1), st.integers(0, 5)), max_size=60
)


@given(requests=REQUESTS, cap_usd=st.floats(0, 0.05))
@settings(max_examples=80)
def test_however_many_ask_at_once_no_more_is_spent_than_the_cap_and_nobody_is_stuck(requests, cap_usd):
    budget = Budget(Price(0.4, 0.1, 1.6), cap_usd=cap_usd)
    under_way = []

    async def request(read, written, share, turns):
        try:
            reserved = await budget.reserve(read, written)
        except OverBudget:
            return 0.0
        under_way.append(reserved)
        assert budget.spent_usd + sum(under_way) <= cap_usd + 1e-12
        for _ in range(turns):
            await asyncio.sleep(0)
        under_way.remove(reserved)
        budget.settle(reserved, share * reserved)
        return share * reserved

    async def work():
        return sum(await asyncio.gather(*(request(*one) for one in requests)))

    spent_usd = run(work())
    assert spent_usd <= cap_usd + 1e-12
    assert budget.spent_usd == pytest.approx(spent_usd)


def test_tokens_are_counted_offline():
    assert count_tokens([]) == 0
    assert count_tokens(["hello world", "hello world"]) == 4
    assert count_tokens(["<|endoftext|>"]) > 1  # a text, not a command


@pytest.mark.parametrize("title", TITLES)
def test_a_title_in_any_script_has_no_more_tokens_than_are_reserved_for_it(title):
    assert 0 < count_tokens([title]) <= most_tokens(title)


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
@settings(max_examples=15)
def test_no_text_has_more_tokens_than_are_reserved_for_it(text):
    assert count_tokens([text]) <= most_tokens(text)


def test_a_guess_at_tokens_is_above_what_english_has_and_far_below_the_most():
    instructions = prompts.nudge_task("email", "en").shared_text
    assert count_tokens([instructions]) < about_tokens(instructions) < most_tokens(instructions) / 2
