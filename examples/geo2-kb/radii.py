"""How far the moments of Ge Kβ are from convergence: some sites with better settings.

Usage::

    python examples/geo2-kb/radii.py sites.extxyz radii.json [--sites 6] [--only fms-6 ...]

computes the first sites of the list (``sites.py``; the first eleven are of eleven pressures) with
the settings of ``generate.yaml`` and with each change below, keeps each spectrum in ``radii.json``
as it is finished (repeat to go on), aligns all as the recipe does, and prints for each change how
far the moments move: the standard deviation over the sites, after a shift common to all of them, as
a share of the moment's spread over the sites; the common shift stands in brackets.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from ase import Atoms
from ase.io import read

from xreg.core.data.moments import spectral_moments
from xreg.core.data.samples import Structures
from xreg.core.data.spectra import Channel, Spectra
from xreg.plugins.feff.generator import Feff
from xreg.workbench.process.steps import ProcessedChannel, process

CHANGES: dict[str, dict[str, Any]] = {
    "production": {},
    "fms-6": {"fms_radius": 6.0},
    "scf-4": {"scf_radius": 4.0},
    "d-waves": {"lmax": {"Ge": (2, 2), "O": (2, 2)}},
    "mesh": {"vixan": 0.375},
}
NAMES = ("mean", "width", "skewness", "kurtosis")


def main() -> None:
    """Compute what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sites", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sites", dest="count", type=int, default=6)
    parser.add_argument("--only", nargs="*", default=list(CHANGES), choices=list(CHANGES))
    arguments = parser.parse_args()
    recipe = yaml.safe_load(Path(__file__).with_name("generate.yaml").read_text(encoding="utf-8"))
    settings = {key: value for key, value in recipe["generator"].items() if key != "name"}
    atoms = read(arguments.sites, f":{arguments.count}")
    found = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    for frame in atoms:
        for change in arguments.only:
            key = f"{frame.info['id']} {change}"
            if key in found:
                continue
            generator = Feff(**settings | CHANGES[change])
            sample = Structures.from_atoms([frame], int(frame.info["absorber"]), [key])[0]
            start = time.perf_counter()
            spectrum = generator.generate(sample)
            energy = generator.grids()["raw"] + spectrum.labels["fermi_energy"]
            found[key] = {
                "energy": energy.round(4).tolist(),
                "intensity": spectrum.channels["raw"].round(6).tolist(),
                "labels": spectrum.labels,
                "seconds": round(time.perf_counter() - start, 1),
            }
            arguments.out.write_text(json.dumps(found))
            print(key, found[key]["seconds"], "s", flush=True)
    report(found, recipe["processing"]["xes"])


def report(found: dict[str, Any], channel: dict[str, Any]) -> None:
    """Print how far each change moves the moments, over the sites that have it."""
    run = yaml.safe_load(Path(__file__).with_name("run.yaml").read_text(encoding="utf-8"))
    windows = run["target"]["moments"]
    print(f"{'':10} sites " + " ".join(f"{w}.{n}" for w in windows for n in NAMES))
    for change in CHANGES:
        ids = [i for i, name in map(str.split, found) if name == change]
        ids = [i for i in ids if f"{i} production" in found]
        if change == "production" or len(ids) < 3:
            continue
        base, new = (
            moments([found[f"{i} {name}"] for i in ids], channel, windows)
            for name in ("production", change)
        )
        off = new - base
        common = off.mean(axis=0)
        share = (off - common).std(axis=0, ddof=1) / base.std(axis=0, ddof=1)
        cells = [f"{s:.0%} ({o:+.3f})" for s, o in zip(share, common, strict=True)]
        print(f"{change:10} {len(ids):5d} " + "  ".join(cells))


def moments(
    spectra: list[dict[str, Any]],
    channel: dict[str, Any],
    windows: dict[str, tuple[float, float]],
) -> np.ndarray:
    """Return the moments of spectra, each by itself, after the steps of the recipe."""
    rows = []
    for spectrum in spectra:
        raw = Channel(np.array([spectrum["intensity"]]), np.array(spectrum["energy"]))
        atom = Structures.from_atoms([Atoms("Ge")], 0, ["site"])
        recipe = {"xes": ProcessedChannel.model_validate(channel)}
        made = process(Spectra({"raw": raw}), recipe, atom, {})["xes"]
        rows.append(spectral_moments(made, windows).intensity[0])
    return np.array(rows)


if __name__ == "__main__":
    main()
