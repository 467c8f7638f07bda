"""Where registries are: this clone, a path, a git URL, and those in the user's configuration."""

from __future__ import annotations

import logging
import os
import re
import shutil
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from platformdirs import user_cache_path, user_config_path

from xreg.core.data.dataset import NAME_PATTERN
from xreg.core.errors import ConfigError, RunError, UnknownNameError, XregError, did_you_mean
from xreg.core.files import disk_errors, staging, write_text
from xreg.core.paths import confined
from xreg.core.storage import digest
from xreg.core.text import without_credentials
from xreg.core.yaml_text import load_yaml
from xreg.registry import git

__all__ = [
    "CACHE_REMEDY",
    "Registry",
    "add",
    "cache_folder",
    "candidates",
    "cloned",
    "configured",
    "find_upwards",
    "has_records",
    "is_clone",
    "ready_cache",
    "remove",
]

RECORDS = ("datasets.dvc", "models.dvc")
"""The files of which a registry has at least one."""

DAY = 86_400
CACHE_REMEDY = "set XREG_CACHE, or XDG_CACHE_HOME, to a folder that may be written"

log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return where pulled datasets, clones of registries and features are kept.

    ``$XREG_CACHE``, or the platform's place: ``$XDG_CACHE_HOME/xreg``, ``~/.cache/xreg`` by default
    on Linux, which follows absolute paths alone.
    """
    if named := os.environ.get("XREG_CACHE"):
        return Path(named).expanduser().absolute()
    _tell_relative("XDG_CACHE_HOME")
    return Path(user_cache_path("xreg", False)).absolute()


def ready_cache(*parts: str) -> Path:
    """Return a folder of the cache, made where it is not there.

    Raises
    ------
    RunError
        If it cannot be made, with what to set.
    """
    folder = cache_folder().joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"the cache folder '{folder}' cannot be made ({error.strerror}); {CACHE_REMEDY}."
        ) from error
    return folder


@lru_cache(maxsize=8)
def _tell_relative(variable: str) -> None:
    """Say once that a variable is not followed, as the XDG specification has it."""
    if (said := os.environ.get(variable, "")) and not os.path.isabs(said):
        log.warning("%s is '%s', no absolute path, and is not followed.", variable, said)


def config_file() -> Path:
    """Return the user's configuration.

    ``$XREG_CONFIG``, or the platform's place: ``$XDG_CONFIG_HOME/xreg/config.yaml``,
    ``~/.config/xreg/config.yaml`` by default on Linux.
    """
    if named := os.environ.get("XREG_CONFIG"):
        return Path(named).expanduser().absolute()
    _tell_relative("XDG_CONFIG_HOME")
    return Path(user_config_path("xreg", False) / "config.yaml").absolute()


@dataclass(frozen=True)
class Registry:
    """A git repository with DVC in it.

    Attributes
    ----------
    name
        What the user calls it.
    location
        Folder, or git URL.
    """

    name: str
    location: str

    @property
    def remote(self) -> bool:
        """Whether it must be cloned."""
        return git.is_url(self.location)

    def root(self, fresh: bool = False) -> Path:
        """Return its folder, cloned into the cache where it is given by URL.

        Parameters
        ----------
        fresh
            Whether to ask a URL for a newer commit than the one cloned. What is published never
            changes, so that is needed only for what the clone does not have.

        Raises
        ------
        UnknownNameError
            If the folder is no registry.
        RunError
            If the URL cannot be reached and was never cloned.
        """
        if self.remote:
            url = git.plain_url(self.location)
            return cloned(url, "registries", "registry", RECORDS, fresh=fresh)
        root = Path(self.location)
        for record in (*RECORDS, ".dvc"):
            confined(root, record, f"registry {root}")
        if not has_records(root) and not (root / ".dvc").is_dir():
            raise UnknownNameError(
                f"{root} is no registry (it has no {' or '.join(RECORDS)}); give the folder of a "
                "git repository with DVC in it, or a git URL, or `xreg registry init` one."
            )
        return root

    def __str__(self) -> str:
        return self.name if self.name == self.location else f"{self.name} ({self.location})"


def plain_place(place: str) -> str:
    """Return a folder, name or git URL as it may be written down: a URL without credentials."""
    return git.plain_url(place) if git.is_url(place) else place


def has_records(root: Path) -> bool:
    """Whether a folder has a file by which a registry says what it has."""
    return any((root / record).is_file() for record in RECORDS)


def is_clone(root: Path) -> bool:
    """Whether a registry's folder is a clone that xreg made of a URL."""
    return Path(os.path.abspath(root)).is_relative_to(cache_folder() / "registries")


def find_upwards() -> Registry | None:
    """Return the registry that holds the working folder, if one does."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if has_records(folder):
            return Registry(folder.name, str(folder))
    return None


def candidates(given: str | Path | None = None) -> list[Registry]:
    """Return the registries to look in, in order.

    Parameters
    ----------
    given
        A configured name, a folder or a git URL: only that one. Otherwise the registry around the
        working folder, then those of the user's configuration.

    Raises
    ------
    UnknownNameError
        If ``given`` is none of these, or there is no registry at all.
    """
    known = configured()
    if given is None:
        here = find_upwards()
        found = [here] if here else []
        found += [r for r in known if not here or r.location != here.location]
        if not found:
            raise UnknownNameError(
                "no registry: work inside a clone of one, give --registry FOLDER_OR_URL, or "
                "`xreg registry add NAME FOLDER_OR_URL`."
            )
        return found
    _require_place(given)
    for registry in known:
        if registry.name == str(given):
            return [registry]
    if git.is_url(str(given)):
        plain = git.plain_url(str(given))
        return [next((r for r in known if r.location == plain), Registry(plain, plain))]
    folder = Path(os.path.expanduser(given)).absolute()
    if folder.is_dir():
        return [Registry(folder.name, str(folder))]
    raise UnknownNameError(
        f"'{given}' is no folder, no git URL and no configured registry"
        f"{did_you_mean(str(given), [r.name for r in known])}."
    )


def configured() -> list[Registry]:
    """Return the registries of the user's configuration, in its order."""
    entries = configuration().get("registries") or {}
    if not isinstance(entries, dict):
        raise ConfigError(f"{config_file()}: 'registries' must map names to folders or URLs.")
    found = []
    for name, location in entries.items():
        if not isinstance(location, str) or not location.strip():
            raise ConfigError(
                f"{config_file()}: 'registries.{name}' is {location!r}; give its folder or git URL "
                "as a text."
            )
        place = location
        if git.is_url(place):
            try:
                place = git.plain_url(place)
            except ConfigError:  # told when it is used, so that the others can be
                place = without_credentials(place)
            if place != location:
                _require_private(str(name))
        found.append(Registry(str(name), place))
    return found


def _require_private(name: str) -> None:
    """Warn of a credential in a configuration that others may read."""
    path = config_file()
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        log.warning(
            "%s holds a credential (of '%s') and others may read it: chmod 600 it, or take the "
            "credential out and leave it to a git credential helper.",
            path,
            name,
        )


def add(name: str, location: str) -> Registry:
    """Remember a registry under a name, after a look at it.

    Raises
    ------
    ConfigError
        If the name is taken or malformed.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise ConfigError(f"'{name}' cannot name a registry; use a-z, 0-9 and '-'.")
    if name in {registry.name for registry in configured()}:
        raise ConfigError(
            f"a registry '{name}' is configured already; `xreg registry remove {name}` first."
        )
    _require_place(location)
    if git.is_url(location):
        place = git.plain_url(location)
        if place != location:
            log.warning(
                "the URL is kept without the credential in it; for '%s' to be reached later, have "
                "git keep that (a credential helper, `git help credentials`) or ~/.netrc.",
                name,
            )
    else:
        place = str(Path(os.path.expanduser(location)).absolute())
    registry = Registry(name, place)
    registry.root(fresh=True)
    settings = configuration()
    settings["registries"] = {**(settings.get("registries") or {}), name: place}
    _write_configuration(settings)
    return registry


def _require_place(given: str | Path) -> None:
    """Refuse an empty place, such as of a variable that is not set: it would be this folder."""
    if not str(given).strip():
        raise ConfigError("the place of the registry is empty; give its folder or git URL.")


def remove(name: str) -> None:
    """Forget a registry, and its clone; datasets pulled from it stay in the cache."""
    settings = configuration()
    known = {registry.name: registry for registry in configured()}
    if name not in known:
        raise UnknownNameError(f"no registry '{name}' is configured{did_you_mean(name, known)}.")
    del settings["registries"][name]
    _write_configuration(settings)
    if known[name].remote:
        shutil.rmtree(_clones(known[name].location, "registries"), ignore_errors=True)


def configuration() -> dict[str, Any]:
    path = config_file()
    try:
        settings = load_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text.") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is no YAML ({str(error).splitlines()[0]}).") from None
    if not isinstance(settings, dict | None):
        raise ConfigError(f"{path} must hold names and values.")
    return settings or {}


def _write_configuration(settings: dict[str, Any]) -> None:
    with disk_errors(f"writing {config_file()}"):
        text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
        write_text(config_file(), text, private=True)


def _clones(url: str, kind: str) -> Path:
    return cache_folder() / kind / digest(url)[:16]


def cloned(
    url: str, kind: str, what: str, records: Sequence[str] = (), *, fresh: bool = True
) -> Path:
    """Return a shallow clone of a repository; each commit has a folder of its own, never changed.

    It is of the newest commit; of an earlier one where the URL cannot be reached, or nothing
    ``fresh`` is asked for.

    Parameters
    ----------
    url
        Where it is.
    kind
        Folder of the cache for such clones.
    what
        What messages call it.
    records
        Files of which it has at least one.
    fresh
        Whether to ask for a newer commit than the one cloned.
    """
    home = _clones(url, kind)
    known = [p for p in home.glob("*") if not p.name.startswith(".")]
    newest = max(known, key=lambda p: p.stat().st_mtime, default=None)
    if newest is not None and not fresh:
        return newest
    try:
        head = git.head(url)
    except XregError as error:
        if newest is None:
            raise
        log.warning("%s Going on with what was cloned before.", error)
        return newest
    if not head:
        raise UnknownNameError(f"{url} is an empty git repository, no {what}.")
    target = home / head
    ready_cache(kind, home.name)
    with disk_errors(f"cloning {url}", CACHE_REMEDY), staging(target) as folder:
        if not target.is_dir():
            git.fetch(url, head, folder)
            if records and not any((folder / record).is_file() for record in records):
                raise UnknownNameError(f"{url} is no {what} (it has no {' or '.join(records)}).")
            folder.rename(target)
        os.utime(target)
    for old in known:
        # A younger one may be in use by another process.
        if old != target and time.time() - old.stat().st_mtime > DAY:
            shutil.rmtree(old, ignore_errors=True)
    return target
