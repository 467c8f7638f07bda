"""Trees of POSCAR and xmu.dat, in a folder or straight from a tar archive."""

from __future__ import annotations

import lzma
import os
import re
import tarfile
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from xreg.core.errors import DataError
from xreg.core.files import read_file

__all__ = ["ARCHIVES", "SITE", "Tree", "read_tree"]

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
SITE = re.compile(r"^([0-9]{1,9})_([A-Z][a-z]?)$")
WANTED = ("POSCAR", "xmu.dat")
DEEPEST = 12
LARGEST, MOST = 64 << 20, 1 << 30  # bytes of one file of an archive, and of all
LINK = re.compile(r"(?:\.{0,2}/)+[^\s/]+(?:/[^\s/]+)*/?")
LONGEST_LINK = 1024


@dataclass
class Tree:
    """What a folder or archive holds, by paths relative to it.

    Attributes
    ----------
    files
        Content of each POSCAR and xmu.dat, or where it is on disk.
    sites
        Folders of spectra: with a ``xmu.dat`` in them, or called so that one is missed.
    lost
        Links that are not followed, with the reason.
    others
        Files of other names that lie beside the materials.
    """

    files: dict[PurePosixPath, bytes | Path] = field(default_factory=dict)
    sites: set[PurePosixPath] = field(default_factory=set)
    lost: dict[PurePosixPath, str] = field(default_factory=dict)
    others: list[PurePosixPath] = field(default_factory=list)

    @property
    def materials(self) -> set[PurePosixPath]:
        """Folders with a POSCAR."""
        return {path.parent for path in self.files if path.name == "POSCAR"}

    def material_of(self, site: PurePosixPath) -> PurePosixPath:
        """Return the folder whose POSCAR a site's folder belongs to.

        It is the one above (``<material>/<site>``), the one above that (``<material>/<code>/
        <site>``), the site's own, or the only one in a folder beside the sites.
        """
        for folder in (site.parent, site.parent.parent, site):
            if folder / "POSCAR" in self.files:
                return folder
        beside = [m for m in self._bare if m.parent == site.parent]
        return beside[0] if len(beside) == 1 else site.parent

    @cached_property
    def _bare(self) -> list[PurePosixPath]:
        """Folders with a POSCAR and no sites in them."""
        full = {folder for site in self.sites for folder in (site, *site.parents)}
        return sorted(self.materials - full)

    def add(self, path: PurePosixPath, content: bytes | Path) -> None:
        """Take a file."""
        self.files[path] = content
        if path.name == "xmu.dat":
            self.sites.add(path.parent)

    def add_folder(self, path: PurePosixPath) -> None:
        """Take a folder."""
        if SITE.match(path.name):
            self.sites.add(path)

    def read(self, path: PurePosixPath) -> tuple[str, bytes]:
        """Return a file's name, the same wherever the tree lies, and its content."""
        if (content := self.files.get(path)) is None:
            raise DataError(f"there is no {path.name}")
        # The last three parts of a spectrum's path, the last two of a structure's.
        name = "/".join(path.parts[-2:] if path.name == "POSCAR" else path.parts[-3:])
        try:
            return name, read_file(content) if isinstance(content, Path) else content
        except OSError as error:
            raise DataError(f"its {path.name} cannot be read ({error.strerror})") from None


def read_tree(source: Path) -> Tree:
    """Return what a folder or archive holds.

    Links to folders and files are followed in a folder, but not back to a folder above; in an
    archive none is.
    """
    tree = Tree()
    if source.name.endswith(ARCHIVES):
        _unpack(source, tree)
    else:
        _walk(source, PurePosixPath(), (source.resolve(),), tree)
    return tree


def _walk(folder: Path, here: PurePosixPath, above: tuple[Path, ...], tree: Tree) -> None:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = here / entry.name
        if entry.is_dir():
            real = Path(entry.path).resolve()
            if real in above:
                tree.lost[path] = "it is a link back to a folder above it"
            elif len(above) >= DEEPEST:
                tree.lost[path] = f"it is more than {DEEPEST} folders deep, and not looked into"
            else:
                tree.add_folder(path)
                _walk(Path(entry.path), path, (*above, real), tree)
        elif entry.name in WANTED and entry.is_file():
            tree.add(path, Path(entry.path))
        elif entry.is_symlink() and not Path(entry.path).exists():
            tree.lost[path] = "it is a link that leads nowhere"
        elif target := _flattened(Path(entry.path)):
            tree.lost[path] = (
                f"it is a file that holds the path of a link ('{target}'), as a copy without links "
                "leaves it; make it a link again"
            )
        elif not here.parts and not entry.name.startswith("."):
            tree.others.append(path)


def _flattened(path: Path) -> str:
    """Return the target of a link that became a file, as git writes it where it makes no links."""
    if not path.is_file() or not 0 < path.stat().st_size <= LONGEST_LINK:
        return ""
    text = path.read_bytes().decode("utf-8", errors="replace")
    # One path to somewhere else and nothing more, not even the end of the line.
    known = text.isprintable() and (LINK.fullmatch(text) or (path.parent / text).is_dir())
    return text if known else ""


def _unpack(source: Path, tree: Tree) -> None:
    """Read an archive into memory, once from front to back; nothing is written."""
    room = MOST
    try:
        with tarfile.open(source, "r|*") as archive:
            for member in archive:
                path = PurePosixPath(member.name)
                if member.isdir():
                    tree.add_folder(path)
                elif member.issym() or member.islnk():
                    tree.lost[path] = "it is a link, which is not followed in an archive"
                elif path.name in WANTED and member.size > LARGEST:
                    tree.lost[path] = f"it has {member.size:,} bytes, and {LARGEST:,} are read"
                elif path.name in WANTED and (stream := archive.extractfile(member)):
                    room -= member.size
                    if room < 0:
                        raise DataError(f"'{source}' unpacks to more than {MOST:,} bytes.")
                    tree.add(path, stream.read())
    except (tarfile.TarError, EOFError, OSError, lzma.LZMAError, zlib.error) as error:
        raise DataError(f"'{source}' cannot be read as an archive ({error}).") from None
