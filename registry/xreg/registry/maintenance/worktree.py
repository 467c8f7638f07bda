"""Git in a registry's own working copy: what its maintainers have not committed or pushed yet."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xreg.core.errors import MissingRequirementError, RunError
from xreg.core.text import one_line
from xreg.registry.git import FOREIGN

__all__ = ["commit", "has_work_tree", "initialise", "state", "uncommitted", "unpushed"]

QUIET = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")


def has_work_tree(root: Path) -> bool:
    """Whether a folder is the top of a git working copy."""
    return (root / ".git").exists()


def initialise(root: Path) -> None:
    """Make a folder a git repository, unless it is one."""
    if not has_work_tree(root):
        _git(root, "init", "--quiet", "--initial-branch=main")


def commit(root: Path, paths: Iterable[str], message: str) -> None:
    """Commit exactly these files and folders.

    Raises
    ------
    RunError
        If git does not, as where it does not know who commits.
    """
    named = list(paths)
    _git(root, "add", "--", *named)
    _git(root, "commit", "--quiet", "-m", message, "--", *named)


def uncommitted(root: Path) -> list[str]:
    """Return what differs from the last commit, ignored files apart."""
    listed = _git(root, *QUIET, "status", "--porcelain", "-z").split("\0")
    return [line[3:] for line in listed if line]


def unpushed(root: Path) -> int | None:
    """Return how many commits the branch that is followed lacks; None where none is followed."""
    try:
        return int(_git(root, *QUIET, "rev-list", "--count", "@{upstream}..HEAD"))
    except RunError:
        return None


def state(folder: Path) -> dict[str, Any] | None:
    """Return commit and dirty flag of the repository around a folder; None where there is none."""
    try:
        commit = _git(folder, *QUIET, "rev-parse", "HEAD")
        changed = _git(folder, *QUIET, "status", "--porcelain", "--untracked-files=no")
    except (RunError, MissingRequirementError):
        return None
    return {"commit": commit, "dirty": bool(changed)}


def _git(root: Path, *arguments: str) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in FOREIGN} | {"LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, check=False,
            env=environment, encoding="utf-8", errors="replace", stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except FileNotFoundError:
        raise MissingRequirementError("this needs git, which is not on the PATH.") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        told = [line for line in lines if line.startswith(("fatal: ", "error: "))] or lines
        reason = one_line((told or ["no reason given"])[-1]).rstrip(".")
        raise RunError(f"git {arguments[0]} in {root} failed: {reason}.")
    return done.stdout.strip("\n")
