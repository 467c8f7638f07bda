"""What a plugin's distribution declares beside what its entry says; fetched, read, never run."""

from __future__ import annotations

import configparser
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from xreg.core.errors import DataError, RunError, XregError
from xreg.core.hooks import ENTRY_POINT_GROUP
from xreg.core.text import one_line
from xreg.registry import git
from xreg.registry.plugins.index import Entry, Index
from xreg.workbench.plugins.declaration import Declaration, read_declaration
from xreg.workbench.plugins.project import MOST_BYTES, read_project, text_of

__all__ = ["differences"]


def differences(index: Index, entry: Entry) -> list[str]:
    """Return, a clause each, where a distribution is not what its entry says.

    A wheel is downloaded by pip and read as an archive, a repository is fetched at the commit that
    was checked: nothing of either is installed, built or run.
    """
    try:
        with TemporaryDirectory(prefix="xreg-index-") as room:
            version, declared = _read(index, entry, Path(room))
    except XregError as error:
        return [str(error)]
    found = []
    if version != entry.checked.version:
        found.append(f"it is version {version or 'none'}, not {entry.checked.version}")
    api = sorted({str(one.api) for one in declared})
    if api != [entry.api]:
        found.append(f"it was written for interface {', '.join(api)}, not {entry.api}")
    theirs = {(c.kind, c.name) for one in declared for c in one.components}
    listed = {(c.kind, c.name) for c in entry.components}
    found += [f"it offers {kind} '{name}', which is not listed"
              for kind, name in sorted(theirs - listed, key=str)]  # fmt: skip
    found += [f"it does not offer the {kind} '{name}' that is listed"
              for kind, name in sorted(listed - theirs)]  # fmt: skip
    return found


def _read(index: Index, entry: Entry, room: Path) -> tuple[str, list[Declaration]]:
    """Return version and declarations of a distribution."""
    source = entry.source
    if source.package:
        return _of_wheel(_download(entry, room))
    folder = index.source_folder(entry) if not source.git else room / "repository"
    if source.git:
        git.fetch(source.git, source.commit or "", folder)
        folder = folder / source.folder
    project = read_project(folder)
    texts = [text_of(file) for _, file in project.modules.values()]
    return project.version, _declarations(texts, entry.distribution)


def _download(entry: Entry, room: Path) -> Path:
    named = f"{entry.distribution}=={entry.checked.version}"
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
         "--disable-pip-version-check", "--dest", str(room), named],
        check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    wheels = sorted(room.glob("*.whl"))
    if done.returncode or not wheels:
        told = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = one_line((told or ["no reason given"])[-1].removeprefix("ERROR: ")).rstrip(".")
        raise RunError(
            f"no wheel of {named} can be had ({reason}); a source distribution is not looked at, "
            "for building it runs its code"
        )
    return wheels[0]


def _of_wheel(path: Path) -> tuple[str, list[Declaration]]:
    try:
        with zipfile.ZipFile(path) as wheel:
            names = wheel.namelist()

            def text(fits: Callable[[str], bool]) -> str:
                name = next((name for name in names if fits(name)), None)
                if name is None or wheel.getinfo(name).file_size > MOST_BYTES:
                    return ""
                return wheel.read(name).decode("utf-8")

            head = text(lambda name: name.endswith(".dist-info/METADATA"))
            points = configparser.ConfigParser(delimiters="=", interpolation=None)
            points.read_string(text(lambda name: name.endswith(".dist-info/entry_points.txt")))
            known = points.has_section(ENTRY_POINT_GROUP)
            named = points.items(ENTRY_POINT_GROUP) if known else []
            modules = [value.partition(":")[0].strip() for _, value in named]
            files = [module.replace(".", "/") for module in modules]
            texts = [text({f"{file}.py", f"{file}/__init__.py"}.__contains__) for file in files]
    except (zipfile.BadZipFile, OSError, UnicodeDecodeError, configparser.Error) as error:
        raise DataError(f"its wheel cannot be read ({one_line(str(error))})") from None
    lines = head.partition("\n\n")[0].splitlines()
    version = next((x.partition(":")[2].strip() for x in lines if x.startswith("Version:")), "")
    return version, _declarations(texts, path.name)


def _declarations(texts: Iterable[str], what: str) -> list[Declaration]:
    found = [read_declaration(text, f"'{what}'") for text in texts if text]
    if not found:
        raise DataError(f"{what} has no module that an entry point of group xreg names")
    return found
