"""What is done to a battery, in words or as steps: press, release, heat, cool, hold.

    "Press from 8.2 to 90 MPa at 349 K in 10 s"      "Release to 8.2 MPa at 2 MPa/s"
    "Cool to 313 K at 3 K/min"                       "Hold for 10 min"
    "Heat to 349 K in 12 min"                        "Hold until heat flow < 1 mW/g, at most 2 h"

The first step says where it starts ("from 8.2 to 90 MPa at 349 K"), or a step "Start at 349 K and 8.2 MPa"
does. Behind the door: K, Pa, s, W/kg.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Literal, get_args

from caloris.errors import InputError
from caloris.heat.battery.published_protocols import PROTOCOLS
from caloris.units import Quantity, magnitude

Kind = Literal["press", "release", "heat", "cool", "hold"]

SHORTEST_DURATION = 1e-6
"""s"""
HOLD_LIMIT = 24 * 3600.0
"""A hold that waits for something gives up after this time, s."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a protocol; pressure and wall temperature change linearly in time.

    Use :func:`press`, :func:`release`, :func:`heat`, :func:`cool` and :func:`hold` to make steps.
    """

    kind: Kind
    target: float | None = None
    """Pressure (Pa) or wall temperature (K) at the end."""
    start: float | None = None
    """Pressure (Pa) or wall temperature (K) at the beginning, if stated."""
    duration: float | None = None
    """s."""
    rate: float | None = None
    """Pa/s or K/s, instead of a duration."""
    temperature: float | None = None
    """Wall temperature (K) that the step is stated to happen at."""
    heat_flow: float | None = None
    """A hold ends when |heat flow| falls below this, W/kg."""
    limit: float = HOLD_LIMIT
    """A hold that waits for the heat flow gives up after this time, s."""

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise InputError(f"step: {self.kind!r} is none of {', '.join(get_args(Kind))}")
        if self.kind == "hold":
            if (self.duration is None) == (self.heat_flow is None):
                raise InputError("hold: give either a duration or a heat_flow to wait for")
        elif self.target is None or (self.duration is None) == (self.rate is None):
            raise InputError(f"{self.kind}: needs where to and how fast; make it with caloris.heat.{self.kind}(...)")
        for name in ("duration", "rate", "heat_flow", "limit"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"{self.kind} {name}: must be greater than 0, got {value:g}")
        if self.duration is not None and self.duration < SHORTEST_DURATION:
            raise InputError(f"{self.kind} duration: {self.duration:g} s is shorter than {SHORTEST_DURATION:g} s")

    @property
    def words(self) -> str:
        """The step as a sentence that parses to it."""
        verb, pressures = self.kind.capitalize(), self.kind in ("press", "release")
        if self.kind == "hold" and self.heat_flow is not None:
            return f"Hold until heat flow < {self.heat_flow:.12g} mW/g, at most {_time(self.limit)}"
        if self.kind == "hold":
            return f"Hold for {_time(self.duration)}"
        assert self.target is not None
        to = f"{self.target / 1e6:.12g} MPa" if pressures else f"{self.target:.12g} K"
        origin = "" if self.start is None else f" from {self.start / 1e6 if pressures else self.start:.12g}"
        at = "" if self.temperature is None else f" at {self.temperature:.12g} K"
        if self.rate is None:
            return f"{verb}{origin} to {to}{at} in {_time(self.duration)}"
        pace = f"{self.rate / 1e6:.12g} MPa/s" if pressures else f"{self.rate * 60:.12g} K/min"
        return f"{verb}{origin} to {to}{at} at {pace}"


@dataclass(frozen=True)
class Leg:
    """A step with everything resolved: linear pressure (Pa) and wall temperature (K) between known ends, in s."""

    step: Step
    pressures: tuple[float, float]
    temperatures: tuple[float, float]
    duration: float


@dataclass(frozen=True)
class Protocol:
    """A checked sequence of steps with its starting point; make one with :func:`parse_protocol`."""

    name: str
    temperature: float
    """Wall temperature at the start, K."""
    pressure: float
    """Pressure at the start, Pa."""
    steps: tuple[Step, ...]

    def legs(self) -> Iterator[Leg]:
        """Resolve the steps one after the other; a hold that waits for the heat flow lasts to its limit."""
        T, p = self.temperature, self.pressure
        for step in self.steps:
            end_p = step.target if step.kind in ("press", "release") else p
            end_T = step.target if step.kind in ("heat", "cool") else T
            assert end_p is not None
            assert end_T is not None
            if step.rate is not None:
                duration = abs(end_p - p if step.kind in ("press", "release") else end_T - T) / step.rate
            else:
                duration = step.limit if step.duration is None else step.duration
            yield Leg(step, (p, end_p), (T, end_T), duration)
            T, p = end_T, end_p

    def pressures(self) -> tuple[float, float]:
        """Return the lowest and the highest pressure, start included, Pa."""
        values = [self.pressure, *(p for leg in self.legs() for p in leg.pressures)]
        return min(values), max(values)

    @property
    def words(self) -> list[str]:
        """The protocol as sentences that parse to it."""
        start = f"Start at {self.temperature:.12g} K and {self.pressure / 1e6:.12g} MPa"
        return [start, *(step.words for step in self.steps)]


def press(
    to: Quantity,
    *,
    start: Quantity | None = None,
    temperature: Quantity | None = None,
    duration: Quantity | None = None,
    rate: Quantity | None = None,
) -> Step:
    """Raise the pressure.

    Parameters
    ----------
    to, start:
        Final and, on the first step, initial pressure.
    temperature:
        Wall temperature; on the first step the initial one.
    duration, rate:
        One of the two: a time, or a pressure per time.

    Returns
    -------
    :
        The step.

    Raises
    ------
    InputError
        If a unit or a sign is wrong, or both or none of ``duration`` and ``rate`` are given.

    Examples
    --------
    >>> press("90 MPa", start="8.2 MPa", temperature="349 K", duration="10 s").words
    'Press from 8.2 to 90 MPa at 349 K in 10 s'
    """
    return _pressure_step("press", to, start, temperature, duration, rate)


def release(
    to: Quantity,
    *,
    start: Quantity | None = None,
    temperature: Quantity | None = None,
    duration: Quantity | None = None,
    rate: Quantity | None = None,
) -> Step:
    """Lower the pressure; parameters, result and errors as for :func:`press`.

    Examples
    --------
    >>> release("8.2 MPa", rate="2 MPa/s").words
    'Release to 8.2 MPa at 2 MPa/s'
    """
    return _pressure_step("release", to, start, temperature, duration, rate)


def heat(to: Quantity, *, duration: Quantity | None = None, rate: Quantity | None = None) -> Step:
    """Raise the wall temperature linearly in time; result and errors as for :func:`press`.

    Parameters
    ----------
    to:
        Final temperature.
    duration, rate:
        One of the two: a time, or a temperature per time.

    Examples
    --------
    >>> heat("349 K", duration="12 min").words
    'Heat to 349 K in 12 min'
    """
    return _temperature_step("heat", to, duration, rate)


def cool(to: Quantity, *, duration: Quantity | None = None, rate: Quantity | None = None) -> Step:
    """Lower the wall temperature linearly in time; parameters, result and errors as for :func:`heat`.

    Examples
    --------
    >>> cool("313 K", rate="3 K/min").words
    'Cool to 313 K at 3 K/min'
    """
    return _temperature_step("cool", to, duration, rate)


def hold(duration: Quantity | None = None, *, heat_flow: Quantity | None = None, limit: Quantity = "24 h") -> Step:
    """Keep pressure and wall temperature, for a time or until the heat flow has died down.

    Parameters
    ----------
    duration:
        How long; or
    heat_flow:
        hold until |heat flow| per mass of material is below this and falling, and inside neither the heat taken up
        (root mean square) nor that of the transition exceeds twice this,
    limit:
        but at most this long.

    Returns
    -------
    :
        The step.

    Raises
    ------
    InputError
        If both or none of ``duration`` and ``heat_flow`` are given, or a unit or sign is wrong.

    Examples
    --------
    >>> hold(heat_flow="1 mW/g").words
    'Hold until heat flow < 1 mW/g, at most 24 h'
    """
    if (duration is None) == (heat_flow is None):
        raise InputError("hold: give either a duration or a heat_flow to wait for")
    if duration is not None:
        seconds = magnitude(duration, "s", "hold duration", positive=True)
        return Step(kind="hold", duration=seconds)
    threshold = magnitude(heat_flow, "mW/g", "hold heat flow", positive=True)
    seconds = magnitude(limit, "s", "hold limit", positive=True)
    return Step(kind="hold", heat_flow=threshold, limit=seconds)


def _pressure_step(
    kind: Literal["press", "release"],
    to: Quantity,
    start: Quantity | None,
    temperature: Quantity | None,
    duration: Quantity | None,
    rate: Quantity | None,
) -> Step:
    target = _pressure(to, f"{kind} to")
    origin = None if start is None else _pressure(start, f"{kind} from")
    if origin is not None and (target <= origin if kind == "press" else target >= origin):
        other = "Release" if kind == "press" else "Press"
        raise InputError(
            f"{kind}: from {origin / 1e6:g} to {target / 1e6:g} MPa goes the other way; "
            f"write {other!r} or swap the pressures"
        )
    T = None if temperature is None else magnitude(temperature, "K", f"{kind} temperature", positive=True)
    seconds, speed = _pace(kind, duration, rate, "MPa/s")
    speed = None if speed is None else speed * 1e6
    return Step(kind=kind, target=target, start=origin, duration=seconds, rate=speed, temperature=T)


def _temperature_step(
    kind: Literal["heat", "cool"], to: Quantity, duration: Quantity | None, rate: Quantity | None
) -> Step:
    target = magnitude(to, "K", f"{kind} to", positive=True)
    seconds, speed = _pace(kind, duration, rate, "K/s")
    return Step(kind=kind, target=target, duration=seconds, rate=speed)


def _pace(kind: str, duration: Quantity | None, rate: Quantity | None, unit: str) -> tuple[float | None, float | None]:
    if (duration is None) == (rate is None):
        example = "at 3 K/min" if unit == "K/s" else "at 2 MPa/s"
        given = "not both" if duration is not None else "one of them"
        raise InputError(f"{kind}: say how fast, 'in 10 s' (a duration) or {example!r} (a rate), {given}")
    if duration is not None:
        return magnitude(duration, "s", f"{kind} duration", positive=True), None
    return None, magnitude(rate, unit, f"{kind} rate", positive=True)


def _pressure(value: Quantity, name: str) -> float:
    p = magnitude(value, "MPa", name)
    if p < 0:
        raise InputError(f"{name}: the pressure must not be negative, got {p:g} MPa")
    return round(p * 1e6, 3)  # 8.2 MPa is 8.2e6 Pa, not 8199999.999999999


def _time(seconds: float | None) -> str:
    assert seconds is not None
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= size and (seconds / size) == round(seconds / size, 3):
            return f"{seconds / size:.12g} {unit}"
    return f"{seconds:.15g} s"


_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_AMOUNT = rf"{_NUMBER}\s*[^\s,\d]\S*"
_START = re.compile(rf"start at (?P<a>{_AMOUNT}) and (?P<b>{_AMOUNT})", re.IGNORECASE)
_PRESSURE = re.compile(
    rf"(?P<kind>press|release)(?: from (?P<from>{_NUMBER})\s*(?P<from_unit>[a-zA-Z]+)?)? to (?P<to>{_AMOUNT})"
    rf"(?: at (?P<temperature>{_NUMBER}\s*(?:K|degC|°C|C)))?"
    rf"(?: in (?P<duration>{_AMOUNT})| at (?P<rate>{_AMOUNT}))?",
    re.IGNORECASE,
)
_TEMPERATURE = re.compile(
    rf"(?P<kind>heat|cool) to (?P<to>{_AMOUNT})(?: in (?P<duration>{_AMOUNT})| at (?P<rate>{_AMOUNT}))?",
    re.IGNORECASE,
)
_HOLD_FOR = re.compile(rf"hold (?:for )?(?P<duration>{_AMOUNT})", re.IGNORECASE)
_HOLD_UNTIL = re.compile(
    rf"hold until heat flow (?:<|falls below|below|is below) (?P<heat_flow>{_AMOUNT}?)"
    rf"(?:,? (?:at most|for at most) (?P<limit>{_AMOUNT}))?",
    re.IGNORECASE,
)
_VERBS = ("start", "press", "release", "heat", "cool", "hold")
_EXAMPLES = {
    "start": "Start at 349 K and 8.2 MPa",
    "press": "Press from 8.2 to 90 MPa at 349 K in 10 s",
    "release": "Release to 8.2 MPa in 10 s",
    "heat": "Heat to 349 K at 3 K/min",
    "cool": "Cool to 313 K at 3 K/min",
    "hold": "Hold for 10 min' or 'Hold until heat flow < 1 mW/g",
}


def parse_step(sentence: str) -> Step:
    """Read one step of a protocol from words.

    Parameters
    ----------
    sentence:
        For example ``"Cool to 313 K at 3 K/min"``.

    Returns
    -------
    :
        The step.

    Raises
    ------
    InputError
        If the words are not understood; the message shows how such a step is written.

    Examples
    --------
    >>> parse_step("Hold for 10 min").duration
    600.0
    >>> parse_step("Squeeze to 90 MPa in 10 s")
    Traceback (most recent call last):
    ...
    caloris.errors.InputError: protocol: 'Squeeze' begins no step; a step begins with Start, Press, ...
    """
    if not isinstance(sentence, str):
        raise InputError(f"protocol: expected a sentence, got {type(sentence).__name__}")
    text = " ".join(sentence.replace("≤", "<").replace("<", " < ").split()).rstrip(".")
    if match := _PRESSURE.fullmatch(text):
        found = match.groupdict()
        unit = found["from_unit"] or found["to"].split()[-1].lstrip("0123456789.+-eE")
        verb = press if found["kind"].lower() == "press" else release
        return verb(
            found["to"],
            start=None if found["from"] is None else f"{found['from']} {unit}",
            temperature=found["temperature"],
            duration=found["duration"],
            rate=found["rate"],
        )
    if match := _TEMPERATURE.fullmatch(text):
        found = match.groupdict()
        make = heat if found["kind"].lower() == "heat" else cool
        return make(found["to"], duration=found["duration"], rate=found["rate"])
    if match := _HOLD_FOR.fullmatch(text):
        return hold(match["duration"])
    if match := _HOLD_UNTIL.fullmatch(text):
        return hold(heat_flow=match["heat_flow"].rstrip(","), limit=match["limit"] or "24 h")
    raise InputError(_not_understood(sentence))


def _not_understood(sentence: str) -> str:
    words = sentence.split()
    if not words:
        return "protocol: an empty step; remove it"
    verb = words[0].lower()
    if re.search(r"\d,\d", sentence):
        return f"protocol: {sentence!r} has a decimal comma; write a point"
    if verb in _VERBS:
        return f"protocol: cannot read {sentence!r}; write for example '{_EXAMPLES[verb]}'"
    close = difflib.get_close_matches(verb, _VERBS, n=1)
    hint = f" (did you mean {close[0].capitalize()}?)" if close else ""
    return f"protocol: {words[0]!r} begins no step{hint}; a step begins with Start, Press, Release, Heat, Cool or Hold"


def parse_protocol(steps: "str | Sequence[str | Step] | Protocol") -> Protocol:
    """Read a protocol: a list of sentences or steps, or the name of a protocol that comes with caloris.

    Parameters
    ----------
    steps:
        Sentences, steps, both mixed, or a name from :data:`PROTOCOLS`.

    Returns
    -------
    :
        The protocol, checked as a whole.

    Raises
    ------
    InputError
        If a step is not understood, the start is not stated, or a step contradicts the one before it.

    Examples
    --------
    >>> protocol = parse_protocol(["Press from 8.2 to 90 MPa at 349 K in 10 s", "Hold for 10 min"])
    >>> protocol.temperature, protocol.pressure
    (349.0, 8200000.0)
    """
    if isinstance(steps, Protocol):
        return steps
    name = "protocol"
    if isinstance(steps, str):
        if steps not in PROTOCOLS and " " in steps.strip():
            raise InputError(f"protocol: {steps!r} is one sentence; give a list of steps, even of one")
        if steps not in PROTOCOLS:
            raise InputError(
                f"protocol: no protocol is named {steps!r}; these are: {', '.join(PROTOCOLS)}; or give a list of steps"
            )
        name, steps = steps, PROTOCOLS[steps]
    if steps is not None and (not isinstance(steps, Iterable) or isinstance(steps, bytes | Set | Mapping)):
        raise InputError(f"protocol: expected a list of steps or a name, got {type(steps).__name__}")
    if not steps:
        raise InputError("protocol: no steps; give at least one, for example 'Hold for 10 min'")
    origin: tuple[float, float] | None = None
    rest: list[str | Step] = list(steps)
    if isinstance(rest[0], str) and rest[0].strip().lower().startswith("start"):
        origin = _parse_start(str(rest.pop(0)))
    parsed: list[Step] = []
    for number, step in enumerate(rest, start=1):
        if not isinstance(step, str | Step):
            raise InputError(f"protocol: step {number} is neither words nor a step, but {type(step).__name__}")
        if isinstance(step, str) and step.strip().lower().startswith("start"):
            raise InputError(f"protocol: step {number} ({step!r}): only the first sentence says where it starts")
        parsed.append(parse_step(step) if isinstance(step, str) else step)
    if not parsed:
        raise InputError("protocol: nothing follows the start; add for example 'Hold for 10 min'")
    first = parsed[0]
    if origin is None:
        if first.start is None or first.temperature is None:
            raise InputError(
                "protocol: the first step must say where it starts, "
                "for example 'Press from 8.2 to 90 MPa at 349 K in 10 s', or 'Start at 349 K and 8.2 MPa'"
            )
        origin = first.temperature, first.start
    protocol = Protocol(name, *origin, tuple(parsed))
    _check_continuity(protocol)
    return protocol


def _parse_start(sentence: str) -> tuple[float, float]:
    match = _START.fullmatch(" ".join(sentence.split()).rstrip("."))
    if not match:
        raise InputError(_not_understood(sentence))
    values = match["a"], match["b"]
    if "pa" in values[0].lower():
        values = values[1], values[0]
    return magnitude(values[0], "K", "start temperature", positive=True), _pressure(values[1], "start pressure")


def _check_continuity(protocol: Protocol) -> None:
    for number, leg in enumerate(protocol.legs(), start=1):
        step, (p, end_p), (T, end_T) = leg.step, leg.pressures, leg.temperatures
        where = f"protocol: step {number} ({step.words!r})"
        if step.start is not None and abs(step.start - p) > 1e-9 * max(p, 1e5):
            raise InputError(f"{where} starts at {step.start / 1e6:g} MPa, but the pressure is {p / 1e6:g} MPa then")
        if step.temperature is not None and abs(step.temperature - T) > 1e-9 * T:
            raise InputError(
                f"{where} is said to happen at {step.temperature:g} K, but the wall is at {T:g} K then; "
                "add a Heat or Cool step before it"
            )
        wrong = {"press": end_p <= p, "release": end_p >= p, "heat": end_T <= T, "cool": end_T >= T}
        if wrong.get(step.kind, False):
            here = f"{p / 1e6:g} MPa" if step.kind in ("press", "release") else f"{T:g} K"
            raise InputError(f"{where} goes the other way: it starts from {here}")
        if leg.duration < SHORTEST_DURATION:
            raise InputError(f"{where} would take {leg.duration:.3g} s, less than {SHORTEST_DURATION:g} s")
