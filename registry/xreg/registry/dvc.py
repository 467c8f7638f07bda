"""The only file that talks to DVC.

Objects are read and written through DVC's own file systems (HTTP, S3, SSH, WebDAV …), one by one
and each checked against its hash, which DVC itself does not do. DVC never runs in a registry's
folder, so nothing that stands there configures it; reading takes no lock, so any number of
processes may read a registry that is read-only.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from xreg.core.errors import CorruptError, MissingRequirementError, RunError, XregError
from xreg.core.files import (
    DISK_ERRORS,
    FULL,
    file_md5,
    files_below,
    stream_md5,
    tree_hash,
    tree_list,
    write_text,
)
from xreg.core.paths import check_paths, confined
from xreg.core.text import one_line, without_credentials
from xreg.registry.catalogue import Catalogue, load_untrusted
from xreg.registry.registries import CATALOGUE, cache_folder, is_clone
from xreg.registry.remotes import Remote, read_remote, user_cache
from xreg.registry.retries import TRIES, TransientError, patiently

__all__ = ["Objects", "add", "push"]

MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")
LARGEST_LIST = 1 << 28  # bytes


@dataclass(frozen=True)
class _Place:
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
                    raise _TooLongError
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


class _TooLongError(Exception):
    """An object is longer than everything that it is a part of."""


class Objects:
    """The content-addressed objects of a registry.

    Parameters
    ----------
    root
        Folder of the registry.
    most
        Bytes that an object has at most.

    Raises
    ------
    CorruptError
        If its configuration cannot be read.
    RunError
        If its remote is none that xreg follows.
    MissingRequirementError
        If the kind of its remote needs a package that is not installed.
    """

    def __init__(self, root: Path, most: int = 1 << 62) -> None:
        root = Path(os.path.abspath(root))
        self.root = root
        self.most = most
        remote = read_remote(root, cloned=is_clone(root))
        self.source = remote
        self.cache = self._cache(remote)
        with _translated(f"registry {root}"):
            self.remote = None if remote is None else _place(remote, root)

    def _cache(self, remote: Remote | None) -> _Place | None:
        # Reading the user's configuration takes DVC half a second, which a registry that keeps its
        # objects with itself can do without.
        own = user_cache() if remote is None or not remote.inside else None
        if own is not None:
            return _Place("your DVC cache", str(own))
        try:
            confined(self.root, ".dvc/cache", f"registry {self.root}")
        except CorruptError:
            if remote is None:
                raise
            return None  # a link; the remote has all that it may have
        return _Place("the local DVC cache", str(self.root / ".dvc" / "cache"), root=self.root)

    def tree(self, md5: str) -> dict[str, str]:
        """Return the MD5 of every file of a tracked folder, by relative path.

        Raises
        ------
        CorruptError
            If the list is missing, changed, or names a file outside its folder.
        """
        if not MD5.fullmatch(md5) or not md5.endswith(".dir"):
            raise CorruptError(f"'{one_line(md5)[:80]}' is no hash of a list of files.")
        cache_folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache_folder(), prefix=".list-") as folder:
            target = Path(folder) / "list"
            self._get(md5, target, f"the list of files {md5}", LARGEST_LIST)
            blob = target.read_bytes()
        where = f"the list of files {md5}"
        try:
            items = json.loads(blob)
            pairs = [(item["relpath"], item["md5"]) for item in items]
        except (ValueError, TypeError, KeyError, RecursionError):
            raise CorruptError(f"{where} is not what DVC writes.") from None
        check_paths([name for name, _ in pairs], where)
        for name, value in pairs:
            if not isinstance(value, str) or not MD5.fullmatch(value):
                raise CorruptError(f"{where} has the unusable entry '{name}' (its hash is none).")
        return dict(pairs)

    def fetch(self, md5: str, target: Path) -> None:
        """Copy an object to ``target`` and check its hash; faults that pass are waited out.

        Raises
        ------
        CorruptError
            If no place has it, or none has it undamaged.
        RunError
            If the remote does not answer as it should.
        """
        self._get(md5, target, f"the object {md5}", self.most)

    def _get(self, md5: str, target: Path, what: str, most: int) -> None:
        if not MD5.fullmatch(md5):
            raise CorruptError(f"'{one_line(md5)[:80]}' is no hash of an object.")
        state = "missing from"
        doing = "reading from" if md5.endswith(".dir") else "fetching from"
        for place in (self.cache, self.remote):
            if place is None:
                continue
            try:
                with _translated(f"{doing} {place.label}"):
                    if _whole(place, md5, target, most):
                        return
            except FileNotFoundError:
                continue
            state = "damaged in"
        if md5.endswith(".dir"):
            state = "missing or damaged in"
        raise CorruptError(
            f"{what} is {state} {self._where()}; ask the registry's maintainers to push it again."
        )

    def check(self, md5: str) -> str:
        """Read an object from the remote; return what is wrong with it, or nothing."""
        place = self.main
        try:
            with _translated(f"reading from {place.label}"):
                if place.fs is None:
                    with place.open(md5) as stream:
                        return "" if stream_md5(stream) == md5 else "damaged"
                return patiently(lambda: _state(place, md5))
        except FileNotFoundError:
            return "missing"
        except _WrongHashError:
            return "damaged"
        except CorruptError:
            return "no ordinary file"

    def put(self, md5: str, source: Path) -> None:
        """Bring a file into the cache, as the object of that hash."""
        cache = self._own_cache()
        with _translated(f"writing into {cache.label}"):
            cache.put(md5, source)

    def push(self, md5: str) -> None:
        """Bring an object from the cache to the remote, if there is one."""
        if self.remote is None:
            return
        assert self.source is not None
        if self.source.folder is not None and not self.source.inside and not self.source.own:
            raise RunError(
                f"registry {self.root} keeps its objects in '{self.source.folder}', outside of its "
                "folder; if that is yours to write to, say so by `dvc remote add --global "
                f"{self.source.name} {self.source.folder}`."
            )
        place, source = self.remote, Path(self._own_cache().of(md5))
        with _translated(f"pushing to {place.label}"):
            patiently(lambda: place.put(md5, source))

    @property
    def main(self) -> _Place:
        """Where all objects should be: the remote, or the cache where there is none."""
        return self.remote or self._own_cache()

    def _own_cache(self) -> _Place:
        if self.cache is None:
            raise CorruptError(
                f"registry {self.root}: its .dvc/cache is a symbolic link; name the place that you "
                "mean by `dvc cache dir --global FOLDER`."
            )
        return self.cache

    def _where(self) -> str:
        return self.main.label + ("" if self.remote else " (there is no remote)")


class _WrongHashError(TransientError):
    """A transfer ended without a word and brought something else."""


def _whole(place: _Place, md5: str, target: Path, most: int) -> bool:
    """Get an object; say whether it is what its hash says."""
    wrong: set[str] = set()

    def once() -> None:
        try:
            place.get(md5, target, most)
        except _TooLongError:
            raise _WrongHashError from None
        if (found := file_md5(target)) != md5.removesuffix(".dir"):
            wrong.add(found)
            raise _WrongHashError

    try:
        if place.fs is None:
            once()
        else:
            patiently(once)
    except _WrongHashError:
        if len(wrong) > 1:
            raise RunError(
                f"{place.label} sent the object {md5} changed or cut short {TRIES} times, each "
                "time otherwise, so the way to it is at fault; repeat the command later."
            ) from None
        return False
    return True


def _state(place: _Place, md5: str) -> str:
    with place.fs.open(place.of(md5), "rb") as stream:
        if stream_md5(stream) != md5:
            raise _WrongHashError
    return ""


def _limit(most: int) -> Any:
    """Return a callback by which a transfer ends that goes on for too long."""
    from dvc.fs import Callback

    class Limit(Callback):
        def relative_update(self, inc: int = 1) -> None:
            super().relative_update(inc)
            if self.value > most:
                raise _TooLongError

    return Limit()


def _place(remote: Remote, root: Path) -> _Place:
    """Return where a remote is; a server's file system comes from DVC, our settings alone."""
    if remote.folder is not None:
        return _Place(remote.label, str(remote.folder), root=root if remote.inside else None)
    _prepare()
    from dvc.fs import get_cloud_fs

    kind, options, path = get_cloud_fs({}, **{**remote.settings, "url": remote.url})
    if kind.protocol == "ssh":
        options["agent_forwarding"] = False  # which is DVC's default, and would lend out the keys
        if not remote.own:
            from asyncssh import SSHClient

            options["client_factory"] = SSHClient  # DVC's shows and asks what the server wants
    return _Place(remote.label, path, kind(**options))


def add(root: Path, path: Path) -> None:
    """Take a folder below the registry's tracked folder into its ``.dvc`` file and its cache."""
    objects = Objects(root)
    record = root / CATALOGUE
    tracked = root / path.relative_to(root).parts[0]
    body = load_untrusted(record) if record.is_file() else {}
    known = Catalogue(root)
    files = objects.tree(known.folder_hash) if body.get("outs") else {}
    prefix = path.relative_to(tracked).as_posix()
    prefix = "" if prefix == "." else f"{prefix}/"
    files = {name: md5 for name, md5 in files.items() if not name.startswith(prefix or "/")}
    size = sum(e.size for e in known.entries.values() if f"{e.name}/{e.version}.zarr/" != prefix)
    for name in files_below(path):
        md5 = file_md5(path / name)
        objects.put(md5, path / name)
        files[f"{prefix}{name}"] = md5
        size += (path / name).stat().st_size
    check_paths(files, f"registry {root}")
    with tempfile.TemporaryDirectory(dir=_workroom(root)) as folder:
        listing = Path(folder) / "list"
        listing.write_bytes(tree_list(files))
        objects.put(tree_hash(files), listing)
    out = {"md5": tree_hash(files), "size": size, "nfiles": len(files), "hash": "md5",
           "path": tracked.name}  # fmt: skip
    body = {"outs": [out]} | {key: value for key, value in body.items() if key == "meta"}
    write_text(record, yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100))
    _ignore(root, tracked.name)


def push(root: Path, path: Path) -> None:
    """Send the objects of a tracked folder to the default remote, if there is one."""
    objects = Objects(root)
    if objects.remote is None:
        return
    for md5 in sorted({file_md5(path / name) for name in files_below(path)}):
        objects.push(md5)
    objects.push(Catalogue(root).folder_hash)


def _workroom(root: Path) -> Path:
    """Return the registry's folder for what is under way."""
    room = confined(root, ".dvc/tmp", f"registry {root}")
    room.mkdir(exist_ok=True)
    return room


def _ignore(root: Path, name: str) -> None:
    """Keep git from taking the tracked folder, as DVC would."""
    path = confined(root, ".gitignore", f"registry {root}")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    if f"/{name}" not in lines:
        write_text(path, "\n".join([*lines, f"/{name}"]) + "\n")


def _prepare() -> None:
    """Keep DVC to itself: no reports, no machine-wide settings, no cache outside our own."""
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    os.environ.setdefault("DVC_SITE_CACHE_DIR", str(cache_folder() / "dvc"))
    os.environ.setdefault("DVC_SYSTEM_CONFIG_DIR", str(cache_folder() / "dvc" / "none"))


def _flag(name: str) -> int:
    return int(getattr(os, name, 0))  # Windows has neither


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn what DVC and its file systems raise into our errors."""
    try:
        yield
    except (XregError, FileNotFoundError, TransientError):
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
    text = without_credentials(str(error)).strip().replace("\n", " ") or type(error).__name__
    return one_line(text)[:500].rstrip(".")
