"""One plugin in an index: what its file may say, and the reading of it. An entry is data alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date as Day
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import Field, model_validator

from xreg.core.config import Config, setting
from xreg.core.errors import CorruptError, DataError
from xreg.core.files import read_file, readable
from xreg.core.interfaces.kinds import KINDS
from xreg.core.paths import relative_path

__all__ = ["Checked", "Entry", "Listed", "Source", "dump_entry", "read_entry"]

MOST_BYTES = 64_000
NO_CONTROL = r"^[^\p{C}]*$"

# One line that no terminal obeys, and no option of a program: those begin with a dash.
Text = Annotated[str, Field(max_length=300, pattern=NO_CONTROL)]
Name = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,63}$")]
Distribution = Annotated[str, Field(pattern="^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,62}[a-zA-Z0-9])?$")]
Version = Annotated[str, Field(pattern=r"^[0-9][0-9a-z.+!]{0,39}$")]
# No user, no query, no climbing.
Address = Annotated[
    str,
    Field(
        max_length=300,
        pattern=r"^https://[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?(/[A-Za-z0-9_~+-][A-Za-z0-9._~+-]*)*/?$",
    ),
]


class Source(Config):
    """Where the distribution comes from: one of these."""

    package: bool = setting(
        False, description="Whether pip finds it by its name, in the index that pip is set to."
    )
    git: Address | None = setting(None, description="Its git repository.")
    commit: str | None = setting(
        None, pattern="^[0-9a-f]{40}$", description="The commit that was checked."
    )
    folder: str = setting(
        "", max_length=300, description="Its folder in that repository, or in that of the index."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.folder:
            try:
                relative_path(self.folder, "'folder'")
            except CorruptError as error:
                raise ValueError(str(error)) from None
            if self.folder.startswith("-"):
                raise ValueError("'folder' begins with a dash")
        if self.package and (self.git or self.folder):
            raise ValueError("a source is a package, a git repository or a folder, not two of them")
        if not (self.package or self.git or self.folder):
            raise ValueError("a source is 'package: true', a 'git' repository or a 'folder'")
        if (self.git is None) != (self.commit is None):
            raise ValueError("'git' and 'commit' come together")
        return self


class Listed(Config):
    """A component that the plugin brings."""

    kind: str = setting(max_length=40, description="What it is.")
    name: Name = setting(description="What a recipe calls it.")
    summary: Text = setting("", description="What it does, in one line.")
    settings: tuple[Name | Annotated[str, Field(pattern="^[a-z_][a-z0-9_]{0,63}$")], ...] = setting(
        (), max_length=200, description="Names of its settings."
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.kind not in KINDS:
            raise ValueError(f"no kind of plugin '{self.kind}'; there are {', '.join(KINDS)}")
        return self


class Checked(Config):
    """When `xreg plugins check` passed."""

    version: Version = setting(description="Version of the plugin.")
    xreg: Version = setting(description="Version of xreg.")
    date: Day = setting(description="The day.")


class Entry(Config):
    """What an index says of a plugin.

    Attributes
    ----------
    reviewed
        Whether somebody other than its author has read the code. Passing the checks says nothing of
        that: installing a plugin is running it.
    """

    distribution: Distribution = setting(description="Name of the distribution.")
    summary: Text = setting(min_length=1, description="What it is, in one line.")
    licence: Text = setting(min_length=1, description="Its licence, as SPDX names it.")
    maintainer: Text = setting(min_length=1, description="Who looks after it.")
    homepage: Address | None = setting(None, description="Where to read more.")
    api: str = setting(
        pattern=r"^[0-9]{1,4}\.[0-9]{1,4}$", description="Interface that it was written for."
    )
    source: Source = setting(description="Where it comes from.")
    components: tuple[Listed, ...] = setting(
        (), max_length=200, description="What it brings; nothing where it only follows runs."
    )
    requires: tuple[Text, ...] = setting(
        (), max_length=50, description="What it needs besides xreg, to read."
    )
    checked: Checked = setting(description="When the checks passed.")
    reviewed: bool = setting(False, description="Whether somebody else has read the code.")

    @property
    def normal(self) -> str:
        """The distribution's name as pip compares it."""
        from packaging.utils import canonicalize_name

        return canonicalize_name(self.distribution)


class _Loader(yaml.SafeLoader):
    """Plain YAML: no anchors, which a few bytes could make endless, no tags, and no key twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it uses an alias")
        if self.peek_event().tag:
            raise yaml.YAMLError("it has a tag")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(map(str, keys))) < len(keys):
            raise yaml.YAMLError("it says a key twice")
        return super().construct_mapping(node, deep)


def read_entry(file: Path) -> Entry:
    """Read an entry.

    Raises
    ------
    DataError
        If it is no entry; the message names the file and what is wrong.
    """
    what = f"the entry '{file.name}'"
    with readable(what):
        content = read_file(file, MOST_BYTES)
    try:
        body = yaml.load(content.decode("utf-8"), _Loader)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        told = " ".join(str(error).split())[:120]
        raise DataError(f"{what} is no plain YAML ({told}).") from None
    if not isinstance(body, Mapping):
        raise DataError(f"{what} holds no names and values.")
    try:
        entry = Entry.parse({str(key): value for key, value in body.items()}, what)
    except RecursionError:
        raise DataError(f"{what} is nested too deeply.") from None
    if file.name != f"{entry.normal}.yaml":
        raise DataError(f"{what} is of '{entry.distribution}': call it '{entry.normal}.yaml'.")
    return entry


def dump_entry(entry: Entry) -> str:
    """Return an entry as the text of its file."""
    body = entry.model_dump(mode="json", exclude_defaults=True)
    body["reviewed"] = entry.reviewed
    return yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100)
