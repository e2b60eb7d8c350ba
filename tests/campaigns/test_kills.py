"""Whatever is killed, and when: the resumed campaign ends as the undisturbed one, and no point is finished twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
POINTS = 12
# no `if __name__ == "__main__":` on purpose: a user's script needs none
SCRIPT = """
import sys
from caloris.campaigns import Campaign, History
from caloris.errors import CalorisError

campaign = Campaign(
    task="hash_chain:chain",
    grid={"pressure": ["0.1 MPa", "100 MPa"], "temperature": {"from": "440 K", "to": "450 K", "step": "5 K"}},
    history=History("temperature", ("heating", "cooling")),
    settings={"duration": 0.5},
    folder=sys.argv[1],
)
try:
    status = campaign.run(*sys.argv[2:], **({} if sys.argv[2:] else {"workers": 2}))
except CalorisError as error:
    print(error, file=sys.stderr)
    sys.exit(1)
print(status.summary())
"""
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def start(folder: Path, scheduler: str | None = None) -> subprocess.Popen[str]:
    script = folder.parent / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(folder), *([scheduler] if scheduler else [])]
    environment = ENVIRONMENT | {"PYTHONPATH": str(HERE)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


def journal(folder: Path) -> list[tuple[str, str, int]]:
    """(event, key, process) of every line."""
    path = folder / "journal.log"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(words[1], words[2], int(words[3].rpartition(":")[2])) for words in map(str.split, lines)]


def outcome(folder: Path) -> dict[str, Any]:
    """What the finished points hold, except when and where they were made."""
    found = {}
    for place in (folder / "points").iterdir():
        result = json.loads((place / "result.json").read_text())
        kept = {name: result[name] for name in ("task", "parameters", "previous", "outputs")}
        found[place.name] = {**kept, "state": (place / "state").read_text()}
    return found


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s")


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def busy_worker(folder: Path, begun: int) -> int:
    """A living process that has begun after so many lines of the journal; waits for one."""

    def find() -> int | None:
        lines = journal(folder)[begun:]
        open_points = {key: process for event, key, process in lines if event == "start"}
        for event, key, _ in lines:
            if event != "start":
                open_points.pop(key, None)
        return next((process for process in open_points.values() if is_alive(process)), None)

    return int(wait_until(find, "a busy worker"))


def check(folder: Path, undisturbed: dict[str, Any]) -> None:
    assert outcome(folder) == undisturbed
    lines = journal(folder)
    finished: set[str] = set()
    for event, key, _ in lines:
        assert key not in finished, "work on a finished point"
        assert event in ("start", "finish")
        if event == "finish":
            finished.add(key)
    assert list((folder / "work").iterdir()) == []
    assert list((folder / "failed").iterdir()) == []
    events = Counter(event for event, _, _ in lines)
    assert events["start"] >= POINTS
    assert events["finish"] >= POINTS - 1, "at most one line is lost with a kill between the move and the line"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("undisturbed") / "campaign"
    code, output, errors = end(start(folder))
    assert (code, output.strip(), errors) == (0, f"{POINTS} points: {POINTS} done", "")
    found = outcome(folder)
    assert len(found) == POINTS
    assert len({point["outputs"]["digest"] for point in found.values()}) == POINTS
    assert Counter(event for event, _, _ in journal(folder)) == {"start": POINTS, "finish": POINTS}
    return found


@pytest.mark.parametrize("seed", range(5))
def test_local_campaign_survives_kills_of_worker_and_scheduler(
    seed: int, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    moments = random.Random(seed)
    folder = tmp_path / "campaign"
    process = start(folder)
    busy_worker(folder, 0)
    time.sleep(moments.uniform(0.0, 1.0))
    kill(busy_worker(folder, 0))
    time.sleep(moments.uniform(0.0, 1.5))
    assert process.poll() is None
    process.kill()  # the scheduler lives in it
    process.communicate()
    workers = {worker for _, _, worker in journal(folder)}
    wait_until(lambda: not any(is_alive(worker) for worker in workers), "the workers end with their scheduler")
    code, output, errors = end(start(folder))
    assert (code, output.strip(), errors) == (0, f"{POINTS} points: {POINTS} done", "")
    check(folder, undisturbed)
    assert sum(event == "start" for event, _, _ in journal(folder)) > POINTS, "nothing was interrupted"


@contextmanager
def dask(where: Path, workers: int = 2) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A real scheduler and a real worker command on the loop-back address; yields address and scheduler process."""
    where.mkdir()
    contact = where / "scheduler.json"
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": where}
    quiet |= {"env": ENVIRONMENT, "start_new_session": True}  # a group of its own, to end it with all its children
    command = [sys.executable, "-m", "dask"]
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(contact)]
    scheduler = subprocess.Popen([*command, "scheduler", *options], **quiet)
    options = ["--host", "127.0.0.1", "--nthreads", "1", "--nworkers", str(workers), "--no-dashboard"]
    processes = [scheduler]
    try:
        wait_until(lambda: contact.exists() and contact.read_text().endswith("}"), "a scheduler")
        address = json.loads(contact.read_text())["address"]
        processes.append(subprocess.Popen([*command, "worker", address, *options], **quiet))
        yield address, scheduler
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def survive_on_a_cluster(seed: int, undisturbed: dict[str, Any], tmp_path: Path) -> None:
    moments = random.Random(100 + seed)
    folder = tmp_path / "campaign"
    with dask(tmp_path / "first") as (address, scheduler):
        process = start(folder, address)
        busy_worker(folder, 0)
        time.sleep(moments.uniform(0.0, 1.0))
        kill(busy_worker(folder, 0))
        time.sleep(moments.uniform(0.0, 1.5))
        assert process.poll() is None
        scheduler.kill()
        code, output, errors = end(process)
        assert (code, output) == (1, "")
        assert errors.count("\n") == 1
        assert "run the same command again" in errors
        with dask(tmp_path / "second") as (new_address, _):  # while workers of the first may still be at it
            code, output, errors = end(start(folder, new_address))
            assert (code, output.strip(), errors) == (0, f"{POINTS} points: {POINTS} done", "")
    check(folder, undisturbed)
    assert sum(event == "start" for event, _, _ in journal(folder)) > POINTS, "nothing was interrupted"


def test_campaign_on_a_cluster_survives_kills_of_worker_and_scheduler(
    undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    survive_on_a_cluster(0, undisturbed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 5))
def test_campaign_on_a_cluster_survives_kills_again_and_again(
    seed: int, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    survive_on_a_cluster(seed, undisturbed, tmp_path)


@pytest.mark.slow
def test_interrupted_campaign_blames_no_point_and_goes_on(undisturbed: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "campaign"
    process = start(folder)
    busy_worker(folder, 0)
    time.sleep(0.7)
    process.send_signal(signal.SIGINT)
    code, output, _ = end(process)
    assert (code, output) == (-signal.SIGINT, "")
    assert list((folder / "failed").iterdir()) == list((folder / "runs").iterdir()) == []
    assert not any(is_alive(worker) for _, _, worker in journal(folder))
    assert len(list((folder / "points").iterdir())) < POINTS
    code, output, errors = end(start(folder))
    assert (code, output.strip(), errors) == (0, f"{POINTS} points: {POINTS} done", "")
    check(folder, undisturbed)
