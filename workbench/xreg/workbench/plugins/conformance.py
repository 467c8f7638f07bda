"""Runs the tests of plugins in a process of their own, installed or not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from xreg.core.errors import MissingRequirementError
from xreg.core.hooks import ENTRY_POINT_GROUP, Requirement
from xreg.core.interfaces.kinds import KINDS
from xreg.registry.plugins import folder as own
from xreg.workbench.plugins.project import Project

__all__ = ["as_installed", "probe", "run_suites"]

PYTEST = Requirement("pytest", "pip install pytest")
# What a suite of one file cannot do: read what nobody wrote.
SINGLE = """
from {module} import {suite} as Suite
from xreg.registry.plugins import host


class Test_{place}(Suite):
    component = host().load("{kind}", "{name}")
    plugin = "{plugin}"
    waive = {{"light_declaration": "declaration and method are one file"}}
"""


@contextmanager
def as_installed(projects: Sequence[Project]) -> Iterator[dict[str, str]]:
    """Yield an environment in which Python takes these plugins for installed ones."""
    with TemporaryDirectory(prefix="xreg-check-") as name:
        room = Path(name)
        paths = [str(room)]
        environment = dict(os.environ)
        for project in projects:
            if project.single:
                environment[own.VARIABLE] = str(project.path.parent)
                continue
            paths.append(str(project.source))
            # What its own file says of it is not trusted with a path or a second line.
            title = re.sub(r"[^A-Za-z0-9]+", "_", project.name)
            number = re.sub(r"[^A-Za-z0-9.+!]+", "", project.version) or "0"
            info = room / f"{title}-{number}.dist-info"
            info.mkdir()
            head = f"Name: {title}\nVersion: {number}\n"
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\n{head}", encoding="utf-8")
            lines = [f"{key} = {module}" for key, (module, _) in project.modules.items()]
            text = "\n".join([f"[{ENTRY_POINT_GROUP}]", *lines, ""])
            (info / "entry_points.txt").write_text(text, encoding="utf-8")
        paths += filter(None, [environment.get("PYTHONPATH")])
        yield {**environment, "PYTHONPATH": os.pathsep.join(paths)}


def probe(project: Project, module: str) -> dict[str, Any]:
    """Import a declaration in a process of its own, and return what it says.

    Returns
    -------
    dict
        What :func:`xreg.workbench.plugins.probe.main` returns; ``error`` where it failed.
    """
    if project.single:
        module = f"{own.MODULE}.{module}"
    with as_installed([project]) as environment:
        done = subprocess.run(
            [sys.executable, "-m", "xreg.workbench.plugins.probe", module],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    try:
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        return {"error": (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]}
    return found


def run_suites(
    projects: Sequence[Project], components: Sequence[tuple[str, str]] = ()
) -> tuple[list[dict[str, Any]], str]:
    """Run the tests of some plugins together.

    Parameters
    ----------
    projects
        Their folders; of a plugin of one file, the suites of its components are run.
    components
        Kind and name of what such a file declares.

    Returns
    -------
    records, output
        What :mod:`xreg.core.testing.record` notes of each test; what pytest printed.

    Raises
    ------
    MissingRequirementError
        If pytest is not installed.
    """
    if not PYTEST.met():
        raise MissingRequirementError(f"the tests of a plugin need pytest ({PYTEST.remedy}).")
    with as_installed(projects) as environment, TemporaryDirectory(prefix="xreg-check-") as name:
        room, record = Path(name), Path(name) / "record.json"
        places = [str(p.path / "tests") for p in projects if (p.path / "tests").is_dir()]
        for project in (p for p in projects if p.single):
            text = "".join(_suites(project, components))
            (room / f"test_{project.path.stem}.py").write_text(text, encoding="utf-8")
            places.append(str(room / f"test_{project.path.stem}.py"))
        if not places:
            return [], ""
        options = ["-q", "-p", "no:cacheprovider", "-p", "xreg.core.testing.record"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, "--import-mode=importlib", *places],
            env={**environment, "XREG_RECORD": str(record), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=projects[0].path if len(projects) == 1 and not projects[0].single else room,
            capture_output=True,
            text=True,
            check=False,
        )
        output = (done.stdout + done.stderr).strip()
        found = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else []
    return found, output


def needs_files(kind: str) -> list[str]:
    """Return what the suite of a kind leaves to whoever writes a test."""
    return sorted(getattr(KINDS[kind].checks(), "__abstractmethods__", ())) or [
        name
        for name, value in vars(KINDS[kind].checks()).items()
        if getattr(value, "__isabstractmethod__", False)
    ]


def _suites(project: Project, components: Sequence[tuple[str, str]]) -> Iterator[str]:
    for i, (kind, name) in enumerate(components):
        if kind in KINDS and not needs_files(kind):
            module, _, suite = KINDS[kind].suite.partition(":")
            yield SINGLE.format(
                module=module,
                suite=suite,
                place=i,
                kind=kind,
                name=name,
                plugin=f"{own.MODULE}.{project.path.stem}",
            )
