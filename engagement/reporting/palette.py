"""The four risk labels in the order they are shown everywhere, and their colours by day and by night.

Red, amber and blue differ for colour-blind readers, and in lightness too; no page relies on them alone.
Charts are drawn in `LIGHT`; pages that go dark translate each colour to the one of the same name in `DARK`,
so no two names may share a light colour.
"""

from typing import Final

LIGHT: Final = {
    "high": "#b42318",
    "medium": "#e3a32a",
    "low": "#2f72a3",
    "unknown": "#8b94a0",
    "accent": "#44597a",
    "ink": "#39434f",
    "grid": "#dfe3e8",
    "mark": "#1c242e",
    "on_dark": "#ffffff",
    "on_light": "#1f1803",
}
DARK: Final = {
    "high": "#ff8f85",
    "medium": "#f2c14e",
    "low": "#70b3e6",
    "unknown": "#97a2af",
    "accent": "#9fb6d6",
    "ink": "#c3ccd7",
    "grid": "#303a46",
    "mark": "#f2f5f8",
    "on_dark": "#10161d",
    "on_light": "#10171e",
}
