"""Draw what the columns of ``wacsf`` ask, after Fig. 2 of the paper on XANESNET.

C. D. Rankine and T. J. Penfold, J. Chem. Phys. 156, 164102 (2022). Nothing is drawn from formulas:
one hydrogen (Z = 1) moves away from the site, or round it with another half an ångström away, and
the descriptor says what its columns are.

Usage::

    python examples/papers/wacsf_functions.py wacsf.png
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from xreg.core.analysis import style
from xreg.core.data.samples import Structures
from xreg.plugins.wacsf.wacsf import WACSF

DISTANCES = np.linspace(0.3, 6.0, 200)  # Å
ANGLES = np.linspace(0, 180, 181)
SHOWN = 8  # radial functions
BESIDE = 0.5  # Å, of both hydrogens whose angle changes: what their own distance does hardly shows


def columns(frames: list[Atoms], **settings: Any) -> tuple[NDArray[np.float64], list[Any]]:
    """Return the features of the first atom of each frame, and what they mean."""
    samples = Structures.from_atoms(frames, 0, [str(i) for i in range(len(frames))])
    descriptor = WACSF(**settings).fit(samples)
    return descriptor.transform(samples), list(descriptor.feature_labels)


def radial(placing: str) -> NDArray[np.float64]:
    """Return the G2 of one neighbour at every distance."""
    frames = [Atoms("FeH", [(0, 0, 0), (0, 0, r)]) for r in DISTANCES]
    features, labels = columns(frames, radial=placing, radial_count=SHOWN, angular_count=0)
    return features[:, [label.name.startswith("G2") for label in labels]]


def angular(sign: int, zeta: float) -> NDArray[np.float64]:
    """Return one G4 of two neighbours at every angle, in shares of its largest."""
    frames = [
        Atoms("FeH2", BESIDE * np.array([(0, 0, 0), (0, 0, 1), (np.sin(a), 0, np.cos(a))]))
        for a in np.radians(ANGLES[1:])  # at 0° both would stand in one place
    ]
    wide = {"angular_first": 5.0, "angular_last": 5.5}  # hardly any radial part
    asked = {"angular_lambda": (sign,), "angular_zeta": (zeta,), **wide}
    features, labels = columns(frames, radial_count=0, angular_count=1, **asked)
    (place,) = np.flatnonzero([label.name.startswith("G4") for label in labels])
    return features[:, place] / features[:, place].max()


def main(out: str) -> None:
    """Draw the three panels."""
    with style.styled():
        figure = style.new_figure(5.6, 5.0)
        panels = figure.subplots(3, 1)
        for axis, placing in zip(panels, ("centred", "shifted"), strict=False):
            for i, curve in enumerate(radial(placing).T):
                axis.plot(DISTANCES, curve, color=style.TRUE, alpha=1 - 0.8 * i / SHOWN)
            axis.set_title(f"G2, {placing}")
            axis.set_xlabel("distance (Å)")
        for i, zeta in enumerate((1.0, 2.0, 4.0, 8.0)):
            for sign, dashes in ((1, "-"), (-1, "--")):
                panels[2].plot(
                    ANGLES[1:],
                    angular(sign, zeta),
                    dashes,
                    color=style.PREDICTED,
                    alpha=1 - 0.2 * i,
                )
        panels[2].set_title("G4, λ = 1 (solid) and −1 (dashed), ζ = 1, 2, 4, 8")
        panels[2].set_xlabel("angle (°)")
        style.panel_letters(panels)
        figure.savefig(out, dpi=120)


if __name__ == "__main__":
    main(sys.argv[1])
