"""Git in a registry's own working copy: what its maintainers have not committed or pushed yet."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from xreg.core.errors import MissingRequirementError, RunError
from xreg.core.text import one_line
from xreg.registry.git import FOREIGN, with_settings

__all__ = ["commit", "has_work_tree", "initialise", "state", "uncommitted", "unpushed"]

LOCK = "index.lock"
PATIENCE, PAUSE = 10.0, 0.2  # seconds
# To look at a repository runs none of its hooks and watchers, fetches nothing (it may lack objects,
# and name a program that brings them), and writes nothing.
QUIET = {"core.fsmonitor": "false", "core.hooksPath": os.devnull}
LOOKING = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}


def has_work_tree(root: Path) -> bool:
    """Whether a folder is the top of a git working copy."""
    return (root / ".git").exists()


def initialise(root: Path) -> None:
    """Make a folder a git repository, unless it is one."""
    if not has_work_tree(root):
        _git(root, "init", "--quiet", "--initial-branch=main")


def commit(root: Path, paths: Iterable[str], message: str) -> None:
    """Commit exactly these files and folders, unless another process does so meanwhile.

    Raises
    ------
    RunError
        If git does not, as where it does not know who commits.
    """
    named = list(paths)
    _write(root, "add", "--", *named)
    try:
        _write(root, "commit", "--quiet", "-m", message, "--", *named)
    except RunError:
        if uncommitted(root, named):
            raise
        # Else the git of another process, which outlives that, has committed just this meanwhile.


def uncommitted(root: Path, paths: Iterable[str] = ()) -> list[str]:
    """Return what differs from the last commit, of all or below paths, ignored files apart."""
    asked = ("status", "--porcelain", "-z", "--ignore-submodules=all", "--", *paths)
    listed = _look(root, *asked).split("\0")
    return [line[3:] for line in listed if line]


def unpushed(root: Path) -> int | None:
    """Return how many commits the branch that is followed lacks; None where none is followed."""
    try:
        return int(_look(root, "rev-list", "--count", "@{upstream}..HEAD"))
    except RunError:
        return None


def state(folder: Path) -> dict[str, Any] | None:
    """Return commit and dirty flag of the repository around a folder; None where there is none."""
    try:
        commit = _look(folder, "rev-parse", "HEAD")
        changed = _look(
            folder, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all"
        )
    except (RunError, MissingRequirementError):
        return None
    return {"commit": commit, "dirty": bool(changed)}


def _write(root: Path, *arguments: str) -> None:
    """Run git where it changes something; another that is at work there is waited for."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            _git(root, *arguments)
            return
        except RunError as error:
            if LOCK not in str(error):
                raise
            if time.monotonic() > end:
                raise RunError(
                    f"another git is at work in {root}, or was killed there; if none is, remove "
                    f"'{root / '.git' / LOCK}' and repeat the command."
                ) from None
        time.sleep(PAUSE)


def _look(root: Path, command: str, *arguments: str) -> str:
    """Run a command that only reads, and nothing of what the repository's configuration would run.

    A folder that was unpacked brings a ``.git/config`` of its own: filters that ``git status`` runs
    on files whose times have changed, a watcher of files, hooks, a program that fetches.
    """
    looking = with_settings(_environment() | LOOKING, QUIET)
    asked = ("config", "--show-scope", "-z", "--get-regexp", r"^filter\..")
    try:
        parts = _git(root, *asked, environment=looking).split("\0")
    except RunError:  # there are none
        parts = []
    own = {
        setting.partition("\n")[0].rpartition(".")[0]
        for scope, setting in zip(parts[::2], parts[1::2], strict=False)
        if scope in ("local", "worktree")
    }
    off = {"clean": "", "process": "", "required": "false"}
    settings = {f"{name}.{key}": value for name in own for key, value in off.items()}
    return _git(root, command, *arguments, environment=with_settings(looking, settings))


def _environment() -> dict[str, str]:
    """Return the user's environment, less what is meant for another repository."""
    return {k: v for k, v in os.environ.items() if k not in FOREIGN} | {"LC_ALL": "C"}


def _git(root: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, check=False,
            env=environment or _environment(), encoding="utf-8", errors="replace",
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # what ends us lets it finish: killed, it would leave a lock
        )  # fmt: skip
    except FileNotFoundError:
        raise MissingRequirementError("this needs git, which is not on the PATH.") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        told = [line for line in lines if line.startswith(("fatal: ", "error: "))] or lines
        reason = one_line((told or ["no reason given"])[-1]).rstrip(".")
        raise RunError(f"git {arguments[0]} in {root} failed: {reason}.")
    return done.stdout.strip("\n")
