"""Join what was computed to the data set ``tm-k``, with its labels and splits.

Usage::

    python examples/tm-k/join.py OUTPUT.zarr STORE.zarr [STORE.zarr …] [--known tm-k@1.1.0]

The stores are those of ``xreg data generate`` on ``generate.yaml`` and ``fdmnes.yaml``; samples of
a published version are taken over as they are. Every engine's spectrum of a structure is a sample
of its own, FEFF's with the structure's name as id; all of one structure share the label ``site``.
The channel ``raw`` is what the engine gave, on the energies of both; ``xanes`` is made from it
by the steps of ``processing.yaml``. Of a site that is in several stores of an engine the last one
counts. FEFF's spectra with a spike, a known failure of multiple scattering in muffin-tin
potentials, are set aside with the reason.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
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
from xreg.registry.datasets import open_dataset
from xreg.registry.stores.store import open_store
from xreg.registry.stores.writer import write_store
from xreg.workbench.process.steps import ProcessedChannel, process
from xreg.workbench.recipes.overrides import read_yaml

CARRIED = ("complex", "metal", "oxidation_state", "coordination", "polyhedron", "charge", "spin",
           "geometry", "temperature", "mean_distance", "fermi_energy")  # fmt: skip
UNITS = {"temperature": "K", "mean_distance": "Å", "fermi_energy": "eV", "edge_energy": "eV",
         "cut_energy": "eV"}  # fmt: skip
FIRST = "feff"  # the engine whose samples are called as their structures are
SPIKE = 3.5  # edge jumps
SAME = 1e-6  # eV, between two energies that are one
PRECISION = {"raw": 11, "xanes": 11, "positions": 20}
SHARES = {"test": 0.2, "validation": 0.15}
METADATA = {
    "name": "tm-k",
    "title": "K-edge XANES of complexes of nine metals, Ti to Zn",
    "description": "Complexes of titanium to zinc, built and relaxed here (GFN1-xTB), and for a "
    "part of them a snapshot at 300 K, with their metal K-edge spectra by FEFF10, and for some of "
    "them by FDMNES too, on one grid of energies from the edge; one sample for each structure and "
    "engine.",
    "licence": "CC0-1.0",
    "citation": "xreg, dataset tm-k",
}


def opened(path: Path, channels: dict[str, Any]) -> Dataset:
    """Return a store with the labels and channels of ``tm-k``."""
    data = open_store(path)
    engine = data.metadata.provenance["generator"]["name"]
    highest = np.asarray(data.spectra["raw"].intensity).max(axis=1)
    spikes = (highest > SPIKE) & (engine == FIRST)
    aside = [
        {"id": str(data.samples.ids[i]), "reason": f"a spike of {highest[i]:.1f} edge jumps"}
        for i in np.flatnonzero(spikes)
    ]
    data = data.select(np.flatnonzero(~spikes))
    labels = {name: data.label(name) for name in CARRIED}
    # FEFF leaves no occupied states; FDMNES counts energies from the edge of its own table.
    cut = 0.0 if engine == FIRST else data.label("fermi_energy") - data.label("edge_energy")
    labels |= {
        "site": np.asarray(data.samples.ids).astype(str),
        "engine": np.full(len(data), engine),
        "edge_energy": np.array([edge_of(str(m), "K").energy for m in labels["metal"]]),
        "cut_energy": np.broadcast_to(cut, len(data)).copy(),
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


def published(name: str) -> list[Dataset]:
    """Return a published version, engine by engine, with the labels that an early one lacks."""
    data = open_dataset(name)
    labels = {"site": np.asarray(data.samples.ids).astype(str),
              "cut_energy": np.zeros(len(data)), **data.labels}  # fmt: skip
    spectra = Spectra({name: data.spectra[name] for name in ("xanes", "raw")})
    whole = Dataset(data.samples, spectra, data.metadata, labels)
    known: dict[str, list[dict[str, Any]]] = {}
    for part in data.metadata.provenance["parts"]:
        known.setdefault(part["generator"]["name"], []).append(part)
    found = []
    for engine, parts in known.items():
        told = {"version": name, "generator": parts[-1]["generator"], "parts": parts,
                "set_aside": [entry for part in parts for entry in part["set_aside"]]}  # fmt: skip
        own = whole.select(np.flatnonzero(labels["engine"] == engine))
        metadata = data.metadata.model_copy(update={"provenance": told})
        found.append(Dataset(own.samples, own.spectra, metadata, own.labels))
    return found


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


def on_all_energies(parts: list[Dataset], name: str) -> Channel:
    """Return a channel of all parts on the energies that any has: each curve is the same pieces.

    Beyond the energies of an engine its end values go on.
    """
    grids = [np.asarray(data.spectra[name].energy) for data in parts]
    energy = np.unique(np.concatenate(grids))
    energy = energy[np.diff(energy, prepend=-np.inf) > SAME]
    rows = [
        np.interp(energy, grid, curve)
        for data, grid in zip(parts, grids, strict=True)
        for curve in np.asarray(data.spectra[name].intensity, dtype=float)
    ]
    return Channel(np.array(rows), energy)


def split_by_complex(
    ids: NDArray[np.str_], complexes: NDArray[Any], metals: NDArray[Any], seed: int = 0,
    before: Mapping[str, str] | None = None,
) -> Split:  # fmt: skip
    """Deal the complexes of every metal into test, validation and training part.

    Those that ``before`` names stay in the part that it gives them.
    """
    rng = np.random.default_rng(seed)
    home = dict(before or {})
    for metal in np.unique(metals):
        own = np.unique(complexes[metals == metal]).tolist()
        new = rng.permutation([c for c in own if c not in home]).tolist()
        for name, share in SHARES.items():
            count = max(1, round(share * len(own))) - sum(home.get(c) == name for c in own)
            home |= dict.fromkeys(new[: max(count, 0)], name)
            new = new[max(count, 0) :]
    part = np.array([home.get(c, "train") for c in complexes])
    return Split(*(ids[part == p] for p in ("train", "validation", "test")))


def parts_before(name: str) -> dict[str, str]:
    """Return the part of each complex in the published version, whose splits go on."""
    data, home = open_dataset(name), dict[str, str]()
    names = dict(zip(data.samples.ids.tolist(), data.label("complex").tolist(), strict=True))
    for part in ("train", "validation", "test"):
        home |= {names[i]: part for i in getattr(data.splits["default"], part).tolist()}
    return home


def make_splits(
    ids: NDArray[np.str_], labels: dict[str, NDArray[Any]], before: Mapping[str, str]
) -> dict[str, Split]:
    """Return ``default``, of FEFF alone, and with several engines ``engines``, of all."""
    dealt = split_by_complex(ids, labels["complex"], labels["metal"], before=before)
    own = set(ids[labels["engine"] == FIRST].tolist())

    def only(part: NDArray[np.str_]) -> NDArray[np.str_]:
        return np.array([i for i in part if i in own])

    first = Split(only(dealt.train), only(dealt.validation), only(dealt.test))
    return {"default": first} | ({"engines": dealt} if len(own) < len(ids) else {})


def discarded(path: Path) -> dict[str, int]:
    """Return how many candidates ``structures.py`` set aside, by reason."""
    counts: dict[str, int] = {}
    for log in json.loads(path.read_text()):
        reason = log.get("reason", "none: kept")
        counts[reason] = counts.get(reason, 0) + 1
    return counts


def main() -> None:
    """Join the stores."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--version", default="1.0.0", help="of the data set")
    parser.add_argument("--structures", type=Path, help="structures.json, for the provenance")
    parser.add_argument("--known", help="published version whose samples are taken over")
    parser.add_argument("stores", type=Path, nargs="*")
    args = parser.parse_args()
    channels = read_yaml(Path(__file__).with_name("processing.yaml"))["processing"]
    known = published(args.known) if args.known else []
    parts = latest([*known, *(opened(path, channels) for path in args.stores)])
    frames = [s for data in parts for s in data.samples]
    labels = {name: np.concatenate([data.labels[name] for data in parts])
              for name in parts[-1].labels}  # fmt: skip
    ids = np.array(
        [s if e == FIRST else f"{s}-{e}"
         for s, e in zip(labels["site"], labels["engine"], strict=True)]
    )  # fmt: skip
    samples = Structures.from_atoms(
        [s.to_atoms() for s in frames], [int(s.absorber) for s in frames], ids.tolist()
    )
    provenance = {
        "made_by": f"examples/tm-k, xreg {version('xreg')}",
        "processing": {name: channel["steps"] for name, channel in channels.items()},
        **({"candidates": discarded(args.structures)} if args.structures else {}),
        "parts": [data.metadata.provenance for data in parts],
    }
    made = {name: on_all_energies(parts, name) for name in ("xanes", "raw")}
    metadata = Metadata(**METADATA, version=args.version, provenance=provenance)
    splits = make_splits(ids, labels, parts_before(args.known) if args.known else {})
    joined = Dataset(samples, Spectra(made), metadata, labels, UNITS, splits)
    write_store(joined, args.output, precision=PRECISION)
    for engine in np.unique(labels["engine"]):
        own = labels["engine"] == engine
        metals, counts = np.unique(labels["metal"][own], return_counts=True)
        complexes = len(np.unique(labels["complex"][own]))
        found = dict(zip(metals.tolist(), counts.tolist(), strict=True))
        print(f"{engine}: {found}, {complexes} complexes")


if __name__ == "__main__":
    main()
