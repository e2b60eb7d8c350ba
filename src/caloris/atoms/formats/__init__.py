"""Trajectories of other programs: readers, and the one-time conversion into the store."""

from caloris.atoms.formats.conversion import convert_trajectory

__all__ = ["convert_trajectory"]
