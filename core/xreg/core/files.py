"""Files and folders that appear under their final name only when complete."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import logging
import os
import platform
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from filelock import BaseFileLock, FileLock, Timeout

from xreg.core.errors import CorruptError, DataError, RunError, XregError

__all__ = [
    "acquire",
    "disk_errors",
    "file_md5",
    "files_below",
    "flush",
    "folder_hash",
    "locked",
    "read_file",
    "readable",
    "require_free",
    "require_parent_folder",
    "require_plausible",
    "staging",
    "stream_md5",
    "tree_hash",
    "tree_list",
    "write_csv",
    "write_text",
]

BLOCK = 1 << 20
MOST = 4 << 30  # bytes of a file that is read at once
PATIENCE = 3.0  # seconds to wait for a lock before its owner is named
# EFBIG: the limit of a file's size that a batch system sets.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
DISK_ERRORS = (*FULL, errno.EACCES, errno.EPERM, errno.EROFS)

LEAST_CLAIM = 512 * 1024**2
"""So many bytes of memory any file may claim."""
RATIO = 20
"""Beyond that, so many times its own size: more than measured or computed numbers compress."""

log = logging.getLogger(__name__)


def require_free(path: Path) -> None:
    """Refuse a place for a result that is taken or cannot be, before any work is done for it."""
    if path.exists():
        raise DataError(f"'{path}' exists already; remove it or choose another name.")
    require_parent_folder(path)


def require_parent_folder(path: Path) -> None:
    """Refuse a place for a result that is below an ordinary file."""
    nearest = next(folder for folder in path.absolute().parents if folder.exists())
    if not nearest.is_dir():
        raise DataError(
            f"'{path}' cannot be made, because '{nearest}' is a file; choose another folder."
        )


@contextmanager
def staging(final: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``final``, to be renamed to it once it is complete.

    The folder ``.<name>.tmp`` beside ``final`` is locked by one process at a time, so what stands
    in it on entry was left by a killed one and is removed. It is gone when the block ends, however
    it ends; a second process waits, and then finds what the first one made.
    """
    place = final.parent / f".{final.name}.tmp"
    lock = _enter(place)
    folder = place / "data"
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(place, ignore_errors=True)
        lock.release()


def _enter(place: Path) -> BaseFileLock:
    """Make the folder and lock it; whoever was in it takes it away when done, so try again."""
    for _ in range(1000):
        with suppress(FileNotFoundError, FileExistsError):
            place.mkdir(parents=True, exist_ok=True)
            return acquire(place / "lock")
    if not place.parent.is_dir():
        raise RunError(f"the folder '{place.parent}' cannot be made; choose another.")
    raise RunError(f"'{place}' cannot be locked; remove it and repeat.")


def acquire(path: Path) -> BaseFileLock:
    """Return a lock that this process holds; who else holds it is told while we wait for them.

    Raises
    ------
    RunError
        If the file system of ``path`` cannot lock.
    """
    lock = FileLock(path)
    owner = path.with_name(f"{path.name}.owner")
    try:
        try:
            lock.acquire(timeout=PATIENCE)
        except Timeout:
            log.warning(
                "waiting for %s, which holds the lock '%s'; end it if it hangs.",
                _owner(owner),
                path,
            )
            lock.acquire()
    except (NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno in (*DISK_ERRORS, errno.ENOENT, errno.EEXIST):
            raise
        raise RunError(
            f"'{path}' cannot be locked ({error}); its file system knows no locks, so put the "
            "folder on another."
        ) from error
    with suppress(OSError):
        owner.write_text(f"process {os.getpid()} of {platform.node()}", encoding="utf-8")
    return lock


def _owner(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")[:200] or "another process"
    except (OSError, ValueError):
        return "another process"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock for the length of a block; see :func:`acquire`."""
    lock = acquire(path)
    try:
        yield
    finally:
        path.with_name(f"{path.name}.owner").unlink(missing_ok=True)
        lock.release()


@contextmanager
def disk_errors(what: str, remedy: str = "") -> Iterator[None]:
    """Turn a full disk, a quota or a missing right inside the block into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise RunError(f"{what}: no space left on the disk; free some and repeat.") from error
        if error.errno in DISK_ERRORS:
            then = f"; {remedy}" if remedy else ""
            raise RunError(f"{what}: '{error.filename}' may not be written{then}.") from error
        raise


def files_below(folder: Path) -> list[str]:
    """Return the paths of all files below ``folder``, relative to it with slashes, sorted.

    Raises
    ------
    CorruptError
        If a symbolic link, a device or the like is among them: what stands behind it is no part of
        the folder, and no hash would see it change.
    """
    found = []
    folders = [os.fspath(folder)]
    start = len(os.path.join(folder, ""))
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    found.append(entry.path[start:].replace(os.sep, "/"))
                else:
                    what = "a symbolic link" if entry.is_symlink() else "neither file nor folder"
                    name = Path(entry.path).relative_to(folder).as_posix()
                    raise CorruptError(f"{folder}: '{name}' is {what}; put the file itself there.")
    return sorted(found)


def read_file(path: Path | str, most: int = MOST) -> bytes:
    """Return the content of an ordinary file, of which a name may lead to something else.

    A pipe would wait for somebody to write, and a device may never end.

    Raises
    ------
    OSError
        If it is no ordinary file, holds more than ``most`` bytes, or cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        known = os.fstat(handle)
        if stat.S_ISDIR(known.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(known.st_mode):
            raise OSError(errno.EINVAL, "it is a pipe or device, no file", str(path))
        if known.st_size > most:
            size = f"it has {known.st_size:,} bytes, and at most {most:,} are read"
            raise OSError(errno.EFBIG, size, str(path))
        content = os.read(handle, known.st_size + 1)
        if len(content) != known.st_size:  # a file that is no file, grows, or is larger than a read
            with open(handle, "rb", closefd=False) as stream:
                content += stream.read(most - len(content) + 1)
            if len(content) > most:
                raise OSError(errno.EFBIG, f"at most {most:,} bytes are read", str(path))
        return content
    finally:
        os.close(handle)


def require_plausible(claimed: int, present: int, what: str) -> None:
    """Refuse a claim of bytes in memory before anything is allocated for it.

    Raises
    ------
    DataError
        If the claim is negative, or above both bounds.
    """
    if claimed < 0 or claimed > max(LEAST_CLAIM, RATIO * present):
        raise DataError(
            f"{what} claims {claimed:,} bytes of memory and is of {present:,}: it is damaged, or "
            "was made to fill a machine."
        )


@contextmanager
def readable(what: str, kind: type[XregError] = DataError) -> Iterator[None]:
    """Turn what the system says of a file that cannot be read into one sentence."""
    try:
        yield
    except OSError as error:
        raise kind(f"{what} cannot be read ({error.strerror or error}).") from None


def stream_md5(stream: BinaryIO) -> str:
    """Return the MD5 of what is left of a stream, read in blocks."""
    digest = hashlib.md5(usedforsecurity=False)
    while block := stream.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()


def file_md5(path: Path) -> str:
    """Return the MD5 of a file."""
    with path.open("rb") as stream:
        if os.fstat(stream.fileno()).st_size <= BLOCK:  # no block to allocate for a small file
            return hashlib.md5(stream.read(), usedforsecurity=False).hexdigest()
        return stream_md5(stream)


def folder_hash(folder: Path) -> str:
    """Return the hash of a folder as it stands on disk."""
    return tree_hash({name: file_md5(folder / name) for name in files_below(folder)})


def tree_hash(md5s: dict[str, str]) -> str:
    """Return the hash of a folder, given the MD5 of each file by relative path.

    It is DVC's hash of that folder (what ``dvc add`` writes into a ``.dvc`` file), so that anybody
    can recompute it with DVC alone.
    """
    return hashlib.md5(tree_list(md5s), usedforsecurity=False).hexdigest() + ".dir"


def tree_list(md5s: dict[str, str]) -> bytes:
    """Return DVC's list of the files of a folder, byte for byte."""
    entries = [{"md5": md5s[name], "relpath": name} for name in sorted(md5s)]
    return json.dumps(entries, sort_keys=True).encode()


def flush(folder: Path) -> None:
    """Bring every file below ``folder`` to the disk, so that a rename cannot overtake its data."""
    for name in files_below(folder):
        with (folder / name).open("rb") as stream:
            os.fsync(stream.fileno())


def write_text(path: Path, text: str, private: bool = False) -> None:
    """Replace a small file in one step; one that is private may be read by its owner alone."""
    with _replacing(path, 0o600 if private else 0o666) as stream:
        stream.write(text)


def write_csv(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows as CSV; the file appears under its name when it is complete."""
    with _replacing(path) as stream:
        csv.writer(stream).writerows(rows)


@contextmanager
def _replacing(path: Path, mode: int = 0o666) -> Iterator[TextIO]:
    """Yield a file that takes the name of ``path`` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with open(handle, "w", encoding="utf-8", newline="") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
