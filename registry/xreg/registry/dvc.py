"""Objects of a registry as DVC tracks them; with ``places`` the only file that talks to DVC.

Objects are read and written through DVC's own file systems (HTTP, S3, SSH, WebDAV …), one by one
and each checked against its hash, which DVC itself does not do. DVC never runs in a registry's
folder, so nothing that stands there configures it; reading takes no lock, so any number of
processes may read a registry that is read-only.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path

import yaml

from xreg.core.errors import CorruptError, RunError
from xreg.core.files import (
    file_md5,
    files_below,
    stream_md5,
    tree_hash,
    tree_list,
    write_text,
)
from xreg.core.paths import check_paths, confined
from xreg.core.text import one_line
from xreg.registry.catalogue import Catalogue, load_untrusted
from xreg.registry.places import Place, TooLongError, place_of, translated
from xreg.registry.registries import is_clone, ready_cache
from xreg.registry.remotes import Remote, read_remote, user_cache
from xreg.registry.retries import TRIES, TransientError, retry
from xreg.registry.versions.entries import Entry

__all__ = ["Objects", "add", "push"]

MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")
LARGEST_LIST = 1 << 28  # bytes


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
        # Another's folder, named by a registry that came from elsewhere: read, never written.
        away = remote is not None and remote.folder and not (remote.inside or remote.own)
        self.foreign = remote if away else None
        self.cache = self._cache(remote)
        with translated(f"registry {root}"):
            self.remote = None if remote is None else place_of(remote, root)

    def _cache(self, remote: Remote | None) -> Place | None:
        # Reading the user's configuration takes DVC half a second, which a registry that keeps its
        # objects with itself can do without.
        own = user_cache() if remote is None or not remote.inside else None
        if own is not None:
            return Place("your DVC cache", str(own))
        try:
            confined(self.root, ".dvc/cache", f"registry {self.root}")
        except CorruptError:
            if remote is None:
                raise
            return None  # a link; the remote has all that it may have
        return Place("the local DVC cache", str(self.root / ".dvc" / "cache"), root=self.root)

    def tree(self, md5: str) -> dict[str, str]:
        """Return the MD5 of every file of a tracked folder, by relative path.

        Raises
        ------
        CorruptError
            If the list is missing, changed, or names a file outside its folder.
        """
        if not MD5.fullmatch(md5) or not md5.endswith(".dir"):
            raise CorruptError(f"'{one_line(md5)[:80]}' is no hash of a list of files.")
        with tempfile.TemporaryDirectory(dir=ready_cache(), prefix=".list-") as folder:
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
                with translated(f"{doing} {place.label}"):
                    if _whole(place, md5, target, most):
                        return
            except FileNotFoundError:
                continue
            except TooLongError:
                state = f"longer than the {most:,} bytes that the catalogue says of all of it, in"
                continue
            state = "damaged in"
        if md5.endswith(".dir"):
            state = "missing or damaged in"
        raise CorruptError(
            f"{what} is {state} {self._storage()}; ask the registry's maintainers to push it again."
        )

    def check(self, md5: str) -> str:
        """Read an object from the remote; return what is wrong with it, or nothing."""
        place = self.main
        try:
            with translated(f"reading from {place.label}"):
                if place.fs is None:
                    with place.open(md5) as stream:
                        return "" if stream_md5(stream) == md5 else "damaged"
                return retry(lambda: _state(place, md5))
        except FileNotFoundError:
            return "missing"
        except _WrongHashError:
            return "damaged"
        except CorruptError:
            return "no ordinary file"

    def has(self, md5: str) -> bool:
        """Whether the remote has an object, be it damaged or not."""
        place = self.main
        with translated(f"looking into {place.label}"):
            if place.fs is None:
                return os.path.isfile(place.of(md5))
            return bool(retry(lambda: place.fs.exists(place.of(md5))))

    def put(self, md5: str, source: Path) -> None:
        """Bring a file into the cache, as the object of that hash."""
        cache = self._own_cache()
        with translated(f"writing into {cache.label}"):
            cache.put(md5, source)

    def push(self, md5: str) -> None:
        """Bring an object from the cache to the remote, if there is one."""
        if self.remote is None:
            return
        if self.foreign is not None:
            raise RunError(
                f"registry {self.root} keeps its objects in '{self.foreign.folder}', outside of "
                "its folder; if that is yours to write to, say so by `dvc remote add --global "
                f"{self.foreign.name} {self.foreign.folder}`."
            )
        place, source = self.remote, Path(self._own_cache().of(md5))
        with translated(f"pushing to {place.label}"):
            retry(lambda: place.put(md5, source))

    @property
    def main(self) -> Place:
        """Where all objects should be: the remote, or the cache where there is none."""
        return self.remote or self._own_cache()

    def _own_cache(self) -> Place:
        if self.cache is None:
            raise CorruptError(
                f"registry {self.root}: its .dvc/cache is a symbolic link; name the place that you "
                "mean by `dvc cache dir --global FOLDER`."
            )
        return self.cache

    def _storage(self) -> str:
        return self.main.label + ("" if self.remote else " (there is no remote)")


class _WrongHashError(TransientError):
    """A transfer ended without a word and brought something else."""


def _whole(place: Place, md5: str, target: Path, most: int) -> bool:
    """Get an object; say whether it is what its hash says."""
    wrong: set[str] = set()
    long: list[str] = []

    def once() -> None:
        try:
            place.get(md5, target, most)
        except TooLongError:
            long.append(md5)
            raise _WrongHashError from None
        long.clear()
        if (found := file_md5(target)) != md5.removesuffix(".dir"):
            wrong.add(found)
            raise _WrongHashError

    try:
        if place.fs is None:
            once()
        else:
            retry(once)
    except _WrongHashError:
        if long:
            raise TooLongError from None
        if len(wrong) > 1:
            raise RunError(
                f"{place.label} sent the object {md5} changed or cut short {TRIES} times, each "
                "time otherwise, so the way to it is at fault; repeat the command later."
            ) from None
        return False
    return True


def _state(place: Place, md5: str) -> str:
    with place.fs.open(place.of(md5), "rb") as stream:
        if stream_md5(stream) != md5:
            raise _WrongHashError
    return ""


def add(root: Path, kind: type[Entry], path: Path) -> None:
    """Take a tracked folder, or one below it, into its ``.dvc`` file and the registry's cache."""
    objects = Objects(root)
    record = root / kind.collection.record
    tracked = root / kind.collection.name
    body = load_untrusted(record) if record.is_file() else {}
    known = Catalogue(root, kind)
    files = objects.tree(known.folder_hash) if body.get("outs") else {}
    prefix = path.relative_to(tracked).as_posix()
    prefix = "" if prefix == "." else f"{prefix}/"
    files = {name: md5 for name, md5 in files.items() if not name.startswith(prefix or "/")}
    size = sum(entry.size for entry in known.entries.values() if f"{entry.path}/" != prefix)
    for name in files_below(path):
        md5 = file_md5(path / name)
        objects.put(md5, path / name)
        files[f"{prefix}{name}"] = md5
        size += (path / name).stat().st_size
    check_paths(files, f"registry {root}")
    with tempfile.TemporaryDirectory(dir=_temporary_folder(root)) as folder:
        listing = Path(folder) / "list"
        listing.write_bytes(tree_list(files))
        objects.put(tree_hash(files), listing)
    out = {"md5": tree_hash(files), "size": size, "nfiles": len(files), "hash": "md5",
           "path": tracked.name}  # fmt: skip
    body = {"outs": [out]} | {key: value for key, value in body.items() if key == "meta"}
    write_text(record, yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100))
    _ignore(root, tracked.name)


def push(root: Path, kind: type[Entry], path: Path) -> None:
    """Send the objects of a tracked folder, or of one below it, to the default remote."""
    objects = Objects(root)
    if objects.remote is None:
        return
    for md5 in sorted({file_md5(path / name) for name in files_below(path)}):
        objects.push(md5)
    objects.push(Catalogue(root, kind).folder_hash)


def _temporary_folder(root: Path) -> Path:
    """Return the registry's folder for what is under way."""
    folder = confined(root, ".dvc/tmp", f"registry {root}")
    folder.mkdir(exist_ok=True)
    return folder


def _ignore(root: Path, name: str) -> None:
    """Keep git from taking the tracked folder, as DVC would."""
    path = confined(root, ".gitignore", f"registry {root}")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    if f"/{name}" not in lines:
        write_text(path, "\n".join([*lines, f"/{name}"]) + "\n")
