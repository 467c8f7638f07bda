"""A run as an RO-Crate (1.1), which archives and other programs read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xreg.workbench.result_folder import write_json

__all__ = ["CRATE", "write_crate"]

CRATE = "ro-crate-metadata.json"
FORMATS = {".json": "application/json", ".html": "text/html", ".yaml": "application/yaml",
           ".log": "text/plain", ".npz": "application/zip"}  # fmt: skip
WORDS = {
    "recipe.yaml": "The recipe, every default filled in; running it again gives the same numbers",
    "summary.json": "Data, code, packages, seeds, times",
    "metrics.json": "Scores by part",
    "splits.npz": "Which sample was in which part",
    "report.html": "The report",
    "run.log": "The log",
    "features.json": "Which features were kept",
    "explorer.html": "An interactive view of the predictions",
    "model/": "The trained model",
    "predictions.zarr/": "Known and predicted spectra",
    "components.zarr/": "Scores and vectors of the decompositions",
    "analyses/": "Tables of the analyses",
    "figures/": "Figures",
}


def write_crate(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write ``ro-crate-metadata.json`` into the folder of a run, after all but the log."""
    write_json(folder / CRATE, {"@context": "https://w3id.org/ro/crate/1.1/context",
                                "@graph": _graph(folder, summary)})  # fmt: skip


def _graph(folder: Path, summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = {f"{p.name}/" if p.is_dir() else p.name for p in folder.iterdir()} | {"run.log"}
    parts = [_part(name) for name in sorted(names) if not name.startswith(".") and name != CRATE]
    data, software = _data(summary["dataset"]), _software(summary)
    title = f"{summary['name']}: a model of {data['name']}"
    return [
        {
            "@id": CRATE,
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": title,
            "description": "A model of spectra, trained and judged by xreg.",
            "datePublished": summary["finished"],
            "license": {"@id": "#licence"},
            "hasPart": [{"@id": part["@id"]} for part in parts],
            "mentions": [{"@id": "#run"}],
        },
        *parts,
        {
            "@id": "#run",
            "@type": "CreateAction",
            "name": summary["name"],
            "startTime": summary["started"],
            "endTime": summary["finished"],
            "instrument": [{"@id": one["@id"]} for one in software],
            "object": [{"@id": "recipe.yaml"}, {"@id": data["@id"]}],
            "result": {"@id": "./"},
        },
        data,
        *software,
        {
            "@id": "#licence",
            "@type": "CreativeWork",
            "name": "No licence stated",
            "description": "Whoever made the run states the terms of its use; ask them.",
        },
    ]


def _part(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@id": name,
        "@type": "Dataset" if name.endswith("/") else "File",
        "name": WORDS.get(name, name.rstrip("/")),
    }
    if kind := FORMATS.get(Path(name).suffix):
        found["encodingFormat"] = kind
    return found


def _data(told: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        "@id": f"#dataset-{told['name']}-{told['version']}",
        "@type": "Dataset",
        "name": f"{told['name']}@{told['version']}",
        "version": told["version"],
        "description": f"The dataset that the model was trained on, channel {told['channel']}.",
    }
    if told.get("hash"):
        found["identifier"] = told["hash"]
    return found


def _software(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every distribution that had a method in it, xreg itself first."""
    versions = {"xreg": summary["xreg"]}
    versions |= {one["distribution"]: one["version"] for one in summary["components"]}
    return [
        {
            "@id": f"#software-{name}",
            "@type": "SoftwareApplication",
            "name": name,
            "version": version,
            "softwareVersion": version,
        }
        for name, version in versions.items()
    ]
