"""The only file that talks to DVC.

Objects are read through DVC's own file systems (local, HTTP, S3, SSH, WebDAV …), one by one and
each checked against its hash, which DVC itself does not do. Nothing is written into the registry
and none of its locks is taken, so any number of processes may read one that is read-only.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from xreg.core.errors import CorruptError, MissingRequirementError, RunError, XregError
from xreg.registry.files import DISK_ERRORS, file_md5, stream_md5
from xreg.registry.registries import cache_folder

__all__ = ["Objects", "add", "push"]

MD5 = re.compile(r"^[0-9a-f]{32}(\.dir)?$")


@dataclass(frozen=True)
class _Place:
    """Where objects are kept: the registry's own cache, or its remote."""

    label: str
    fs: Any
    path: str

    def of(self, md5: str) -> str:
        """Return the path of an object."""
        return str(self.fs.join(self.path, "files", "md5", md5[:2], md5[2:]))


class Objects:
    """The content-addressed objects of a DVC repository.

    Parameters
    ----------
    root
        Folder of the repository.

    Raises
    ------
    RunError
        If its configuration cannot be used; the message is DVC's.
    MissingRequirementError
        If the kind of its remote needs a package that is not installed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        with _translated(f"registry {root}"):
            _prepare()
            from dvc.config import Config

            config = Config(str(root / ".dvc"))
            self.cache = self._place("the local DVC cache", config, url=self._cache_url(config))
            self.remote = self._remote(config)

    def tree(self, md5: str) -> dict[str, str]:
        """Return the MD5 of every file of a tracked folder, by relative path.

        Raises
        ------
        CorruptError
            If the list is missing, changed, or names a file outside its folder.
        """
        for place in (self.cache, self.remote):
            if place is None:
                continue
            try:
                with _translated(f"reading from {place.label}"):
                    blob = place.fs.cat_file(place.of(md5))
            except FileNotFoundError:
                continue
            if stream_md5(io.BytesIO(blob)) == md5.removesuffix(".dir"):
                break
        else:
            raise CorruptError(
                f"the list of files {md5} is missing or damaged in {self._where()}; ask the "
                "registry's keeper to push it again."
            )
        files = {str(item["relpath"]): str(item["md5"]) for item in json.loads(blob)}
        for name, value in files.items():
            parts = PurePosixPath(name).parts
            unsafe = not parts or ".." in parts or parts[0] == "/" or "\\" in name or ":" in name
            if unsafe or not MD5.match(value):
                raise CorruptError(f"the list of files {md5} has the unusable entry '{name}'.")
        return files

    def fetch(self, md5: str, target: Path) -> None:
        """Copy an object to ``target`` and check its hash.

        Raises
        ------
        CorruptError
            If no place has it, or none has it undamaged.
        """
        state = "missing from"
        for place in (self.cache, self.remote):
            if place is None:
                continue
            try:
                with _translated(f"fetching from {place.label}"):
                    place.fs.get_file(place.of(md5), str(target))
            except FileNotFoundError:
                continue
            if file_md5(target) == md5:
                return
            state = "damaged in"
        raise CorruptError(
            f"the object {md5} is {state} {self._where()}; ask the registry's keeper to push it "
            "again."
        )

    def check(self, md5: str) -> str:
        """Read an object from the remote; return what is wrong with it, or nothing."""
        place = self.remote or self.cache
        try:
            with (
                _translated(f"reading from {place.label}"),
                place.fs.open(place.of(md5), "rb") as stream,
            ):
                return "" if stream_md5(stream) == md5 else "damaged"
        except FileNotFoundError:
            return "missing"

    def _where(self) -> str:
        return self.remote.label if self.remote else f"{self.cache.label} (there is no remote)"

    def _cache_url(self, config: Any) -> str:
        return str(config["cache"].get("dir") or self.root / ".dvc" / "cache")

    def _remote(self, config: Any) -> _Place | None:
        name = config["core"].get("remote")
        if not name:
            return None
        settings = config["remote"].get(name, {})
        if settings.get("version_aware") or settings.get("worktree"):
            raise RunError(
                f"registry {self.root}: the remote '{name}' keeps versions by the cloud's own "
                "means; xreg needs a remote that keeps objects by their hash."
            )
        return self._place(f"the remote '{name}'", config, name=name)

    @staticmethod
    def _place(label: str, config: Any, **settings: str) -> _Place:
        from dvc.fs import get_cloud_fs

        kind, options, path = get_cloud_fs(config, **settings)
        return _Place(label, kind(**options), path)


def add(root: Path, path: Path) -> None:
    """Take a file or folder into DVC's account of the tracked folder that holds it."""
    with _repository(root) as repo:
        repo.add(str(path))


def push(root: Path, path: Path) -> None:
    """Send the objects of a tracked file or folder to the default remote, if there is one."""
    with _repository(root) as repo:
        if repo.config["core"].get("remote"):
            repo.push(targets=[str(path)])


@contextlib.contextmanager
def _repository(root: Path) -> Iterator[Any]:
    with _translated(f"registry {root}"):
        _prepare()
        from dvc.repo import Repo

        logging.getLogger("dvc").setLevel(logging.ERROR)
        # DVC prints advice on git, which `publish` gives better.
        with contextlib.redirect_stdout(io.StringIO()), Repo(str(root)) as repo:
            yield repo


def _prepare() -> None:
    """Keep DVC to itself: no reports, no machine-wide settings, no cache outside our own."""
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    os.environ.setdefault("DVC_SITE_CACHE_DIR", str(cache_folder() / "dvc"))
    os.environ.setdefault("DVC_SYSTEM_CONFIG_DIR", str(cache_folder() / "dvc" / "none"))


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn what DVC and its file systems raise into our errors."""
    try:
        yield
    except (XregError, FileNotFoundError):
        raise
    except OSError as error:
        if error.errno in DISK_ERRORS:
            raise
        raise RunError(f"{what} failed: {error}.") from error
    except ImportError as error:
        raise MissingRequirementError(f"{what}: {error}; pip install that.") from error
    except Exception as error:  # each kind of remote has exceptions of its own
        text = str(error).strip().replace("\n", " ") or type(error).__name__
        raise RunError(f"{what} failed: {text.rstrip('.')}.") from error
