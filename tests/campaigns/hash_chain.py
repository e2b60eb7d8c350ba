"""SYNTHETIC tasks for the tests of campaigns; workers import them by name.

``chain`` applies a hash again and again, a checkpoint after each step: a step that is lost, done twice or done with
another parameter changes the result, and so does another predecessor.
"""

import hashlib
import os
import signal
import time
from pathlib import Path
from typing import Any

from caloris.campaigns import Progress
from caloris.errors import ComputationError
from caloris.files import whole

STEPS = 20


def chain(parameters: dict[str, Any], folder: Path, previous: Path | None, progress: Progress) -> dict[str, Any]:
    """Twenty steps of ``duration`` / 20 seconds each, resumed from ``folder/state``."""
    given = "/".join(f"{name}={parameters[name]}" for name in sorted(parameters) if name != "duration")
    state = folder / "state"
    if state.exists():
        step, value = state.read_text().split()
    else:
        step, value = "0", (previous / "state").read_text().split()[1] if previous else "start"
    done = int(step)
    while done < STEPS:
        time.sleep(float(parameters.get("duration", 0.0)) / STEPS)
        value = hashlib.sha256(f"{given} {done} {value}".encode()).hexdigest()
        done += 1
        with whole(state) as temporary:
            temporary.write_text(f"{done} {value}")
        progress("hashing", done / STEPS)
    number = int(value[:8], 16) / 2**32
    return {"digest": value, "number": {"value": number, "unit": "J/g", "error": 0.01 * number}}


def transition(parameters: dict[str, Any], folder: Path, previous: Path | None, progress: Progress) -> dict[str, Any]:
    """A step in volume at 451 K on heating and 441 K on cooling, 0.1 K/MPa higher under pressure."""
    from caloris.units import magnitude

    T = magnitude(parameters["temperature"], "K", "temperature")
    p = magnitude(parameters.get("pressure", "0 MPa"), "MPa", "pressure")
    middle = 441.0 if parameters.get("history") == "cooling" else 451.0
    volume = 1.0 + 1e-4 * (T - 400) + (0.1 if middle + 0.1 * p < T else 0.0)
    return {"volume": {"value": volume, "unit": "cm^3/g", "error": 1e-4}, "phase": "high" if volume > 1.1 else "low"}


def troubled(parameters: dict[str, Any], folder: Path, previous: Path | None, progress: Progress) -> dict[str, Any]:
    """What can go wrong, by the parameter ``trouble``."""
    trouble = parameters["trouble"]
    print(f"this is {trouble}")
    if trouble == "raises":
        raise ComputationError("atoms lost:\n 3 of 200")
    if trouble == "leaves":
        raise SystemExit(3)
    if trouble == "kills its worker":
        os.kill(os.getpid(), signal.SIGKILL)
    if trouble == "fails once":
        marker = folder / "was here"
        if not marker.exists():
            marker.touch()
            raise OSError(28, "No space left on device")
    outputs = {"nan": float("nan"), "null": None, "infinite error": 1.0}
    error = float("inf") if trouble == "infinite error" else 0.1
    value = outputs.get(trouble, 1.0)
    if trouble == "no number":
        return {"energy": {"value": "high", "unit": "eV", "error": None}}
    if trouble == "no unit":
        return {"energy": {"value": 1.0, "unit": "quux", "error": None}}
    if trouble == "no outputs":
        return 3  # type: ignore[return-value]
    if trouble == "no JSON":
        return {"energy": {1, 2}}
    return {"energy": {"value": value, "unit": "eV", "error": error}}
