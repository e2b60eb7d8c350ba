"""Figures of orientations."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import scipp as sc
    from matplotlib.figure import Figure

    from caloris.atoms.orientation.coupling import Coupling
    from caloris.atoms.orientation.gaussians import Gaussian
    from caloris.atoms.orientation.hydrogen_bonding import AcceptorBonds, HydrogenBonds
    from caloris.atoms.orientation.lifetimes import Reorientation
    from caloris.atoms.orientation.sphere import OrientationMap
    from caloris.atoms.orientation.survey import ReorientationSurvey
    from caloris.units import Quantity

_COLORS = ("#1f6f8b", "#c1462f")
_PALE = "#888888"


def plot_reorientation(found: "Reorientation") -> "Figure":
    """Draw C1 and C2 with their fits, and the cosine from one origin with the scatter of its first zero.

    Parameters
    ----------
    found:
        The correlations.

    Returns
    -------
    :
        A matplotlib figure.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    curves = ((found.c1, found.first, "C1"), (found.c2, found.second, "C2"))
    for (curve, lifetimes, name), color in zip(curves, _COLORS, strict=True):
        t, error = curve.coords["time"].values[1:], np.sqrt(curve.variances[1:])
        left.fill_between(t, curve.values[1:] - error, curve.values[1:] + error, color=color, alpha=0.3, lw=0)
        tau = lifetimes.exponential
        left.plot(t, curve.values[1:], color=color, label=f"{name}: 1/λ = {tau.value:.3g} ± {tau.variance**0.5:.1g} ps")
        if lifetimes.exponentials is not None:
            fit = lifetimes.exponentials(curve.coords["time"]).values[1:]
            shown = t >= lifetimes.exponentials.start.value
            left.plot(t[shown], fit[shown], color="black", lw=1.0, ls="--")
    left.set_xscale("log")
    left.axhline(0, color=_PALE, lw=0.6)
    left.set_xlabel("time (ps)")
    left.set_ylabel(f"correlation of {found.vectors}")
    left.set_title("all origins; dashed: sums of exponentials", fontsize=10)
    left.legend(frameon=False)
    alone = found.one_origin
    t = alone.cosine.coords["time"].values
    right.errorbar(t, alone.cosine.values, np.sqrt(alone.cosine.variances), color=_PALE, lw=0.8, elinewidth=0.4)
    t1 = found.c1.coords["time"].values
    within = t1 <= t[-1]
    right.plot(t1[within], found.c1.values[within], color=_COLORS[0], lw=1.2)
    low, high = (end.value for end in alone.interval)
    if np.isfinite(low):
        right.axvspan(low, high, color=_PALE, alpha=0.25, lw=0)
    right.axhline(0, color=_PALE, lw=0.6)
    right.set_xlabel("time since the origin (ps)")
    right.set_ylabel("averaged cosine")
    right.set_title("grey: one origin, band: its first zero (68 %); blue: C1", fontsize=10)
    return figure


def plot_orientation_map(found: "OrientationMap", width: "Quantity | None") -> "Figure":
    """Draw a map of directions in the projection of Mollweide.

    Parameters
    ----------
    found:
        The map.
    width:
        Of the smoothing; ``None`` for none.

    Returns
    -------
    :
        A matplotlib figure; crosses are maxima, letters the cell vectors.
    """
    from matplotlib.figure import Figure

    shown = found if width is None else found.smoothed(width)
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot(projection="mollweide")
    latitude = np.arcsin(shown.density.coords["cos_theta"].values)
    longitude = np.deg2rad(shown.density.coords["phi"].values)
    mesh = axes.pcolormesh(longitude, latitude, 4 * np.pi * shown.density.values, cmap="viridis", vmin=0)
    mesh.set_rasterized(True)
    figure.colorbar(mesh, ax=axes, shrink=0.7, label="density / random")
    peaks = found.maxima(width if width is not None else "5 deg")
    axes.plot(
        np.deg2rad(peaks.coords["phi"].values),
        np.deg2rad(90 - peaks.coords["theta"].values),
        "x",
        color="white",
        ms=4,
        mew=0.8,
    )
    for name, vector in zip("abc", found.cell.values, strict=True):
        x, y, z = vector / np.linalg.norm(vector)
        axes.text(np.arctan2(y, x), np.arcsin(z), name, color=_COLORS[1], ha="center", va="center", weight="bold")
    axes.set_xticklabels([])
    axes.set_yticklabels([])
    axes.grid(lw=0.3, color="white", alpha=0.5)
    axes.set_title(f"{found.vectors} in {found.molecules} molecules, {len(peaks)} maxima", fontsize=10)
    return figure


def plot_survey(found: "ReorientationSurvey") -> "Figure":
    """Draw rates over 1000 K / T, bounds as triangles, Arrhenius lines where there are two rates.

    Parameters
    ----------
    found:
        The survey.

    Returns
    -------
    :
        A matplotlib figure.
    """
    import scipp as sc
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 4.5), layout="constrained")
    axes = figure.subplots()
    T = found.rate.coords["temperature"].values
    for row, p in enumerate(found.rate.coords["pressure"].values):
        color = f"C{row}"
        use = ~found.rate.masks["unresolved"].values[row]
        rate, error = found.rate.values[row], np.sqrt(found.rate.variances[row])
        axes.errorbar(1000 / T[use], rate[use], error[use], fmt="o", ms=4, color=color, label=f"{p:g} MPa")
        bound = np.where(use, np.nan, found.upper_bound.values[row])
        axes.plot(1000 / T, bound, "v", ms=5, mfc="none", color=color)
        if np.count_nonzero(use) > 1:
            law = found.arrhenius(sc.scalar(float(p), unit="MPa"))
            ends = np.array([T[use].min(), T[use].max()])
            line = [law(sc.scalar(float(end), unit="K")).value for end in ends]
            axes.plot(1000 / ends, line, color=color, lw=0.8)
    axes.set_yscale("log")
    axes.set_xlabel("1000 K / T")
    axes.set_ylabel("reorientation rate (1/s); triangles: upper bounds")
    axes.legend(frameon=False, title=found.molecule)
    return figure


def plot_coupling(found: "Coupling") -> "Figure":
    """Draw the correlations of near and far pairs, and the excess against chance.

    Parameters
    ----------
    found:
        The coupling.

    Returns
    -------
    :
        A matplotlib figure; the grey band holds 95 % of the draws at each lag.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 4.2), layout="constrained")
    axes = figure.subplots()
    t = found.excess.coords["time"].values
    middle, spread = found.chance.values, np.sqrt(found.chance.variances)
    axes.fill_between(t, middle - 2 * spread, middle + 2 * spread, color=_PALE, alpha=0.3, lw=0, label="chance, 95 %")
    axes.plot(t, found.neighbours.values, color=_COLORS[0], lw=0.8, ls=":", label="neighbours")
    axes.plot(t, found.far.values, color=_PALE, lw=0.8, ls=":", label="far pairs")
    axes.errorbar(t, found.excess.values, np.sqrt(found.excess.variances), color=_COLORS[1], lw=1.2, label="excess")
    axes.axhline(0, color=_PALE, lw=0.6)
    axes.set_xlabel("time from rotation to hopping (ps)")
    axes.set_ylabel("correlation")
    axes.set_title(f"p = {found.p_value:.2g}", fontsize=10)
    axes.legend(frameon=False)
    return figure


def plot_hydrogen_bonds(found: "HydrogenBonds") -> "Figure":
    """Draw the angles at the acceptors with their Gaussians, per degree and per solid angle, and both lifetimes.

    Parameters
    ----------
    found:
        The bonds.

    Returns
    -------
    :
        A matplotlib figure.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    raw, solid, lasting = figure.subplots(1, 3)
    for (name, bonds), color in zip(found.by_acceptor.items(), ("#1f6f8b", "#c1462f", "C2", "C4"), strict=False):
        pairs = ((raw, bonds.acceptor_angle, bonds.peak), (solid, *_per_solid_angle(bonds)))
        for axes, distribution, peak in pairs:
            edges = distribution.coords["angle"].values
            x = (edges[1:] + edges[:-1]) / 2
            label = f"{name}: {peak.centre.value:.1f} ± {peak.centre.variance**0.5:.1g}°"
            axes.errorbar(
                x, distribution.values, np.sqrt(distribution.variances), fmt="o", ms=2, lw=0.6, color=color, label=label
            )
            axes.plot(x, peak(x), color=color, lw=1)
        for curve, style in ((bonds.continuous.correlation, "-"), (bonds.intermittent.correlation, "--")):
            t = curve.coords["time"].values
            lasting.plot(t[1:], curve.values[1:], style, color=color)
    raw.set_ylabel("probability (1/deg)")
    raw.set_title("angle at the acceptor", fontsize=10)
    solid.set_title("per solid angle", fontsize=10)
    for axes in (raw, solid):
        axes.set_xlabel("φ (deg)")
        axes.legend(frameon=False, fontsize=8)
    lasting.set_xscale("log")
    lasting.set_xlabel("time (ps)")
    lasting.set_title("unbroken; dashed: intermittent", fontsize=10)
    figure.suptitle(found.criteria, fontsize=9)
    return figure


def _per_solid_angle(bonds: "AcceptorBonds") -> "tuple[sc.DataArray, Gaussian]":
    return bonds.acceptor_angle_per_solid_angle, bonds.peak_per_solid_angle
