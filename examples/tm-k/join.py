"""Join what was computed to the data set ``tm-k``, with its labels and splits.

Usage::

    python examples/tm-k/join.py OUTPUT.zarr STORE.zarr [STORE.zarr …]

The stores are those of ``xreg data generate`` on ``generate.yaml`` (and, for another engine, on a
recipe like it). The channel ``raw`` is what the engine gave; ``xanes`` is made from it by the steps
of ``processing.yaml``. Of a site that is in several stores of an engine the last one counts.
Spectra with a spike, a known failure of multiple scattering in muffin-tin potentials, are set aside
with the reason.
"""

from __future__ import annotations

import argparse
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.edges import edge_of
from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Structures
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.data.splits import Split
from xreg.registry.stores.store import open_store
from xreg.registry.stores.writer import write_store
from xreg.workbench.process.steps import ProcessedChannel, process
from xreg.workbench.recipes.overrides import read_yaml

CARRIED = ("complex", "metal", "oxidation_state", "coordination", "polyhedron", "charge", "spin",
           "geometry", "temperature", "mean_distance", "fermi_energy")  # fmt: skip
SPIKE = 3.5  # edge jumps
PRECISION = {"raw": 11, "xanes": 11, "positions": 20}
SHARES = {"test": 0.2, "validation": 0.15}
METADATA = {
    "name": "tm-k",
    "title": "K-edge XANES of complexes of nine metals, Ti to Zn",
    "description": "Complexes of titanium to zinc, built and relaxed here (GFN1-xTB), and for a "
    "part of them a snapshot at 300 K, with their metal K-edge spectra by FEFF10 on one grid of "
    "energies from the edge.",
    "licence": "CC0-1.0",
    "citation": "xreg, dataset tm-k",
}


def opened(path: Path, channels: dict[str, Any]) -> Dataset:
    """Return a store with the labels and channels of ``tm-k``."""
    data = open_store(path)
    engine = data.metadata.provenance["generator"]["name"]
    raw = np.asarray(data.spectra["raw"].intensity)
    highest = raw.max(axis=1)
    aside = [
        {"id": str(data.samples.ids[i]), "reason": f"a spike of {highest[i]:.1f} edge jumps"}
        for i in np.flatnonzero(highest > SPIKE)
    ]
    data = data.select(np.flatnonzero(highest <= SPIKE))
    labels = {name: data.label(name) for name in CARRIED}
    labels |= {
        "engine": np.full(len(data), engine),
        "edge_energy": np.array([edge_of(str(m), "K").energy for m in labels["metal"]]),
    }
    recipe = ProcessedChannel.model_validate(channels[engine])
    made = process(data.spectra, {"xanes": recipe}, data.samples, labels)
    spectra = Spectra({"xanes": made["xanes"], "raw": data.spectra["raw"]})
    known = data.metadata.provenance
    part = {key: known[key] for key in ("generator", "samples")}
    part["set_aside"] = [*known["set_aside"], *aside]
    return Dataset(
        data.samples, spectra, data.metadata.model_copy(update={"provenance": part}), labels
    )


def latest(parts: list[Dataset]) -> list[Dataset]:
    """Return the stores without what a later one has, too, computed or set aside."""
    seen: set[tuple[str, str]] = set()
    done: list[Dataset] = []
    for data in reversed(parts):
        keys = list(zip(data.samples.ids.tolist(), data.labels["engine"].tolist(), strict=True))
        engine = data.metadata.provenance["generator"]["name"]
        part = dict(data.metadata.provenance)
        part["set_aside"] = [e for e in part["set_aside"] if (e["id"], engine) not in seen]
        kept = data.select(np.array([i for i, key in enumerate(keys) if key not in seen], int))
        metadata = data.metadata.model_copy(update={"provenance": part})
        done.append(Dataset(kept.samples, kept.spectra, metadata, kept.labels))
        seen |= set(keys) | {(e["id"], engine) for e in part["set_aside"]}
    return done[::-1]


def split_by_complex(
    ids: NDArray[np.str_], complexes: NDArray[Any], metals: NDArray[Any], seed: int = 0
) -> Split:
    """Deal the complexes of every metal into test, validation and training part."""
    rng = np.random.default_rng(seed)
    part = np.full(len(ids), "train", dtype="U10")
    for metal in np.unique(metals):
        own = rng.permutation(np.unique(complexes[metals == metal]))
        first = 0
        for name, share in SHARES.items():
            count = max(1, round(share * len(own)))
            part[np.isin(complexes, own[first : first + count])] = name
            first += count
    return Split(*(ids[part == p] for p in ("train", "validation", "test")))


def discarded(path: Path | None) -> dict[str, int]:
    """Return how many candidates ``structures.py`` set aside, by reason."""
    counts: dict[str, int] = {}
    for log in json.loads(path.read_text()) if path else []:
        reason = log.get("reason", "none: kept")
        counts[reason] = counts.get(reason, 0) + 1
    return counts


def main() -> None:
    """Join the stores."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--version", default="1.0.0", help="of the data set")
    parser.add_argument("--structures", type=Path, help="structures.json, for the provenance")
    parser.add_argument("stores", type=Path, nargs="+")
    args = parser.parse_args()
    channels = read_yaml(Path(__file__).with_name("processing.yaml"))["processing"]
    parts = latest([opened(path, channels) for path in args.stores])
    frames = [s for data in parts for s in data.samples]
    labels = {name: np.concatenate([data.labels[name] for data in parts])
              for name in parts[0].labels}  # fmt: skip
    engines = labels["engine"]
    several = len(set(engines.tolist())) > 1
    ids = np.array(
        [f"{s.id}-{e}" if several else s.id for s, e in zip(frames, engines, strict=True)]
    )
    samples = Structures.from_atoms(
        [s.to_atoms() for s in frames], [int(s.absorber) for s in frames], ids.tolist()
    )
    made = {
        name: Channel(
            np.concatenate([np.asarray(data.spectra[name].intensity) for data in parts]),
            parts[0].spectra[name].energy,
        )
        for name in ("xanes", "raw")
    }
    provenance = {
        "made_by": f"examples/tm-k, xreg {version('xreg')}",
        "processing": {name: channel["steps"] for name, channel in channels.items()},
        "candidates": discarded(args.structures),
        "parts": [data.metadata.provenance for data in parts],
    }
    joined = Dataset(
        samples, Spectra(made), Metadata(**METADATA, version=args.version, provenance=provenance),
        labels,
        {"temperature": "K", "mean_distance": "Å", "fermi_energy": "eV", "edge_energy": "eV"},
        {"default": split_by_complex(ids, labels["complex"], labels["metal"])},
    )  # fmt: skip
    write_store(joined, args.output, precision=PRECISION)
    counts = {m: int((labels["metal"] == m).sum()) for m in np.unique(labels["metal"])}
    print(f"{args.output}: {counts}, {len(np.unique(labels['complex']))} complexes")


if __name__ == "__main__":
    main()
