"""Names of files for samples, whatever their ids are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from xreg.core.errors import DataError
from xreg.core.paths import RESERVED

__all__ = ["file_stems"]

LONGEST = 200  # bytes; most file systems take 255
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')


def file_stems(ids: Sequence[str]) -> list[str]:
    """Return the ids, which name a file each.

    Raises
    ------
    DataError
        If an id cannot name a file on every system, or two differ in nothing but their case or
        in how a letter is encoded.
    """
    seen: dict[str, str] = {}
    for name in ids:
        odd = FORBIDDEN.search(name) or RESERVED.fullmatch(name)
        if odd or name != name.strip(" .") or not name:
            raise DataError(f"the sample {name!r} cannot name a file; choose a format of one file.")
        if len(name.encode("utf-8", "surrogatepass")) > LONGEST:
            raise DataError(
                f"the id of sample '{name[:40]}…' is too long for a file; choose a format of one "
                "file."
            )
        same = unicodedata.normalize("NFC", name.casefold())
        if other := seen.get(same):
            raise DataError(
                f"'{other}' and '{name}' would be one file, as case and encoding do not count "
                "everywhere; choose a format of one file."
            )
        seen[same] = name
    return list(ids)
