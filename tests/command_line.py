"""The command line as the tests run it: what it answers."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output must be one JSON object, all of it, without NaN."""

        def no_constant(name: str) -> None:
            raise AssertionError(f"{name} is not JSON")

        found = json.loads(self.out, parse_constant=no_constant)
        assert isinstance(found, dict)
        return found


Caloris = Callable[..., Answer]
