"""The page's colours, each told with words or a symbol beside it; dark enough to read, and in grey too."""

from __future__ import annotations

INK = {
    "ink": "#1a1f26",
    "quiet": "#55606e",
    "short": "#9c2a08",
    "over": "#1d5c48",
    "doubt": "#6a4a00",
    "link": "#0b4f8a",
}
"""Colours of words, by name."""

GROUND = {"paper": "#ffffff", "short-ground": "#fdf1ec", "doubt-ground": "#fdf6e3", "head-ground": "#f3f5f7"}
"""Colours that words stand on, by name."""

MARK = {
    "rule": "#d5dae0",
    "grid": "#e6e9ed",
    "median": "#0b3d73",
    "band": "#a9c6e6",
    "bar": "#b9c2cc",
    "edge": "#7d8896",
}
"""Colours of lines and surfaces, by name."""
