"""From nothing to a verified row of a leaderboard by what the page *Search* says, to the letter.

The task is one of a small registry, so that the walk takes seconds; everything else is the page's.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from xreg.cli.main import main
from xreg.registry.plugins import host
from xreg.registry.plugins.folder import MODULE

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
    for name in [name for name in sys.modules if name.startswith(f"{MODULE}.")]:
        monkeypatch.delitem(sys.modules, name)
    host.cache_clear()
    yield
    monkeypatch.undo()
    host.cache_clear()


@pytest.mark.usefixtures("plugins", "places")
@pytest.mark.parametrize("kind", ["descriptor", "emulator"])
def test_from_nothing_to_a_verified_row(
    kind: str, registry: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (registry / "tasks").mkdir()
    (registry / "tasks" / f"{THEIRS}.yaml").write_text(yaml.safe_dump(TASK))
    monkeypatch.chdir(registry)
    section = SECTION.search(PAGE.read_text(encoding="utf-8"))
    assert section is not None
    files = dict(FILE.findall(section[1]))
    Path("mine.yaml").write_text(files.get(kind, files["mine.yaml"]))
    told = {}
    (shell,) = SHELL.findall(section[1])
    for printed in shell.splitlines():
        line = printed.replace("new descriptor", f"new {kind}")
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
    credit = re.search(r"^credit: (.+)$", told["verify"], re.M)
    assert credit is not None
    assert {one.split()[0] for one in credit[1].split(", ")} == {"mine.py", "xreg"}
    (row,) = (registry / "leaderboards" / THEIRS).glob("mine-*.json")
    body = row.read_text()
    assert kind in {source["kind"] for source in json.loads(body)["sources"]}
    assert "Your Name" in body
    assert str(registry.parent) not in body  # a row tells no place on this machine


@pytest.mark.usefixtures("plugins", "places")
def test_a_decomposer_that_does_not_predict_is_told_at_once(
    registry: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (registry / "tasks").mkdir()
    (registry / "tasks" / f"{THEIRS}.yaml").write_text(yaml.safe_dump(TASK))
    monkeypatch.chdir(registry)
    Path("mine.yaml").write_text(
        "families: {mine: {descriptor: internal, decomposer: {name: mine-too, rank: 2}}}"
    )
    for line, code in (
        ("plugins new decomposer mine-too --single-file", 0),
        (f"search --task {THEIRS} mine.yaml -o search", 2),
    ):
        with pytest.raises(SystemExit) as end:
            main(line.split())
        assert end.value.code == code
        host.cache_clear()
    assert "needs an emulator, for it has no decode of its own" in capsys.readouterr().err
    assert not Path("search").exists()
