"""The command line: a thin skin over the library.

Every command prints a short summary, or with ``--json`` one JSON object and nothing else on standard output.
Exit codes: 0 done, 1 the computation failed, 2 bad input.
"""

from caloris.cli import (  # noqa: F401, each brings its commands
    atoms,
    catalogue,
    first_principles,
    heat,
    study,
    trajectory_dynamics,
    trajectory_maps,
    trajectory_scattering,
    trajectory_structure,
    trajectory_transport,
)
from caloris.cli.application import main

__all__ = ["main"]
