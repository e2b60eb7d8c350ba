"""Settings of every test: hypothesis draws the same examples each time, so a failure is there for everyone.

``HYPOTHESIS_PROFILE=explore`` draws new examples, more of them, to hunt for what nobody has seen yet.
"""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from caloris import cli
from command_line import Answer, Caloris

sys.path.append(str(Path(__file__).parent / "atoms"))  # exact trajectories are for all rooms

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture
def caloris(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Caloris:
    """Run the command line in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["caloris", *arguments])
        capsys.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0
        return Answer(code, *capsys.readouterr())

    return run
