"""A magnetocaloric from isotherms of magnetisation: a made-up (synthetic) mean-field ferromagnet of spins 1/2.

Equation of state m = tanh((mu B + Tc m) / T), entropy S = R (ln 2 cosh x - x tanh x) with x = (mu B + Tc m) / T
(Weiss). Exact check: the Maxwell relation dS = int (dM/dT)_B dB must give this entropy back from M alone.
"""

import sys
from pathlib import Path

import numpy as np
import scipp as sc

from caloris.heat import magnetocaloric as mc

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")

R, MU, TC = 100.0, 2.0, 300.0  # J/kg/K, K/T, K: invented


def weiss(B, T):
    """(magnetisation in A m2/kg, entropy in J/kg/K) over field and temperature."""
    low, high = np.zeros((len(B), len(T))), np.ones((len(B), len(T)))
    for _ in range(60):
        m = 0.5 * (low + high)
        below = np.tanh((MU * B[:, None] + TC * m) / T) > m
        low, high = np.where(below, m, low), np.where(below, high, m)
    x = (MU * B[:, None] + TC * low) / T
    return R * MU * np.tanh(x), R * (np.logaddexp(x, -x) - x * np.tanh(x))


# at the Curie temperature dM/dT grows as B^(-1/3) towards zero field: closer fields there
B, T = 2.0 * np.linspace(0, 1, 41) ** 2, np.arange(220.0, 361.0, 1.0)
M = mc.table(
    sc.array(dims=["field"], values=B, unit="T"),
    sc.array(dims=["temperature"], values=T, unit="K"),
    weiss(B, T)[0],
    unit="emu/g",
)

change = mc.maxwell_entropy_change(M, field_change="2 T")
middle = change.coords["temperature"].values
S = weiss(B, middle)[1]
exact = S[-1] - S[0]
error = np.abs(change.values - exact).max() / np.abs(exact).max()
print(f"Maxwell against the exact entropy: largest difference {100 * error:.2f} % of the peak")
assert error < 0.02

peak = mc.entropy_peak(change)
print(f"entropy change {peak.value.value:.2f} J/(kg K) at {peak.temperature.value:.1f} K")
print(f"refrigerant capacity {mc.refrigerant_capacity(change).value:.1f} J/kg")

arrott = mc.arrott_plot(M, fields=("0.05 T", "0.4 T"))
print(arrott)
assert arrott.order == "second"
assert abs(arrott.curie_temperature.value - TC) < 0.1

n = mc.field_exponent(mc.maxwell_entropy_change(M), method="fit")
print(f"n = {n.values[0]:.2f} at {middle[0]:.1f} K, {n.values[-1]:.2f} at {middle[-1]:.1f} K; never above 2")
assert n.values.max() <= 2

mc.magnetocaloric_figure(M, title="Synthetic mean-field ferromagnet, Tc = 300 K").savefig(
    folder / "magnetocaloric.png", dpi=130
)
