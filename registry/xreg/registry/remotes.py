"""Where a registry keeps its objects: a closed list is read of what it says itself.

Of a registry's ``.dvc/config`` come the name and URL of its default remote, and whether that may be
read without an account. Whatever else one may need (credentials, profiles, key files, endpoints, a
cache) comes from the user's own DVC configuration (``dvc remote add --global``), for the place that
its URL names; anything in the registry's folder may have been written by a stranger.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from xreg.core.errors import CorruptError, MissingRequirementError, RunError
from xreg.core.files import read_file
from xreg.core.paths import confined
from xreg.core.text import one_line, without_credentials
from xreg.registry.git import HOST, USER

__all__ = ["NETWORK", "Remote", "read_remote", "user_cache", "user_remotes"]

CONFIG = ".dvc/config"
LARGEST_CONFIG = 1 << 20
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
NETWORK = ("http", "https", "webdav", "webdavs", "ssh", "s3", "gs", "azure", "oss")
# What only says how DVC goes about its work, and does not concern xreg.
HARMLESS = {
    "core": {"remote", "analytics", "autostage", "check_update", "checksum_jobs", "experiments",
             "hardlink_lock", "interactive", "no_scm"},
    "remote": {"url", "allow_anonymous_login", "jobs", "checksum_jobs", "verify", "no_traverse",
               "type", "shared", "protected", "slow_link_warning"},
    "cache": {"type", "shared", "protected", "slow_link_warning", "verify"},
}  # fmt: skip
# What a server gets to see as it is. The rest signs or unlocks, and stays here.
SENT = frozenset({"user", "password", "custom_auth_header", "token", "sas_token",
                  "bearer_token_command", "proxy_to"})  # fmt: skip

log = logging.getLogger(__name__)
_told: set[str] = set()


@dataclass(frozen=True)
class Remote:
    """A registry's default remote.

    Attributes
    ----------
    name, url
        As its configuration says, checked.
    folder
        Where it is, of one on this machine.
    inside
        Whether that is below the registry's own folder.
    own
        Whether the user's own DVC configuration has it.
    settings
        What that says about it, and whether it may be read without an account.
    """

    name: str
    url: str
    folder: Path | None = None
    inside: bool = False
    own: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"the remote '{self.name}'"


def read_remote(root: Path, cloned: bool) -> Remote | None:
    """Return the default remote of a registry, or None where it has none.

    Parameters
    ----------
    root
        Folder of the registry.
    cloned
        Whether xreg cloned it: then a remote that is a folder must be inside of it.

    Raises
    ------
    CorruptError
        If its configuration cannot be read.
    RunError
        If the remote is of a kind or at a place that xreg does not follow.
    """
    where = f"registry {root}"
    content = _content(root, where)
    name = content.get("core", {}).get("remote")
    if not name:
        return None
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise CorruptError(f"{where}: its {CONFIG} names no usable default remote.")
    name = name.lower()
    section = content.get(f'remote "{name}"')
    if section is None:
        raise RunError(f"{where} failed: its {CONFIG} does not say where the remote '{name}' is.")
    if _true(section.get("version_aware")) or _true(section.get("worktree")):
        raise RunError(
            f"{where}: the remote '{name}' keeps versions by the cloud's own means; xreg needs a "
            "remote that keeps objects by their hash."
        )
    _warn_unused(content, name, where)
    url = section.get("url")
    if not isinstance(url, str) or not url:
        raise CorruptError(f"{where}: its {CONFIG} gives no URL for the remote '{name}'.")
    what = f"{where} failed: its remote '{name}' is at '{one_line(without_credentials(url))}'"
    if one_line(url) != url:
        raise RunError(f"{what}, which has a control character in it.")
    scheme = _scheme(url)
    if scheme in ("", "file", "local"):
        return _local(root, name, url, cloned, what)
    if scheme not in NETWORK:
        raise RunError(
            f"{what}, which is no kind of place that xreg follows (these are: a folder, "
            f"{', '.join(NETWORK)})."
        )
    parts = _checked(url, what)
    anonymous = (
        {"allow_anonymous_login": "true"} if _true(section.get("allow_anonymous_login")) else {}
    )
    mine = _of_user(name, parts, what)
    usable = anonymous if scheme in ("s3", "gs", "azure") else {}
    return Remote(name, url, own=mine is not None, settings=usable | dict(mine or {}))


def _content(root: Path, where: str) -> dict[str, dict[str, Any]]:
    """Return the sections of a registry's configuration, their names and keys in lower case."""
    from configobj import ConfigObj, ConfigObjError

    path = confined(root, CONFIG, where)
    confined(root, ".dvc/config.local", where)
    if (root / ".dvc" / "config.local").exists():
        _advise(
            f"{where}: its .dvc/config.local is not read, since whatever is in a registry's folder "
            "may come from a stranger; have your own DVC configuration say it "
            "(`dvc remote add --global NAME URL`, `dvc remote modify --global NAME …`)."
        )
    try:
        text = read_file(path, LARGEST_CONFIG).decode()
        parsed = ConfigObj(text.splitlines(), interpolation=False, list_values=False).dict()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (ConfigObjError, ValueError, RecursionError, OSError) as error:
        why = getattr(error, "strerror", None) or one_line(str(error).partition("\n")[0])
        raise CorruptError(f"{where}: its {CONFIG} cannot be read ({why}).") from None
    found: dict[str, dict[str, Any]] = {}
    for section, values in parsed.items():
        if isinstance(values, dict):
            bare = " ".join(section.strip().strip("'").lower().split())
            found.setdefault(bare, {}).update(
                {k.strip().lower(): _unquoted(v) for k, v in values.items()}
            )
    return found


def _unquoted(value: Any) -> Any:
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value


def _true(value: Any) -> bool:
    return isinstance(value, str) and value.strip().lower() == "true"


def _warn_unused(content: Mapping[str, Mapping[str, Any]], name: str, where: str) -> None:
    """Say which settings of a registry are not used, once."""
    unused = []
    for section, values in content.items():
        kind = "remote" if section == f'remote "{name}"' else section
        if kind.startswith('remote "'):
            continue
        known = HARMLESS.get(kind, set())
        unused += [f"{kind}.{key}" for key in values if key not in known]
    if unused:
        _advise(
            f"{where}: of its {CONFIG} these are not used: {one_line(', '.join(unused))}; such "
            "settings are taken from your own DVC configuration alone (`dvc remote add --global`)."
        )


def _advise(text: str) -> None:
    if text not in _told:
        _told.add(text)
        log.warning("%s", text)


def _scheme(url: str) -> str:
    """Return the scheme of a URL in lower case; empty for a path."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):", url)
    return found[1].lower() if found else ""


def _checked(url: str, what: str) -> SplitResult:
    """Return the parts of a URL of a server, or refuse it."""
    try:
        parts = urlsplit(url)
        host, port = parts.netloc.rpartition("@")[2], parts.port
    except ValueError:
        raise RunError(f"{what}, which is no URL.") from None
    host = host.removesuffix(f":{port}") if port is not None else host
    if not url.lower().startswith(f"{parts.scheme}://") or not HOST.fullmatch(host):
        raise RunError(f"{what}, which names no usable host or bucket.")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise RunError(f"{what}; a remote's URL has no part behind a '?' or '#'.")
    if "@" in parts.netloc:
        user = parts.netloc.rpartition("@")[0]
        if parts.scheme != "ssh" or not USER.fullmatch(user):
            raise RunError(
                f"{what} with a credential in the URL; a registry holds none, so that belongs into "
                "the user's own DVC configuration (`dvc remote add --global`) or ~/.netrc."
            )
    if ".." in parts.path.split("/") or "\\" in url:
        raise RunError(f"{what}, whose path climbs out of where it begins.")
    return parts


def _local(root: Path, name: str, url: str, cloned: bool, what: str) -> Remote:
    text = re.sub(r"^(file|local)://", "", url)
    path = Path(os.path.normpath(root / ".dvc" / os.path.expanduser(text)))
    home = Path(os.path.normpath(root))
    if path.is_relative_to(home):
        below = path.relative_to(home).as_posix()
        if below != ".":
            confined(root, below, what.partition(" failed")[0])
        return Remote(name, url, path, inside=True, own=False)
    if cloned:
        raise RunError(
            f"{what}, outside of the registry; clone it and work in the clone if that place is "
            "yours, or ask the registry's maintainers for a remote that others can reach."
        )
    own = any(
        _scheme(str(conf.get("url", ""))) == "" and Path(str(conf.get("url", ""))) == path
        for conf in user_remotes().values()
    )
    return Remote(name, url, path, own=own)


def user_remotes() -> dict[str, dict[str, Any]]:
    """Return the remotes of the user's own DVC configuration, by name."""
    return _user_configuration().get("remote", {})


def user_cache() -> Path | None:
    """Return the cache that the user's own DVC configuration names."""
    folder = _user_configuration().get("cache", {}).get("dir")
    return Path(str(folder)) if folder else None


def _user_configuration() -> dict[str, Any]:
    try:
        from dvc.config import Config
        from dvc.fs import get_fs_config
    except ImportError as error:
        raise MissingRequirementError(f"DVC cannot be imported: {error}.") from error
    try:
        content: dict[str, Any] = Config(validate=False).load_config_to_level()
        remotes = content.get("remote", {})
        for name in list(remotes):
            if "url" in remotes[name]:  # one may refer to another
                remotes[name] = dict(get_fs_config(content, name=name))
    except Exception as error:
        text = str(error).strip().partition("\n")[0].rstrip(".")
        raise RunError(f"your own DVC configuration cannot be used: {text}.") from None
    return content


def _of_user(name: str, place: SplitResult, what: str) -> dict[str, Any] | None:
    """Return what the user's own configuration says about a place, or None."""
    best: tuple[int, dict[str, Any]] | None = None
    for known, conf in user_remotes().items():
        settings = {key: value for key, value in conf.items() if key != "url"}
        if "url" in conf:
            mine = urlsplit(str(conf["url"]))
            if _covers(mine, place) and (best is None or len(mine.path) >= best[0]):
                user = {"user": mine.username} if mine.username else {}
                best = len(mine.path), user | settings
        elif known.lower() == name and settings and best is None:
            if SENT & settings.keys():
                raise RunError(
                    f"{what}; your own DVC configuration has a credential for a remote of that "
                    "name but no URL, so it may be meant for another server: if it is for this "
                    "one, `dvc remote add --global --force NAME URL` says so."
                )
            best = -1, settings
    return None if best is None else best[1]


def _covers(mine: SplitResult, place: SplitResult) -> bool:
    """Whether a place is the user's own, or below it."""
    return (
        (mine.scheme.lower(), mine.hostname, mine.port)
        == (place.scheme.lower(), place.hostname, place.port)
        and (not mine.username or not place.username or mine.username == place.username)
        and f"{place.path.rstrip('/')}/".startswith(f"{mine.path.rstrip('/')}/")
    )
