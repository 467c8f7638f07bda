"""How often the intervals of ``xreg explain`` hold what is true: groups left out, another engine.

Models of FEFF's spectra of iron compounds are asked about FEFF's own spectra of groups that were
left out, and about those that FDMNES computed of the same sites, the stand-in for experiment::

    python benchmarks/explain.py [--group trajectory|compound]
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from xreg.registry.datasets import open_dataset
from xreg.workbench.explain.learn import LEVELS, STRANGE, between_groups, learn, mismatch_of
from xreg.workbench.explain.quantities import Quantity, quantities
from xreg.workbench.match.library import Comparison, Library

ENGINES = ("feff", "fdmnes")
LEAVE = ("temperature", "time", "fermi_energy", "core_energy")


def main(
    group: str, folds: int, shift: float, broadening: float, noise: float, account: bool
) -> None:
    dataset = open_dataset("fe-k")
    library = Library.of(dataset, "xanes", "", group)
    asked, _ = quantities(dataset, None, LEAVE)
    engine = dataset.label("engine")
    names = np.random.default_rng(0).permutation(np.unique(library.groups[engine == "feff"]))
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ENGINES}
    for held in np.array_split(names, folds):
        known = np.flatnonzero((engine == "feff") & ~np.isin(library.groups, held))
        part = Library(
            library.ids[known], library.energy, library.intensity[known], None,
            np.unique(library.groups[known], return_inverse=True)[1],
        )  # fmt: skip
        compared = Comparison.between(
            part, library.energy, (library.energy[0] + 3, library.energy[-1] - 3),
            shift=(-shift, shift), broadening=broadening, scale=True, offset=True,
        )  # fmt: skip
        here = [Quantity(one.name, one.unit, one.values[known]) for one in asked]
        apart = between_groups(compared, part.groups, noise)
        for kind in ENGINES:
            new = np.flatnonzero((engine == kind) & np.isin(library.groups, held))
            if not len(new):
                continue
            mismatch = mismatch_of(compared, library.intensity[new], apart) if account else 0.0
            explainer = learn(compared, here, part.groups, apart, noise=noise, mismatch=mismatch)
            answers, misfit, _, _ = explainer.explain(library.intensity[new])
            strange = explainer.strangeness(misfit)
            for one, answer, judged in zip(asked, answers, explainer.judged, strict=True):
                rows[kind].append({
                    "name": one.name, "true": one.values[new], "value": answer.value,
                    "inside": (answer.low <= one.values[new]) & (one.values[new] <= answer.high),
                    "half": (answer.high - answer.low) / 2, "strange": strange, "judged": judged,
                    "null": np.abs(np.median(one.values[known])
                                   - one.values[new]),
                })  # fmt: skip
    for kind in ENGINES:
        print(f"\n{kind}, groups of '{group}' left out\n")
        print("| quantity | spectra | refused | median error | of the median | within 68 % | "
              "95 % | half width of 68 % |")  # fmt: skip
        print("|---|---:|---:|---:|---:|---:|---:|---:|")
        for one in asked:
            every = [row for row in rows[kind] if row["name"] == one.name]
            told = np.concatenate([
                (row["strange"] < STRANGE) & row["judged"].known for row in every
            ])  # fmt: skip

            def cat(key: str, every: list[dict[str, Any]] = every) -> Any:
                return np.concatenate([row[key] for row in every], axis=-1)

            error = np.abs(cat("value") - cat("true"))
            cells = ["–"] * 5
            if told.any():
                cells = [
                    f"{np.median(error[told]):.3g} {one.unit}",
                    f"{np.median(cat('null')[told]):.3g}",
                    *(f"{cat('inside')[i][told].mean():.0%}" for i in range(len(LEVELS))),
                    f"{np.median(cat('half')[0][told]):.3g}",
                ]  # fmt: skip
            print(
                f"| {one.name} | {len(told)} | {1 - told.mean():.0%} | " + " | ".join(cells) + " |"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--group", default="trajectory")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--shift", type=float, default=1.0)
    parser.add_argument("--broadening", type=float, default=2.0)
    parser.add_argument("--noise", type=float, default=0.005)
    parser.add_argument("--plain", dest="account", action="store_false")
    main(**vars(parser.parse_args()))
