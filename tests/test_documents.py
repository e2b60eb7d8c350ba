"""What the documents show works: every Python block, every command line, every card, every example runs.

Blocks of one file share a namespace, in order. A block that must not run is marked ```` ```python3 ````.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from caloris.heat.battery.runfile import read_run
from caloris.materials import load

ROOT = Path(__file__).parents[1]
DOCUMENTS = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if path.exists()]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
NOT_RUN = ("caloris demo", "caloris reproduce all", "caloris app")
"""Command lines that only have to be understood: they take long, or do not end."""
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<code>.*?)^```\s*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s#]+)[^)]*\)|<img [^>]*src=\"(?P<image>[^\"]+)\"")


@dataclass(frozen=True)
class Block:
    """A fenced block of a document."""

    path: Path
    line: int
    info: str
    code: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    found = []
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            info = match["info"].strip()
            if info.split() and info.split()[0] in languages:
                found.append(Block(path, text[: match.start("code")].count("\n") + 1, info, match["code"]))
    return found


def command_lines() -> list[tuple[str, str]]:
    """(where, command) of every line that a reader would type after a prompt."""
    found = []
    for block in blocks("console", "sh", "bash", "shell"):
        text = re.sub(r"\\\n\s*(> )?", " ", block.code)
        for line in text.splitlines():
            if line.startswith("$ caloris"):
                found.append((str(block), line[2:].strip()))
    return found


PYTHON = blocks("python", "py")
COMMANDS = command_lines()


@pytest.fixture(scope="module")
def workplaces(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, tuple[Path, dict[str, Any], list[Block]]]:
    """For every document: a folder, the namespace of its blocks, and the blocks that have run."""
    return {path: (tmp_path_factory.mktemp(path.stem), {"__name__": "__main__"}, []) for path in DOCUMENTS}


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_block_runs(
    block: Block,
    workplaces: dict[Path, tuple[Path, dict[str, Any], list[Block]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, names, done = workplaces[block.path]
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    for earlier in PYTHON:
        if earlier.path == block.path and earlier.line <= block.line and earlier not in done:
            # the empty lines make line numbers of a traceback those of the document
            exec(compile("\n" * (earlier.line - 1) + earlier.code, str(earlier.path), "exec"), names)
            done.append(earlier)


@pytest.mark.parametrize("block", [b for b in blocks("toml") if b.code.lstrip().startswith("schema")], ids=str)
def test_card_in_a_document_is_valid(block: Block, tmp_path: Path) -> None:
    (tmp_path / "card.toml").write_text(block.code, encoding="utf-8")
    assert load(tmp_path / "card.toml").name


@pytest.mark.parametrize("block", [b for b in blocks("toml") if "protocol =" in b.code], ids=str)
def test_run_file_in_a_document_is_valid(block: Block, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(block.code, encoding="utf-8")
    battery, protocol = read_run(tmp_path / "run.toml")
    assert battery.card.name
    assert protocol.steps


@pytest.mark.parametrize(("where", "command"), COMMANDS, ids=[f"{where} {line}" for where, line in COMMANDS])
def test_command_line_runs(where: str, command: str, tmp_path: Path) -> None:
    words = shlex.split(command, comments=True)
    if " ".join(words).startswith(NOT_RUN):
        words = [*words[:2], "--help"]
    script = Path(sys.executable).with_name("caloris")
    if not script.exists():
        pytest.skip("caloris is not installed beside this Python")
    if (ROOT / "examples").exists():
        shutil.copytree(ROOT / "examples", tmp_path / "examples")
    done = subprocess.run([script, *words[1:]], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{where}: {done.stderr}"
    assert done.stderr == ""
    assert done.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example_runs(example: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, example],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr


@pytest.mark.parametrize("run", sorted((ROOT / "examples").glob("*.toml")), ids=lambda path: path.name)
def test_example_run_file_is_valid(run: Path) -> None:
    if "protocol" in run.read_text(encoding="utf-8"):
        read_run(run)
    else:
        load(run)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    text = FENCE.sub("", document.read_text(encoding="utf-8"))
    targets = [match["target"] or match["image"] for match in LINK.finditer(text)]
    dead = [target for target in targets if "://" not in target and not (document.parent / target).exists()]
    assert dead == []
