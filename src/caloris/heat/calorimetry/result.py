"""What comes out of a pressure series: transitions, phase diagram, caloric effect, intervals, closure, warnings."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipp as sc

from caloris.heat.caloric import CaloricEffect
from caloris.heat.calorimetry.headline import Draws, Headline, hysteresis_by_definition
from caloris.heat.calorimetry.measured_surfaces import MeasuredSurfaces
from caloris.heat.calorimetry.peak import Peak
from caloris.heat.calorimetry.series import Ingredients, common_pressures
from caloris.heat.calorimetry.uncertainty import Estimate, Uncertainties
from caloris.heat.processes import PROCESSES, Process, window
from caloris.heat.two_phase import Array
from caloris.materials import Finding
from caloris.units import to_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN_REMARKS = 12
_ELASTIC = 0.5
"""A reversible entropy change beyond this (J/(kg K)) without a transition is worth a word."""
_MANY = 0.02
"""A spread between baselines beyond this part is worth a warning."""


@dataclass(frozen=True)
class TransitionRow:
    """One transition in one scan, with intervals."""

    name: str
    pressure: sc.Variable
    direction: str
    temperature: Estimate
    entropy_change: Estimate
    latent_heat: Estimate
    definition: str
    temperatures: dict[str, float]
    """By every definition, K."""
    baseline_spread: float
    """Half the range of the entropy change over the baselines, relative."""


@dataclass(frozen=True, repr=False)
class CalorimetryResult:
    """The analysis of a pressure series; make one with :func:`caloris.heat.calorimetry.analyse`."""

    name: str
    peaks: tuple[Peak, ...]
    surfaces: MeasuredSurfaces | None
    """None where there was one pressure only."""
    ingredients: Ingredients
    errors: Uncertainties
    headline: Headline
    draws: Draws | None
    closure: tuple[Finding, ...]
    cautions: tuple[str, ...]
    """What a reader must know of the series, in words."""
    remarks: tuple[str, ...]
    """About the files, in words."""
    seed: int

    def __repr__(self) -> str:
        pressures = sorted({peak.scan.pressure / 1e6 for peak in self.peaks})
        words = ", ".join(f"{p:g}" for p in pressures)
        return f"<CalorimetryResult of {self.name}: {len(self.peaks)} scans at {words} MPa; see .summary(), .plot()>"

    @property
    def effect(self) -> CaloricEffect | None:
        """The barocaloric effect, of one type with that of a card; None where there was one pressure only."""
        if self.surfaces is None:
            return None
        highest = self.surfaces.pressure_range[1]
        return CaloricEffect(self.name, self.surfaces, highest, self.ingredients.assumed)

    @property
    def transitions(self) -> list[TransitionRow]:
        """Every transition with temperature, entropy change and latent heat, in order of the scans."""
        return [
            TransitionRow(
                peak.scan.name,
                sc.scalar(peak.scan.pressure / 1e6, unit="MPa"),
                peak.scan.direction,
                self.headline[f"transition temperature, {peak.scan.name}"],
                self.headline[f"transition entropy, {peak.scan.name}"],
                self.headline[f"latent heat, {peak.scan.name}"],
                self.ingredients.definition,
                {str(name): T for name, T in peak.temperatures.items()},
                peak.entropy_spread,
            )
            for peak in self.peaks
        ]

    @property
    def pressures(self) -> Array:
        """Measured pressures above the lowest that both branches have, Pa; empty with one pressure."""
        return np.array([]) if self.surfaces is None else common_pressures(self.surfaces)[1:]

    def hysteresis(self) -> dict[float, dict[str, float]]:
        """Return T(heating) - T(cooling), K, by pressure (MPa) and by definition of the transition temperature."""
        return {p / 1e6: {str(k): v for k, v in row.items()} for p, row in hysteresis_by_definition(self.peaks).items()}

    def label(self, process: Process) -> str:
        """Return how far a result of a process holds: one-branch, reversible or, without hysteresis, an upper bound."""
        return "" if self.effect is None else self.effect.reversibility(process)

    def band(self, quantity: str, pressure: float, process: Process) -> tuple[Array, Array, Array] | None:
        """Return the 68 % band of a curve.

        Parameters
        ----------
        quantity:
            ``"entropy"`` or ``"temperature"``.
        pressure, process:
            One of :attr:`pressures` (Pa), and the process.

        Returns
        -------
        :
            Temperatures (K), lower and upper edge (J/(kg K) or K); None without draws.
        """
        if self.draws is None or (quantity, pressure, process) not in self.draws.curves:
            return None
        low, high = np.nanpercentile(self.draws.curves[quantity, pressure, process][1:], [16.0, 84.0], axis=0)
        return self.draws.temperature[pressure], low, high

    def warnings(self) -> list[str]:
        """Return what a reader must know: one sentence each."""
        found = list(dict.fromkeys(self.ingredients.assumed))
        found += [*self.cautions, *(line for peak in self.peaks for line in peak.remarks)]
        spread = [peak for peak in self.peaks if peak.entropy_spread > _MANY]
        if spread:
            worst = max(spread, key=lambda peak: peak.entropy_spread)
            found.append(
                f"the entropy change depends on the baseline by more than ±{100 * _MANY:g} % in {len(spread)} of "
                f"{len(self.peaks)} scans (most: {worst.scan.name}, ±{100 * worst.entropy_spread:.1f} %)"
            )
        for peak in self.peaks:
            if peak.others:
                where = ", ".join(f"{T:.1f} K" for T in peak.others)
                found.append(f"{peak.scan.name}: other peaks at {where} are not analysed; choose with limits")
        found += [f"does not close: {finding}" for finding in self.closure if not finding.agrees]
        if self.surfaces is not None:
            found += self._reversibility_words()
        if self.errors.guessed and self.draws is not None:
            found.append(
                "intervals rest on guessed standard uncertainties of "
                + ", ".join(self.errors.guessed).replace("_", " ")
            )
        return found

    def _reversibility_words(self) -> Iterator[str]:
        surfaces, effect = self.surfaces, self.effect
        assert surfaces is not None
        assert effect is not None
        low, high = surfaces.pressure_range
        elastic = [
            f"{p / 1e6:g}"
            for p in self.pressures
            if window(surfaces, float(p), low) <= 0
            and self.headline[f"entropy change, {p / 1e6:g} MPa, reversible"].value > _ELASTIC
        ]
        if effect.hysteresis_is_known and elastic:
            yield (
                f"at {', '.join(elastic)} MPa the reversible changes are those of thermal expansion: at T50 nothing "
                "transforms there and back"
            )
        if effect.hysteresis_is_known and window(surfaces, high, low) <= 0:
            p_rev = self.headline["reversible pressure"].value
            where = f"{low / 1e6:g} MPa, extrapolated along the fitted branch" if p_rev == p_rev else "any measured one"
            need = f"{p_rev:.3g} MPa above {where}" if p_rev == p_rev else f"far more than {where}"
            yield (
                f"no pressure that both branches were measured at makes the effect reversible: a cycle needs {need}; "
                "the entropy changes of compression and decompression are one-branch"
            )

    def summary(self) -> str:
        """Return the result in words and numbers, a few lines."""
        rates = sorted({f"{60 * abs(peak.scan.rate):.3g}" for peak in self.peaks}, key=float)
        lines = [f"{self.name}: {len(self.peaks)} scans at {', '.join(rates)} K/min"]
        lines += [f"  file: {line}" for line in self.remarks[:_SHOWN_REMARKS]]
        if len(self.remarks) > _SHOWN_REMARKS:
            lines.append(f"  file: and {len(self.remarks) - _SHOWN_REMARKS} more remarks, see the report")
        for row in self.transitions:
            lines.append(
                f"  {row.pressure.value:6g} MPa {row.direction:8s} {row.definition} {row.temperature}, "
                f"dS {row.entropy_change}, L {row.latent_heat.scaled(1e-3, 'J/g')}"
            )
        for p, by in self.hysteresis().items():
            words = ", ".join(f"{by[name]:.2f} K ({name})" for name in ("onset", "T50", "peak"))
            lines.append(f"  hysteresis at {p:g} MPa: {words}")
        if self.surfaces is not None:
            kind = "inverse" if self.surfaces.is_inverse else "conventional"
            lines.append(f"  {kind} barocaloric effect")
            for name in ("slope, heating", "slope, cooling", "reversible pressure"):
                lines.append(f"  {name}: {self.headline.get(name, 'unknown, not measured')}")
            lines.append(f"  pressure changes count from {self.surfaces.pressure / 1e6:g} MPa")
            for p in self.pressures:
                for process in PROCESSES:
                    value = self.headline[f"entropy change, {p / 1e6:g} MPa, {process}"]
                    label = "" if self.label(process) == process else f" ({self.label(process)})"
                    lines.append(f"  largest |dS|, {p / 1e6:g} MPa, {process}{label}: {value}")
        agree = sum(finding.agrees for finding in self.closure)
        lines.append(f"  closure tests: {agree} of {len(self.closure)} agree")
        lines += [f"  warning: {line}" for line in self.warnings()]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain JSON values, in the form that ``caloris calorimetry --json`` prints."""
        known = self.surfaces is not None
        return {
            "name": self.name,
            "transitions": [
                {
                    "scan": row.name,
                    "pressure": to_json(row.pressure),
                    "direction": row.direction,
                    "temperature": row.temperature.to_json(),
                    "entropy_change": row.entropy_change.to_json(),
                    "latent_heat": row.latent_heat.to_json(),
                    "definition": row.definition,
                    "temperatures": {
                        key: {"value": T, "unit": "K", "error": None} for key, T in row.temperatures.items()
                    },
                    "baseline_spread": row.baseline_spread,
                }
                for row in self.transitions
            ],
            "entropy_change": self._curves_json("entropy"),
            "temperature_change": self._curves_json("temperature"),
            "low_pressure": {"value": self.surfaces.pressure / 1e6, "unit": "MPa", "error": None}
            if self.surfaces
            else None,
            "reversible_pressure": self._json_of("reversible pressure"),
            "slope": {b: self._json_of(f"slope, {b}") for b in ("heating", "cooling")} if known else None,
            "hysteresis": [
                {
                    "pressure": {"value": p, "unit": "MPa", "error": None},
                    **{k: float(v) for k, v in by.items()},
                    "unit": "K",
                }
                for p, by in self.hysteresis().items()
            ],
            "headline": {name: value.to_json() for name, value in self.headline.items()},
            "closure": [{key: to_json(value) for key, value in vars(finding).items()} for finding in self.closure],
            "uncertainties": [
                {"of": of, "value": value, "status": status} for of, value, status in self.errors.table()
            ],
            "baseline": self.peaks[0].baseline,
            "draws": 0 if self.draws is None else int(self.draws.entropy_change.shape[1] - 1),
            "seed": self.seed,
            "remarks": list(self.remarks),
            "warnings": self.warnings(),
        }

    def _json_of(self, name: str) -> dict[str, Any] | None:
        """A headline number; None where it is unknown."""
        found = self.headline.get(name)
        return None if found is None or not np.isfinite(found.value) else found.to_json()

    def _curves_json(self, quantity: str) -> list[dict[str, Any]]:
        from caloris.heat.calorimetry.headline import curve_grid, curves_of

        if self.surfaces is None:
            return []
        found = []
        for p in self.pressures:
            T = curve_grid(self.surfaces, float(p))
            for (kind, process), values in curves_of(self.surfaces, T, float(p)).items():
                if kind != quantity:
                    continue
                band = self.band(quantity, float(p), process)
                found.append(
                    {
                        "pressure": {"value": float(p) / 1e6, "unit": "MPa", "error": None},
                        "process": process,
                        "reversibility": self.label(process),
                        "temperature": np.round(T, 6).tolist(),
                        "value": np.round(values, 9).tolist(),
                        "interval_68": None if band is None else [np.round(edge, 9).tolist() for edge in band[1:]],
                        "unit": "J/kg/K" if quantity == "entropy" else "K",
                    }
                )
        return found

    def plot(self) -> "Figure":
        """Draw heat per kelvin with baselines, phase diagram, entropy and temperature change; a matplotlib figure."""
        from caloris.heat.calorimetry.figures import calorimetry_figure

        return calorimetry_figure(self)

    def save(self, folder: str | Path) -> list[Path]:
        """Write ``calorimetry.h5``, ``.csv``, ``.json`` and ``.png``, ``transitions.csv`` and ``headline.csv``.

        Parameters
        ----------
        folder:
            Made if absent.

        Returns
        -------
        :
            The files.

        Raises
        ------
        InputError
            If the folder cannot be written.
        """
        from caloris.heat.calorimetry.files import save_calorimetry

        return save_calorimetry(self, folder)
