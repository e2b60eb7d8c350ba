"""Synthetic recordings in the layouts of the vendors' exports: rest, heating with a peak, cooling; no measured data.

The layouts follow what public exports look like; every number, name and date here is made up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

MASS = 10.25  # mg


def truth(count: int = 60) -> np.ndarray:
    """Return time (s), temperature (degC) and heat flow (mW, endothermic up) of a made-up scan, rounded for a file."""
    rest, half = count // 6, count // 12 * 5
    time = 0.6 * np.arange(count)
    rate = np.concatenate([np.zeros(rest), np.full(half, 1.25), np.full(count - rest - half, -1.25)])
    temperature = 26.85 + np.concatenate([[0.0], np.cumsum(0.6 * rate)[:-1]]) + 0.003 * np.arange(count)
    flow = 4.0 * rate + 0.011 * np.arange(count) + 20.0 * np.exp(-(((np.arange(count) - count // 3) / 1.5) ** 2))
    return np.column_stack([np.round(time, 4), np.round(temperature, 4), np.round(flow - 3.0, 5)])


@dataclass(frozen=True, repr=False)
class Layout:
    """How one program writes a recording."""

    name: str
    vendor: str
    head: Sequence[str]
    row: Callable[[int, np.ndarray], str]
    """Row number and (s, degC, mW endothermic up) to a line."""
    tail: Sequence[str] = ()
    between: Sequence[str] = ()
    """Lines between two segments; the second one begins with the cooling."""
    delimiter: str | None = "\t"
    encoding: str = "utf-8"
    unit_line: tuple[str, str] = ("", "")
    """A unit in the header and one that no reader knows."""
    mass: float | None = MASS
    mark: str = "."

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def lines(self, table: np.ndarray | None = None) -> tuple[list[str], list[int]]:
        """Return all lines, and which of them are rows."""
        table = truth() if table is None else table
        rows = [self.row(i, values) for i, values in enumerate(table)]
        cooling = len(rows) * 7 // 12
        first, second = (rows[:cooling], rows[cooling:]) if self.between else (rows, [])
        lines = [*self.head, *first, *(self.between if second else ()), *second, *self.tail]
        begin = len(self.head)
        numbers = list(range(begin, begin + len(first)))
        begin += len(first) + len(self.between)
        return lines, numbers + list(range(begin, begin + len(second)))

    def data(self, lines: Sequence[str] | None = None) -> bytes:
        """Return the bytes of the file, in UTF-8 where its encoding lacks a character."""
        text = "\n".join(self.lines()[0] if lines is None else lines) + "\n"
        try:
            return text.encode(self.encoding)
        except UnicodeEncodeError:
            return text.encode("utf-8")


def _comma(text: str) -> str:
    return text.replace(".", ",")


LAYOUTS = (
    Layout(
        "plain",
        "plain",
        [
            "# caloris-dsc 1",
            "# mass: 10.25 mg",
            "# endothermic: up",
            "# operator: nobody",
            "time/s,temperature/degC,heat_flow/mW",
        ],
        lambda i, r: f"{r[0]:.4f},{r[1]:.4f},{r[2]:.5f}",
        delimiter=",",
        unit_line=("heat_flow/mW", "heat_flow/furlong"),
    ),
    Layout(
        "table with units",
        "table",
        ["Salt, measured on Monday", "", "Time (min);Temperature (°C);Heat Flow (mW)"],
        lambda i, r: f"{r[0] / 60:.9g};{r[1]:.7g};{r[2]:.7g}",
        delimiter=";",
        mass=None,
        unit_line=("Heat Flow (mW)", "Heat Flow (mV)"),
    ),
    Layout(
        "calisto with semicolons",
        "setaram",
        [
            "Made-up salt",
            "Creation Date : 01/02/2026 03:04:05 p.m.",
            "",
            "TG :",
            " Initial Mass : 10.25 mg",
            "",
            "HeatFlow :",
            " Initial Mass : 10.25 mg",
            "",
            "Index;Time (s);Furnace Temperature (°C);Sample Temperature (°C);TG (mg);HeatFlow (mW)",
        ],
        lambda i, r: f"{i + 1};{r[0]:g};{r[1] + 1:.7g};{r[1]:.7g};99.5;{-r[2]:.7g}",
        delimiter=";",
        encoding="utf-16",
        unit_line=("Sample Temperature (°C)", "Sample Temperature (°R)"),
    ),
    Layout(
        "calisto with fixed columns",
        "setaram",
        [
            "Made-up salt",
            "HeatFlow :",
            " Initial Mass : 10.25 mg",
            "",
            "Index Time       Furnace      Sample       TG         HeatFlow",
        ],
        lambda i, r: f"{i + 1:<5} {r[0]:<10g} {r[1] + 1:<12.7g} {r[1]:<12.7g} 99.5       {-r[2]:<12.7g}",
        delimiter=None,
        encoding="utf-16-le",
    ),
    Layout(
        "calisto with decimal comma",
        "setaram",
        ["Time (s);Furnace Temperature (°C);Sample Temperature (°C);HeatFlow (mW)"],
        lambda i, r: _comma(f"{r[0]:g};{r[1] + 1:.7g};{r[1]:.7g};{-r[2]:.7g}"),
        delimiter=";",
        encoding="latin-1",
        mass=None,
        mark=",",
        unit_line=("HeatFlow (mW)", "HeatFlow (µV)"),
    ),
    Layout(
        "universal analysis",
        "ta",
        [
            "CLOSED",
            "Version\t0.1",
            "Instrument\tmade up",
            "Sample\tMade-up salt",
            "Size\t10.25000\tmg",
            "Exotherm\tUp",
            "Nsig\t3",
            "Sig1\tTime (min)",
            "Sig2\tTemperature (°C)",
            "Sig3\tHeat Flow (mW)",
            "StartOfData",
            "-1.000000\t26.00000\t0.0000000",
        ],
        lambda i, r: f"{r[0] / 60:.6f}\t{r[1]:.4f}\t{-r[2]:.5f}",
        between=["-1.000000\t58.00000\t0.0000000"],
        tail=["-1.000000\t20.00000\t0.0000000"],
        encoding="cp437",
        unit_line=("Heat Flow (mW)", "Heat Flow (uV)"),
    ),
    Layout(
        "trios",
        "ta",
        [
            "Filename\tmade_up",
            "Sample name\tMade-up salt",
            "[Procedure]",
            "Sample Mass\t10.25 mg",
            "Reference Sample Mass\t0 mg",
            "[Configuration]",
            "Exotherm Direction\tDown",
            "[step]",
            "Ramp 75.00 °C/min to 60.00 °C",
            "Time\tTemperature\tHeat Flow",
            "min\t°C\tmW",
        ],
        lambda i, r: f"{r[0] / 60:.6f}\t{r[1]:.4f}\t{r[2]:.5f}",
        between=["", "[step]", "Ramp 75.00 °C/min to 20.00 °C", "Time\tTemperature\tHeat Flow", "min\t°C\tmW"],
        unit_line=("min\t°C\tmW", "min\t°C\tapples"),
    ),
    Layout(
        "proteus with decimal comma",
        "netzsch",
        [
            "#EXPORTTYPE:DATA ALL",
            "#FORMAT:NETZSCH5",
            "#DECIMAL:COMMA",
            "#SEPARATOR:SEMICOLON",
            "#SAMPLE:Made-up salt",
            "#SAMPLE MASS /mg:10,25",
            "#EXO:1",
            "#RANGE:25°C/75,0(K/min)/60°C",
            "",
            "##Temp./°C;Time/min;DSC/mW;Segment",
        ],
        lambda i, r: _comma(f"{r[1]:9.4f};{r[0] / 60:10.6f};{-r[2]:.5e};") + str(1 + (i >= 35)),
        delimiter=";",
        encoding="latin-1",
        mark=",",
        unit_line=("DSC/mW", "DSC/(µV/mg)"),
    ),
    Layout(
        "stare",
        "mettler",
        [
            "Curve Name:",
            "  !$made-up salt ^exo, 01.02.2026",
            "Curve Values:",
            "      Index             t            Ts            Tr         Value",
            "                      [s]          [°C]          [°C]          [mW]",
        ],
        lambda i, r: f"{i:11d} {r[0]:13.4f} {r[1]:13.4f} {r[1] + 1:13.4f} {-r[2]:13.5f}",
        between=[
            "Results:",
            "Curve Name:",
            "  !$made-up salt ^exo, 01.02.2026",
            "Curve Values:",
            "      Index             t            Ts            Tr         Value",
            "                      [s]          [°C]          [°C]          [mW]",
        ],
        tail=["Results:", "Sample:", "  Made-up salt, 10.2500 mg", "Method:", "  made up"],
        delimiter=None,
        encoding="latin-1",
        unit_line=("          [mW]", "          [mX]"),
    ),
    Layout(
        "pyris",
        "perkinelmer",
        [
            "Filename:\tmade_up.ds8d ",
            "Sample ID:\tMade-up salt ",
            "Sample Weight:\t10.250 mg ",
            "Method Steps: ",
            "1)\tHeat from 26.85°C to 60.00°C at 75.00°C/min ",
            "1) DSC 8500 Temperature Scan ",
            "\tTime     \tUnsubtracted\tBaseline     \tProgram     \tSample     \tApprox.      ",
            "\t          \tHeat Flow     \tHeat Flow     \tTemperature\tTemperature\tGas Flow      ",
        ],
        lambda i, r: f"\t{r[0] / 60:.6f}\t{r[2]:.6f}\t0.000000\t{r[1] + 1:.6f}\t{r[1]:.6f}\t20.000000 ",
        between=[" ", "2) DSC 8500 Temperature Scan "],
        tail=[" ", "\tDSC8500 MANUAL TUNE CALIBRATION VALUES: ", "\tSlope: 0.0 "],
    ),
)
