"""Paths that come from elsewhere: of lists of files, names that become folders, links."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from xreg.core.errors import CorruptError
from xreg.core.text import one_line, printable

__all__ = ["RESERVED", "check_paths", "confined", "relative_path"]

# What Linux, macOS and Windows all can hold.
LONGEST_NAME = 255  # bytes
LONGEST_PATH = 1024
UNUSABLE = re.compile(r'[\\:*?"<>|]')
RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE)
"""Devices of Windows, whatever follows the point."""


def relative_path(path: object, where: str) -> str:
    """Return a path as it stands in a list, once it is sure to stay below its folder anywhere.

    Raises
    ------
    CorruptError
        If it is absolute, climbs (``..``), has an empty component, a drive, a backslash, a control
        character or a name that some system gives a meaning to, or is too long.
    """
    if why := _fault(path):
        shown = (
            one_line(path if len(path) < 80 else f"{path[:77]}…") if isinstance(path, str) else path
        )
        raise CorruptError(f"{where} has the unusable entry '{shown}' ({why}).")
    return str(path)


def _fault(path: object) -> str:
    """Return what is wrong with a path, or nothing."""
    if not isinstance(path, str):
        return "it is no text"
    if not path:
        return "it is empty"
    if len(os.fsencode(path.encode("utf-8", "replace"))) > LONGEST_PATH:
        return f"it is longer than {LONGEST_PATH} bytes"
    if path.startswith("/"):
        return "it is absolute"
    if UNUSABLE.search(path):
        return "it has a character that file systems give a meaning to"
    if "\n" in path or "\t" in path or printable(path) != path:
        return "it has a control character"
    if unicodedata.normalize("NFC", path) != path:
        return "it is not in Unicode's normal form C"
    for name in path.split("/"):
        if why := _fault_of_name(name):
            return why
    return ""


def _fault_of_name(name: str) -> str:
    if not name:
        return "it has an empty component"
    if name in (".", ".."):
        return f"it has the component '{name}'"
    if name != name.strip() or name.endswith("."):
        return "a name in it begins or ends with a space, or ends with a dot"
    if RESERVED.fullmatch(name):
        return f"'{name}' is a device on Windows"
    if len(name.encode()) > LONGEST_NAME:
        return f"a name in it is longer than {LONGEST_NAME} bytes"
    return ""


def check_paths(paths: Iterable[object], where: str) -> list[str]:
    """Return the paths of a whole list, each as :func:`relative_path` wants it and no two at odds.

    Raises
    ------
    CorruptError
        Also if two are one file on some system (the same path twice, or but for case or Unicode
        form), or one is a file where another has a folder.
    """
    found: dict[str, str] = {}
    folders: dict[str, str] = {}
    checked = [relative_path(path, where) for path in paths]
    for path in checked:
        key = unicodedata.normalize("NFKC", path).casefold()
        if key in found:
            raise CorruptError(
                f"{where} has the unusable entry '{path}' (it collides with '{found[key]}')."
            )
        found[key] = path
        parts = path.split("/")[:-1]
        for count in range(1, len(parts) + 1):
            folder = "/".join(parts[:count])
            known = folders.setdefault(unicodedata.normalize("NFKC", folder).casefold(), folder)
            if known != folder:
                raise CorruptError(
                    f"{where} has the unusable entry '{path}' (its folder collides with '{known}')."
                )
    if both := sorted(found.keys() & folders.keys()):
        raise CorruptError(
            f"{where} has the unusable entry '{found[both[0]]}' (it is a file and a folder)."
        )
    return checked


def confined(root: Path, path: str, where: str) -> Path:
    """Return ``root / path``, where no symbolic link below ``root`` is on the way.

    Parameters
    ----------
    root
        A folder that the user named; it may be a link itself.
    path
        Path below it, checked by :func:`relative_path`; what is not there yet is no fault.
    where
        What the message calls the folder.

    Raises
    ------
    CorruptError
        If a component is a symbolic link, or is neither a file nor a folder.
    """
    here = root
    for name in relative_path(path, where).split("/"):
        here = here / name
        try:
            mode = here.lstat().st_mode
        except FileNotFoundError:
            continue
        except NotADirectoryError:
            break
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            what = "a symbolic link" if stat.S_ISLNK(mode) else "neither a file nor a folder"
            shown = here.relative_to(root).as_posix()
            raise CorruptError(f"{where}: '{shown}' is {what}; put the file itself there.")
    return root / path
