"""How large a cluster the moments of Ge Kβ need: some sites at rising radii, cheapest first.

Usage::

    python examples/geo2-kb/radii.py sites.extxyz radii.json [--sites 6]

computes the first sites of the list (``sites.py``; the first eleven are of eleven pressures) with
every pair of radii below, keeps each spectrum in ``radii.json`` as it is finished (repeat to go
on), and prints the eight moments' distance from the largest cluster, after a shift common to all
sites, as a share of their spread over the sites.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import yaml
from ase.io import read

from xreg.core.data.moments import moments_of
from xreg.core.data.samples import Structures
from xreg.plugins.feff.generator import Feff

RADII = ((5.0, 4.0), (5.0, 5.0), (6.0, 4.0), (6.0, 5.0), (7.0, 6.0))  # FMS and cluster, SCF (Å)
NAMES = ("mean", "width", "skewness", "kurtosis")


def main() -> None:
    """Compute what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sites", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sites", dest="count", type=int, default=6)
    arguments = parser.parse_args()
    recipe = yaml.safe_load(Path(__file__).with_name("generate.yaml").read_text(encoding="utf-8"))
    settings = {key: value for key, value in recipe["generator"].items() if key != "name"}
    atoms = read(arguments.sites, f":{arguments.count}")
    found = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    for radius, scf in RADII:
        generator = Feff(**settings | {"radius": radius, "fms_radius": radius, "scf_radius": scf})
        for frame in atoms:
            key = f"{frame.info['id']} {radius:g} {scf:g}"
            if key in found:
                continue
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
    report(found, [str(frame.info["id"]) for frame in atoms], windows(recipe))


def windows(recipe: dict) -> dict[str, tuple[float, float]]:
    """Return the windows of the case study."""
    run = yaml.safe_load(Path(__file__).with_name("run.yaml").read_text(encoding="utf-8"))
    return run["target"]["moments"]


def report(found: dict, ids: list[str], parts: dict[str, tuple[float, float]]) -> None:
    """Print each pair of radii against the largest."""
    moments = {
        pair: np.array([_moments(found[f"{i} {pair[0]:g} {pair[1]:g}"], parts) for i in ids])
        for pair in RADII
        if all(f"{i} {pair[0]:g} {pair[1]:g}" in found for i in ids)
    }
    best = moments[max(moments)]
    spread = best.std(axis=0, ddof=1)
    print("radius  scf " + " ".join(f"{w}:{n:>9}" for w in parts for n in NAMES))
    for (radius, scf), values in moments.items():
        off = values - best
        off = (off - off.mean(axis=0)).std(axis=0, ddof=1) / spread
        print(f"{radius:6g} {scf:4g} " + " ".join(f"{100 * x:11.1f} %" for x in off))


def _moments(spectrum: dict, parts: dict[str, tuple[float, float]]) -> np.ndarray:
    energy, intensity = np.array(spectrum["energy"]), np.array(spectrum["intensity"])
    rows = []
    for low, high in parts.values():
        grid = np.linspace(low, high, round((high - low) / 0.1) + 1)
        rows.append(moments_of(grid, np.interp(grid, energy, intensity)[None])[0])
    return np.concatenate(rows)


if __name__ == "__main__":
    main()
