"""Zhang et al., Barocaloric thermal batteries (Sci. Adv. 9, eadd0374, 2023): its heat results, one by one."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import scipp as sc

from caloris.heat import Battery, CaloricEffect, Cycle, Geometry, TwoPhase, caloric_effect
from caloris.heat.battery.logistic import paper_boundary_pressure, paper_step
from caloris.materials import Material, load
from caloris.study.comparison import Comparison, Reproduction

CONTACTS = (50, 100, 200, 500, 1000, 1500)
"""Heat transfer coefficients of Fig. 1d, W/(m2 K)."""
CHECK_CAPACITY = {"heat_capacity": "1700 J/kg/K"}
"""Heat capacity of the published-cycle checks; the card's own estimate is 1590 +- 130 J/kg/K."""

_DIE = "die and pellet geometry are guesses (the paper's tables S3-S5 are not public)"


def _si(value: float, unit: str) -> sc.Variable:
    return sc.scalar(float(value), unit=unit)


@cache
def _card() -> Material:
    return load("NH4SCN")


@cache
def _effect() -> CaloricEffect:
    return caloric_effect(_card())


@cache
def run(protocol: str, contact: str = "100 W/m^2/K", transition: str = "hysteresis", radius: str = "5 mm") -> Cycle:
    """Run one of the paper's cycles (each only once).

    Parameters
    ----------
    protocol:
        A name from :data:`caloris.heat.PROTOCOLS`, or ``"quasi-static"`` for Fig. 1c with ramps of 200 h.
    contact, transition, radius:
        Options of the battery.

    Returns
    -------
    :
        The cycle.
    """
    battery = Battery(
        _card(),
        contact_conductance=contact,
        transition=transition,  # type: ignore[arg-type]
        geometry=Geometry(radius=radius, height=f"{2 * float(radius.split()[0]):g} mm"),
        overrides=dict(CHECK_CAPACITY),
    )
    if protocol != "quasi-static":
        return battery.run(protocol)
    return battery.run(
        [
            "Press from 8.2 to 90 MPa at 349 K in 200 h",
            "Hold until heat flow < 0.01 mW/g",
            "Cool to 313 K at 3 K/min",
            "Hold until heat flow < 0.01 mW/g",
            "Release to 8.2 MPa in 200 h",
            "Hold until heat flow < 0.01 mW/g",
        ]
    )


def phase_boundary() -> Sequence[Comparison]:
    """Eqs 11-12: where the boundary passes and how sharp it is."""
    p = np.array([20e6, 0.1e6])
    T = np.array([358.0, 363.83])
    half = paper_step(p, T)
    grid = np.linspace(-0.5e6, 0.5e6, 200001)
    step = paper_step(20e6 + grid, 358.0)
    width = np.interp(0.9, step, grid) - np.interp(0.1, step, grid)
    slope = 1e6 / float(paper_boundary_pressure(358.0) - paper_boundary_pressure(357.0)) * 1e6
    point = "the paper gives P1, T1 and P2, T2 as parameters: both lie on the boundary, Step = 1/2"
    sharp = "no transition of a real sample is this sharp: numerically a step, and without hysteresis"
    return [
        Comparison("Step at (20 MPa, 358 K)", None, _si(half[0], "dimensionless"), point),
        Comparison("Step at (0.1 MPa, 363.83 K)", None, _si(half[1], "dimensionless"), point),
        Comparison("slope of the boundary", None, _si(slope / 1e6, "K/MPa"), "measured slopes: about −0.3"),
        Comparison("10-90 % width in pressure", None, _si(width / 1e6, "MPa"), sharp),
        Comparison("10-90 % width in temperature", None, _si(abs(width * slope / 1e12), "K"), sharp),
        Comparison(
            "boundary at 90 MPa",
            None,
            _si(363.83 + slope / 1e6 * 89.9, "K"),
            "above the 313 K of storage: eq. 12 discharges the battery while it cools",
        ),
    ]


def caloric() -> Sequence[Comparison]:
    """Fig. 2: entropy change, slope, RCP, from the card's two-branch model."""
    effect = _effect()
    merits_80, merits_100 = effect.merits("80 MPa"), effect.merits("100 MPa")
    given, T_t = "input of the card", effect.transition_temperature
    one_branch = "one-branch value; a cycle cannot use it below the reversible pressure"
    cooling = "Clausius-Clapeyron from dV and dS; the paper gives no cooling slope in its text"
    return [
        Comparison("T_t at 0.1 MPa, heating", _si(364, "K"), T_t("heating", "0.1 MPa"), given),
        Comparison("T_t at 0.1 MPa, cooling", _si(335, "K"), T_t("cooling", "0.1 MPa"), given),
        Comparison("T_t at 100 MPa, heating", _si(334, "K"), T_t("heating", "100 MPa"), given),
        Comparison("dT/dp on heating", _si(-0.3, "K/MPa"), effect.slope("heating"), f"{given}; 'about 0.3'"),
        Comparison("dT/dp on cooling", None, effect.slope("cooling"), cooling),
        Comparison(
            "dS maximum",
            _si(128.7, "J/kg/K"),
            merits_80["entropy_change"].value,
            "input of the card; " + one_branch,
        ),
        Comparison(
            "dS maximum per pressure (80 MPa)",
            _si(1.61, "J/kg/K/MPa"),
            merits_80["entropy_change_per_pressure"].value,
            "1.61 is 128.7/80, not 128.7/40 at the saturation pressure",
        ),
        *(
            Comparison(
                f"RCP at {p} MPa, {words}",
                None,
                effect.merits(f"{p} MPa")[merit].value,
                f"only drawn (Fig. 2d, Extended Data Fig. 2d); {remark}",
            )
            for p in (20, 40, 60, 80, 100)
            for words, merit, remark in (
                ("|dS|max * FWHM (eq. 1)", "relative_cooling_power", one_branch),
                (
                    "area under |dS|",
                    "integrated_entropy_change",
                    "the main text's definition; equal for a sharp transition",
                ),
            )
        ),
        Comparison(
            "pressure for a reversible cycle",
            None,
            effect.reversible_pressure(),
            "the paper's 40 MPa is where the one-branch dS saturates; hysteresis/|dT/dp| is what a cycle needs",
            paper_words="'saturation pressure about 40 MPa'",
        ),
        Comparison(
            "reversible window at 100 MPa",
            None,
            merits_100["reversible_width"].value,
            "temperature range in which the whole dS comes back",
        ),
    ]


def charge_discharge() -> Sequence[Comparison]:
    """Fig. 1c and Extended Data Fig. 1a,b: heat of charging and discharging."""
    slow, fast = run("quasi-static"), run("fig-1c")
    model = TwoPhase.from_material(_card(), **CHECK_CAPACITY)
    paper_heat = _si(43, "J/g")
    near = "the transition happens at a higher pressure when pressing is quick: dH = dS T_e + dV (p - p0)"
    rows = [
        Comparison(
            "heat charged, 349 K, 8.2 to 90 MPa, quasi-static",
            paper_heat,
            slow.heat.charged,
            f"T dS alone gives {349 * model.entropy_change / 1e3:.1f} J/g",
        ),
        Comparison(
            "heat discharged, 313 K, quasi-static",
            paper_heat,
            slow.heat.discharged,
            f"'well consistent'; T dS alone gives {313 * model.entropy_change / 1e3:.1f} J/g",
            paper_words="43 J/g ('well consistent')",
        ),
        Comparison("heat charged, 10 s ramps, h = 100", paper_heat, fast.heat.charged, near),
        Comparison("heat discharged, 10 s ramps, h = 100", paper_heat, fast.heat.discharged, "at a lower pressure"),
    ]
    for key, words in (("extended-1a", "345 K / 318 K"), ("extended-1b", "355 K / 315 K")):
        cycle = run(key)
        rows.append(Comparison(f"heat charged, {words}", None, cycle.heat.charged, "drawn, no number given"))
        rows.append(Comparison(f"heat discharged, {words}", None, cycle.heat.discharged, "drawn, no number given"))
    eq12 = run("fig-1c", transition="paper")
    far = run("fig-1c-simulation", transition="paper")
    rows += [
        Comparison(
            "eq. 12 run with the experiment's 8.2 to 90 MPa: heat lost in storage",
            None,
            eq12.heat.lost,
            "sensible and latent: eq. 12 has no hysteresis, so cooling to 313 K discharges the battery",
        ),
        Comparison(
            "eq. 12 run with the experiment's 8.2 to 90 MPa: heat discharged",
            paper_heat,
            eq12.heat.discharged,
            "the published model does not reproduce the published experiment at its own pressure",
        ),
        Comparison(
            "eq. 12 at 0.1 to 200 MPa (what the paper simulates): heat discharged",
            None,
            far.heat.discharged,
            "'in great agreement'; holds, because the boundary at 200 MPa is 305 K",
        ),
        Comparison(
            "leak pressure at 313 K",
            None,
            fast.storage["leak_pressure"],
            "self-discharge begins below; the paper calls the storage an equilibrium",
        ),
        Comparison(
            "equilibrium pressure at 313 K",
            None,
            fast.storage["equilibrium_pressure"],
            "storage at 90 MPa is metastable, held by hysteresis",
        ),
    ]
    return rows


def discharge_time() -> Sequence[Comparison]:
    """Fig. 1d: discharge at 273 K after charging at 400 MPa, for the paper's contacts."""
    rows = []
    for h in CONTACTS:
        times = run("fig-1d", f"{h} W/m^2/K", "paper").discharge_times
        last = h == CONTACTS[-1]
        remark = f"'completed within 1 minute' as t90 for R = 5 mm; {_DIE}" if last else ""
        words = "'within 1 minute' (ideal heat transfer)" if last else "drawn, no number given"
        rows.append(Comparison(f"t90 at h = {h} W/m^2/K", None, times["t90"], remark, paper_words=words))
        rows.append(Comparison(f"t99 at h = {h} W/m^2/K", None, times["t99"], "", paper_words=words))
    for radius in ("2.5 mm", "10 mm"):
        times = run("fig-1d", "1500 W/m^2/K", "paper", radius).discharge_times
        rows.append(
            Comparison(
                f"t99 at h = 1500, R = {radius}",
                None,
                times["t99"],
                "the one-minute claim depends on the size of the pellet",
                paper_words="not stated",
            )
        )
    return rows


def pressures_and_temperatures() -> Sequence[Comparison]:
    """Extended Data Fig. 1c,d: charging pressures and discharge temperatures of the paper's simulation."""
    rows = []
    for p in (200, 240, 270, 300, 340, 400):
        cycle = run(f"extended-1c-{p}MPa", transition="paper")
        rows.append(
            Comparison(
                f"heat discharged at 310 K after {p} MPa",
                None,
                cycle.heat.discharged,
                "charged once above the critical pressure",
            )
        )
    for T in (310, 300, 293, 283, 273):
        cycle = run(f"extended-1d-{T}K", transition="paper")
        rows.append(
            Comparison(
                f"heat discharged at {T} K after 400 MPa",
                None,
                cycle.heat.discharged,
                "'the discharging can take place at 273 K'" if T == 273 else "",
            )
        )
    return rows


def efficiency() -> Sequence[Comparison]:
    """The paper's 3.85 J/g, eleven times and 92 %, each with its definition."""
    cycle, slow = run("fig-1c"), run("quasi-static")
    found, slowly = cycle.efficiencies, slow.efficiencies
    dV = abs(TwoPhase.from_material(_card()).volume_change)

    def row(name: str, source: dict, paper: float | None = None, words: str = "") -> Comparison:  # type: ignore[type-arg]
        entry = source[name]
        value = None if paper is None else _si(paper, "dimensionless")
        remark = entry.definition if not words else f"{entry.definition}; {words}"
        return Comparison(name.replace("_", " "), value, _si(entry.value, "dimensionless"), remark)

    return [
        Comparison(
            "input mechanical energy, p |dV|",
            _si(3.85, "J/g"),
            _si(101e6 * dV / 1e3, "J/g"),
            "101 MPa times 3.8e-5 m^3/kg; the cycle's own step is 81.8 MPa",
        ),
        Comparison("(p_high - p_low) |dV|", _si(3.85, "J/g"), _si(81.8e6 * dV / 1e3, "J/g"), "8.2 to 90 MPa"),
        Comparison(
            "work of transforming, quasi-static",
            _si(3.85, "J/g"),
            slow.work.input - slow.work.elastic,
            "-int p dV at the pressure where it transforms (50 MPa)",
        ),
        row("heat_per_published_work", found, 11, "the paper's 'eleven times'"),
        row("heat_per_step_work", found),
        row("published_efficiency", found, 0.92, "the paper's 'about 92 %'"),
        row("heat_recovery", slowly, None, "quasi-static"),
        row("cycle_efficiency", found),
        row(
            "round_trip",
            found,
            None,
            "cooling 349 -> 313 K sheds more than the latent heat; c_p is an estimate",
        ),
        row("exergy", found),
        row("exergy_round_trip", found),
        Comparison(
            "net work of the slow cycle",
            None,
            slow.work.net,
            "negative: run slowly the battery is also a heat engine",
        ),
    ]


def structures() -> Sequence[Comparison]:
    """Extended Data Table 1: cells, densities, and the volume change they imply."""
    from caloris.materials.consistency import check

    card = _card()
    rows = []
    for name in ("monoclinic", "orthorhombic", "tetragonal"):
        volume = _si(card.structure(name).cell.volume, "angstrom**3")
        rows.append(Comparison(f"cell volume, {name}", None, volume, "from the printed cell; the paper gives none"))
    cell = card.structure("tetragonal")
    nitrogen = [i for i, symbol in enumerate(cell.symbols) if symbol == "N"]
    hydrogen = [i for i, symbol in enumerate(cell.symbols) if symbol == "H"]
    distances = cell.get_all_distances(mic=True)
    bond = float(distances[np.ix_(nitrogen, hydrogen)].min())
    rows.append(
        Comparison(
            "N-D bond, tetragonal",
            None,
            _si(bond, "angstrom"),
            "not physical (1.02 expected): the printed D position is wrong",
        )
    )
    for finding in check(card):
        if "cell" in finding.quantity.lower() and "volume" in finding.quantity.lower():
            rows.append(Comparison(finding.quantity, finding.stated, finding.implied, finding.remark))
    return rows


_PAPER = "Zhang et al. 2023"
REPRODUCTIONS: tuple[Reproduction, ...] = (
    Reproduction("eq-12", f"{_PAPER}, eqs 11-12", "Phase boundary of the published model", phase_boundary),
    Reproduction("fig-2", f"{_PAPER}, Fig. 2, eq. 1", "Caloric effect and phase diagram of NH4SCN", caloric),
    Reproduction("fig-1c", f"{_PAPER}, Fig. 1c, Extended Data Fig. 1a,b", "Charging and discharging", charge_discharge),
    Reproduction("fig-1d", f"{_PAPER}, Fig. 1d", "Discharge time against the contact", discharge_time),
    Reproduction(
        "extended-1cd",
        f"{_PAPER}, Extended Data Fig. 1c,d",
        "Charging pressure and discharge temperature",
        pressures_and_temperatures,
    ),
    Reproduction("efficiency", f"{_PAPER}, main text", "Work and efficiencies", efficiency),
    Reproduction("table-1", f"{_PAPER}, Extended Data Table 1", "Crystal structures", structures),
)
"""What the card and the battery reproduce of the paper."""
