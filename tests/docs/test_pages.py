r"""Runs what the documentation tells its readers to type, and compares what they should see.

On every page, in order and in one empty working folder (where ``examples`` is at hand):

- a ``console`` block: each line after ``$`` is run (``\`` continues it). The lines below, if any,
  must be printed: on standard output, or on standard error by a command that fails. ``...`` stands
  for anything. A command must succeed unless the next one is ``echo $?``.
- a ``python`` block is executed; blocks of a page share their names. A ``text`` block straight
  below must be what it prints.
- a block with ``title="path"`` is written to that file instead.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
MATCH = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PAGES = sorted(
    path
    for path in (ROOT / "docs").rglob("*.md")
    if re.search(r"^ *```(console|python)", path.read_text(encoding="utf-8"), re.MULTILINE)
)


@dataclass
class Block:
    """A fenced block: language, text, the file it belongs into, its line on the page."""

    language: str
    body: str
    title: str
    line: int
    follows: bool  # straight below the block before


def blocks(page: str) -> Iterator[Block]:
    end = -1
    for found in FENCE.finditer(page):
        indent = len(found["indent"])
        body = "".join(line[indent:] for line in found["body"].splitlines(keepends=True))
        title = re.search(r'title="([^"]+)"', found["info"])
        yield Block(
            language=found["language"],
            body=body,
            title=title[1] if title else "",
            line=page.count("\n", 0, found.start()) + 1,
            follows=end >= 0 and not page[end : found.start()].strip(),
        )
        end = found.end()


def commands(body: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block with the output expected of it."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        head = re.match(r"(?:[^\n]*\\\n)*[^\n]*\n?", part)
        assert head is not None
        yield head[0].rstrip("\n"), part[head.end() :]


def require(expected: str, got: str, where: str) -> None:
    if not doctest.OutputChecker().check_output(expected, got, MATCH):
        pytest.fail(f"{where}\n--- expected\n{expected}\n--- got\n{got}", pytrace=False)


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """An empty working folder and an environment in which ``pip install`` harms nobody."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    user = tmp_path / ".user"
    user.mkdir()
    (user / "config.yaml").write_text(f"registries:\n  xreg: {ROOT}\n")
    installed = user / "site"
    for name, value in {
        "XREG_CONFIG": user / "config.yaml",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": installed,
        "PIP_TARGET": installed,
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip's way to say: without isolation, so without a download
        "PIP_QUIET": "2",
        "GIT_AUTHOR_NAME": "Josiah Carberry",
        "GIT_AUTHOR_EMAIL": "josiah@example.org",
        "GIT_COMMITTER_NAME": "Josiah Carberry",
        "GIT_COMMITTER_EMAIL": "josiah@example.org",
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(text: str, name: str, folder: Path) -> None:
    """Do what a page says; fail where it does not hold."""
    names: dict[str, object] = {"__name__": "__page__"}
    printed = None
    code = 0
    waiting = ""  # a command that failed; echo $? must follow
    for block in blocks(text):
        where = f"{name}, line {block.line}"
        if block.title:
            target = folder / block.title
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.body, encoding="utf-8")
        elif block.language == "console":
            for command, expected in commands(block.body):
                if waiting and not command.startswith("echo $?"):
                    pytest.fail(waiting, pytrace=False)
                # A subshell passes on the exit code of the command before, as a terminal would.
                done = subprocess.run(
                    ["bash", "-c", f"(exit {code})\n{command}"],
                    check=False,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                )
                code = done.returncode
                told = f"{where}: $ {command}"
                waiting = f"{told}\nexit code {code}\n{done.stdout}{done.stderr}" if code else ""
                if expected:
                    require(expected, done.stderr if code else done.stdout, told)
        elif block.language == "python":
            if waiting:
                pytest.fail(waiting, pytrace=False)
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(block.body, f"<{where}>", "exec"), names)
            printed = out.getvalue()
        elif block.language == "text" and block.follows and printed is not None:
            require(block.body, printed, where)
        if block.language != "python":
            printed = None
    if waiting:
        pytest.fail(waiting, pytrace=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT / "docs")))
def test_page(page: Path, reader: Path, warm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{warm}{os.pathsep}{os.environ['PATH']}")
    read(page.read_text(encoding="utf-8"), str(page.relative_to(ROOT)), reader)


HOLDS = """
```text title="a/b.txt"
one
```

```console
$ cat a/b.txt
one
$ echo two \\
    three; echo unseen >&2
two ...
$ ls nowhere
ls: ... No such file or directory
$ echo $?
2
```

```python
x = 6
```

- in a list

    ```python
    print(x * 7)
    ```

    ```text
    42
    ```
"""


def test_a_page_that_holds_passes(reader):
    read(HOLDS, "page", reader)


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ("one\n$", "two\n$", "line 6"),
        ("two ...", "two four", "line 6"),
        ("\n2\n", "\n3\n", "line 6"),
        ("$ echo $?\n2\n", "", "exit code 2"),
        ("$ echo $?\n2\n", "$ ls\n", "exit code 2"),
        ("42", "43", "line 28"),
    ],
)
def test_a_page_that_does_not_hold_fails(reader, right, wrong, line):
    assert right in HOLDS
    with pytest.raises(pytest.fail.Exception, match=line):
        read(HOLDS.replace(right, wrong), "page", reader)
