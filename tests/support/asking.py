"""Writers that ask a model's service on the loopback address, and prompts for them."""

import time
from contextlib import closing, contextmanager

from pydantic import SecretStr

from engagement.llm import journal, prompts
from engagement.llm.client import Model
from engagement.llm.pricing import Price
from engagement.llm.prompts import Prompt
from engagement.llm.service import Service
from engagement.llm.writer import Writer

KEY = "sk-test-0123456789"
NAME = "gpt-4.1-mini"
PRICE = Price(0.4, 0.1, 1.6)


def model_at(url, *, key=KEY, name=NAME, **named):
    return Model(name, SecretStr(key), url, **named)


@contextmanager
def asking(server, *, cap_usd=None, **named):
    """Yield a writer that asks the server, through a service of its own."""
    service = Service(model_at(server.url, **named))
    try:
        yield Writer(service, "", PRICE, cap_usd)
    finally:
        service.close()


def prompt(writer, style=1, *, channel="in_app", language="en"):
    """Return one prompt; another style is another prompt."""
    return _about(writer, prompts.nudge_task(channel, language), f"reason: inactivity\nstyle: {style}")


def quiz_prompt(writer, *, language="en"):
    return _about(writer, prompts.quiz_task(language), "topic: how to study\nvariant: 1")


def _about(writer, task, data):
    return Prompt(task, data, prompts.cache_key(writer.key_prefix(task), data))


def blocks(writer, count, size=100):
    """Yield so many different prompts, some at a time, as `completions` takes them from the store."""
    for first in range(0, count, size):
        yield [prompt(writer, style) for style in range(first, min(first + size, count))]


def all_of(batch, chunks, within_s=60):
    """Return every answer of a batch; one that never ends fails the test, and does not hold it up."""
    answers, deadline = [], time.monotonic() + within_s
    with closing(batch.answers(chunks)) as arriving:
        for some in arriving:
            answers += some
            assert time.monotonic() < deadline, f"only {len(answers)} answers"
    return answers


class Asked:
    """What became of a batch of so many prompts."""

    def __init__(self, writer, count, folder, **named):
        with journal.opened(folder / "store.duckdb") as kept:
            self.batch = writer.batch(kept, **named)
            self.answers = all_of(self.batch, blocks(writer, count))

    @property
    def stopped(self):
        return self.batch.job.stopped

    @property
    def written(self):
        return sum(answer.is_written for answer in self.answers)

    @property
    def reasons(self):
        return {answer.reason for answer in self.answers}
