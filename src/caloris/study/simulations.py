"""Campaigns of simulations that published results are compared with: where they live, and running what is missing."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from caloris.errors import ComputationError, InputError
from caloris.study.campaigns import find_run_file

if TYPE_CHECKING:
    from caloris.campaigns import Campaign

SIMULATIONS_FOLDER = "CALORIS_SIMULATIONS"
"""Environment variable that names the folder of simulations."""


def is_finished(campaign: str) -> bool:
    """Return whether every point of a campaign is done.

    Parameters
    ----------
    campaign:
        Its name.
    """
    folder = os.environ.get(SIMULATIONS_FOLDER, "")
    if not folder or not (Path(folder) / campaign / "points").is_dir():
        return False
    return _opened(campaign).status().is_complete


def finished(campaign: str) -> "Campaign":
    """Return a campaign, its missing points run first.

    Parameters
    ----------
    campaign:
        Its name.

    Returns
    -------
    :
        The campaign, complete.

    Raises
    ------
    InputError
        If no folder for simulations is named.
    ComputationError
        If a point fails.
    """
    if not os.environ.get(SIMULATIONS_FOLDER):
        raise InputError(
            f"{campaign}: simulations are needed; set {SIMULATIONS_FOLDER} to a folder for them (up to an hour on two "
            "cores, and they go on after a stop)"
        )
    opened = _opened(campaign)
    if not opened.status().is_complete:
        status = opened.run()
        if not status.is_complete:
            raise ComputationError(
                f"{campaign}: {status.summary()}; see caloris campaign {campaign} --folder {opened.folder} --status"
            )
    return opened


def _opened(campaign: str) -> "Campaign":
    from caloris.campaigns import Campaign

    return Campaign(find_run_file(campaign), folder=Path(os.environ[SIMULATIONS_FOLDER]) / campaign)
