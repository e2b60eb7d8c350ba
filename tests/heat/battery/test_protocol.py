"""Protocols in words: every form of sentence, both ways, and one line for everything that is none."""

import math

import pytest
import scipp as sc
from hypothesis import given, settings
from hypothesis import strategies as st

from caloris.errors import InputError
from caloris.heat import PROTOCOLS, Protocol, Step, cool, heat, hold, parse_protocol, press, release
from caloris.heat.battery import parse_step

START = "Start at 349 K and 8.2 MPa"


# -- what the sentences mean ------------------------------------------------------------------------


def test_a_pressing_says_pressures_temperature_and_time():
    step = parse_step("Press from 8.2 to 90 MPa at 349 K in 10 s")
    assert step.kind == "press"
    assert (step.start, step.target) == (pytest.approx(8.2e6), pytest.approx(90e6))
    assert (step.temperature, step.duration, step.rate) == (349.0, 10.0, None)


def test_a_release_at_a_rate_lasts_as_long_as_its_pressures_say():
    protocol = parse_protocol(["Start at 313 K and 90 MPa", "Release to 8.2 MPa at 2 MPa/s"])
    (leg,) = protocol.legs()
    assert leg.pressures == (pytest.approx(90e6), pytest.approx(8.2e6))
    assert leg.duration == pytest.approx(81.8 / 2)


def test_cooling_at_a_rate_and_heating_in_a_time():
    protocol = parse_protocol([START, "Cool to 313 K at 3 K/min", "Heat to 349 K in 12 min"])
    cooling, heating = protocol.legs()
    assert cooling.temperatures == (349.0, 313.0)
    assert cooling.duration == pytest.approx(12 * 60)
    assert heating.temperatures == (313.0, 349.0)
    assert heating.duration == pytest.approx(720)
    assert cooling.pressures == heating.pressures == (pytest.approx(8.2e6),) * 2


def test_holding_for_a_time_or_for_the_heat_flow():
    assert parse_step("Hold for 10 min").duration == 600.0
    waiting = parse_step("Hold until heat flow < 1 mW/g, at most 2 h")
    assert waiting.heat_flow == pytest.approx(1.0)  # 1 mW/g is 1 W/kg
    assert waiting.limit == 7200.0
    assert waiting.duration is None
    assert parse_step("Hold until heat flow < 0.1 mW/g").limit == 24 * 3600.0


@pytest.mark.parametrize(
    ("words", "same"),
    [
        ("press FROM 8.2 to 90 MPa AT 349 K in 10 s", "Press from 8.2 to 90 MPa at 349 K in 10 s"),
        ("Press from 8.2 MPa to 90 MPa at 349 K in 10 s", "Press from 8.2 to 90 MPa at 349 K in 10 s"),
        ("Press from 82 bar to 90 MPa at 349 K in 10 s", "Press from 8.2 to 90 MPa at 349 K in 10 s"),
        ("Press from 8.2e6 to 90e6 Pa at 349 K in 10 s", "Press from 8.2 to 90 MPa at 349 K in 10 s"),
        ("Press from 0.0082 to 0.09 GPa at 349 K in 10 s", "Press from 8.2 to 90 MPa at 349 K in 10 s"),
        ("Press from 8.2 to 90 MPa at 75.85 degC in 10 s", "Press from 8.2 to 90 MPa at 349 K in 10 s"),
        ("Press from 8.2 to 90 MPa at 75.85 °C in 10 s.", "Press from 8.2 to 90 MPa at 349 K in 10 s"),
        ("Press  from 8.2   to 90MPa at 349K in 10s", "Press from 8.2 to 90 MPa at 349 K in 10 s"),
        ("Cool to 39.85 degC at 0.05 K/s", "Cool to 313 K at 3 K/min"),
        ("Heat to 349 K in 0.2 hours", "Heat to 349 K in 12 min"),
        ("Hold for 600 seconds", "Hold for 10 min"),
        ("Hold until heat flow falls below 1 W/kg, for at most 120 min", "Hold until heat flow < 1 mW/g, at most 2 h"),
        ("Hold until heat flow <1 mW/g at most 2 h", "Hold until heat flow < 1 mW/g, at most 2 h"),
        ("Hold until heat flow ≤ 1 mW/g, at most 2 h.", "Hold until heat flow < 1 mW/g, at most 2 h"),
    ],
)
def test_other_ways_to_say_the_same(words, same):
    found, expected = parse_step(words), parse_step(same)
    assert found.kind == expected.kind
    for name in ("target", "start", "duration", "rate", "temperature", "heat_flow", "limit"):
        one, other = getattr(found, name), getattr(expected, name)
        assert one == (None if other is None else pytest.approx(other, rel=1e-12))


@pytest.mark.parametrize("start", [START, "Start at 8.2 MPa and 349 K", "start at 75.85 degC and 82 bar."])
def test_the_start_in_either_order_and_in_other_units(start):
    protocol = parse_protocol([start, "Hold for 1 s"])
    assert protocol.temperature == pytest.approx(349.0)
    assert protocol.pressure == pytest.approx(8.2e6)


def test_steps_as_objects_are_the_same_as_words():
    words = parse_protocol(
        [
            "Press from 8.2 to 90 MPa at 349 K in 10 s",
            "Hold until heat flow < 1 mW/g, at most 2 h",
            "Cool to 313 K at 3 K/min",
            "Hold for 10 min",
            "Release to 8.2 MPa at 2 MPa/s",
            "Heat to 349 K in 12 min",
        ]
    )
    steps = parse_protocol(
        [
            press("90 MPa", start="8.2 MPa", temperature="349 K", duration="10 s"),
            hold(heat_flow="1 mW/g", limit="2 h"),
            cool("313 K", rate="3 K/min"),
            hold("10 min"),
            release("8.2 MPa", rate="2 MPa/s"),
            heat(sc.scalar(349.0, unit="K"), duration=sc.scalar(0.2, unit="h")),
        ]
    )
    assert words == steps
    assert parse_protocol(words) is words


# -- there and back ---------------------------------------------------------------------------------


def alike(one: Protocol, other: Protocol):
    assert one.temperature == pytest.approx(other.temperature, rel=1e-11)
    assert one.pressure == pytest.approx(other.pressure, rel=1e-11)
    for a, b in zip(one.legs(), other.legs(), strict=True):
        assert a.step.kind == b.step.kind
        assert a.pressures == pytest.approx(b.pressures, rel=1e-11)
        assert a.temperatures == pytest.approx(b.temperatures, rel=1e-11)
        assert a.duration == pytest.approx(b.duration, rel=1e-6)
        assert a.step.heat_flow == (None if b.step.heat_flow is None else pytest.approx(b.step.heat_flow, rel=1e-11))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_named_protocol_survives_its_own_words(name):
    protocol = parse_protocol(name)
    assert protocol.name == name
    alike(parse_protocol(protocol.words), protocol)


def test_the_protocol_of_figure_1c_is_the_paper_s():
    charge, _, cooling, _, discharge, _ = parse_protocol("fig-1c").legs()
    assert charge.pressures == (pytest.approx(8.2e6), pytest.approx(90e6))
    assert charge.temperatures == (349.0, 349.0)
    assert cooling.temperatures == (349.0, 313.0)
    assert discharge.pressures == (pytest.approx(90e6), pytest.approx(8.2e6))
    assert parse_protocol("fig-1d").pressures() == (pytest.approx(0.1e6), pytest.approx(400e6))


def positive(low, high):
    return st.floats(low, high, allow_nan=False, allow_infinity=False)


@st.composite
def protocols(draw):
    """Any sequence of steps that contradicts nothing."""
    T, p = draw(positive(50, 900)), draw(positive(0, 1000))
    first_T, first_p = T, p
    steps: list[Step] = []
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(["press", "release", "heat", "cool", "hold", "wait"]))
        time = f"{draw(positive(1e-3, 1e6))!r} s"
        if kind in ("press", "release"):
            target = p + draw(positive(0.01, 500)) if kind == "press" else p * draw(positive(0.0, 0.99))
            if kind == "release" and p < 1e-3:
                continue
            fastest = min(1e3, abs(target - p) / 1e-5)  # a step may not be shorter than a microsecond
            pace = draw(st.sampled_from([{"duration": time}, {"rate": f"{fastest * draw(positive(1e-6, 1))!r} MPa/s"}]))
            where = draw(st.sampled_from([{}, {"start": f"{p!r} MPa"}, {"temperature": f"{T!r} K"}]))
            steps.append((press if kind == "press" else release)(f"{target!r} MPa", **pace, **where))
            p = target
        elif kind in ("heat", "cool"):
            target = T + draw(positive(0.01, 500)) if kind == "heat" else T * draw(positive(0.1, 0.99))
            pace = draw(st.sampled_from([{"duration": time}, {"rate": f"{draw(positive(1e-3, 1e3))!r} K/min"}]))
            steps.append((heat if kind == "heat" else cool)(f"{target!r} K", **pace))
            T = target
        elif kind == "hold":
            steps.append(hold(time))
        else:
            steps.append(hold(heat_flow=f"{draw(positive(1e-4, 100))!r} mW/g", limit=time))
    if not steps:
        steps.append(hold("1 s"))
    return [f"Start at {first_T!r} K and {first_p!r} MPa", *steps]


@settings(max_examples=150, deadline=None)
@given(protocols())
def test_any_protocol_survives_its_own_words(steps):
    protocol = parse_protocol(steps)
    alike(parse_protocol(protocol.words), protocol)
    for step in protocol.steps:
        assert parse_step(step.words).kind == step.kind


@settings(max_examples=200, deadline=None)
@given(st.floats(1e-3, 1e7))
def test_a_time_survives_its_words(seconds):
    assert parse_step(hold(sc.scalar(seconds, unit="s")).words).duration == pytest.approx(seconds, rel=1e-11)


def step_or_one_line(text):
    try:
        return parse_step(text)
    except InputError as refused:
        message = str(refused)
    assert len(message.splitlines()) == 1
    return None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_step_or_one_line_that_says_it_is_none(text):
    step = step_or_one_line(text)
    assert step is None or step.kind in ("press", "release", "heat", "cool", "hold")


WORDS = (
    "Start Press Release Heat Cool Hold from to at in for until heat flow < most and 8.2 90 -1 0 nan 1e999 349 "
    "K MPa MPa/s K/min min s mW/g h degC , ."
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(WORDS.split(" ")), max_size=14).map(" ".join))
def test_any_jumble_of_its_own_words_is_a_step_or_one_line(text):
    step = step_or_one_line(text)
    if step is not None:
        for number in (step.target, step.duration, step.rate, step.heat_flow):
            assert number is None or math.isfinite(number)


# -- what is refused --------------------------------------------------------------------------------

BAD = {
    "pressures without unit": (["Press from 8.2 to 90 at 349 K in 10 s"], "cannot read"),
    "time without unit": (["Press from 8.2 to 90 MPa at 349 K in 10"], "cannot read"),
    "temperature without unit": (["Press from 8.2 to 90 MPa at 349 in 10 s"], "cannot read"),
    "pressure in kelvin": (["Press from 8.2 to 90 K at 349 K in 10 s"], "press to: '90 K' has the unit K"),
    "temperature in megapascal": ([START, "Cool to 300 MPa in 1 s"], "cool to: '300 MPa' has the unit MPa"),
    "time in kelvin": ([START, "Hold for 10 K"], "hold duration: '10 K' has the unit K"),
    "unknown unit": ([START, "Press to 90 blorps in 1 s"], "'blorps' is not a unit"),
    "rate of the other kind": ([START, "Cool to 300 K at 3 MPa/s"], "cool rate: '3 MPa/s' has the unit"),
    "pressure rate in kelvin": ([START, "Press to 90 MPa at 5 K/min"], "press rate: '5 K/min' has the unit"),
    "heat flow without mass": ([START, "Hold until heat flow < 1 mW"], "has the unit mW"),
    "heat flow without unit": ([START, "Hold until heat flow < 1"], "cannot read"),
    "negative start pressure": (["Press from -8.2 to 90 MPa at 349 K in 10 s"], "press from: the pressure must not"),
    "negative pressure": (["Release from 8.2 to -90 MPa at 349 K in 10 s"], "release to: the pressure must not"),
    "negative temperature": (["Press from 8.2 to 90 MPa at -5 K in 10 s"], "press temperature: must be greater than 0"),
    "zero kelvin": ([START, "Cool to 0 K in 10 s"], "cool to: must be greater than 0"),
    "below absolute zero": ([START, "Cool to -300 degC in 10 s"], "cool to: must be greater than 0"),
    "zero duration": (["Press from 8.2 to 90 MPa at 349 K in 0 s"], "press duration: must be greater than 0"),
    "negative duration": (["Press from 8.2 to 90 MPa at 349 K in -10 s"], "press duration: must be greater than 0"),
    "zero rate": ([START, "Press to 90 MPa at 0 MPa/s"], "press rate: must be greater than 0"),
    "negative rate": ([START, "Cool to 300 K at -3 K/min"], "cool rate: must be greater than 0"),
    "hold of no length": ([START, "Hold for 0 s"], "hold duration: must be greater than 0"),
    "no heat flow": ([START, "Hold until heat flow < 0 mW/g"], "hold heat flow: must be greater than 0"),
    "no patience": ([START, "Hold until heat flow < 1 mW/g, at most 0 s"], "hold limit: must be greater than 0"),
    "NaN pressure": (["Press from 8.2 to nan MPa at 349 K in 10 s"], "cannot read"),
    "infinite pressure": (["Press from 8.2 to inf MPa at 349 K in 10 s"], "cannot read"),
    "overflow": ([START, "Press to 1e999 MPa in 10 s"], "inf is not a finite number"),
    "press downwards": (["Press from 90 to 8.2 MPa at 349 K in 10 s"], "goes the other way; write 'Release'"),
    "release upwards": (["Release from 8.2 to 90 MPa at 349 K in 10 s"], "goes the other way; write 'Press'"),
    "press to where it is": (["Press from 90 to 90 MPa at 349 K in 10 s"], "goes the other way"),
    "press below the start": ([START, "Press to 5 MPa in 10 s"], "goes the other way: it starts from 8.2 MPa"),
    "heat downwards": ([START, "Heat to 340 K at 3 K/min"], "goes the other way: it starts from 349 K"),
    "heat to where it is": ([START, "Heat to 349 K at 3 K/min"], "goes the other way"),
    "cool upwards": ([START, "Cool to 360 K at 3 K/min"], "goes the other way"),
    "another start pressure": ([START, "Press from 9 to 90 MPa in 10 s"], "starts at 9 MPa, but the pressure is 8.2"),
    "another temperature": ([START, "Press to 90 MPa at 300 K in 10 s"], "the wall is at 349 K then; add a Heat"),
    "unknown verb": (["Squeeze to 90 MPa"], "'Squeeze' begins no step; a step begins with"),
    "misspelt verb": (["Pres to 90 MPa in 10 s"], "did you mean Press?"),
    "another misspelt verb": ([START, "Coool to 300 K in 1 min"], "did you mean Cool?"),
    "misspelt start": (["Strat at 349 K and 8.2 MPa", "Hold for 1 s"], "did you mean Start?"),
    "no pace": (["Press from 8.2 to 90 MPa at 349 K"], "say how fast"),
    "no pace of cooling": ([START, "Cool to 300 K"], "say how fast"),
    "two paces": ([START, "Press to 90 MPa in 10 s at 2 MPa/s"], "cannot read"),
    "two times": ([START, "Hold for 10 s in 20 s"], "cannot read"),
    "hold without anything": ([START, "Hold"], "write for example 'Hold for 10 min'"),
    "hold until something else": ([START, "Hold until dawn"], "cannot read"),
    "hold until more": ([START, "Hold until heat flow > 1 mW/g"], "cannot read"),
    "decimal comma": ([START, "Press to 90,5 MPa in 10 s"], "decimal comma"),
    "two sentences in one": ([START, "Hold for 10 min\nCool to 300 K in 1 s"], "cannot read"),
    "an empty sentence": ([START, "  "], "an empty step; remove it"),
    "an empty list": ([], "no steps; give at least one"),
    "nothing": (None, "no steps; give at least one"),
    "an empty string": ("", "no protocol is named ''"),
    "an unknown name": ("fig-9z", "no protocol is named 'fig-9z'; these are: fig-1c"),
    "a sentence instead of a list": ("Hold for 10 min", "give a list of steps"),
    "a number": (5, "expected a list of steps or a name, got int"),
    "a set, which has no order": ({START, "Hold for 1 s"}, "got set"),
    "a dictionary": ({START: "Hold for 1 s"}, "got dict"),
    "bytes": (b"Hold for 1 s", "got bytes"),
    "a number among the steps": ([START, 5], "step 1 is neither words nor a step, but int"),
    "a list among the steps": ([START, ["Hold for 1 s"]], "step 1 is neither words nor a step, but list"),
    "no start": (["Hold for 10 min"], "the first step must say where it starts"),
    "no start temperature": (["Press from 8.2 to 90 MPa in 10 s"], "the first step must say where it starts"),
    "nothing but a start": ([START], "nothing follows the start"),
    "half a start": (["Start at 349 K", "Hold for 1 s"], "write for example 'Start at 349 K and 8.2 MPa'"),
    "a start of two temperatures": (
        ["Start at 349 K and 350 K", "Hold for 1 s"],
        "start pressure: '350 K' has the unit",
    ),
    "a start of two pressures": (["Start at 9 MPa and 8 MPa", "Hold for 1 s"], "start temperature"),
    "a start in vacuum of heat": (["Start at -1 K and 1 MPa", "Hold for 1 s"], "start temperature: must be greater"),
    "a start under tension": (["Start at 349 K and -1 MPa", "Hold for 1 s"], "start pressure: the pressure must not"),
    "a second start": ([START, "Hold for 1 s", START], "only the first sentence"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_protocol_is_refused_in_one_line(case):
    steps, fragment = BAD[case]
    with pytest.raises(InputError) as caught:
        parse_protocol(steps)
    assert fragment in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


CALLS = {
    "no pace": (lambda: press("90 MPa"), "say how fast"),
    "duration and rate": (lambda: press("90 MPa", duration="1 s", rate="1 MPa/s"), "not both"),
    "cooling with both": (lambda: cool("300 K", duration="1 s", rate="1 K/s"), "not both"),
    "hold for nothing": (lambda: hold(), "either a duration or a heat_flow"),
    "hold for both": (lambda: hold("1 s", heat_flow="1 mW/g"), "either a duration or a heat_flow"),
    "bare pressure": (lambda: press(90, duration="1 s"), "90 has no unit; give '90 MPa'"),
    "bare time": (lambda: hold(5), "5 has no unit; give '5 s'"),
    "NaN time": (lambda: hold(sc.scalar(float("nan"), unit="s")), "nan is not a finite number"),
    "several pressures": (lambda: press(sc.array(dims=["p"], values=[1.0], unit="MPa"), duration="1 s"), "one value"),
    "rate without time": (lambda: heat("349 K", rate="1 K"), "expected one like K/s"),
    "no words": (lambda: parse_step(None), "expected a sentence, got NoneType"),
    "the other way": (lambda: release("9 MPa", start="8 MPa", duration="1 s"), "write 'Press'"),
}


@pytest.mark.parametrize("case", CALLS)
def test_a_bad_step_is_refused_in_one_line(case):
    call, fragment = CALLS[case]
    with pytest.raises(InputError) as caught:
        call()
    assert fragment in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
