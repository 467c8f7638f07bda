"""Where the objects of a registry are kept: a folder, or a server by DVC's file systems."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from xreg.core.errors import CorruptError, MissingRequirementError, RunError, XregError
from xreg.core.files import (
    DISK_ERRORS,
    FULL,
    file_md5,
)
from xreg.core.paths import confined
from xreg.core.text import one_line, without_credentials
from xreg.registry.registries import cache_folder
from xreg.registry.remotes import Remote
from xreg.registry.retries import TransientError

__all__ = ["Place", "TooLongError", "place_of", "translated"]


@dataclass(frozen=True)
class Place:
    """Where objects are kept: a folder of this machine, or a server.

    Attributes
    ----------
    label
        What messages call it.
    path
        Folder, or path on the server.
    fs
        DVC's file system of the server.
    root
        The registry's folder, where ``path`` is inside of it and no link may lead out.
    """

    label: str
    path: str
    fs: Any = None
    root: Path | None = None

    def of(self, md5: str) -> str:
        """Return the path of an object."""
        parts = (self.path, "files", "md5", md5[:2], md5[2:])
        return os.path.join(*parts) if self.fs is None else str(self.fs.join(*parts))

    @contextlib.contextmanager
    def open(self, md5: str) -> Iterator[BinaryIO]:
        """Open an object of this machine: an ordinary file, not a link or a device."""
        path = Path(self.of(md5))
        if self.root is not None:
            confined(self.root, path.relative_to(self.root).as_posix(), f"registry {self.root}")
        handle = os.open(path, os.O_RDONLY | _flag("O_NOFOLLOW") | _flag("O_NONBLOCK"))
        with open(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise CorruptError(f"the object {md5} in {self.label} is no ordinary file.")
            yield stream

    def get(self, md5: str, target: Path, most: int) -> None:
        """Copy an object to ``target``, of which at most ``most`` bytes are taken."""
        if self.fs is None:
            with self.open(md5) as source, target.open("wb") as sink:
                if os.fstat(source.fileno()).st_size > most:
                    raise TooLongError
                shutil.copyfileobj(source, sink, 1 << 20)
        else:
            self.fs.get_file(self.of(md5), str(target), callback=_limit(most))

    def put(self, md5: str, source: Path) -> None:
        """Copy a file here as an object, unless it is here."""
        path = self.of(md5)
        if self.fs is None:
            if self.root is not None:
                below = Path(path).relative_to(self.root).as_posix()
                confined(self.root, below, f"registry {self.root}")
            if os.path.lexists(path) and file_md5(Path(path)) == md5.removesuffix(".dir"):
                return
            folder = Path(path).parent
            folder.mkdir(parents=True, exist_ok=True)
            beside = folder / f".{Path(path).name}.{os.getpid()}.tmp"
            try:
                shutil.copyfile(source, beside)
                beside.chmod(0o444)
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)
            return
        from dvc_objects.fs.base import ObjectFileSystem
        from dvc_objects.fs.utils import as_atomic

        if self.fs.exists(path):
            return
        if isinstance(self.fs, ObjectFileSystem) or self.fs.protocol in ("http", "https"):
            self.fs.put_file(str(source), path)
        else:
            with as_atomic(self.fs, path, create_parents=True) as beside_there:
                self.fs.put_file(str(source), beside_there)


class TooLongError(Exception):
    """An object is longer than everything that it is a part of."""


def _limit(most: int) -> Any:
    """Return a callback by which a transfer ends that goes on for too long."""
    from dvc.fs import Callback

    class Limit(Callback):
        def relative_update(self, inc: int = 1) -> None:
            super().relative_update(inc)
            if self.value > most:
                raise TooLongError

    return Limit()


def place_of(remote: Remote, root: Path) -> Place:
    """Return where a remote is; a server's file system comes from DVC, our settings alone."""
    if remote.folder is not None:
        return Place(remote.label, str(remote.folder), root=root if remote.inside else None)
    _prepare()
    from dvc.fs import get_cloud_fs

    kind, options, path = get_cloud_fs({}, **{**remote.settings, "url": remote.url})
    if kind.protocol == "ssh":
        options["agent_forwarding"] = False  # which is DVC's default, and would lend out the keys
        if not remote.own:
            from asyncssh import SSHClient

            options["client_factory"] = SSHClient  # DVC's shows and asks what the server wants
    system = kind(**options)
    if kind.protocol == "ssh":
        # DVC's takes any server for the right one; so it goes by the user's known_hosts.
        system.fs_args["known_hosts"] = ()
    return Place(remote.label, path, system)


def _prepare() -> None:
    """Keep DVC to itself: no reports, no machine-wide settings, no cache outside our own."""
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    os.environ.setdefault("DVC_SITE_CACHE_DIR", str(cache_folder() / "dvc"))
    os.environ.setdefault("DVC_SYSTEM_CONFIG_DIR", str(cache_folder() / "dvc" / "none"))


def _flag(name: str) -> int:
    return int(getattr(os, name, 0))  # Windows has neither


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn what DVC and its file systems raise into our errors."""
    try:
        yield
    except (XregError, FileNotFoundError, TooLongError, TransientError):
        raise
    except OSError as error:
        # A server that lets nobody in raises the same errors, without a file.
        if error.errno in FULL or (error.errno in DISK_ERRORS and error.filename):
            raise
        raise RunError(f"{what} failed: {_reason(error)}.") from error
    except ImportError as error:
        raise MissingRequirementError(f"{what}: {error}; pip install that.") from error
    except Exception as error:  # each kind of remote has exceptions of its own
        raise RunError(f"{what} failed: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    if type(error).__name__ == "HostKeyNotVerifiable":
        return (
            f"{one_line(str(error)).rstrip('.')}, as ~/.ssh/known_hosts has no such key of it: ask "
            "whoever runs the server for its fingerprint, compare, and add the key there "
            "(connecting once by 'ssh' does both); if another key of that host is there, somebody "
            "may stand between you and the server"
        )
    text = without_credentials(str(error)).strip().replace("\n", " ") or type(error).__name__
    return one_line(text)[:500].rstrip(".")
