"""Motions with closed forms, and what draws them: the parts of ``synthetic_trajectory.py``."""
