"""The table of the ions: what ``ions.sh`` has left so far, beside the published numbers.

Usage::

    python examples/l-edges/ions_table.py [FOLDER] [-o table.md]

adds the runs of FOLDER to the record, ``ions.json`` beside this script, and prints three Markdown
tables, one row an ion: mean ± standard deviation over the seeds of split and network that the
record has of it. Published: J. Lüder, arXiv:2107.13149, Table 3 (errors on its validation spectra
after 80 epochs of training on 320,000 spectra); its Ni²⁺ network of dense layers on 32,000 spectra
had 4.6e-5 (Fig. 3a).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from xreg.core.metrics import spectrum_error
from xreg.plugins.l_edges.misfit import boxed

RECORD = Path(__file__).with_name("ions.json")
Row = dict[str, float | None]  # the numbers of one ion and seed
Record = dict[str, dict[str, Row]]  # by ion and seed

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
    """Complete the record and print the tables of the ions in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="what ions.sh has left")
    parser.add_argument("--record", type=Path, default=RECORD)
    parser.add_argument("-o", "--out", type=Path)
    arguments = parser.parse_args()
    record: Record = json.loads(arguments.record.read_text(encoding="utf-8"))
    if arguments.folder:
        complete(record, arguments.folder / "runs")
        text = json.dumps(record, indent=1, sort_keys=True) + "\n"
        arguments.record.write_text(text, encoding="utf-8")
    order = ordered(record)
    text = "\n\n".join(table(order, record) for table in (accuracy, tests, misfits)) + "\n"
    print(text, end="")
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


def ordered(record: Record) -> list[str]:
    """Return the ions from eight electrons to two, and by charge."""
    return sorted(record, key=lambda ion: (-electrons(ion), list(PUBLISHED).index(ion)))


def electrons(ion: str) -> int:
    """Return the number of 3d electrons of the ground state."""
    return NEUTRAL[ion[:-1]] - int(ion[-1])


def complete(record: Record, runs: Path) -> None:
    """Add every run that is complete, ``ION-SEED`` and its ``-oh`` and ``-c4v``, to the record."""
    for folder in runs.glob("*-*"):
        ion, seed, *rest = folder.name.split("-")
        if not rest and (row := judged(folder)) is not None:
            record.setdefault(ion, {})[seed] = row


def judged(run: Path) -> Row | None:
    """Return the numbers of one run, or None where one of its three folders is missing."""
    folders = {"": run, **{s: run.with_name(f"{run.name}-{s}") for s in ("oh", "c4v")}}
    if not all((folder / "metrics.json").exists() for folder in folders.values()):
        return None
    found = {s: json.loads((f / "metrics.json").read_text()) for s, f in folders.items()}
    known, predicted = tested(run)
    each, told = boxed(known, predicted, "spectrum")
    row: Row = {
        "training mse": found[""]["train"]["mse_box"],
        "mse": found[""]["test"]["mse_box"],
        "mse of each": float(np.mean((told - each) ** 2)),
        "mae of each": float(np.mean(np.abs(told - each))),
        "median": found[""]["test"]["spectrum_error"]["median"],
        "largest": 100 * float(spectrum_error(known, predicted).max()),
        "oh largest": 100 * float(spectrum_error(*tested(folders["oh"])).max()),
        "reach": found["c4v"]["analyses"]["error-along"]["reach"],
    }
    for name, metrics in found.items():
        for limit, share in shares(metrics["test"]).items():
            row[f"{name} < {limit:.0f}".strip()] = share
    misfit = found[""]["analyses"]["misfit"]
    lower, upper = (misfit["groups"][edge]["share"] for edge in ("L3", "L2"))
    row |= {"r_MEPD": lower / upper, "branching": misfit.get("branching_ratio")}
    for channel in CHANNELS:
        row |= {f"{channel}, {k}": misfit["channels"][channel][k] for k in ("mean", "std")}
    return row


def tested(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return known and predicted test spectra of a folder of results."""
    group = zarr.open_group(folder / "predictions.zarr", mode="r")
    part, known, predicted = (np.asarray(group[name]) for name in ("part", "known", "predicted"))
    return known[part == "test"], predicted[part == "test"]


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


def accuracy(order: list[str], record: Record) -> str:
    """Return the table of errors on test spectra beside Table 3."""
    lines = [
        "| ion | d | seeds | published MSE (MAE), 320,000 | MSE, 32,000 | each spectrum's box: MSE "
        "(MAE) | median SE | SE < 3 % | < 7 % | ≥ 10 % | largest |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    ]
    for ion in order:
        of, (mse, mae) = Seeds(record[ion]), PUBLISHED[ion]
        cells = [
            name(ion), str(electrons(ion)), str(len(record[ion])), f"{mse:.1e} ({mae:.4f})",
            of.scaled("mse"), f"{of.scaled('mse of each')} ({of('mae of each', '.4f')})",
            f"{of('median', '.2f')} %", f"{of('< 3', '.1f')} %", f"{of('< 7', '.2f')} %",
            f"{of('< 10', '.2f', lambda share: 100 - share)} %", f"{of('largest', '.0f')} %",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def tests(order: list[str], record: Record) -> str:
    """Return the table of the Oh and C4v sets (Fig. 9a, 9d)."""
    lines = [
        "| ion | Oh: SE < 3 % | < 7 % | ≥ 10 %, of 10,000 | largest | C4v: SE < 10 % (r_a) | "
        "95 % under 10 % down to Dq |\n|---|---:|---:|---:|---:|---:|---:|"
    ]
    for ion in order:
        of = Seeds(record[ion])
        reach = of("reach", ".3f")
        cells = [
            name(ion), f"{of('oh < 3', '.1f')} %", f"{of('oh < 7', '.1f')} %",
            of("oh < 10", ".0f", lambda share: 100 * (100 - share)),
            f"{of('oh largest', '.0f')} %", f"{of('c4v < 10', '.1f')} %",
            f"{reach} eV{of.missing('reach')}" if reach else "nowhere",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def misfits(order: list[str], record: Record) -> str:
    """Return the table of the largest misfits and of errors by channel (Figs. 6 to 8)."""
    lines = [
        "| ion | r_MEPD | branching ratio of the mean | "
        + " | ".join(f"{c}: r with mean, std" for c in CHANNELS)
        + " |\n|---|---:|---:|---:|---:|---:|"
    ]
    for ion in order:
        of = Seeds(record[ion])
        cells = [name(ion), of("r_MEPD", ".2f"), of("branching", ".2f")]
        cells += [f"{of(f'{c}, mean', '.2f')}, {of(f'{c}, std', '.2f')}" for c in CHANNELS]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


class Seeds:
    """The numbers of one ion over its seeds, as cells of a table."""

    def __init__(self, rows: dict[str, Row]) -> None:
        self.rows = rows.values()

    def __call__(
        self, key: str, form: str, change: Callable[[float], float] = lambda value: value
    ) -> str:
        """Return mean ± standard deviation of a number, empty where no seed has it."""
        values = [change(value) for row in self.rows if (value := row.get(key)) is not None]
        if not values:
            return ""
        mean = format(np.mean(values), form)
        return mean if len(values) == 1 else f"{mean} ± {np.std(values, ddof=1):{form}}"

    def scaled(self, key: str) -> str:
        """Return mean ± standard deviation of a small number in units of 1e-5."""
        return f"{self(key, '.1f', lambda value: 1e5 * value)} × 10⁻⁵"

    def missing(self, key: str) -> str:
        """Return in how many seeds a number does not exist, in words, empty if in none."""
        count = sum(row.get(key) is None for row in self.rows)
        return f" (nowhere in {count} of {len(self.rows)})" if count else ""


def name(ion: str) -> str:
    """Return the ion as it is written."""
    return f"{ion[:-1].capitalize()}{ion[-1]}+"


if __name__ == "__main__":
    main()
