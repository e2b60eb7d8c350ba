"""A task to try a campaign with: the period of a pendulum, by the arithmetic-geometric mean, exact at any amplitude."""

import math
from pathlib import Path
from typing import Any

from caloris.campaigns.task import Progress
from caloris.units import magnitude


def pendulum(
    parameters: dict[str, Any], folder: Path, previous: Path | None, progress: Progress
) -> dict[str, dict[str, Any]]:
    """Return the period of a pendulum, T = 2 pi sqrt(l / g) / agm(1, cos(amplitude / 2)).

    Parameters
    ----------
    parameters:
        ``length``; optionally ``amplitude`` (default ``"0 deg"``) and ``gravity`` (default ``"9.80665 m/s^2"``).
    folder, previous, progress:
        As for every task; not needed here.

    Returns
    -------
    :
        ``period`` in s.

    Raises
    ------
    InputError
        If a parameter has no or a wrong unit.

    Examples
    --------
    >>> found = pendulum({"length": "1 m", "amplitude": "90 deg"}, Path(), None, lambda what, fraction: None)
    >>> round(found["period"]["value"], 4)
    2.3682
    """
    length = magnitude(parameters["length"], "m", "length", positive=True)
    gravity = magnitude(parameters.get("gravity", "9.80665 m/s^2"), "m/s^2", "gravity", positive=True)
    amplitude = magnitude(parameters.get("amplitude", "0 deg"), "rad", "amplitude")
    a, b = 1.0, math.cos(amplitude / 2)
    while abs(a - b) > 1e-15 * a:
        a, b = (a + b) / 2, math.sqrt(a * b)
    progress("period", 1.0)
    return {"period": {"value": 2 * math.pi * math.sqrt(length / gravity) / a, "unit": "s", "error": None}}
