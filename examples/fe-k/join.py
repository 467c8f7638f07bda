"""Join what the engines computed to the data set ``fe-k``: one sample for each site and engine.

Usage::

    python examples/fe-k/join.py OUTPUT.zarr STORE.zarr [STORE.zarr …]

The stores are those of ``xreg data generate`` on ``feff-*.yaml`` and ``fdmnes-*.yaml``. The
channel ``raw`` is what the engine gave, on one grid in eV from the engine's own zero. The channel
``xanes`` is made from the engine's own points by the steps of ``processing.yaml``. Samples of one
site carry the same label ``site``. FEFF's spectra with a spike, a known failure of multiple
scattering in muffin-tin potentials, are set aside.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Structures
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.data.splits import Split
from xreg.registry.stores.store import open_store
from xreg.registry.stores.writer import write_store
from xreg.workbench.process.steps import ProcessedChannel, process
from xreg.workbench.recipes.overrides import read_yaml

CARRIED = (
    "compound",
    "oxidation_state",
    "coordination",
    "spin",
    "trajectory",
    "temperature",
    "time",
)
RAW = {"name": "resample", "first": -10.0, "last": 75.0, "points": 426, "hold_ends": 10.0}
SPIKE = 3.0  # edge jumps; the highest white line here has 2.2
PRECISION = {"raw": 11, "xanes": 11, "positions": 20}
# Charge states of three compounds, whose partner is in the training part, and one oxide site.
HELD_OUT = ("fe-cl-4-2minus", "fe-cn-6-3minus", "fe-h2o-6-2plus", "fe3o4-oct")
VALIDATED = ("fe-nh3-6-2plus", "feo")
METADATA = {
    "name": "fe-k",
    "title": "Fe K-edge XANES of iron complexes and oxides by two engines",
    "description": "Thermal snapshots (300 and 400 K) of iron complexes, oxides and iron from "
    "molecular dynamics, with their Fe K-edge spectra by FEFF10 and, for a part of the same sites, "
    "by FDMNES; one sample for each site and engine. Everything was built and sampled here.",
    "licence": "CC0-1.0",
    "citation": "xreg, dataset fe-k",
}


def opened(path: Path, channels: dict[str, Any]) -> tuple[str, Dataset]:
    """Return the engine of a store, and the store with the labels and channels of ``fe-k``."""
    data = open_store(path)
    engine = data.metadata.provenance["generator"]["name"]
    highest = np.asarray(data.spectra["raw"].intensity).max(axis=1)
    spikes = np.flatnonzero((engine == "feff") & (highest > SPIKE))
    aside = [
        {"id": str(data.samples.ids[i]), "reason": f"a spike of {highest[i]:.1f} edge jumps"}
        for i in spikes
    ]
    data = data.select(np.setdiff1d(np.arange(len(data)), spikes))
    labels = {name: data.label(name) for name in CARRIED}
    labels |= {
        "engine": np.full(len(data), engine),
        "site": data.samples.ids,
        "fermi_energy": data.label("fermi_energy"),
        "core_energy": data.labels.get("core_energy", np.full(len(data), np.nan)),
    }
    recipe = {
        "raw": ProcessedChannel.model_validate({"source": "raw", "steps": [RAW]}),
        "xanes": ProcessedChannel.model_validate(channels[engine]),
    }
    first = process(Spectra({"raw": data.spectra["raw"]}), {"xanes": recipe["xanes"]},
                    data.samples, labels)  # fmt: skip
    second = process(Spectra({"raw": data.spectra["raw"]}), {"raw": recipe["raw"]},
                     data.samples, labels)  # fmt: skip
    spectra = Spectra({"xanes": first["xanes"], "raw": second["raw"]})
    known = data.metadata.provenance
    part = {key: known[key] for key in ("generator", "samples")}
    part["set_aside"] = [*known["set_aside"], *aside]
    metadata = data.metadata.model_copy(update={"provenance": part})
    return engine, Dataset(data.samples, spectra, metadata, labels)


def by_trajectory(compounds: NDArray[Any], trajectories: NDArray[Any]) -> dict[str, str]:
    """Deal the trajectories of every compound: one tests, one validates if there are three."""
    part = {}
    for compound in np.unique(compounds):
        own = np.unique(trajectories[compounds == compound])
        own = own[np.random.default_rng(0).permutation(len(own))]
        part |= dict.fromkeys(own, "train")
        if len(own) > 1:
            part[own[0]] = "test"
        if len(own) > 2:
            part[own[1]] = "validation"
    return part


def make_splits(ids: NDArray[np.str_], labels: dict[str, NDArray[Any]]) -> dict[str, Split]:
    """Return ``default`` and ``compounds``, of FEFF alone, and ``engines``, of both."""
    compounds, feff = labels["compound"], labels["engine"] == "feff"
    dealt = by_trajectory(compounds, labels["trajectory"])
    home = np.array([dealt[t] for t in labels["trajectory"]])
    out = np.full(len(ids), "validation")
    out[~np.isin(compounds, VALIDATED)] = "train"
    out[np.isin(compounds, HELD_OUT)] = "test"

    def split(parts: NDArray[np.str_], rows: NDArray[np.bool_]) -> Split:
        return Split(*(ids[rows & (parts == p)] for p in ("train", "validation", "test")))

    return {
        "default": split(home, feff),
        "compounds": split(out, feff),
        "engines": split(home, np.ones(len(ids), bool)),
    }


def main() -> None:
    """Join the stores."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--version", default="1.0.0", help="of the data set")
    parser.add_argument("stores", type=Path, nargs="+")
    args = parser.parse_args()
    channels = read_yaml(Path(__file__).with_name("processing.yaml"))["processing"]
    parts = [opened(path, channels) for path in args.stores]
    frames = [s for _, data in parts for s in data.samples]
    ids = np.array([f"{s.id}-{engine}" for engine, data in parts for s in data.samples])
    samples = Structures.from_atoms(
        [s.to_atoms() for s in frames], [int(s.absorber) for s in frames], ids.tolist()
    )
    names = list(parts[0][1].labels)
    labels = {name: np.concatenate([data.labels[name] for _, data in parts]) for name in names}
    channels = {
        name: Channel(
            np.concatenate([np.asarray(data.spectra[name].intensity) for _, data in parts]),
            parts[0][1].spectra[name].energy,
        )
        for name in ("xanes", "raw")
    }
    provenance = {
        "made_by": f"examples/fe-k, xreg {version('xreg')}",
        "processing": {name: channel["steps"] for name, channel in channels.items()},
        "raw_grid": RAW,
        "parts": [data.metadata.provenance for _, data in parts],
    }
    metadata = Metadata(**METADATA, version=args.version, provenance=provenance)
    joined = Dataset(
        samples, Spectra(channels), metadata, labels,
        {"temperature": "K", "time": "fs", "fermi_energy": "eV", "core_energy": "eV"},
        make_splits(ids, labels),
    )  # fmt: skip
    write_store(joined, args.output, precision=PRECISION)
    counts = {e: int((labels["engine"] == e).sum()) for e in np.unique(labels["engine"])}
    print(f"{args.output}: {counts}, {len(np.unique(labels['compound']))} compounds and sites")


if __name__ == "__main__":
    main()
