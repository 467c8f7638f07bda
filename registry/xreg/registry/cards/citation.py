"""How a version is cited: BibTeX, ``CITATION.cff`` and DataCite's metadata."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from xreg.core.errors import ConfigError, DataError
from xreg.core.text import one_line, without_credentials
from xreg.registry.versions.authors import Author
from xreg.registry.versions.entries import Entry, ModelEntry

__all__ = ["FORMATS", "bibtex", "cff", "cite", "datacite", "is_listed", "licence_fault"]

FORMATS = ("bibtex", "cff", "datacite")
PLACE = re.compile(r"https?://")
NO_TEXT = ("Cc", "Cf", "Cs", "Co", "Cn")
# BibTeX counts braces before TeX reads a backslash, so no bare one of a text may stay.
TEX = {
    "\\": "backslash", "~": "asciitilde", "^": "asciicircum", "{": "braceleft", "}": "braceright",
    "<": "less", ">": "greater", "|": "bar",
}  # fmt: skip


def licence_fault(licence: str) -> str:
    """Return what is wrong with a licence, or nothing."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        found = canonicalize_license_expression(licence)
    except InvalidLicenseExpression:
        return (
            f"the licence '{one_line(licence)}' is no SPDX expression; write CC-BY-4.0, CC0-1.0, "
            "MIT or the like, and LicenseRef-NAME for one of your own"
        )
    return "" if found == licence else f"write the licence '{one_line(licence)}' as {found}"


def cite(entry: Entry, place: str, form: str = "bibtex") -> str:
    """Return a citation of a version as text, in one of :data:`FORMATS`.

    Of its registry's location only a URL is written down.

    Raises
    ------
    ConfigError
        If there is no such format.
    DataError
        If the entry lacks what the format must have.
    """
    if form == "bibtex":
        return bibtex(entry, place)
    if form == "cff":
        return cff(entry, place)
    if form == "datacite":
        return json.dumps(datacite(entry, place), indent=2, ensure_ascii=False) + "\n"
    raise ConfigError(f"there is no citation format '{form}'; choose one of {', '.join(FORMATS)}.")


def bibtex(entry: Entry, place: str) -> str:
    """Return a BibTeX entry; of type misc, which every style knows."""
    fields = {
        "author": " and ".join(_bibtex_name(author) for author in entry.authors),
        "title": f"{{{_tex(entry.title or entry.name)}}}",
        "year": entry.published[:4],
        "howpublished": _tex(_publisher(place)),
        "url": _url(place).replace("{", "%7B").replace("}", "%7D"),
        "note": _tex(
            f"{entry.collection.noun.capitalize()} {entry.reference}, hash {entry.hash}"
            + (f"; see also {entry.citation}" if entry.citation else "")
        ),
    }
    body = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@misc{{{entry.name}-{entry.version},\n{body}}}\n"


def _bibtex_name(author: Author) -> str:
    if author.group:
        return f"{{{_tex(author.group)}}}"
    return ", ".join(_bibtex_part(part) for part in (author.family, author.given) if part)


def _bibtex_part(part: str) -> str:
    """Return a part of a name; in braces where BibTeX would take it for several, or for et al."""
    text = _tex(part)
    return f"{{{text}}}" if "," in text or {"and", "others"} & set(text.lower().split()) else text


def _tex(text: str) -> str:
    """Return text in which nothing is a command."""
    clean = one_line(without_credentials(text))
    return "".join(
        f"\\text{TEX[c]}{{}}" if c in TEX else f"\\{c}" if c in "&%$#_" else c for c in clean
    )


def cff(entry: Entry, place: str) -> str:
    """Return a ``CITATION.cff`` of version 1.2.0."""
    import yaml

    also = f" Please cite also: {entry.citation}" if entry.citation else ""
    what = "dataset" if entry.collection.noun == "dataset" else "software"
    body: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": _line(f"If you use this {entry.collection.noun}, please cite it.{also}"),
        "type": what,
        "title": _line(entry.title or entry.name),
        "version": entry.version,
        "authors": [_cff_name(author) for author in entry.authors] or [{"name": "anonymous"}],
        "identifiers": [
            {"type": "other", "value": entry.hash, "description": "MD5 of DVC's list of its files"}
        ],
    }
    if entry.description:
        body["abstract"] = _line(entry.description)
    if entry.published:
        body["date-released"] = entry.published
    if entry.keywords:
        body["keywords"] = [_line(word) for word in dict.fromkeys(entry.keywords)]
    choice = [one.strip() for one in entry.licence.split(" OR ")]
    if all(map(is_listed, choice)):
        body["license"] = choice[0] if len(choice) == 1 else choice
    if url := _url(place):
        body["repository"] = url
    return yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100)


def is_listed(licence: str) -> bool:
    """Whether it is one licence of SPDX's list, which is all that these formats can name."""
    one = re.fullmatch(r"[\w.+-]+", licence) and not licence.startswith("LicenseRef-")
    return bool(one) and not licence_fault(licence)


def _cff_name(author: Author) -> dict[str, str]:
    if author.group:
        return {"name": _line(author.group)}
    found = {"family-names": _line(author.family)}
    if author.given:
        found["given-names"] = _line(author.given)
    if author.orcid:
        found["orcid"] = f"https://orcid.org/{author.orcid}"
    return found


def datacite(entry: Entry, place: str) -> dict[str, Any]:
    """Return DataCite's metadata (kernel 4), to which a repository adds the DOI.

    Raises
    ------
    DataError
        If no date of publication is known, which DataCite must have.
    """
    if not entry.published:
        raise DataError(
            f"{entry.reference} was published by an xreg that wrote no date down, and DataCite "
            "must have the year; publish the next version, or take --format cff."
        )
    general, word = (
        ("Model", "Trained model") if isinstance(entry, ModelEntry) else ("Dataset", "Dataset")
    )
    body: dict[str, Any] = {
        "types": {"resourceTypeGeneral": general, "resourceType": word},
        "creators": [_creator(a) for a in entry.authors] or [{"name": ":unav"}],
        "titles": [{"title": _line(entry.title or entry.name)}],
        "publisher": {"name": _line(_publisher(place))},
        "publicationYear": entry.published[:4],
        "dates": [{"date": entry.published, "dateType": "Issued"}],
        "version": entry.version,
        "alternateIdentifiers": [
            {"alternateIdentifier": entry.reference, "alternateIdentifierType": "xreg"},
            {"alternateIdentifier": entry.hash, "alternateIdentifierType": "DVC hash"},
        ],
        "sizes": [f"{entry.size} bytes", f"{entry.files} files"],
        "schemaVersion": "http://datacite.org/schema/kernel-4",
    }
    if entry.withdrawn is not None:
        body["dates"].append({"date": entry.withdrawn.date, "dateType": "Withdrawn"})
    if entry.description:
        text = _line(entry.description)
        body["descriptions"] = [{"description": text, "descriptionType": "Abstract"}]
    if entry.keywords:
        body["subjects"] = [{"subject": _line(word)} for word in dict.fromkeys(entry.keywords)]
    if entry.licence:
        rights = {"rights": _line(entry.licence)}
        if is_listed(entry.licence):
            rights |= {"rightsIdentifier": entry.licence, "rightsIdentifierScheme": "SPDX"}
        body["rightsList"] = [rights]
    if url := _url(place):
        body["url"] = url
    return body


def _creator(author: Author) -> dict[str, Any]:
    if author.group:
        return {"name": _line(author.group), "nameType": "Organizational"}
    found: dict[str, Any] = {
        "name": _line(", ".join(filter(None, (author.family, author.given)))),
        "nameType": "Personal",
        "familyName": _line(author.family),
    }
    if author.given:
        found["givenName"] = _line(author.given)
    if author.orcid:
        found["nameIdentifiers"] = [
            {
                "nameIdentifier": f"https://orcid.org/{author.orcid}",
                "nameIdentifierScheme": "ORCID",
                "schemeUri": "https://orcid.org",
            }
        ]
    return found


def _url(place: str) -> str:
    """Return a registry's address as others may read it; empty for a folder of this machine."""
    return without_credentials(place) if PLACE.match(place) else ""


def _publisher(place: str) -> str:
    return f"xreg registry {_url(place)}".strip()


def _line(text: str) -> str:
    """Return text in one line, as its fields want it."""
    clean = without_credentials(" ".join(text.split()))
    return "".join(c for c in clean if unicodedata.category(c) not in NO_TEXT)
