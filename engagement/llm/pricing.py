"""What asking a model costs, before and after, without asking anybody.

Prices come from a list that a package carries; it is as old as the package. Whoever runs a server of their own, or
has a price of their own, sets `ENGAGEMENT_PRICE`. A budget is held by reserving the most a request can cost before
it is sent, and settled from what the service counted. A request that got no answer in time may be on the bill all the
same, so it stays reserved.
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from engagement.errors import InvalidInput

PER: Final = 1_000_000  # prices are for so many tokens
BYTES_OF_A_TOKEN: Final = 3  # about; English has four and more, most scripts three and less
COMPARED: Final = ("gpt-4.1-nano", "gpt-4.1-mini", "gpt-4.1", "gpt-5-nano", "gpt-5-mini")


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens: read, read from the service's own cache, and written."""

    input_usd: float
    cached_usd: float
    output_usd: float

    def cost_usd(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> float:
        """Return what so many tokens cost."""
        fresh = max(input_tokens - cached_tokens, 0)
        return (
            fresh * self.input_usd + cached_tokens * self.cached_usd + output_tokens * self.output_usd
        ) / PER


def price(model: str, *, own: str | None = None) -> Price | None:
    """Return the price of a model, None where nobody knows it.

    Parameters
    ----------
    own
        `ENGAGEMENT_PRICE`: "0.40/1.60", US dollars for a million tokens read and written. It wins over the list.
    """
    return _own(own) if own else _listed(model)


def _own(text: str) -> Price:
    try:
        read, written = (float(part) for part in text.split("/"))
    except ValueError:
        read = written = math.nan
    if not (0 <= read < math.inf and 0 <= written < math.inf):
        raise InvalidInput(
            "ENGAGEMENT_PRICE: two amounts are needed, US dollars for a million tokens read and written: 0.40/1.60"
        )
    return Price(read, read, written)


@cache
def _listed(model: str) -> Price | None:
    from genai_prices import Usage, calc_price

    def usd(usage: Usage) -> float:
        return float(calc_price(usage, model).total_price)

    try:
        return Price(
            usd(Usage(input_tokens=PER)),
            usd(Usage(input_tokens=PER, cache_read_tokens=PER)),
            usd(Usage(output_tokens=PER)),
        )
    except LookupError:
        return None


def usd(amount: float) -> str:
    """Return an amount of US dollars as people read it, small ones to a hundredth of a cent.

    >>> usd(12.3456), usd(0.00123), usd(0)
    ('$12.35', '$0.0012', '$0.00')
    """
    return f"${amount:,.2f}" if amount >= 0.1 or amount == 0 else f"${amount:.4f}"


def most_tokens(text: str) -> int:
    """Return how many tokens a text can have at most: a token is at least a byte.

    Without a tokenizer, which would take 160 MB.
    """
    return len(text.encode())


def about_tokens(text: str) -> int:
    """Return about how many tokens a text has."""
    return len(text.encode()) // BYTES_OF_A_TOKEN


def count_tokens(texts: Sequence[str]) -> int:
    """Return how many tokens the texts have, counted offline by the tokenizer of the newer models."""
    import bpe_openai

    encoding = bpe_openai.get_encoding("o200k_base")
    # What spells one of the tokenizer's own commands is a text like any other.
    return sum(len(encoding.encode(text, disallowed_special=())) for text in texts)


class OverBudget(Exception):
    """The next request could go past the budget."""


class Budget:
    """What may be spent, has been, and may still come out of requests under way. Belongs to one event loop."""

    def __init__(self, price: Price | None, *, cap_usd: float | None = None, spent_usd: float = 0.0) -> None:
        if cap_usd is not None and price is None:
            raise InvalidInput(
                "budget: the price of this model is not known; ENGAGEMENT_PRICE says it, such as 0.40/1.60"
            )
        self.price = price
        self.spent_usd = spent_usd  # or may be
        self._cap_usd = cap_usd
        self._reserved_usd = 0.0
        self._settled = asyncio.Event()

    async def reserve(self, input_tokens: int, output_tokens: int) -> float:
        """Return the most such a request costs, set aside; wait for others to settle where that would be too much.

        Raises `OverBudget` where nothing is under way that could still leave something.
        """
        most = self.price.cost_usd(input_tokens, output_tokens) if self.price else 0.0
        while self._cap_usd is not None and self.spent_usd + self._reserved_usd + most > self._cap_usd:
            if self._reserved_usd <= 0:
                raise OverBudget
            self._settled.clear()
            await self._settled.wait()
        self._reserved_usd += most
        return most

    def settle(self, reserved_usd: float, cost_usd: float) -> None:
        """Give back what was reserved, and count what it cost."""
        # Sums of many small amounts leave a rest below zero or above it: with nothing under way it is nothing.
        left_usd = self._reserved_usd - reserved_usd
        self._reserved_usd = left_usd if left_usd >= 1e-12 else 0.0
        self.spent_usd += cost_usd
        self._settled.set()
