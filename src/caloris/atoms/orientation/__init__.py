"""Orientation of molecules: how it is lost in time, how it is spread over the sphere, and what it moves along with."""
