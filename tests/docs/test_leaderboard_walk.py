"""From nothing to a verified row of a leaderboard by what the page *Search* says, to the letter.

The task is one of a small registry, so that the walk takes seconds; everything else is the page's.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from xreg.cli.main import main
from xreg.registry.plugins import host

PAGE = Path(__file__).parents[2] / "docs" / "search.md"
SECTION = re.compile(r"^## Tasks$(.*?)(?=^## |\Z)", re.M | re.S)
FILE = re.compile(r'^```yaml title="([^"]+)"\n(.*?)^```$', re.M | re.S)
SHELL = re.compile(r"^```bash\n(.*?)^```$", re.M | re.S)
THEIRS = "h2o-xes"  # the task on the page
TASK = {
    "title": "Noise",
    "dataset": {"name": "toy", "version": "1.0.0"},
    "target": {"channel": "xes"},
    "split": {"name": "default"},
    "folds": {"count": 2},
    "budget": 5,
    "seeds": 2,
}


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder of plugins of the reader's own; each command looks into it anew."""
    monkeypatch.setenv("XREG_PLUGINS", str(tmp_path / "plugins"))
    host.cache_clear()
    yield
    monkeypatch.undo()
    host.cache_clear()


@pytest.mark.usefixtures("plugins", "places")
def test_from_nothing_to_a_verified_row(
    registry: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (registry / "tasks").mkdir()
    (registry / "tasks" / f"{THEIRS}.yaml").write_text(yaml.safe_dump(TASK))
    monkeypatch.chdir(registry)
    section = SECTION.search(PAGE.read_text(encoding="utf-8"))
    assert section is not None
    for name, body in FILE.findall(section[1]):
        Path(name).write_text(body)
    told = {}
    (shell,) = SHELL.findall(section[1])
    for line in shell.splitlines():
        program, *words = shlex.split(line)
        assert program == "xreg"
        with pytest.raises(SystemExit) as end:
            main(words)
        out = capsys.readouterr()
        assert end.value.code == 0, f"$ {line}\n{out.out}{out.err}"
        told[words[1]] = out.out
        host.cache_clear()  # the next command is a new process
    assert len(told) == 5
    assert "mine" in told["show"]
    assert "verified to the last digit" in told["verify"]
    assert "credit: mine.py, xreg" in told["verify"]
    (row,) = (registry / "leaderboards" / THEIRS).glob("mine-*.json")
    body = row.read_text()
    assert "Your Name" in body
    assert str(registry.parent) not in body  # a row tells no place on this machine
