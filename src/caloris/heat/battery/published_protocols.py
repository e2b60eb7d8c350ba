"""The cycles of Zhang et al. (2023) as protocols in words."""


def _cycle(charge: float, low: float, high: float, discharge: float) -> tuple[str, ...]:
    return (
        f"Press from {low:g} to {high:g} MPa at {charge:g} K in 10 s",
        "Hold until heat flow < 0.1 mW/g",
        f"Cool to {discharge:g} K at 3 K/min",
        "Hold until heat flow < 0.1 mW/g",
        f"Release to {low:g} MPa in 10 s",
        "Hold until heat flow < 0.1 mW/g",
    )


PROTOCOLS: dict[str, tuple[str, ...]] = {
    "fig-1c": _cycle(349, 8.2, 90, 313),
    "fig-1c-simulation": _cycle(349, 0.1, 200, 313),
    "fig-1d": _cycle(349, 0.1, 400, 273),
    "extended-1a": _cycle(345, 8.2, 90, 318),
    "extended-1b": _cycle(355, 8.2, 90, 315),
    **{f"extended-1c-{p}MPa": _cycle(349, 0.1, p, 310) for p in (200, 240, 270, 300, 340, 400)},
    **{f"extended-1d-{T}K": _cycle(349, 0.1, 400, T) for T in (310, 300, 293, 283, 273)},
}
"""The cycles of Zhang et al. (2023) by figure; ramp times, cooling rate and holds are ours (not stated there)."""
