"""The folder of a campaign: what is finished, what is under way, what has failed, and who works on what.

points/<key>/    finished; renamed there in one step, so that it is there whole or not at all
work/<key>/      unfinished; what the task left there survives a kill
failed/<key>.json, progress/<key>.json, locks/<key>, runs/<run>, journal.log, campaign.json
"""

import contextlib
import errno
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from caloris.errors import ComputationError, InputError
from caloris.files import output_folder, write_json

_ROOMS = ("points", "work", "failed", "progress", "locks", "runs")


@dataclass(frozen=True)
class Folder:
    """Where a campaign lives on disk; several campaigns may share one."""

    path: Path

    def make(self) -> None:
        """Make the folder and its rooms; raises InputError if it cannot be written."""
        output_folder(self.path)
        for room in _ROOMS:
            output_folder(self.path / room)

    def finished(self, key: str) -> Path:
        """Where a point is when it is finished."""
        return self.path / "points" / key

    def work(self, key: str) -> Path:
        """Where a point is until it is finished."""
        return self.path / "work" / key

    def is_finished(self, key: str) -> bool:
        """Whether the point needs no work any more."""
        return (self.finished(key) / "result.json").is_file()

    def result(self, key: str) -> dict[str, Any]:
        """Return what a finished point holds; raises ComputationError if the file is damaged."""
        path = self.finished(key) / "result.json"
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            _ = found["outputs"]
        except (OSError, ValueError, KeyError, TypeError):
            raise ComputationError(
                f"{path}: damaged; move the folder {path.parent.name} away and run the campaign again"
            ) from None
        return found

    def keys(self, room: str) -> set[str]:
        """Keys of what is in ``points``, ``failed`` or ``progress``."""
        try:
            names = os.listdir(self.path / room)
        except FileNotFoundError:
            return set()
        return {name.removesuffix(".json") for name in names if not name.startswith(".")}

    def failure(self, key: str) -> dict[str, Any] | None:
        """Return why a point failed; None if it did not."""
        return _read(self.path / "failed" / f"{key}.json")

    def fail(self, key: str, run: str, failure: dict[str, Any]) -> None:
        """Record why a point failed."""
        write_json(self.path / "failed" / f"{key}.json", failure)
        self.journal("fail", key, run)

    def forgive(self, key: str) -> None:
        """Forget that a point failed; its work is kept."""
        (self.path / "failed" / f"{key}.json").unlink(missing_ok=True)

    def finish(self, key: str, run: str, result: dict[str, Any] | None) -> None:
        """Move a point to the finished ones in one step; everything is on the disk before.

        ``result`` is None if a kill came after it was written and before the move.
        """
        work, target = self.work(key), self.finished(key)
        if result is not None:
            write_json(work / "result.json", result)
        _flush(work)
        work.rename(target)
        _flush_folder(target.parent)
        self.journal("finish", key, run)

    def journal(self, event: str, key: str, run: str) -> None:
        """Append one line; a line is written at once, so that lines of several workers do not mix."""
        line = f"{now()} {event} {key} {socket.gethostname()}:{os.getpid()} {run}\n"
        handle = os.open(self.path / "journal.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)

    def progress(self, key: str) -> dict[str, Any] | None:
        """Return what a point last said of itself: ``what``, ``fraction``, ``run``."""
        return _read(self.path / "progress" / f"{key}.json")

    def write_progress(self, key: str, progress: dict[str, Any] | None) -> None:
        """Say how far a point is; None when it has ended."""
        path = self.path / "progress" / f"{key}.json"
        if progress is None:
            path.unlink(missing_ok=True)
        else:
            write_json(path, progress)

    def run_marker(self, run: str) -> Path:
        """The file that is there as long as a run wants its points worked on."""
        return self.path / "runs" / run

    @contextlib.contextmanager
    def locked(self, name: str, *, wait: bool = False) -> Iterator[IO[str] | None]:
        """Hold the lock of a point; the operating system frees it when the process dies.

        Parameters
        ----------
        name:
            Key of the point.
        wait:
            Whether to wait while somebody else holds it.

        Yields
        ------
        :
            The open lock file; None if somebody else holds it.
        """
        import fcntl

        with (self.path / "locks" / name).open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield None
                return
            except OSError as error:
                raise _no_locks(self.path, error) from None
            yield file

    def is_locked(self, key: str) -> bool:
        """Whether somebody works on a point at this moment."""
        if not (self.path / "locks" / key).exists():
            return False
        with self.locked(key) as lock:
            return lock is None


def now() -> str:
    """The time in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_lock(file: IO[str]) -> dict[str, Any]:
    """Read what the last holder of a lock left; empty if nothing, or a kill came while it was written."""
    file.seek(0)
    try:
        found = json.loads(file.read())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def write_lock(file: IO[str], value: dict[str, Any]) -> None:
    """Leave a note for the next holder of a lock."""
    file.seek(0)
    file.truncate()
    file.write(json.dumps(value))
    file.flush()


def _no_locks(path: Path, error: OSError) -> Exception:
    if error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
        return InputError(f"{path}: this file system cannot lock files; put the campaign's folder on another one")
    return ComputationError(f"{path}: cannot lock: {error.strerror}")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _flush(folder: Path) -> None:
    """Bring a folder to the disk, so that a power failure after the move leaves no empty files in it."""
    for place, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):  # a socket, or a link to nowhere
                handle = os.open(Path(place) / name, os.O_RDONLY | os.O_NONBLOCK)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
        _flush_folder(Path(place))


def _flush_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # some file systems cannot
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
