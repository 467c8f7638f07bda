"""The generator ``quanty``: the same spectra by Quanty, or those of a template of your own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import ClassVar

import numpy as np

from xreg.core.arrays import Array
from xreg.core.data.samples import Parameters, ParameterSet, Samples
from xreg.core.data.spaces import Parameter, ParameterSpace, check_units
from xreg.core.data.spectra import LineList, Spectrum
from xreg.core.errors import ConfigError, RunError, SampleError, XregError
from xreg.core.interfaces import SpectrumGenerator
from xreg.core.ions.broadening import Grid, Lines, broaden
from xreg.core.ions.model import PARAMETERS, checked, ion_named, spaces
from xreg.core.ions.window import window
from xreg.plugins.quanty.plugin import QUANTY, QuantyConfig
from xreg.plugins.quanty.program import CONFINED, quanty_version, run_quanty

__all__ = ["Quanty"]

WIDTHS = ("sigma", "gamma1", "gamma2")
OWN = Path(__file__).parent / "quanty.lua"
STICKS = "sticks.dat"
# Share of the strengths along x, y and z that each channel sees.
AXES = {
    "xas": np.full(3, 1 / 3),
    "xas_x": np.array([1.0, 0.0, 0.0]),
    "xas_y": np.array([0.0, 1.0, 0.0]),
    "xas_z": np.array([0.0, 0.0, 1.0]),
}
HEADER_LINES = 5


class Quanty(SpectrumGenerator[QuantyConfig]):
    """L2,3 absorption computed by Quanty.

    xreg's own template is the model of the generator ``multiplet``, with the same parameters,
    energies and units. A template of yours is a Lua script for Quanty in which ``${name}`` stands
    for

    - every column of the parameter table and every entry of the setting ``values``;
    - the ion: ``electrons``, ``F2dd_i``, ``F4dd_i``, ``zeta3d_i``, ``F2dd_f``, ``F4dd_f``,
      ``F2pd_f``, ``G1pd_f``, ``G3pd_f``, ``zeta3d_f``, ``zeta2p_f``;
    - the energies: ``first``, ``last`` and ``steps`` for ``Emin``, ``Emax`` and ``NE``, and
      ``border``, where L2 begins, all as E_f − E_i.

    It writes either ``sticks.dat`` (energy E_f − E_i, strengths along x, y and z in each line, and
    last ``end`` and their number), which xreg broadens by ``sigma``, ``gamma1`` and ``gamma2``, or
    finished spectra ``xas.spec``, … by ``G.Print``.
    """

    name: ClassVar[str] = "quanty"
    Config = QuantyConfig
    accepts: ClassVar[type[Samples]] = Parameters
    # Quanty begins with random vectors, seeded by the second: spectra repeat to about 1e-13.
    deterministic: ClassVar[bool] = False

    def grids(self) -> dict[str, Array]:
        """Return the energies of each channel, (m,) in eV."""
        return {channel: window(self.config).energies for channel in self.config.channels}

    def channel_units(self) -> dict[str, str]:
        """Return the squared radial integral per eV; a template of yours has units of its own."""
        if self.config.template:
            return {}
        return {channel: "⟨2p|r|3d⟩²/eV" for channel in self.config.channels}

    def parameters(self) -> Mapping[str, Parameter]:
        """Return the model's parameters; those of a template of yours are not known."""
        return {} if self.config.template else PARAMETERS

    def spaces(self) -> Mapping[str, ParameterSpace]:
        """Return the published space, ``oh`` and ``c4v`` of xreg's own template."""
        return {} if self.config.template else spaces()

    def generate(self, sample: ParameterSet) -> Spectrum:
        """Compute one spectrum in a scratch folder of its own.

        Raises
        ------
        SampleError
            If a parameter is bad, or Quanty fails, takes too long or leaves unfinished output.
        ConfigError
            If the template has a name that nothing gives a value.
        MissingRequirementError
            If there is no Quanty.
        """
        with self._run(sample) as folder:
            if (folder / STICKS).exists():
                return self._broadened(_read_sticks(folder / STICKS), sample)
            return Spectrum({c: self._finished(folder, c) for c in self.config.channels})

    def sticks(self, sample: ParameterSet) -> LineList | None:
        """Return the transitions that :meth:`generate` broadens; None for finished spectra."""
        with self._run(sample) as folder:
            if not (folder / STICKS).exists():
                return None
            table = _read_sticks(folder / STICKS)
        table = table[np.argsort(table[:, 0], kind="stable")]
        table = table[table[:, 1:].any(axis=1)]
        strength = {str(c): table[:, 1:] @ AXES[c] for c in self.config.channels}
        return LineList(table[:, 0] + ion_named(self.config.ion).origin, strength)

    @contextmanager
    def _run(self, sample: ParameterSet) -> Iterator[Path]:
        """Run Quanty for a sample and yield the folder with its output, which is deleted then."""
        program, script = QUANTY.require(), self._script(sample)
        with tempfile.TemporaryDirectory(prefix="xreg-quanty-") as name:
            try:
                run_quanty(program, {"input.lua": script}, Path(name), self.config.time_limit)
                yield Path(name)
            except RunError as error:
                raise SampleError(f"sample '{sample.id}': {error}.") from None

    def generate_many(self, samples: Samples) -> list[Spectrum | XregError]:
        """Compute many spectra, one after another; a failed one gives its error in its place.

        Raises
        ------
        ConfigError
            If the table or the template is refused as a whole; see :meth:`check`.
        """
        self.check(samples)
        return super().generate_many(samples)

    def check(self, samples: Samples) -> None:
        """Refuse other units than the model's, and a template that does not fit the table.

        Raises
        ------
        ConfigError
            If a parameter has another unit, or a name of the template has no value or several.
        """
        assert isinstance(samples, Parameters)
        if not self.config.template:
            return super().check(samples)
        self._template(samples.names)
        widths = {name: PARAMETERS[name] for name in WIDTHS}
        return check_units(samples, widths, f"generator '{self.name}'")

    def version(self) -> str:
        """Return ``Quanty`` and its version."""
        return f"Quanty {quanty_version(QUANTY.require())}"

    # Input -------------------------------------------------------------------------------------

    def _script(self, sample: ParameterSet) -> str:
        names = tuple(sample.values) if self.config.template else tuple(PARAMETERS)
        values = dict(zip(names, checked(sample, names).tolist(), strict=True)) | self.config.values
        texts = {name: repr(value) for name, value in values.items()} | self._constants()
        return CONFINED + self._template(tuple(sample.values)).substitute(texts)

    def _template(self, columns: Sequence[str]) -> Template:
        """Return the template, checked against the columns of the samples where it is a user's."""
        if not self.config.template:
            return Template(OWN.read_text(encoding="utf-8"))
        template = Template(self.config.template)
        if not template.is_valid():
            raise ConfigError("the template has a '$' that begins no ${name}; write $$.")
        wanted = template.get_identifiers()
        constants, values = self._constants(), self.config.values
        for name in columns:
            if name in constants or name in values:
                raise ConfigError(f"'{name}' is a column of the samples and given elsewhere too.")
            if name not in wanted and name not in WIDTHS:
                raise ConfigError(f"the template does not use the parameter '{name}'.")
        for name in values:
            if name in constants or name not in wanted:
                raise ConfigError(f"'values' gives '{name}', which the template does not ask for.")
        if missing := sorted({*wanted} - {*columns} - {*values} - {*constants}):
            raise ConfigError(
                f"the template asks for ${{{missing[0]}}} and nothing gives it a value; add a "
                "column or an entry of 'values' of that name."
            )
        return template

    def _constants(self) -> dict[str, str]:
        ion, grid = ion_named(self.config.ion), window(self.config)
        return {
            "electrons": str(ion.electrons),
            **{f"{name}_i": repr(value) for name, value in ion.initial.items()},
            **{f"{name}_f": repr(value) for name, value in ion.final.items()},
            "first": repr(grid.start - ion.origin),
            "last": repr(grid.stop - ion.origin),
            "steps": str(grid.count - 1),
            "border": repr(ion.border - ion.origin),
        }

    # Output ------------------------------------------------------------------------------------

    def _broadened(self, sticks: Array, sample: ParameterSet) -> Spectrum:
        if missing := [name for name in WIDTHS if name not in sample.values]:
            raise SampleError(
                f"sample '{sample.id}' lacks '{missing[0]}', by which its sticks are broadened."
            )
        ion = ion_named(self.config.ion)
        widths = {name: np.array([sample.values[name]]) for name in WIDTHS}
        energy = sticks[None, :, 0] + ion.origin
        return Spectrum(
            {
                c: broaden(
                    np,
                    Lines(energy, (sticks[:, 1:] @ AXES[c])[None], ion.border),
                    window(self.config),
                    widths,
                )[0]
                for c in self.config.channels
            }
        )

    def _finished(self, folder: Path, channel: str) -> Array:
        """Read a spectrum that the template finished itself."""
        file = folder / f"{channel}.spec"
        if not file.exists():
            raise RunError(f"Quanty wrote neither {STICKS} nor {file.name}")
        grid: Grid = window(self.config)
        table = _numbers(file.read_text().splitlines()[HEADER_LINES:], 3, file.name)
        origin = ion_named(self.config.ion).origin
        if len(table) != grid.count:
            raise RunError(f"{file.name} has {len(table)} of {grid.count} energies")
        if not np.allclose(table[:, 0] + origin, grid.energies, rtol=0, atol=1e-6):
            raise RunError(f"{file.name} is not on the energies ${{first}} … ${{last}}")
        return -table[:, 2] / np.pi


def _read_sticks(file: Path) -> Array:
    lines = file.read_text().splitlines()
    if not lines or lines[-1] != f"end {len(lines) - 1}" or len(lines) < 2:
        raise RunError(f"{file.name} is truncated: its last line does not tell its length")
    return _numbers(lines[:-1], 4, file.name)


def _numbers(lines: list[str], columns: int, name: str) -> Array:
    try:
        table = np.array([line.split() for line in lines], dtype=np.float64)
    except ValueError:
        raise RunError(f"{name} holds a line without {columns} numbers") from None
    if table.ndim != 2 or table.shape[1] != columns or not np.isfinite(table).all():
        raise RunError(f"{name} does not hold {columns} finite numbers in each line")
    return table
