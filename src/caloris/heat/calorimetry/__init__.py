"""Calorimetry: from the files of a calorimeter to entropy curves and the caloric effect, with errors."""

from caloris.heat.calorimetry.analysis import analyse, quasi_direct
from caloris.heat.calorimetry.baseline import BASELINES
from caloris.heat.calorimetry.calibration import (
    STANDARDS,
    Calibration,
    CalibrationPoint,
    Standard,
    calibration_point,
    read_calibration,
)
from caloris.heat.calorimetry.heat_capacity import sapphire_heat_capacity, three_run_heat_capacity
from caloris.heat.calorimetry.measured_surfaces import MeasuredSurfaces
from caloris.heat.calorimetry.peak import Peak, measure
from caloris.heat.calorimetry.phase_diagram import TransitionLine, fit_line
from caloris.heat.calorimetry.phase_heat_capacity import read_heat_capacity
from caloris.heat.calorimetry.pressurisation import Pressurisation, Stroke, pressurisation
from caloris.heat.calorimetry.readers import VENDORS, read, write_plain
from caloris.heat.calorimetry.recording import Recording, recording
from caloris.heat.calorimetry.result import CalorimetryResult
from caloris.heat.calorimetry.scan import Scan, scans_of
from caloris.heat.calorimetry.synthetic import SmearedBranches, synthetic_recording
from caloris.heat.calorimetry.temperatures import DEFINITIONS
from caloris.heat.calorimetry.uncertainty import Estimate, Uncertainties, uncertainties
from caloris.heat.calorimetry.volume import Volume, maxwell_entropy_change, read_volume

__all__ = [
    "BASELINES",
    "DEFINITIONS",
    "STANDARDS",
    "VENDORS",
    "Calibration",
    "CalibrationPoint",
    "CalorimetryResult",
    "Estimate",
    "MeasuredSurfaces",
    "Peak",
    "Pressurisation",
    "Recording",
    "Scan",
    "SmearedBranches",
    "Standard",
    "Stroke",
    "TransitionLine",
    "Uncertainties",
    "Volume",
    "analyse",
    "calibration_point",
    "fit_line",
    "maxwell_entropy_change",
    "measure",
    "pressurisation",
    "quasi_direct",
    "read",
    "read_calibration",
    "read_heat_capacity",
    "read_volume",
    "recording",
    "sapphire_heat_capacity",
    "scans_of",
    "synthetic_recording",
    "three_run_heat_capacity",
    "uncertainties",
    "write_plain",
]
