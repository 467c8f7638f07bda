"""Writes the files of a site: only what changed, only below its folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xreg.core import storage
from xreg.core.errors import CorruptError, DataError
from xreg.core.files import disk_errors, write_text
from xreg.core.paths import confined, relative_path
from xreg.workbench.pages.sections import Row, sheet_path, sheets
from xreg.workbench.web.html import environment, policy

__all__ = ["MARK", "SiteWriter"]

ROOM = "xreg.workbench.pages"
MARK = ".xreg-site.json"
"""Names the files that xreg wrote into a site, so that a later build may replace them."""


class SiteWriter:
    """The files of a site under way.

    Parameters
    ----------
    folder
        Where the site goes: a new or empty folder, or a site that xreg made before.
    common
        Values that every page needs.

    Raises
    ------
    DataError
        If the folder holds anything else.
    """

    def __init__(self, folder: Path, common: dict[str, Any]) -> None:
        self.folder = folder
        self.common = common
        self.written: dict[str, str] = {}
        self.changed = 0
        mark = folder / MARK
        if folder.exists() and not folder.is_dir():
            raise DataError(f"'{folder}' is a file; name a folder for the site.")
        if mark.is_file():
            self.old = _known(mark)
        elif folder.is_dir() and any(folder.iterdir()):
            raise DataError(
                f"'{folder}' holds files that are no site of xreg; name a new or an empty folder."
            )
        else:
            self.old = {}
        with disk_errors(f"writing {folder}"):
            folder.mkdir(parents=True, exist_ok=True)
            if not self.old:
                self._write_mark({})

    def page(self, path: str, template: str, **values: Any) -> None:
        """Write a page from a template of ``templates/``."""
        made = environment(ROOM).get_template(f"templates/{template}.html.j2")
        root = "../" * path.count("/")
        text = made.render(root=root, policy=policy(files=True), path=path, **self.common, **values)
        self.text(path, text)

    def list(self, path: str, rows: Sequence[Row], facets: Sequence[str], **values: Any) -> None:
        """Write the pages of a long list, all that its template needs besides given by name."""
        for sheet in sheets(rows, facets):
            place = sheet_path(path, sheet.number)
            self.page(place, "list", sheet=sheet, sheet_path=sheet_path, first=path, **values)

    def text(self, path: str, text: str) -> None:
        """Write a file, unless it is there with the same content.

        Raises
        ------
        CorruptError
            If the path leads out of the site, or two pages have it.
        """
        relative_path(path, "the site")
        if path in self.written:
            raise CorruptError(f"two pages of the site are called '{path}'.")
        self.written[path] = storage.digest(text.encode())
        target = confined(self.folder, path, f"'{self.folder}'")
        if self.old.get(path) == self.written[path] and target.is_file():
            return
        self.changed += 1
        with disk_errors(f"writing {self.folder}"):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="")

    def finish(self) -> None:
        """Remove what the last build wrote and this one did not, and note what there is."""
        with disk_errors(f"writing {self.folder}"):
            for path in self.old.keys() - self.written.keys():
                gone = confined(self.folder, path, f"'{self.folder}'")
                gone.unlink(missing_ok=True)
                for above in gone.parents:
                    if above == self.folder or not above.is_dir() or any(above.iterdir()):
                        break
                    above.rmdir()
            self._write_mark(self.written)

    def _write_mark(self, files: dict[str, str]) -> None:
        text = json.dumps({"format": 1, "files": dict(sorted(files.items()))}, indent=1)
        write_text(self.folder / MARK, text + "\n")


def _known(mark: Path) -> dict[str, str]:
    """Return what the last build wrote, each path checked: the folder may be a stranger's."""
    files = storage.parse_json(mark.read_bytes(), str(mark)).get("files")
    if not isinstance(files, dict) or not all(isinstance(v, str) for v in files.values()):
        raise CorruptError(f"'{mark}' is no list of files; remove the folder and build it anew.")
    return {relative_path(path, f"'{mark}'"): digest for path, digest in files.items()}
