"""Croissant: what machines that look for data sets read of one (JSON-LD, version 1.0)."""

from __future__ import annotations

import json
from typing import Any

from xreg.core.text import without_credentials
from xreg.registry.cards.citation import is_listed
from xreg.registry.versions.entries import DatasetEntry

__all__ = ["croissant", "croissant_text"]

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataBiases": "cr:dataBiases",
    "dataCollection": "cr:dataCollection",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "personalSensitiveInformation": "cr:personalSensitiveInformation",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "samplingRate": "cr:samplingRate",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
SPDX = "https://spdx.org/licenses/{}.html"


def croissant(entry: DatasetEntry, place: str) -> dict[str, Any]:
    """Return Croissant's description of a dataset.

    Its one file object stands for the store, a folder in Zarr's format: ``md5`` is that of DVC's
    list of its files, and ``xreg data pull`` brings it. Of its registry's location only a URL is
    written down.
    """
    url = without_credentials(place) if place.startswith(("http://", "https://")) else ""
    store = entry.path.replace("/", "-")
    body: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": entry.name,
        "alternateName": entry.title or entry.name,
        "description": " ".join((entry.description or entry.title or entry.name).split()),
        "version": entry.version,
        "creator": [
            {"@type": "sc:Organization", "name": author.group}
            if author.group
            else {"@type": "sc:Person", "name": author.name}
            | ({"url": f"https://orcid.org/{author.orcid}"} if author.orcid else {})
            for author in entry.authors
        ],
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": store,
                "name": store,
                "description": f"A Zarr store of {entry.files} files; `xreg data pull "
                f"{entry.reference}` brings it. The md5 is that of DVC's list of its files.",
                "contentUrl": f"{entry.collection.name}/{entry.path}",
                "contentSize": f"{entry.size} B",
                "encodingFormat": "application/vnd+zarr",
                "md5": entry.hash.removesuffix(".dir"),
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "spectra",
                "name": "spectra",
                "description": "Channels of spectra or target features.",
                "field": [_field(name, "spectra") for name in ("channel", "grid", "unit")],
                "data": [
                    {"spectra/channel": name, "spectra/grid": str(c), "spectra/unit": c.unit}
                    for name, c in entry.channels.items()
                ],
            }
        ],
    }
    if url:
        body["url"] = url
    if is_listed(entry.licence):
        body["license"] = SPDX.format(entry.licence)
    elif entry.licence:
        body["license"] = entry.licence
    if entry.published:
        body["datePublished"] = entry.published
    if entry.citation:
        body["citeAs"] = " ".join(entry.citation.split())
    if entry.keywords:
        body["keywords"] = list(entry.keywords)
    if entry.limits:
        body["dataBiases"] = " ".join(entry.limits.split())
    return body


def _field(name: str, records: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{records}/{name}",
        "name": f"{records}/{name}",
        "dataType": "sc:Text",
    }


def croissant_text(entry: DatasetEntry, place: str) -> str:
    """Return :func:`croissant` as JSON."""
    return json.dumps(croissant(entry, place), indent=1, ensure_ascii=False) + "\n"
