"""Hydrogen bonds D-H...A: how many, at which angles, and how long they last.

A bond is where H...A is shorter than a distance and the angle D-H...A larger than an angle; both are conventions, and
the result says which. The angle phi is at the acceptor, between the bond behind it (N-C, S-C in SCN-) and the hydrogen,
as in Fig. 4e of the thermal batteries paper. Its distribution per degree holds a factor sin(phi) that has nothing to do
with forces; per solid angle it is taken out. Both are given, with Gaussian fits.

Lifetimes: intermittent C(t) = <h(0) h(t)> / <h>, whatever happens between; continuous S(t), unbroken all the time.
Source: Luzar and Chandler, Phys. Rev. Lett. 76, 928 (1996); Rapaport, Mol. Phys. 50, 1151 (1983).
Units: angstrom, deg, ps. Errors: scatter between donor molecules.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipp as sc

from caloris.atoms.block_statistics import halves_apart, mean_of_groups
from caloris.atoms.h5md import SLAB
from caloris.atoms.orientation._kernels import find_bonds
from caloris.atoms.orientation.bond_lifetimes import NONE, BondLifetime, bond_lifetime
from caloris.atoms.orientation.gaussians import Gaussian, fit_gaussian
from caloris.atoms.parallel import Progress, map_blocks
from caloris.atoms.segments import Indices
from caloris.atoms.trajectory import Trajectory
from caloris.errors import InputError
from caloris.units import Quantity, magnitude

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[np.floating[Any]]

_GROUPS = 24
"""Most groups of donor molecules."""
_BINS = 90
"""Of the angles, 2 deg each."""


@dataclass(frozen=True)
class AcceptorBonds:
    """Hydrogen bonds to one element."""

    per_molecule: sc.Variable
    """Bonds of a donor molecule, with variance."""
    length: sc.Variable
    """Mean H...A, angstrom, with variance."""
    donor_angle: sc.Variable
    """Mean D-H...A, deg, with variance."""
    acceptor_angle: sc.DataArray
    """Distribution of phi, dimension ``angle`` (bin edges, deg), 1/deg, with variances; NaN if nothing is behind A."""
    acceptor_angle_per_solid_angle: sc.DataArray
    """The same divided by sin(phi) and normalised again, 1/deg."""
    peak: Gaussian
    """Gaussian fitted to the distribution per degree; its errors are statistical only."""
    peak_per_solid_angle: Gaussian
    """Gaussian fitted to the distribution per solid angle."""
    continuous: BondLifetime
    intermittent: BondLifetime

    def __repr__(self) -> str:
        number, tau = self.per_molecule, self.continuous.one_over_e
        return (
            f"<AcceptorBonds: {number.value:.3g} +- {math.sqrt(number.variance):.1g} per molecule, "
            f"phi {self.peak.centre.value:.1f} deg, unbroken 1/e {tau.value:.3g} ps>"
        )


@dataclass(frozen=True)
class HydrogenBonds:
    """Hydrogen bonds by the element of the acceptor."""

    by_acceptor: dict[str, AcceptorBonds]
    per_molecule: sc.Variable
    """Bonds of a donor molecule to all acceptors, with variance."""
    criteria: str
    """What counts as a bond."""
    molecules: int
    """Donor molecules."""
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        number = self.per_molecule
        return f"<HydrogenBonds: {number.value:.3g} +- {math.sqrt(number.variance):.1g} per molecule; {self.criteria}>"

    def plot(self) -> "Figure":
        """Draw the distributions of phi with their Gaussians, and both lifetimes."""
        from caloris.atoms.orientation.figures import plot_hydrogen_bonds

        return plot_hydrogen_bonds(self)


@dataclass(frozen=True)
class _Sites:
    """Who may be bonded: indices of atoms."""

    hydrogens: Indices
    donors: Indices
    acceptors: Indices
    behind: Indices
    """What an acceptor is bonded to; itself if nothing."""
    kind: Indices
    """Of each acceptor, which element."""
    longest: Array
    least: float
    group: Indices
    """Of each hydrogen."""
    groups: int


def hydrogen_bonds(
    trajectory: Trajectory,
    *,
    donor: str = "N",
    hydrogen: str = "H",
    acceptors: Mapping[str, Quantity] | None = None,
    acceptor_molecule: str | None = None,
    angle: Quantity = "130 deg",
    progress: Progress | None = None,
) -> HydrogenBonds:
    """Return how many hydrogen bonds there are, their angles and their lifetimes.

    Parameters
    ----------
    trajectory:
        At least 16 frames.
    donor, hydrogen:
        Elements of the bonds that give, D-H.
    acceptors:
        Elements that take, each with the longest H...A; by default N within 2.5 and S within 3.0 angstrom: conventions,
        a little below and at the sums of the van der Waals radii (Bondi, J. Phys. Chem. 68, 441 (1964): H 1.2, N 1.55,
        S 1.8).
    acceptor_molecule:
        Formula of the molecules that the acceptors are in, for example ``"SCN"``; by default any other molecule.
    angle:
        Smallest D-H...A.
    progress:
        Called with words and the part that is done.

    Returns
    -------
    :
        Numbers, angles and lifetimes with errors, for every element that takes; warnings say where the number or the
        lifetimes in the two halves of the run differ by more than those.

    Raises
    ------
    InputError
        If there are no such bonds or acceptors, too few frames, or the cell is smaller than twice a distance.

    Source
    ------
    Thermal batteries paper, Fig. 4e, f and Extended Data Fig. 6a.
    """
    frames = len(trajectory)
    if frames < 16:
        raise InputError(f"{trajectory.path}: {frames} frames are too few; lifetimes need 16")
    limits = {name: magnitude(x, "angstrom", "acceptors", positive=True) for name, x in _given(acceptors).items()}
    smallest = magnitude(angle, "deg", "angle")
    sites = _sites(trajectory, donor, hydrogen, limits, acceptor_molecule, smallest)
    size = SLAB // (48 * (len(sites.hydrogens) * 2 + len(sites.acceptors) * 2))
    size = max(1, min(size, -(-frames // 8)))
    blocks = [slice(first, min(first + size, frames)) for first in range(0, frames, size)]
    found = list(
        map_blocks(lambda block: _bonds(trajectory, sites, block), blocks, progress=progress, title="hydrogen bonds")
    )
    events = np.concatenate([part[0] for part in found])
    sums = np.sum([part[1] for part in found], axis=0)
    molecules = np.unique(trajectory.molecules[sites.donors])
    per_group = np.array(
        [len(np.unique(trajectory.molecules[sites.donors[sites.group == g]])) for g in range(sites.groups)], dtype=float
    )
    step = float(trajectory.timestep.value)
    by_acceptor = {name: _acceptor(events, sums[k], sites, k, per_group, frames, step) for k, name in enumerate(limits)}
    words = ", ".join(f"H...{name} < {x:g} angstrom" for name, x in limits.items())
    warnings = tuple(
        f"{name}: {line}"
        for name, part in by_acceptor.items()
        for line in dict.fromkeys((*part.continuous.warnings, *part.intermittent.warnings, *part.peak.warnings))
    )
    mean, error = mean_of_groups(sums[:, :, 0].sum(axis=0) / per_group / frames, per_group)
    for k, name in enumerate(limits):
        mine = events[sites.kind[events[:, 2]] == k, 0]
        both = (np.count_nonzero(mine < frames // 2), np.count_nonzero(mine >= frames - frames // 2))
        first, second = (count / (len(molecules) * (frames // 2)) for count in both)
        spread = math.sqrt(by_acceptor[name].per_molecule.variance)
        warnings += tuple(f"{name}: {line}" for line in halves_apart("number of bonds", (first, second), spread))
    return HydrogenBonds(
        by_acceptor=by_acceptor,
        per_molecule=sc.scalar(float(mean), variance=float(error) ** 2, unit="one"),
        criteria=f"{words}, {donor}-{hydrogen}...A > {smallest:g} deg",
        molecules=len(molecules),
        warnings=warnings,
    )


def _given(acceptors: Mapping[str, Quantity] | None) -> Mapping[str, Quantity]:
    if acceptors is None:
        return {"N": "2.5 angstrom", "S": "3.0 angstrom"}
    if not acceptors:
        raise InputError('acceptors: expected elements with distances, for example {"N": "2.5 angstrom"}')
    return acceptors


def _sites(
    trajectory: Trajectory,
    donor: str,
    hydrogen: str,
    limits: Mapping[str, float],
    molecule: str | None,
    smallest: float,
) -> _Sites:
    symbols = np.array(trajectory.symbols)
    pairs = np.concatenate([trajectory.bonds, trajectory.bonds[:, ::-1]])
    giving = pairs[(symbols[pairs[:, 0]] == donor) & (symbols[pairs[:, 1]] == hydrogen)]
    if not len(giving):
        raise InputError(f"{trajectory.path}: no bonds {donor}-{hydrogen} in it, which could give hydrogen bonds")
    owner = trajectory.molecules
    allowed = np.arange(len(symbols)) if molecule is None else trajectory.molecules_of(molecule).ravel()
    if molecule is None:  # what gives hydrogen by its own kind of molecule takes none unless it is asked for
        giver = np.isin(owner, owner[giving[:, 0]])
        others = allowed[~giver]
        allowed = others if np.isin(symbols[others], list(limits)).any() else allowed
    taking = np.sort(allowed[np.isin(symbols[allowed], list(limits))])
    missing = [name for name in limits if name not in symbols[taking]]
    if missing:
        raise InputError(f"{trajectory.path}: no {missing[0]} that could take a hydrogen bond; give other acceptors")
    behind = taking.copy()
    heavy = pairs[symbols[pairs[:, 1]] != hydrogen]
    for k, atom in enumerate(taking):
        bonded = heavy[heavy[:, 0] == atom, 1]
        if len(bonded):
            behind[k] = bonded[0]
    _, number = np.unique(owner[giving[:, 0]], return_inverse=True)
    molecules = int(number.max()) + 1
    if molecules < 2:
        raise InputError(f"{trajectory.path}: bonds {donor}-{hydrogen} in one molecule only; errors need two")
    groups = min(molecules, _GROUPS)
    names = list(limits)
    return _Sites(
        hydrogens=giving[:, 1],
        donors=giving[:, 0],
        acceptors=taking,
        behind=behind,
        kind=np.array([names.index(symbols[atom]) for atom in taking]),
        longest=np.array([limits[symbols[atom]] for atom in taking]),
        least=math.cos(math.radians(smallest)),
        group=number * groups // molecules,
        groups=groups,
    )


def _bonds(trajectory: Trajectory, sites: _Sites, block: slice) -> tuple[npt.NDArray[np.int64], Array]:
    """Find the bonds of a block of frames.

    Rows of frame, hydrogen and acceptor; and sums by kind and group: number, length, angle, histogram of phi.
    """
    cells = np.asarray(trajectory.cell.values)[block]
    inverse = np.linalg.inv(cells)
    kinds = (sites.hydrogens, sites.donors, sites.acceptors, sites.behind)
    atoms, where = np.unique(np.concatenate(kinds), return_inverse=True)
    fractional = trajectory.read("position", atoms, block).astype(np.float64) @ inverse
    cuts = np.cumsum([len(kind) for kind in kinds])[:-1]
    hydrogens, donors, acceptors, behind = (fractional[:, rows] for rows in np.split(where, cuts))
    same = trajectory.molecules[np.concatenate([sites.hydrogens, sites.acceptors])]
    most = 4 * len(sites.hydrogens) + 64
    events = []
    sums = np.zeros((int(sites.kind.max()) + 1, sites.groups, 3 + _BINS))
    for t in range(len(cells)):
        heights = 1 / np.linalg.norm(inverse[t], axis=0)
        if sites.longest.max() > 0.5 * heights.min():
            raise InputError(f"{trajectory.path}: the cell is {heights.min():.3g} angstrom thin, less than two H...A")
        boxes = np.minimum(np.floor(heights / sites.longest.max()).astype(np.int64), 64)
        pairs, values, found = np.empty((most, 2), np.int64), np.empty((most, 3)), most + 1
        while found > len(pairs):
            pairs, values = np.empty((max(most, found), 2), np.int64), np.empty((max(most, found), 3))
            found = find_bonds(
                hydrogens[t],
                donors[t],
                acceptors[t],
                behind[t],
                sites.longest,
                same,
                cells[t],
                boxes,
                sites.least,
                pairs,
                values,
            )
            most = max(most, found)
        pairs, values = pairs[:found], values[:found]
        events.append(np.column_stack([np.full(found, t + (block.start or 0)), pairs]))
        _add(sums, sites, pairs, values)
    return np.concatenate(events), sums


def _add(sums: Array, sites: _Sites, pairs: npt.NDArray[np.int64], values: Array) -> None:
    kind, group = sites.kind[pairs[:, 1]], sites.group[pairs[:, 0]]
    degrees = np.rad2deg(np.arccos(np.clip(values[:, 1:], -1, 1)))
    bins = np.minimum((degrees[:, 1] * _BINS / 180).astype(int), _BINS - 1)
    for column, what in ((0, 1.0), (1, values[:, 0]), (2, degrees[:, 0]), (3 + bins, 1.0)):
        np.add.at(sums, (kind, group, np.broadcast_to(column, kind.shape)), what)


def _acceptor(
    events: npt.NDArray[np.int64],
    sums: Array,
    sites: _Sites,
    kind: int,
    per_group: Array,
    frames: int,
    step: float,
) -> AcceptorBonds:
    number = sums[:, 0]
    weights = np.maximum(number, NONE)
    edges = sc.linspace("angle", 0.0, 180.0, _BINS + 1, unit="deg")
    width = 180 / _BINS
    centres = (np.arange(_BINS) + 0.5) * width
    bare = bool(np.all(sites.behind[sites.kind == kind] == sites.acceptors[sites.kind == kind]))
    raw = (sums[:, 3:] / weights[:, None] / width).T * (math.nan if bare else 1.0)
    solid = raw / np.sin(np.deg2rad(centres))[:, None]
    # the same norm for all groups, so that their mean is the whole
    solid = solid / max(float(mean_of_groups(solid, weights)[0].sum()) * width, 1e-300)
    mine = events[sites.kind[events[:, 2]] == kind]
    continuous, intermittent = bond_lifetime(mine, sites.group, len(sites.acceptors), sites.groups, frames, step)
    return AcceptorBonds(
        per_molecule=_scalar(number / per_group / frames, per_group, "one"),
        length=_scalar(sums[:, 1] / weights, weights, "angstrom"),
        donor_angle=_scalar(sums[:, 2] / weights, weights, "deg"),
        acceptor_angle=_distribution(raw, weights, edges),
        acceptor_angle_per_solid_angle=_distribution(solid, weights, edges),
        peak=fit_gaussian(centres, raw, weights),
        peak_per_solid_angle=fit_gaussian(centres, solid, weights),
        continuous=continuous,
        intermittent=intermittent,
    )


def _scalar(values: Array, weights: Array, unit: str) -> sc.Variable:
    mean, error = mean_of_groups(values, weights)
    return sc.scalar(float(mean), variance=float(error) ** 2, unit=unit)


def _distribution(values: Array, weights: Array, edges: sc.Variable) -> sc.DataArray:
    mean, error = mean_of_groups(values, weights)
    data = sc.array(dims=["angle"], values=mean, variances=error**2, unit="1/deg")
    return sc.DataArray(data, coords={"angle": edges}, name="angle at the acceptor")
