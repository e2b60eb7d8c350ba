"""``caloris trajectory``: any file in, every analysis out, bad input in one line."""

import csv
from pathlib import Path

import numpy as np
import pytest
import scipp as sc

from caloris.atoms.synthetic_trajectory import (
    LatticeJumps,
    Molecules,
    Particles,
    SiteJumps,
    SyntheticTrajectory,
    Vibration,
    cubic_sites,
)
from command_line import Caloris


def synthetic(frames: int = 400, cells: int = 3) -> SyntheticTrajectory:
    """XH4 that jump about C3, and ions that jump between sites: every answer is known."""
    sites = cubic_sites("5 angstrom", (cells, cells, cells))
    shake = Vibration(mean_square="0.002 angstrom^2", frequency="10 THz", damping="2 1/ps")
    turn = SiteJumps.threefold("1.48 angstrom", residence_time="1 ps")
    hop = LatticeJumps(length="5 angstrom", residence_time="1 ps")
    shifted = sites + sc.vector([2.5, 2.5, 2.5], unit="angstrom")
    populations = (
        Molecules("Si", "H", sites, turn, centre_motion=shake, outer_motion=shake),
        Particles("Li", shifted, shake + hop),
    )
    return SyntheticTrajectory(populations, cell=f"{5 * cells} angstrom", frames=frames, timestep="20 fs", seed=3)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trajectory")
    synthetic().write(folder / "run.h5", velocities=True)
    synthetic().write_lammps_dump(folder / "run.lammpstrj", velocities=False)
    return folder


@pytest.fixture(scope="module")
def run(made: Path) -> str:
    return str(made / "run.h5")


def numbers(answer) -> dict[str, tuple[float, float]]:
    assert answer.code == 0, answer.err
    found = answer.json()["numbers"]
    return {name: (entry["value"], entry["error"]) for name, entry in found.items()}


def test_without_an_analysis_it_says_what_is_in_it(caloris: Caloris, run: str) -> None:
    answer = caloris("trajectory", run)
    assert answer.code == 0
    assert "27 SiH4, 27 Li" in answer.out
    assert "Synthetic: made from known motions" in answer.out
    found = numbers(caloris("trajectory", run, "--json"))
    assert found["atoms"][0] == 27 * 6
    assert found["time between frames"][0] == pytest.approx(0.02)
    assert found["density"][0] == pytest.approx(1660.539 * 27 * (28.085 + 4 * 1.008 + 6.94) / 15.0**3, rel=1e-3)


def test_a_dump_gives_the_same_displacement_as_the_store(caloris: Caloris, made: Path, run: str) -> None:
    same = numbers(caloris("trajectory", run, "msd", "--species", "Li", "--json"))
    dump = ("trajectory", str(made / "run.lammpstrj"), "msd", "--timestep", "20 fs", "--elements", "Si H Li")
    converted = numbers(caloris(*dump, "--species", "Li", "--json"))
    assert converted.keys() == same.keys()
    for name, (value, error) in same.items():
        assert converted[name] == pytest.approx((value, error), rel=1e-4)


def test_what_the_user_said_once_need_not_be_said_again(caloris: Caloris, made: Path) -> None:
    dump = str(made / "run.lammpstrj")
    first = caloris("trajectory", dump, "--timestep", "20 fs", "--elements", "1=Si 2=H 3=Li", "convert")
    assert first.code == 0, first.err
    assert f"{dump}.caloris.h5" in first.out
    assert caloris("trajectory", dump, "msd").code == 0


def test_pieces_are_one_trajectory(caloris: Caloris, made: Path, tmp_path: Path) -> None:
    text = (made / "run.lammpstrj").read_text(encoding="utf-8")
    frames = ["ITEM: TIMESTEP" + part for part in text.split("ITEM: TIMESTEP")[1:]]
    for name, part in (("first", frames[:30]), ("second", frames[30:50])):
        (tmp_path / f"{name}.lammpstrj").write_text("".join(part), encoding="utf-8")
    opening = ("--more", str(tmp_path / "second.lammpstrj"), "--timestep", "20 fs", "--elements", "Si H Li")
    found = numbers(caloris("trajectory", str(tmp_path / "first.lammpstrj"), *opening, "--json"))
    assert found["frames"][0] == 50


def test_displacement_of_jumping_ions_is_that_of_the_closed_form(caloris: Caloris, run: str) -> None:
    time = sc.array(dims=["time"], values=[2.0], unit="ps")
    exact = float(synthetic().mean_square_displacement("Li", time).values[0])
    answer = caloris("trajectory", run, "msd", "--species", "Li", "--longest", "2 ps", "--json")
    ((value, error),) = numbers(answer).values()
    assert abs(value - exact) < 4 * error
    assert error < 0.3 * exact


def test_start_and_every_choose_frames(caloris: Caloris, run: str) -> None:
    found = numbers(caloris("trajectory", run, "--start", "4 ps", "--every", "2", "--json"))
    assert found["frames"][0] == 100
    assert found["time between frames"][0] == pytest.approx(0.04)


@pytest.mark.parametrize("position", ["before", "after"])
def test_options_of_the_file_may_stand_before_or_after_the_analysis(
    caloris: Caloris, run: str, tmp_path: Path, position: str
) -> None:
    own, analysis = ["--out", str(tmp_path / "found"), "--json"], ["fluctuation", "--species", "SiH4"]
    words = [*own, run, *analysis] if position == "before" else [run, *analysis, *own]
    answer = caloris("trajectory", *words)
    assert answer.code == 0, answer.err
    assert answer.json()["files"] == [str(tmp_path / "found" / "fluctuation.json")]


ANALYSES = (
    (("msd", "--by", "molecule"), "mean-square-displacement"),
    (("axial-msd", "--molecule", "SiH4", "--axis", "Si H"), ""),
    (("diffusion",), "diffusion"),
    (("conductivity", "--temperature", "300 K", "--charges", "Li=1 SiH4=-1"), "conductivity"),
    (("jumps", "--species", "Li", "--apart", "3 angstrom", "--together", "0.2 ps within 5 angstrom"), "jumps"),
    (("van-hove", "--species", "Li", "--times", "0.5 2"), "van-hove-self"),
    (("van-hove", "--species", "Li Li"), "van-hove-distinct"),
    (("density", "--species", "Li", "--spacing", "0.5 angstrom", "--temperature", "300 K"), "density-Li"),
    (("path", "--species", "Li", "--spacing", "0.5 angstrom", "--temperature", "300 K"), "path-Li"),
    (("reorientation", "--bond", "Si H"), "reorientation"),
    (("orientation-map", "--molecule", "SiH4"), "orientation-map"),
    (
        ("coupling", "--molecule", "SiH4", "--species", "Li", "--interval", "0.1 ps", "--longest", "0.5 ps"),
        "coupling",
    ),
    (
        ("hydrogen-bonds", "--donor", "Si", "--acceptors", "Li=3.5", "--acceptor-molecule", "Li", "--angle", "90 deg"),
        "hydrogen-bonds",
    ),
    (("fluctuation", "--species", "SiH4"), "fluctuation"),
    (("dos", "--by", "motion", "--temperature", "300 K"), "density-of-states"),
    (("dos", "--isotopes", "H=2H"), "density-of-states-neutron"),
    (("entropy", "--temperature", "300 K", "--resolution", "2 meV"), "two-phase-thermodynamics"),
    (("rdf", "--pair", "Li SiH4", "--longest", "7 angstrom"), "rdf-Li-SiH4"),
    (("rdf", "--longest", "7 angstrom"), "rdf"),
    (("structure-factor", "--longest", "7 angstrom", "--weights", "xray"), "structure-factor-xray"),
    (("pdf", "--longest", "7 angstrom"), "pdf-neutron"),
    (("scattering", "--Q", "1 2"), "intermediate-scattering-incoherent"),
    (("scattering", "--kind", "coherent", "--Q", "1.5 2.5", "--absolute"), "intermediate-scattering-coherent"),
    (
        ("spectrum", "--Q", "0.5 to 2 in 4", "--instrument", "Pelican", "--wavelength", "5.96 angstrom"),
        "dynamic-structure-factor-incoherent",
    ),
    (("eisf", "--Q", "0.5 to 2 in 4", "--atoms", "H"), "elastic-fraction"),
    (("gdos", "--temperature", "300 K", "--Q", "1 to 3 in 5", "--elastic", "5 meV"), "generalised-density-of-states"),
)


@pytest.mark.parametrize(("words", "stem"), ANALYSES, ids=[" ".join(words[:3]) for words, _ in ANALYSES])
def test_every_analysis_writes_whole_files_and_says_its_numbers(
    caloris: Caloris, run: str, tmp_path: Path, words: tuple[str, ...], stem: str
) -> None:
    answer = caloris("trajectory", run, "--out", str(tmp_path / "found"), "--json", *words)
    if not stem:  # no molecule that tumbles has an axis
        assert answer.code == 2
        assert "no axis" in answer.err or "tumble" in answer.err
        return
    assert answer.code == 0, answer.err
    found = answer.json()
    assert found["files"][0].endswith(f"{stem}.json")
    for entry in found["numbers"].values():
        assert set(entry) == {"value", "unit", "error"}
    assert found["words"]
    if f"{stem}.csv" in " ".join(found["files"]):
        with (tmp_path / "found" / f"{stem}.csv").open(encoding="utf-8") as file:
            rows = list(csv.reader(file))
        assert rows[0][0] == "curve"
        assert all(len(row) >= 3 for row in rows)
        group = sc.io.load_hdf5(str(tmp_path / "found" / f"{stem}.h5"))
        assert len(group) >= 1
    if found["analysis"] != "fluctuation":
        assert (tmp_path / "found" / f"{stem}.png").stat().st_size > 10_000


def test_elastic_fraction_of_the_rotor_is_the_printed_one(caloris: Caloris, run: str) -> None:
    folder = Path("eisf")
    answer = caloris("trajectory", run, "--out", str(folder), "eisf", "--Q", "0.8 1.6", "--atoms", "H", "--json")
    assert answer.code == 0, answer.err
    found = sc.io.load_hdf5(str(folder / "elastic-fraction.h5"))["EISF"]
    apart = 1.48 * np.sqrt(8 / 3)
    Q = found.coords["Q"].values
    exact = 0.5 * (1 + np.sinc(Q * apart / np.pi))  # eq. 4 of the thermal-battery paper
    assert np.all(np.abs(found.values - exact) < 4 * np.sqrt(found.variances) + 0.01)


def test_density_is_there_for_other_programs(caloris: Caloris, run: str, tmp_path: Path) -> None:
    answer = caloris(
        "trajectory", run, "--out", str(tmp_path), "density", "--species", "Li", "--spacing", "0.5 angstrom"
    )
    assert answer.code == 0, answer.err
    cube = (tmp_path / "density-Li.cube").read_text(encoding="utf-8").split("\n")
    assert int(cube[3].split()[0]) == 30  # 15 angstrom in voxels of 0.5


BAD = (
    ((), "Usage"),
    (("missing.xyz",), "missing.xyz"),
    (("RUN", "nonsense"), "No such command 'nonsense'"),
    (("RUN", "difusion"), "Did you mean 'diffusion'"),
    (("RUN", "msd", "--species", "Xx"), "Xx"),
    (("RUN", "msd", "--species", "Na"), "no molecule 'Na'"),
    (("RUN", "msd", "--longest", "2"), "'2' has no unit"),
    (("RUN", "msd", "--longest", "-2 ps"), "longest: must be greater than 0"),
    (("RUN", "msd", "--by", "colour"), "'colour'"),
    (("RUN", "msd", "--nonsense"), "--nonsense"),
    (("RUN", "--timestep", "1 fs", "msd"), "needs no options"),
    (("DUMP", "--store", "OTHER"), "or a topology (here --elements)"),
    (("DUMP", "--store", "OTHER", "--elements", "Si H Li"), "timestep"),
    (("DUMP", "--store", "OTHER", "--timestep", "10 angstrom"), "timestep: '10 angstrom'"),
    (("DUMP", "--store", "OTHER", "--timestep", "10 fs"), "elements"),
    (("DUMP", "--store", "OTHER", "--timestep", "10 fs", "--elements", "1=H Si"), "--elements: write"),
    (("DUMP", "--store", "OTHER", "--timestep", "10 fs", "--elements", "Si H"), "3"),
    (("DUMP", "--store", "OTHER", "--timestep", "10 fs", "--elements", "Si H Zz"), "Zz"),
    (("DUMP", "--store", "OTHER", "--topology", "missing.data"), "missing.data: no such file"),
    (("RUN", "--every", "0"), "--every: expected 1 or more"),
    (("RUN", "--every", "x"), "--every"),
    (("RUN", "--start", "100 ps"), "--start: the trajectory ends at 7.98 ps"),
    (("RUN", "--start", "1 K"), "--start: '1 K' has the unit K"),
    (("RUN", "diffusion", "--window", "5"), "--window: write for example '5 to 30 ps'"),
    (("RUN", "diffusion", "--window", "3 to 100 ps"), "100"),
    (("RUN", "conductivity"), "the file does not say the temperature; give --temperature"),
    (("RUN", "conductivity", "--temperature", "300 K"), "charges"),
    (("RUN", "conductivity", "--temperature", "300 K", "--charges", "Li"), "--charges: write 'Li=1 B12H12=-2'"),
    (("RUN", "conductivity", "--temperature", "300 K", "--charges", "Li=one"), "--charges: numbers in e"),
    (("RUN", "jumps"), "--species"),
    (("RUN", "jumps", "--species", "Li", "--sites", "missing.cif"), "missing.cif: cannot read the structure"),
    (("RUN", "jumps", "--species", "Li", "--together", "1 ps"), "--together: write"),
    (("RUN", "van-hove", "--species", "Li Si H"), "--species: one, 'Li', or two"),
    (("RUN", "van-hove", "--species", "Li", "--times", "one"), "--times: expected some numbers"),
    (("RUN", "van-hove", "--species", "Li", "--times", "1000"), "times: expected from 0 to 7.96 ps"),
    (("RUN", "axial-msd", "--molecule", "SiH4", "--axis", "Si"), "--axis: expected 2 names"),
    (("RUN", "density", "--species", "Li", "--repeat", "2 2"), "--repeat: write three whole numbers"),
    (("RUN", "density", "--species", "Li", "--level", "5 angstrom"), "level"),
    (("RUN", "path", "--species", "Li", "--from", "0 0 0"), "--from, --to: give both"),
    (("RUN", "path", "--species", "Li", "--from", "0 0", "--to", "0 0 0"), "--from: expected 3 numbers"),
    (("RUN", "reorientation"), "--bond 'N H' or --molecule"),
    (("RUN", "reorientation", "--bond", "N H"), "N-H"),
    (("RUN", "reorientation", "--bond", "Si"), "--bond: expected 2 names"),
    (("RUN", "hydrogen-bonds", "--acceptors", "N"), "--acceptors: write 'N=2.5 S=3.0'"),
    (("RUN", "coupling", "--molecule", "SiH4", "--species", "Li", "--interval", "30 ps"), ""),
    (("RUN", "stress"), "virial"),
    (("RUN", "rdf", "--pair", "Li"), "--pair: expected 2 names"),
    (("RUN", "rdf", "--longest", "-1 angstrom"), "longest"),
    (("RUN", "structure-factor", "--weights", "muon"), "weights: expected neutron or xray"),
    (("RUN", "scattering", "--Q", "one two"), "--Q: write values in 1/angstrom"),
    (("RUN", "scattering", "--Q", "0.2 to 2 by 10"), "--Q: write values"),
    (("RUN", "scattering", "--kind", "diagonal"), "'diagonal'"),
    (("RUN", "scattering", "--isotopes", "H"), "--isotopes: write 'H=2H'"),
    (("RUN", "scattering", "--isotopes", "H=9H"), "9H"),
    (("RUN", "scattering", "--device", "abacus"), "abacus"),
    (("RUN", "spectrum", "--energy", "0 to 5"), "--energy: write for example"),
    (("RUN", "spectrum", "--energy", "-900 to 900 meV in 11"), "keep frames more often"),
    (("RUN", "spectrum", "--resolution", "0.065"), "has no unit"),
    (("RUN", "spectrum", "--instrument", "Hubble"), "--instrument: 'Hubble' is not in the table"),
    (("RUN", "spectrum", "--wavelength", "6 angstrom"), "--wavelength: of which instrument?"),
    (("RUN", "spectrum", "--temperature", "-5 K"), "temperature"),
    (("RUN", "eisf", "--after", "1 h"), ""),
    (("RUN", "gdos"), "--temperature"),
)


@pytest.mark.parametrize(("words", "message"), BAD, ids=[" ".join(words) or "nothing" for words, _ in BAD])
def test_bad_input_is_one_line_and_leaves_nothing(
    caloris: Caloris, made: Path, run: str, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    places = {"RUN": run, "DUMP": str(made / "run.lammpstrj"), "OTHER": str(tmp_path / "other.h5")}
    given = [places.get(word, word) for word in words]
    answer = caloris("trajectory", *given, *(("--out", str(tmp_path / "found")) if words else ()))
    assert answer.code == 2
    if not words:
        assert message in answer.out
        return
    assert message in answer.err
    assert answer.err.startswith("caloris: ")
    assert len(answer.err.strip().splitlines()) == 1
    assert answer.out == ""
    assert not (tmp_path / "found").exists()
    assert not list(tmp_path.glob("*.h5"))


def test_a_place_that_cannot_be_written_stops_before_any_work(caloris: Caloris, run: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    answer = caloris("trajectory", run, "--out", str(tmp_path / "file"), "scattering")
    assert answer.code == 2
    assert "cannot write results there" in answer.err


def test_a_file_that_is_no_trajectory_says_so(caloris: Caloris, tmp_path: Path) -> None:
    (tmp_path / "poem.txt").write_text("A rose is a rose\n" * 20, encoding="utf-8")
    answer = caloris("trajectory", str(tmp_path / "poem.txt"), "msd")
    assert answer.code == 2
    assert "poem.txt" in answer.err
    assert len(answer.err.strip().splitlines()) == 1


def test_help_of_an_analysis_needs_no_file(caloris: Caloris) -> None:
    answer = caloris("trajectory", "missing.dump", "msd", "--help")
    assert answer.code == 0
    assert "--species" in answer.out


def test_cut_molecules_are_doubted(caloris: Caloris, tmp_path: Path) -> None:
    """One hydrogen is too far away in the first frame: the bond is not seen, and the summary says so."""
    rows = []
    for frame in range(12):
        rows.append(f'50\nLattice="30 0 0 0 30 0 0 0 30" Properties=species:S:1:pos:R:3 Time={frame}')
        for k in range(10):
            x = 3.0 * k
            far = 1.2 if k else 1.9
            rows += [f"Si {x} 0 0", f"H {x} 0 1.2", f"H {x} 1.2 0", f"H {x} 0 -1.2", f"H {x} {-far} 0"]
    (tmp_path / "run.xyz").write_text("\n".join(rows) + "\n", encoding="utf-8")
    answer = caloris("trajectory", str(tmp_path / "run.xyz"), "--timestep", "1 ps")
    assert answer.code == 0, answer.err
    assert "1 SiH3 beside 9 SiH4" in answer.out
