"""The words that every room uses: risk labels, terms of the score, channels."""

from typing import Final

LABELS: Final = ("high", "medium", "low", "unknown")  # in the order they are shown everywhere
TERMS: Final = ("behind_pace", "low_quiz", "missed_session", "inactivity")
CHANNELS: Final = ("in_app", "whatsapp", "email")
