"""Git, kept from running anything that a repository or its address asks for."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from xreg.core.errors import ConfigError, MissingRequirementError, RunError
from xreg.core.text import one_line, without_credentials
from xreg.registry.retries import TransientError, retry

__all__ = ["fetch", "head", "is_url", "plain_url", "with_settings"]

SCHEMES = ("file", "git", "http", "https", "ssh")
URL = re.compile(r"^([a-z][a-z0-9+.-]*://|[\w.-]+@[\w.-]+:|[a-z][a-z0-9+.-]*::)", re.IGNORECASE)
SHORT = re.compile(r"(?P<user>[\w.-]+)@(?P<host>[\w.-]+):(?P<path>.*)", re.DOTALL)
HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\]")
USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
# Read by git before any configuration of ours, and meant for another repository than ours.
FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE",
           "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_TEMPLATE_DIR")  # fmt: skip
SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.attributesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.symlinks": "false",  # a link is checked out as the text of its target
    "core.autocrlf": "false",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "transfer.bundleURI": "false",
    "maintenance.auto": "false",
    "gc.auto": "0",
    "http.lowSpeedLimit": "1",  # bytes a second, below which for a minute a server has gone
    "http.lowSpeedTime": "60",
}
# The highest authority: no filter (LFS among them), no encoding, no line ends, whatever the tree's
# .gitattributes ask for.
ATTRIBUTES = "* -text !eol !filter !ident !working-tree-encoding\n"
TRANSIENT = re.compile(
    r"returned error: (408|425|429|5\d\d)|early EOF|hung up|RPC failed|unexpected disconnect"
    r"|connection (was )?(reset|timed out)|timed out|transfer closed|empty reply|invalid pack",
    re.IGNORECASE,
)

# Far above what a registry keeps in git. A tree may name one subtree any number of times, so that a
# few kilobytes stand for more files than a disk holds.
MOST_FILES, MOST_BYTES = 200_000, 4 * 1024**3

# Credentials that a user wrote into a URL, by the URL without them; of this process alone.
_given: dict[str, str] = {}


def is_url(text: str) -> bool:
    """Whether a place is given by URL, or in ssh's short form; not whether it may be used."""
    return bool(URL.match(text))


def plain_url(url: str) -> str:
    """Return a URL without credentials, which are kept in memory for as long as xreg runs.

    Raises
    ------
    ConfigError
        If it is of a kind that git could run a program for, or carries a credential where it
        would be seen.
    """
    shown = one_line(without_credentials(url))
    if one_line(url) != url and "@" in url:  # what is left of a torn credential is one, too
        shown = f"{one_line(url.partition('://')[0])[:20]}://…"
    if short := SHORT.fullmatch(url):
        host, user, path = short["host"], short["user"], short["path"]
        usable = HOST.fullmatch(host) and USER.fullmatch(user) and not path.startswith("-")
        if not usable or shown != url:
            raise ConfigError(
                f"'{shown}' is no git URL that xreg follows: its user or host is odd."
            )
        return url
    scheme, separator, _ = url.partition("://")
    if not separator or scheme.lower() not in SCHEMES:
        raise ConfigError(
            f"'{shown}' is no git URL that xreg follows; give one that begins with "
            f"{', '.join(f'{s}://' for s in SCHEMES)} or user@host:."
        )
    if one_line(url) != url or " " in url:
        raise ConfigError(f"the git URL '{shown}' has a space or a control character in it.")
    try:
        parts = urlsplit(url)
        host, port = parts.netloc.rpartition("@")[2], parts.port
    except ValueError:  # what it complains of may be a part of a password
        raise ConfigError(
            f"the git URL '{scheme}://…' cannot be taken apart; write special characters as %XX, "
            "and leave passwords to a git credential helper."
        ) from None
    host = host.removesuffix(f":{port}") if port is not None else host
    if scheme.lower() != "file" and not HOST.fullmatch(host):
        raise ConfigError(f"the git URL '{shown}' names no usable host.")
    if scheme.lower() == "ssh" and parts.username and not USER.fullmatch(parts.username):
        raise ConfigError(f"the git URL '{shown}' names no usable user.")
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    if scheme.lower() == "ssh" and parts.username:
        plain = plain._replace(netloc=f"{parts.username}@{plain.netloc}")
    if without_credentials(plain.geturl()) != plain.geturl():
        raise ConfigError(
            f"the git URL '{shown}' carries a credential in its path or behind its '?', where "
            "every log shows it; leave it to a git credential helper (`git help credentials`)."
        )
    if scheme.lower() in ("http", "https") and "@" in parts.netloc:
        _given[plain.geturl()] = parts.netloc.rpartition("@")[0]
        return plain.geturl()
    return plain.geturl() if "@" in parts.netloc else url


def head(url: str) -> str:
    """Return the newest commit of a repository; empty where it has none.

    It is that of HEAD. Where HEAD names a branch that is not there, as in a bare repository whose
    first branch was pushed under another name, it is that of main, master or the only branch.

    Raises
    ------
    RunError
        If the repository cannot be reached, or has several branches and HEAD names none of them.
    """
    lines = _run("ls-remote", "--", url, "HEAD", "refs/heads/*", url=url).splitlines()
    named = {name: commit for commit, _, name in (line.partition("\t") for line in lines)}
    branches = [name for name in named if name.startswith("refs/heads/")]
    usual = ["HEAD", "refs/heads/main", "refs/heads/master"]
    for name in usual if len(branches) > 1 else [*usual, *branches]:
        if name in named:
            return named[name]
    if branches:
        told = one_line(", ".join(name.removeprefix("refs/heads/") for name in branches))
        raise RunError(
            f"HEAD of the repository {url} names none of its branches ({told:.200}); whoever keeps "
            "it must say which is the default (git symbolic-ref HEAD refs/heads/NAME)."
        )
    return ""


def fetch(url: str, commit: str, folder: Path) -> None:
    """Put the files of one commit into an empty or new folder: as bytes, no links, no submodules.

    Raises
    ------
    RunError
        If the repository cannot be reached, has no such commit, or more files or bytes in it than
        any registry.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _run("init", "--quiet", "--template=", url=url, folder=folder)
    info = folder / ".git" / "info"
    info.mkdir(exist_ok=True)
    (info / "attributes").write_text(ATTRIBUTES, encoding="ascii")
    _run("fetch", "--quiet", "--depth=1", "--no-tags", "--", url, commit, url=url, folder=folder)
    _require_bounded(url, folder)
    _run("reset", "--quiet", "--hard", "FETCH_HEAD", url=url, folder=folder)


def _require_bounded(url: str, folder: Path) -> None:
    """Refuse what was fetched if it would fill the disk, having listed no more than the bounds."""
    line = ["git", "-C", str(folder), "ls-tree", "-r", "--long", "FETCH_HEAD"]
    streams: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(line, env=_environment(url), **streams) as listing:
        files = size = 0
        for row in listing.stdout or ():
            length = row.split(maxsplit=4)[3]  # mode, type, object, size, name
            files, size = files + 1, size + (int(length) if length.isdigit() else 0)
            if files > MOST_FILES or size > MOST_BYTES:
                listing.kill()
                raise RunError(
                    f"the repository {url} would unpack to more than {MOST_FILES:,} files or "
                    f"{MOST_BYTES // 1024**3} GiB; it is no registry, or a hostile one."
                )


def _run(command: str, *arguments: str, url: str, folder: Path | None = None) -> str:
    # Never in the working folder: what is there may bring a configuration of its own.
    place = ["-C", str(folder)] if folder else ["-C", os.path.abspath(os.sep)]
    line = ["git", *place, command, *arguments]

    def once() -> str:
        try:
            done = subprocess.run(
                line, capture_output=True, check=False, env=_environment(url),
                stdin=None, encoding="utf-8", errors="replace",
            )  # fmt: skip
        except FileNotFoundError:
            raise MissingRequirementError(
                "a registry given by URL needs git, which is not on the PATH; install it."
            ) from None
        if not done.returncode:
            return done.stdout.strip()
        lines = done.stderr.strip().splitlines()
        fatal = [line.removeprefix("fatal: ") for line in lines if line.startswith("fatal: ")]
        reason = one_line((fatal or lines or ["no reason given"])[0]).rstrip(".")
        problem = RunError(f"git {command} {url} failed: {reason}.")
        if command == "ls-remote" and TRANSIENT.search(done.stderr):
            raise TransientError(str(problem)) from problem
        raise problem

    try:
        return retry(once)
    except TransientError as error:
        raise RunError(str(error)) from None


def _environment(url: str) -> Mapping[str, str]:
    """Return the environment of git: the user's, less what is meant for another repository."""
    found = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    found |= {
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": ":".join(SCHEMES),
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_CEILING_DIRECTORIES": os.path.abspath(os.sep),
    }
    settings = dict(SETTINGS)
    if user := _given.get(url):
        name, _, word = user.partition(":")
        pair = f"{unquote(name)}:{unquote(word)}".encode()
        parts = urlsplit(url)
        server = f"{parts.scheme}://{parts.netloc}/{quote(parts.path.lstrip('/'))}"
        # In the environment, where neither the list of processes nor the clone shows it.
        token = base64.b64encode(pair).decode()
        settings[f"http.{server}.extraHeader"] = f"Authorization: Basic {token}"
    return with_settings(found, settings)


def with_settings(environment: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which git has settings that outrank all files."""
    found = dict(environment)
    first = int(found.get("GIT_CONFIG_COUNT") or 0)
    for number, (key, value) in enumerate(settings.items(), first):
        found[f"GIT_CONFIG_KEY_{number}"] = key
        found[f"GIT_CONFIG_VALUE_{number}"] = value
    found["GIT_CONFIG_COUNT"] = str(first + len(settings))
    return found
