"""What writing one text gives, whoever wrote it: a model, or a template in its place.

Both give the same `Generation`, so that whatever stores, shows or exports a text need not know where it came
from, and cannot forget to say so: `gpt_fallback` and `prompt_version` travel with the words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from engagement.content.quiz import QuestionDict

# Why a template stands where a model could have written, in words a coordinator understands.
WHY_TEMPLATE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "no_model": "Templates were asked for.",
        "no_key": "No key for a model is set.",
        "opted_out": "The learner does not want anything about them to go to a model.",
        "unconfirmed_topic": "Nobody has confirmed the title of the topic, so it may not go to a model.",
        "deadline": "The model did not answer in time.",
        "unavailable": "The service of the model failed or could not be reached.",
        "rate_limited": "The service asked to wait longer than there was time.",
        "breaker_open": "The service had just failed many times and was not asked again.",
        "unauthorized": "The service refused the key.",
        "no_quota": "The account at the service has nothing left to spend.",
        "no_such_model": "The service has no model of that name.",
        "bad_request": "The service refused the request.",
        "refused": "The model declined to write this.",
        "invalid_output": "What the model wrote broke a rule, twice.",
        "budget": "The budget was used up.",
        "error": "Something went wrong while the model was asked; the log says more.",
    }
)
# A template that somebody wanted, or that the learner did: no failure of the model.
WANTED_TEMPLATES: Final = ("no_model", "opted_out")


@dataclass(frozen=True, kw_only=True)
class Generation:
    """One text, where it came from, and why.

    Attributes
    ----------
    content
        The text of a nudge, still with its placeholder, or the questions of a quiz.
    topic
        What a quiz is about; None for how to study, and for a nudge.
    reason
        Why a template stood in, for example "no_model"; None when the model wrote.
    fallback_id
        Which template stood in; None when the model wrote.
    """

    content: str | list[QuestionDict]
    prompt_version: str
    gpt_fallback: bool
    subject: str | None = None
    topic: str | None = None
    reason: str | None = None
    fallback_id: str | None = None

    def as_contract(self) -> dict[str, object]:
        """Return the three fields that other programs rely on."""
        return {
            "content": self.content,
            "prompt_version": self.prompt_version,
            "gptFallback": self.gpt_fallback,
        }
