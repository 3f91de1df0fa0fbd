from datetime import date, datetime

from engagement.audit import Actor


def acting(
    now: datetime, *, name: str = "ana", day: date | None = None, programs: list[str] | None = None
) -> Actor:
    """Return a person who does something at that instant, by default of its own day and for all programs."""
    return Actor(name=name, now=now, day=day or now.date(), programs=programs)
