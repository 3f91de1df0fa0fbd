"""Who waits in an experiment, drawn in Python: what the store draws is held against it."""

from engagement.content import templates


def drawn_arm(experiment_id: str, person_id: str, holdout: float) -> str:
    """Return `control` for the share of persons that waits, drawn to the millionth, else `nudge`."""
    drawn = templates.drawn(f"{experiment_id}|{person_id}", 1_000_000)
    return "control" if drawn < round(holdout * 1_000_000) else "nudge"
