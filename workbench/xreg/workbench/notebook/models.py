"""A trained model and the spectra that it predicts, as objects that a notebook shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xreg.core.errors import DataError
from xreg.workbench.notebook.tables import Drawing, Table, remark_list

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from xreg.core.data.dataset import Dataset
    from xreg.core.model.model import Model
    from xreg.workbench.predict.average import Over
    from xreg.workbench.predict.predict import Prediction
    from xreg.workbench.predict.samples import NewSamples, Sites

__all__ = ["PredictedSpectra", "TrainedModel"]


@dataclass(frozen=True, eq=False)
class PredictedSpectra:
    """Predicted spectra.

    Attributes
    ----------
    prediction
        Everything that was found.
    read
        The samples as they were read.
    """

    prediction: Prediction
    read: NewSamples

    @property
    def ids(self) -> NDArray[np.str_]:
        """(n,) sample ids."""
        return self.prediction.ids

    @property
    def energy(self) -> NDArray[np.float64]:
        """(m,) energies in eV."""
        if self.prediction.target.energy is None:
            raise DataError("target features have no energies.")
        return self.prediction.target.energy

    @property
    def spectra(self) -> NDArray[np.float64]:
        """(n, m) predicted spectra in the unit of the data (:attr:`unit`)."""
        return self.prediction.mean

    @property
    def spread(self) -> NDArray[np.float64] | None:
        """(n, m) standard deviation, where the emulator has one."""
        return self.prediction.spread

    @property
    def unit(self) -> str:
        """Unit of the intensities."""
        return self.prediction.target.unit

    @property
    def refused(self) -> Mapping[str, str]:
        """Ids of samples that the model can say nothing of, and why."""
        return self.prediction.refused

    @cached_property
    def trust(self) -> Table:
        """How far each spectrum may be trusted, where the model can tell."""
        labels = self.dataset().labels
        rows = [
            {"id": str(name), **{key: values[i].item() for key, values in labels.items()}}
            for i, name in enumerate(self.ids)
        ]
        return Table.of(rows, "Trust")

    def dataset(self) -> Dataset:
        """Return the spectra as a dataset: to be exported, or joined with others."""
        return self.prediction.dataset()

    def average(self, over: Over = "structure") -> Dataset:
        """Return mean spectra of the structures of a file over their sites, or of all of them.

        Channels and errors are those of :func:`xreg.workbench.predict.average.averaged`.
        """
        from xreg.workbench.predict.average import averaged

        return averaged(self.prediction, self.read, over)

    def to_xarray(self) -> Any:
        """Return the spectra as an ``xarray.Dataset``; see ``Dataset.to_xarray``."""
        return self.dataset().to_xarray()

    def save(
        self, path: str | Path, *, to: str = "", settings: Mapping[str, Any] | None = None
    ) -> tuple[str, ...]:
        """Write a .csv, a .zarr or what an exporter writes; return what that cannot hold.

        Parameters
        ----------
        path
            The new file or folder.
        to
            Name of the exporter; the one for files of such a name if not given.
        settings
            Its settings.
        """
        from xreg.workbench.exporting.exports import WriteOptions
        from xreg.workbench.predict.predict import write_prediction

        asked = {"name": to or "auto", **(settings or {})}
        options = WriteOptions.parse({"to": asked}, "predict")
        return write_prediction(Path(path), self.prediction, options)

    def plot(self) -> Drawing:
        """Draw the spectra with their spread."""
        from xreg.workbench.report.spectra import predicted_spectra

        if self.prediction.target.energy is None:
            raise DataError("target features have no energies to plot.")
        found = self.prediction
        return Drawing.of(predicted_spectra, found.ids, found.mean, found.target, found.spread)

    def _repr_html_(self) -> str:
        told = [*self.prediction.remarks, *(f"{k}: {why}" for k, why in self.refused.items())]
        return self.trust._repr_html_() + remark_list(told)


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A model that predicts.

    Attributes
    ----------
    reference
        What it is called: ``name@version``, or a folder.
    model
        The model itself, with everything that plugins and analyses see of it.
    """

    reference: str
    model: Model

    def predict(
        self,
        samples: Any,
        *,
        absorber: str | None = None,
        sites: Sites = "one",
        set_aside: bool = False,
    ) -> PredictedSpectra:
        """Predict spectra of new samples; parameters are those of :func:`xreg.api.predict`.

        Raises
        ------
        SampleError
            If samples cannot be predicted and are not set aside.
        """
        from xreg.workbench.predict.predict import predict
        from xreg.workbench.predict.samples import BadSamplesError, NewSamples, read_samples

        if isinstance(samples, str | Path):
            wanted, path = self.model.needs_labels, Path(samples)
            read = read_samples(path, self.model.domain, absorber, sites=sites, labels=wanted)
        else:
            read = NewSamples(_samples(samples, absorber, self.model.needs_labels))
        read = read.known_to(self.model)
        if read.bad and (not set_aside or not len(read.samples)):
            raise BadSamplesError(read)
        found = predict(self.model, read.samples, read)
        if found.refused and not set_aside:
            rows = {name: row for row, name in enumerate(read.samples.ids.tolist())}
            raise BadSamplesError(read.without({rows[k]: why for k, why in found.refused.items()}))
        # Of samples the id, of frames of a file that are bad as such their place.
        bad = {where.removeprefix("sample '").rstrip("'"): reason for where, reason in read.bad}
        return PredictedSpectra(replace(found, refused={**bad, **found.refused}), read)

    @cached_property
    def about(self) -> Table:
        """What it predicts and knows."""
        target, domain, model = self.model.target, self.model.domain, self.model
        span = ", ".join(target.features)
        if target.energy is not None:
            span = f"{len(target.energy)} energies, {target.energy[0]:g} … {target.energy[-1]:g} eV"
        knows = ", ".join(domain.parameters)
        if domain.kind == "structures":
            from xreg.core.atoms.elements import symbols

            knows = f"{symbols(domain.elements)}, absorber {symbols(domain.absorbers)}"
        rows = {
            "predicts": f"{target.channel} [{target.unit}]: {span}",
            "knows": f"{domain.kind}: {knows}",
            "descriptor": "–" if model.descriptor is None else repr(model.descriptor),
            "emulator": repr(model.emulator),
            **{f"decomposer {k}": repr(d) for k, d in model.decomposers.items()},
        }
        return Table(("", self.reference), tuple(rows.items()))

    def _repr_html_(self) -> str:
        return self.about._repr_html_()


def _samples(given: Any, absorber: str | None, labels: Sequence[str] = ()) -> Any:
    """Return samples of what is no file."""
    from xreg.core.data.dataset import Dataset
    from xreg.core.data.samples import Samples, Structures
    from xreg.workbench.predict.samples import as_column

    if isinstance(given, Dataset | Samples):
        return given.samples if isinstance(given, Dataset) else given
    several = isinstance(given, Iterable) and not hasattr(given, "get_positions")
    frames = list(given) if several else [given]
    if not frames or not all(hasattr(frame, "get_positions") for frame in frames):
        raise DataError("samples are a file, a dataset, samples of one, or ASE atoms.")
    if absorber is not None and not absorber.isdecimal():
        raise DataError(f"the absorber of ASE atoms is an index (from 0), not '{absorber}'.")
    told = {name: as_column([frame.info.get(name) for frame in frames]) for name in labels}
    return Structures.from_atoms(frames, int(absorber or 0)).with_labels(told)
