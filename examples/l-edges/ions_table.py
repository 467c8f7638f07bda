"""The table of the ions: what ``ions.sh`` has left so far, beside the published numbers.

Usage::

    python examples/l-edges/ions_table.py FOLDER [-o table.md]

prints three Markdown tables, one row an ion. Published: J. Lüder, arXiv:2107.13149, Table 3 (errors
on its validation spectra after 80 epochs of training on 320,000 spectra); its Ni²⁺ network of
dense layers on 32,000 spectra had 4.6e-5 (Fig. 3a).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from xreg.core.metrics import spectrum_error
from xreg.plugins.l_edges.misfit import boxed

# Table 3: MSE and MAE of validation spectra. Mn2+: as printed, and equal to its training error.
PUBLISHED = {
    "ti2": (1.12e-4, 0.0046), "v2": (1.02e-4, 0.0046), "cr2": (9.13e-5, 0.0043),
    "mn2": (3.24e-5, 0.0030), "fe2": (5.90e-5, 0.0033), "co2": (4.62e-5, 0.0029),
    "ni2": (1.76e-5, 0.0014), "v3": (1.40e-4, 0.0038), "cr3": (1.10e-4, 0.0050),
    "mn3": (9.42e-5, 0.0046), "fe3": (8.98e-5, 0.0044), "co3": (6.05e-5, 0.0035),
    "ni3": (4.69e-5, 0.003), "cr4": (1.65e-4, 0.0064), "mn4": (1.39e-4, 0.0061),
    "fe4": (1.13e-4, 0.0053), "co4": (1.08e-4, 0.0048), "ni4": (7.96e-5, 0.0041),
    "mn5": (1.98e-4, 0.0073), "fe5": (1.46e-4, 0.0065), "co5": (1.17e-4, 0.0056),
    "fe6": (2.06e-4, 0.0077),
}  # fmt: skip
NEUTRAL = {"ti": 4, "v": 5, "cr": 6, "mn": 7, "fe": 8, "co": 9, "ni": 10}
EXCELLENT, GOOD, OUTLIER = 3.0, 7.0, 10.0  # % of spectrum error
CHANNELS = ("mean absolute difference", "largest KST", "number of KSTs")


def main() -> None:
    """Print the tables of the ions that are complete."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    arguments = parser.parse_args()
    rows = {
        ion: row for ion in PUBLISHED if (row := judged(arguments.folder / "runs", ion)) is not None
    }
    order = sorted(rows, key=lambda ion: (-electrons(ion), list(PUBLISHED).index(ion)))
    text = "\n\n".join(table(order, rows) for table in (accuracy, tests, misfits)) + "\n"
    print(text, end="")
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


def electrons(ion: str) -> int:
    """Return the number of 3d electrons of the ground state."""
    return NEUTRAL[ion[:-1]] - int(ion[-1])


def judged(runs: Path, ion: str) -> dict[str, Any] | None:
    """Return the numbers of one ion, or None where one of its four folders is missing."""
    folders = {split: runs / f"{ion}-{split}" for split in ("default", "oh", "c4v")}
    if not all((f / "metrics.json").exists() for f in (runs / ion, *folders.values())):
        return None
    found = {split: json.loads((f / "metrics.json").read_text()) for split, f in folders.items()}
    errors = {split: shares(metrics["test"]) for split, metrics in found.items()}
    group = zarr.open_group(folders["default"] / "predictions.zarr", mode="r")
    known, predicted = boxed(group["known"][:], group["predicted"][:], "spectrum")
    return {
        "mse": found["default"]["test"]["mse_box"],
        "mse_each": float(np.mean((predicted - known) ** 2)),
        "mae_each": float(np.mean(np.abs(predicted - known))),
        "median": found["default"]["test"]["spectrum_error"]["median"],
        "errors": errors,
        "along": {split: found[split]["analyses"]["error-along"] for split in ("oh", "c4v")},
        "largest": {split: largest(folders[split]) for split in ("default", "oh")},
        "misfit": found["default"]["analyses"]["misfit"],
    }


def shares(scores: dict[str, Any]) -> dict[float, float]:
    """Return the share (%) of spectra under each of the three limits."""
    counts = scores["spectrum_error"]["counts"]
    total = sum(counts.values())
    under, running = {}, 0
    for name, count in counts.items():
        running += count
        if name.startswith("below"):
            under[float(name.split()[1])] = 100 * running / total
    return {limit: under[limit] for limit in (EXCELLENT, GOOD, OUTLIER)}


def largest(folder: Path) -> float:
    """Return the largest spectrum error (%) of a folder."""
    group = zarr.open_group(folder / "predictions.zarr", mode="r")
    return 100 * float(spectrum_error(group["known"][:], group["predicted"][:]).max())


def accuracy(order: list[str], rows: dict[str, Any]) -> str:
    """Return the table of errors on test spectra beside Table 3."""
    head = (
        "| ion | d | published MSE (MAE), 320,000 | MSE, 32,000 | each spectrum's box: MSE (MAE) | "
        "median SE | SE < 3 % | < 7 % | ≥ 10 % | largest |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    lines = [head]
    for ion in order:
        row, (mse, mae) = rows[ion], PUBLISHED[ion]
        under = row["errors"]["default"]
        lines.append(
            f"| {name(ion)} | {electrons(ion)} | {mse:.1e} ({mae:.4f}) | {row['mse']:.1e} | "
            f"{row['mse_each']:.1e} ({row['mae_each']:.4f}) | {row['median']:.2f} % | "
            f"{under[EXCELLENT]:.1f} % | {under[GOOD]:.2f} % | {100 - under[OUTLIER]:.2f} % | "
            f"{row['largest']['default']:.0f} % |"
        )
    return "\n".join(lines)


def tests(order: list[str], rows: dict[str, Any]) -> str:
    """Return the table of the Oh and C4v sets (Fig. 9a, 9d)."""
    lines = [
        "| ion | Oh: SE < 3 % | < 7 % | ≥ 10 %, of 10,000 | largest | C4v: SE < 10 % (r_a) | "
        "95 % under 10 % down to Dq |\n|---|---:|---:|---:|---:|---:|---:|"
    ]
    for ion in order:
        row = rows[ion]
        oh, reach = row["errors"]["oh"], row["along"]["c4v"]["reach"]
        lines.append(
            f"| {name(ion)} | {oh[EXCELLENT]:.1f} % | {oh[GOOD]:.1f} % | "
            f"{100 * (100 - oh[OUTLIER]):.0f} | {row['largest']['oh']:.0f} % | "
            f"{row['errors']['c4v'][OUTLIER]:.1f} % | "
            f"{'nowhere' if reach is None else f'{reach:.3f} eV'} |"
        )
    return "\n".join(lines)


def misfits(order: list[str], rows: dict[str, Any]) -> str:
    """Return the table of the largest misfits and of errors by channel (Figs. 6 to 8)."""
    lines = [
        "| ion | r_MEPD | branching ratio of the mean | "
        + " | ".join(f"{c}: r with mean, std" for c in CHANNELS)
        + " |\n|---|---:|---:|---:|---:|---:|"
    ]
    for ion in order:
        misfit = rows[ion]["misfit"]
        cells = [
            f"{misfit['channels'][c]['mean']:.2f}, {misfit['channels'][c]['std']:.2f}"
            for c in CHANNELS
        ]
        lower, upper = (misfit["groups"][edge]["share"] for edge in ("L3", "L2"))
        branching = misfit.get("branching_ratio")
        ratios = [f"{lower / upper:.2f}", "" if branching is None else f"{branching:.2f}"]
        lines.append(f"| {name(ion)} | " + " | ".join([*ratios, *cells]) + " |")
    return "\n".join(lines)


def name(ion: str) -> str:
    """Return the ion as it is written."""
    return f"{ion[:-1].capitalize()}{ion[-1]}+"


if __name__ == "__main__":
    main()
