import asyncio
import itertools
import random
import threading
import time
from contextlib import AsyncExitStack, suppress
from types import SimpleNamespace

import pytest

from engagement.llm import resilience
from engagement.llm.resilience import Breaker, Gate, Rates, jittered


@pytest.fixture
def clock(monkeypatch):
    """The clock that the breaker looks at; `now` is set by the test."""
    clock = SimpleNamespace(now=1_000.0)
    monkeypatch.setattr(resilience, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def told(*outcomes):
    """Return a breaker that has been told these outcomes, good or not."""
    breaker = Breaker()
    for good in outcomes:
        if good:
            breaker.succeeded()
        else:
            breaker.failed()
    return breaker


def test_nine_failures_are_too_few_to_open_and_the_tenth_opens(clock):
    assert not told(*9 * [False]).is_open
    assert told(*10 * [False]).is_open


def test_half_of_the_outcomes_must_be_failures(clock):
    assert not told(*6 * [True], *5 * [False]).is_open
    assert told(*6 * [True], *6 * [False]).is_open


def test_only_the_last_twenty_outcomes_count(clock):
    assert not told(*100 * [True], *9 * [False]).is_open
    assert told(*100 * [True], *10 * [False]).is_open


def test_failures_before_the_last_twenty_outcomes_are_forgotten(clock):
    assert not told(*5 * [False], *20 * [True], *9 * [False]).is_open


def test_failures_of_a_minute_ago_are_forgotten(clock):
    breaker = told(*9 * [False])
    clock.now += 60
    breaker.failed()
    assert not breaker.is_open


def test_failures_of_less_than_a_minute_count(clock):
    breaker = told(*9 * [False])
    clock.now += 59
    breaker.failed()
    assert breaker.is_open


def test_a_closed_breaker_admits_everybody(clock):
    breaker = Breaker()
    assert [breaker.admits() for _ in range(100)] == 100 * [True]
    assert breaker.open_s == 0


def test_an_open_breaker_admits_one_trial_after_half_a_second(clock):
    breaker = told(*10 * [False])
    assert not breaker.admits()
    clock.now += 0.49
    assert not breaker.admits()
    clock.now += 0.01
    assert [breaker.admits() for _ in range(3)] == [True, False, False]
    clock.now += 100
    assert not breaker.admits()
    assert breaker.open_s == pytest.approx(100.5)


def test_a_good_trial_closes_and_what_was_before_is_forgotten(clock):
    breaker = told(*10 * [False])
    clock.now += 0.5
    assert breaker.admits()
    breaker.succeeded()
    assert not breaker.is_open
    for _ in range(9):
        breaker.failed()
    assert not breaker.is_open


def test_a_failed_trial_doubles_the_pause_up_to_five_seconds(clock):
    breaker, pauses = told(*10 * [False]), []
    for _ in range(6):
        began = clock.now
        while not breaker.admits():
            clock.now += 0.125
        pauses.append(clock.now - began)
        breaker.failed()
    assert pauses == [0.5, 1, 2, 4, 5, 5]


def test_after_a_good_trial_the_pause_is_short_again(clock):
    breaker = told(*10 * [False])
    for end in (breaker.failed, breaker.succeeded):
        clock.now += 5
        assert breaker.admits()
        end()
    for _ in range(10):
        breaker.failed()
    clock.now += 0.5
    assert breaker.admits()


def test_a_trial_that_had_no_end_leaves_its_place_to_another(clock):
    breaker = told(*10 * [False])
    clock.now += 0.5
    assert breaker.admits()
    breaker.leave()
    assert breaker.admits()


@pytest.mark.parametrize("end", ["succeeded", "failed", "leave"])
def test_what_becomes_of_another_request_moves_no_trial(clock, end):
    async def trial_beside_an_old_request():
        breaker, go = Breaker(), asyncio.Event()

        async def old_request():
            assert breaker.admits()
            await go.wait()
            getattr(breaker, end)()
            breaker.leave()

        left_before = asyncio.create_task(old_request())
        await asyncio.sleep(0)
        for _ in range(10):
            breaker.failed()
        clock.now += 0.5
        assert breaker.admits()
        go.set()
        await left_before
        clock.now += 10
        seen = [breaker.is_open, breaker.admits()]
        breaker.succeeded()
        return [*seen, breaker.is_open]

    assert asyncio.run(trial_beside_an_old_request()) == [True, False, False]


def test_requests_from_before_it_opened_say_nothing_while_no_trial_is_under_way(clock):
    breaker = told(*10 * [False])
    breaker.succeeded()
    assert breaker.is_open
    breaker.failed()
    clock.now += 0.5
    assert breaker.admits()


class Crowd:
    """Visitors of a gate; each notes how many are inside when it gets in, and in which order they came."""

    def __init__(self, gate):
        self.gate = gate
        self.inside = 0
        self.most = 0
        self.order = []

    async def visit(self, name, stay_s=0.0):
        async with self.gate.place():
            self.inside += 1
            self.order.append(name)
            self.most = max(self.most, self.inside)
            try:
                await asyncio.sleep(stay_s)
            finally:
                self.inside -= 1


def crowded(gate, answers, among=40):
    for number in range(among):
        gate.note(crowded=number < answers)


def test_no_more_are_inside_than_the_limit_allows():
    async def many():
        crowd = Crowd(Gate(3))
        await asyncio.gather(*(crowd.visit(number, 0.001) for number in range(50)))
        return crowd

    crowd = asyncio.run(many())
    assert (crowd.most, crowd.order) == (3, list(range(50)))


def test_six_of_forty_answers_may_say_too_many_and_seven_shrink_it():
    gate = Gate(64)
    crowded(gate, 6)
    assert gate.limit == 64
    gate = Gate(64)
    crowded(gate, 7)
    assert gate.limit == 44  # 64 * 0.7


def test_fewer_than_forty_answers_shrink_nothing():
    gate = Gate(64)
    crowded(gate, 39, among=39)
    assert gate.limit == 64


def test_one_is_always_let_through():
    gate = Gate(2)
    for _ in range(20):
        crowded(gate, 40)
    assert gate.limit == 1


def test_it_grows_again_by_one_place_for_as_many_good_answers_as_there_are_places_and_no_further():
    gate = Gate(10)
    crowded(gate, 40)
    assert gate.limit == 7
    for _ in range(7):
        gate.note(crowded=False)
    assert gate.limit == 7  # 7.97: a place more takes a few more answers than there were places
    gate.note(crowded=False)
    assert gate.limit == 8
    for _ in range(1_000):
        gate.note(crowded=False)
    assert gate.limit == 10


def test_after_it_has_shrunk_nobody_gets_in_before_enough_have_left():
    async def shrink():
        gate = Gate(10)
        inside = [AsyncExitStack() for _ in range(10)]
        for place in inside:
            await place.enter_async_context(gate.place())
        crowded(gate, 40)
        crowd = Crowd(gate)
        late = asyncio.create_task(crowd.visit("late"))
        for place in inside[:3]:
            await place.aclose()
            await asyncio.sleep(0)
        assert (gate.limit, crowd.order) == (7, [])
        await inside[3].aclose()
        await late
        for place in inside[4:]:
            await place.aclose()

    asyncio.run(shrink())


def test_a_place_that_is_there_again_goes_to_who_waits():
    async def grow():
        gate = Gate(2)
        crowded(gate, 40)
        assert gate.limit == 1
        crowd = Crowd(gate)
        visits = [asyncio.create_task(crowd.visit(number, 0.05)) for number in range(2)]
        await asyncio.sleep(0)
        assert crowd.inside == 1
        gate.note(crowded=False)
        await asyncio.sleep(0.01)
        assert crowd.inside == 2
        await asyncio.gather(*visits)

    asyncio.run(grow())


def test_who_waits_is_not_overtaken_by_who_has_just_been_inside():
    async def again_and_again(gate, entered, name):
        for _ in range(3):
            async with gate.place():
                entered.append(name)
                await asyncio.sleep(0)

    async def many():
        gate, entered = Gate(1), []
        await asyncio.gather(*(again_and_again(gate, entered, name) for name in "abc"))
        return "".join(entered)

    assert asyncio.run(many()) == "abcabcabc"


@pytest.mark.parametrize("given", [False, True], ids=["still waiting", "its turn just given"])
def test_a_waiter_that_gives_up_loses_nobody_a_place(given):
    async def give_up():
        gate = Gate(1)
        crowd = Crowd(gate)
        inside = asyncio.create_task(crowd.visit("inside", 0.01))
        await asyncio.sleep(0)
        first = asyncio.create_task(crowd.visit("first"))
        second = asyncio.create_task(crowd.visit("second"))
        await asyncio.sleep(0)
        if given:
            inside.cancel()
            while not inside.done():  # it has left, and `first` has not run since
                await asyncio.sleep(0)
        first.cancel()
        async with asyncio.timeout(1):
            await asyncio.gather(inside, first, second, return_exceptions=True)
            await crowd.visit("third")
        return crowd

    crowd = asyncio.run(give_up())
    assert crowd.order == ["inside", "second", "third"]
    assert crowd.inside == 0


def test_whatever_happens_the_limit_holds_and_every_place_is_given_back():
    chance = random.Random(7)

    async def visit(crowd, number):
        with suppress(asyncio.CancelledError):
            await crowd.visit(number, chance.uniform(0, 0.002))
        crowd.gate.note(crowded=chance.random() < 0.3)

    async def many():
        crowd = Crowd(Gate(12))
        visits = [asyncio.create_task(visit(crowd, number)) for number in range(600)]
        for unlucky in chance.sample(visits, 200):
            await asyncio.sleep(chance.choice((0, 0, 0.001)))
            unlucky.cancel()
        async with asyncio.timeout(10):
            await asyncio.gather(*visits)
            while crowd.gate.limit < 12:
                crowd.gate.note(crowded=False)
            crowd.most = 0
            await asyncio.gather(*(crowd.visit(number, 0.001) for number in range(24)))
        return crowd

    assert asyncio.run(many()).most == 12


def seconds(rates, *tokens):
    async def wait():
        for count in tokens:
            await rates.wait(count)

    began = time.monotonic()
    asyncio.run(wait())
    return time.monotonic() - began


@pytest.fixture
def passing(clock, monkeypatch):
    """The clock, which passes as somebody waits in this thread."""
    here, really = threading.get_ident(), asyncio.sleep

    async def sleep(wait_s):
        if threading.get_ident() != here:  # what an earlier test left running
            await really(wait_s)
            return
        clock.now += wait_s

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return clock


def gone_at(rates, clock, *tokens):
    """Return the seconds after which each request of so many tokens goes."""

    async def wait():
        for count in tokens:
            await rates.wait(count)
            yield clock.now - began

    async def all_of_them():
        return [at async for at in wait()]

    began = clock.now
    return asyncio.run(all_of_them())


def most_in_a_minute(gone, counts):
    """Return the most that went in any minute."""
    return max(
        sum(count for at, count in zip(gone, counts, strict=True) if since <= at < since + 60)
        for since in gone
    )


@pytest.mark.parametrize("most", [7, 60, 1_200])
def test_no_minute_has_more_requests_than_were_agreed_also_not_the_first(passing, most):
    gone = gone_at(Rates(most, None), passing, *3 * most * [1])
    assert most_in_a_minute(gone, 3 * most * [1]) == most
    assert gone[-1] < 180
    waits = [after - before for before, after in itertools.pairwise(gone)]
    assert max(waits) < 60 / most + 0.3  # spread over it: who asks in between need not wait for the next


def test_after_a_pause_no_more_go_at_once_than_before(passing):
    rates = Rates(60, None)
    gone_at(rates, passing, *10 * [1])
    passing.now += 600
    assert sum(at < 5 for at in gone_at(rates, passing, *20 * [1])) <= 6


def test_no_minute_has_more_tokens_than_were_agreed(passing):
    counts = [50_000, 50_000, 9_000, 1_000, 60_000, 300]
    gone = gone_at(Rates(None, 60_000), passing, *counts)
    assert most_in_a_minute(gone, counts) <= 60_000
    assert gone[-1] <= 240


def test_a_request_of_more_tokens_than_a_minute_allows_has_one_to_itself(passing):
    assert gone_at(Rates(None, 100), passing, 1_000_000, 1, 1) == pytest.approx([0, 60, 60.6], abs=0.3)


def test_requests_wait_for_their_turn():
    assert 0.2 < seconds(Rates(1_200, None), *11 * [1]) < 3  # twenty a second


def test_without_rates_nobody_waits():
    assert seconds(Rates(None, None), *1_000 * [10**9]) < 1


def test_waiters_do_not_come_back_all_at_once():
    waits = [jittered(10) for _ in range(1_000)]
    assert 6 <= min(waits) < 7
    assert 13 < max(waits) <= 14
