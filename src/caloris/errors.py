"""The errors of caloris: one line that says what was given, what was expected and what to do."""


class CalorisError(Exception):
    """Base of every error that caloris raises on purpose."""


class InputError(CalorisError, ValueError):
    """What the user gave cannot be used (command line: exit code 2)."""


class ComputationError(CalorisError, RuntimeError):
    """The input was fine, the computation failed (command line: exit code 1)."""
