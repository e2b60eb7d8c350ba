"""The numbers of a cycle by name, and how they print."""

from typing import Any

import scipp as sc


class Summary(dict[str, Any]):
    """The numbers of a cycle by name; prints as a table."""

    def __str__(self) -> str:
        lines = []
        for key, value in self.items():
            if isinstance(value, sc.Variable):
                lines.append(f"{key:24s} {float(value.value):12.5g} {value.unit}")
            elif isinstance(value, float):
                lines.append(f"{key:24s} {value:12.3g} of the latent heat")
            elif isinstance(value, dict):
                lines += [f"{key + '.' + name:24s} {entry}" for name, entry in value.items()]
            elif isinstance(value, list):
                lines += [f"{key + ':':24s} {entry}" for entry in value]
            else:
                lines.append(f"{key:24s} {value!s:>12}")
        return "\n".join(lines)
