"""Entries of an index: made of a plugin that passes its checks, and installed by pip."""

from __future__ import annotations

import shlex
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from xreg.core import templates
from xreg.core.errors import ConfigError, DataError, RunError, UnknownNameError, did_you_mean
from xreg.core.files import disk_errors, require_free, staging, write_text
from xreg.registry.plugins.index import Entry, Index, search
from xreg.registry.plugins.index.entry import dump_entry
from xreg.registry.plugins.index.index import FOLDER
from xreg.workbench.plugins.check import check
from xreg.workbench.plugins.declaration import read_declaration
from xreg.workbench.plugins.project import read_project, text_of

__all__ = [
    "find_entry",
    "in_words",
    "install",
    "install_command",
    "installed_version",
    "new_index",
    "write_entry",
]


def new_index(folder: Path) -> Path:
    """Make the folder of an index: a README, a place for entries, a workflow that checks them.

    Raises
    ------
    DataError
        If the folder is there already.
    """
    require_free(folder)
    source = Path(templates.__file__).parent / "index"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with disk_errors(f"'{folder}'"), staging(folder) as room:
        for path, name in (
            ("README.md", "README.md"),
            (f"{FOLDER}/README.md", "plugins.md"),
            (".github/workflows/check.yml", "workflow.yml"),
        ):
            (room / path).parent.mkdir(parents=True, exist_ok=True)
            (room / path).write_text((source / name).read_text(encoding="utf-8"), encoding="utf-8")
        room.rename(folder)
    return folder


def write_entry(
    plugin: Path,
    index: Path,
    *,
    maintainer: str | None = None,
    git: str | None = None,
    commit: str | None = None,
    folder: str = "",
) -> Path:
    """Write the entry of a plugin that passes its checks into the folder of an index.

    Parameters
    ----------
    plugin
        The plugin's folder; its code is run for the checks.
    index
        The index's folder.
    maintainer
        Who looks after it; by default the first author.
    git, commit, folder
        Where it comes from; by default from the index that pip is set to, by its name.

    Raises
    ------
    RunError
        If it does not pass.
    ConfigError
        If an entry cannot say so.
    """
    if not (index / FOLDER).is_dir():
        raise UnknownNameError(
            f"'{index}' is no index of plugins: it has no folder '{FOLDER}'; `xreg plugins index "
            "new FOLDER` makes one."
        )
    (result,) = check([plugin])
    if not result.passed:
        raise RunError(
            f"{result.name} does not pass its checks, so it gets no entry; `xreg plugins check "
            f"{plugin}` says what to mend."
        )
    project = read_project(plugin)
    table = project.table
    declared = [
        read_declaration(text_of(file), f"'{file}'") for _, file in project.modules.values()
    ]
    authors = [a.get("name", "") for a in table.get("authors", ()) if isinstance(a, dict)]
    licence = table.get("license")
    needs = [str(need) for need in table.get("dependencies", ())]
    body: dict[str, Any] = {
        "distribution": project.name,
        "summary": str(table.get("description", "")),
        "licence": str(licence.get("text", "") if isinstance(licence, dict) else licence),
        "maintainer": maintainer or next(iter(authors), ""),
        "api": declared[0].api,
        "source": {"git": git, "commit": commit, "folder": folder}
        if git or folder
        else {"package": True},
        "components": [
            {
                "kind": one.kind,
                "name": one.name,
                "summary": one.summary or "",
                "settings": [setting.name for setting in one.settings],
            }
            for declaration in declared
            for one in declaration.components
        ],
        "requires": [need for need in needs if not need.startswith("xreg")],
        "checked": {
            "version": project.version,
            "xreg": version("xreg"),
            "date": datetime.now(UTC).date().isoformat(),
        },
    }
    homepage = (table.get("urls") or {}).get("Homepage")
    entry = Entry.parse({**body, **({"homepage": homepage} if homepage else {})}, "the entry")
    file = index / FOLDER / f"{entry.normal}.yaml"
    write_text(file, dump_entry(entry))
    return file


def find_entry(found: list[Index], name: str) -> tuple[Index, Entry]:
    """Return the entry of a distribution, or of the only one with a component of that name.

    Raises
    ------
    UnknownNameError
        If there is none.
    ConfigError
        If several have a component of that name.
    """
    hits = search(found)
    known = {entry.normal for _, entry in hits}
    exact = [hit for hit in hits if hit[1].normal == name.lower()]
    by_component = [hit for hit in hits if any(one.name == name for one in hit[1].components)]
    chosen = exact[:1] or by_component
    if not chosen:
        names = known | {one.name for _, entry in hits for one in entry.components}
        raise UnknownNameError(f"no index has a plugin '{name}'{did_you_mean(name, names)}.")
    if len({entry.normal for _, entry in chosen}) > 1:
        several = ", ".join(sorted({entry.distribution for _, entry in chosen}))
        raise ConfigError(f"several plugins offer '{name}': {several}; say which.")
    return chosen[0]


def install_command(index: Index, entry: Entry) -> list[str]:
    """Return the command that installs the version that was checked; nothing is run.

    Raises
    ------
    DataError
        If it lies in a folder of the index that is not here.
    """
    source = entry.source
    if source.package:
        what = f"{entry.distribution}=={entry.checked.version}"
    elif source.git:
        where = f"#subdirectory={source.folder}" if source.folder else ""
        what = f"{entry.distribution} @ git+{source.git}@{source.commit}{where}"
    else:
        what = str(index.source_folder(entry))
    if what.startswith("-"):  # no pattern of an entry allows it; pip would take it for an option
        raise DataError(f"the entry '{entry.distribution}' names a source that no plugin has.")
    return [sys.executable, "-m", "pip", "install", what]


def in_words(command: list[str]) -> str:
    """Return a command as one would type it."""
    return shlex.join(command)


def installed_version(entry: Entry) -> str | None:
    """Return the version that is installed here; None where none is."""
    try:
        return version(entry.distribution)
    except PackageNotFoundError:
        return None


def install(command: list[str]) -> None:
    """Run what :func:`install_command` returned; pip's own words go to the terminal.

    Raises
    ------
    RunError
        If pip fails.
    """
    code = subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode
    if code:
        raise RunError(f"pip ended with exit code {code}; nothing is known to be installed.")
