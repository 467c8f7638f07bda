"""Consent to code that came with a dataset, model or recipe, remembered by its hash."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xreg.core.code import Code, code_in
from xreg.core.errors import ConsentError, DataError
from xreg.registry.plugins import host
from xreg.registry.registries import config_file

__all__ = ["agree", "agreed", "component_code", "refuse_files", "require_consent"]

FILE = "agreed-code.txt"

log = logging.getLogger(__name__)


def component_code(kind: str, name: str, settings: Mapping[str, Any]) -> Code | None:
    """Return what of a component's settings is code; nothing is imported, read or validated."""
    config = host().get(kind, name).spec.config
    return code_in(f"{kind} '{name}'", config, settings)


def require_consent(
    code: Code | None,
    source: str,
    *,
    allow: bool,
    read: str,
    own: Iterable[str] = (),
    files: bool = False,
) -> None:
    """Refuse code of a stranger unless the user has agreed to just this.

    Parameters
    ----------
    code
        What would run; None passes.
    source
        What it came with, in words (``dataset 'mini@1.0.0'``).
    allow
        Whether the user agrees now (``--allow-code``); that is remembered.
    read
        Where the user can read it.
    own
        Settings that the user has given now; where all are, that is consent.
    files
        Whether its settings may name files of this machine, as those of a recipe may.

    Raises
    ------
    ConsentError
        If the user has not agreed to exactly this.
    DataError
        If it names a file of this machine and must not.
    """
    if code is None:
        return
    theirs = [name for name in code.values if name.partition(".")[0] not in set(own)]
    if not files:
        refuse_files(code, source, own)
    if theirs and not allow and not agreed(code):
        raise ConsentError(
            f"{source} brings code that {code.component} would run: {code.in_words()}; read it "
            f"({read}), and say --allow-code to agree, which is remembered for exactly this code "
            f"({code.hash[:12]})."
        )
    agree(code, source)


def refuse_files(code: Code | None, source: str, own: Iterable[str] = ()) -> None:
    """Refuse settings of a dataset or model that name a file of this machine.

    Raises
    ------
    DataError
        With the setting and the file; nothing was read.
    """
    for name in () if code is None else code.files:
        if code is not None and name.partition(".")[0] not in set(own):
            raise DataError(
                f"{source} names a file of this machine, '{code.values[name]}', as {name} of "
                f"{code.component}; no dataset or model may, so give that setting yourself."
            )


def agreed(code: Code) -> bool:
    """Whether the user has agreed to this before."""
    try:
        lines = _file().read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return any(line.split(" ", 1)[0] == code.hash for line in lines)


def agree(code: Code, source: str) -> None:
    """Remember that the user agrees."""
    if agreed(code):
        return
    what = " ".join(f"{code.component} of {source}".split())
    what = "".join(char for char in what if char.isprintable())
    line = f"{code.hash} {datetime.now(UTC):%Y-%m-%d} {what}\n"
    try:
        _file().parent.mkdir(parents=True, exist_ok=True)
        # One short write to a file opened for appending is one piece, also beside other processes.
        place = os.open(_file(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(place, line.encode())
        finally:
            os.close(place)
    except OSError as error:
        log.warning("consent cannot be remembered in '%s' (%s)", _file(), error.strerror)


def _file() -> Path:
    return config_file().parent / FILE
