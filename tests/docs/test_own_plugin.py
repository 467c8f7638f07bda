"""How much the page *Your own plugin* asks of its readers: commands, and lines of their own."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pytest

from xreg.workbench.plugins.scaffold import make

PAGE = Path(__file__).parents[2] / "docs" / "tutorials" / "own-plugin.md"
FILE = re.compile(r'^```python title="(?P<path>[^"]+)"\n(?P<body>.*?)^```$', re.M | re.S)
COMMAND = re.compile(r"^\$ (xreg plugins|pip install) (.+)$", re.M)
WALKS = {
    "descriptor": "inverse",
    "emulator": "nearest",
    "decomposer": "regressed",
    "generator": "edge",
    "analysis": "outliers",
    "importer": "beamline",
}
MOST_LINES, MOST_COMMANDS = 30, 3


@pytest.mark.parametrize("kind", WALKS)
def test_own_lines_and_commands(kind: str, tmp_path: Path) -> None:
    """That the page leads to plugins that pass, test_pages shows by following it."""
    name = WALKS[kind]
    text = PAGE.read_text(encoding="utf-8")
    folder = make(kind, name, tmp_path / f"xreg-{name}", author="Nobody")
    files = [f for f in FILE.finditer(text) if f["path"].startswith(f"xreg-{name}/")]
    own = []
    for file in files:
        before = (folder.parent / file["path"]).read_text(encoding="utf-8").splitlines()
        lines = difflib.ndiff(before, file["body"].splitlines())
        own += [line for line in lines if line.startswith("+ ") and line.strip() != "+"]
    assert 1 <= len(own) <= MOST_LINES, "\n".join(own)
    asked = [c for c in COMMAND.findall(text) if re.search(rf"\b{name}\b", c[1])]
    assert f"new {kind} {name}" in {words for _, words in asked}
    assert 2 <= len(asked) <= MOST_COMMANDS, asked
