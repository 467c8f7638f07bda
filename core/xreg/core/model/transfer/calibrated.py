"""A model with a calibration behind it, saved and read as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xreg.core import storage
from xreg.core.arrays import Array
from xreg.core.errors import CorruptError, DataError
from xreg.core.model.model import ClassFinder, Model
from xreg.core.model.target_transforms import TargetTransform
from xreg.core.model.transfer.calibration import Calibration
from xreg.core.model.transfer.correction import Correction
from xreg.core.model.transfer.instrument import Instrument

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CalibratedModel", "calibrated", "model_class"]

KIND, BASE = "calibrated", "base"
PARTS = ("mean", "offset", "components", "slopes")


@dataclass(frozen=True, eq=False)
class CalibratedTransform(TargetTransform):
    """The transform of a model of computed spectra, and the map from these to measured ones.

    Attributes
    ----------
    matrix, constant
        (m, m) and (m,) the affine map of spectra.
    """

    matrix: Array
    constant: Array

    def transform(self, values: ArrayLike) -> Array:
        """Refuse: broadened spectra tell no emulator what was broadened."""
        raise DataError(
            "a calibrated model takes no spectra back to what its emulator learned; use the model "
            "before calibration."
        )

    def inverse_transform(self, values: ArrayLike) -> Array:
        """Return the (n, m) spectra of what an emulator predicts, as they would be measured."""
        return super().inverse_transform(values) @ self.matrix.T + self.constant

    def inverse_transform_std(self, std: NDArray[np.floating], mean: NDArray[np.floating]) -> Array:
        """Return (n, m) standard deviations, as though all energies of a spectrum erred alike."""
        return super().inverse_transform_std(std, mean) @ np.abs(self.matrix).T

    def torch_inverse(self) -> Callable[[Tensor], Tensor]:
        """Return :meth:`inverse_transform` as a differentiable function, in double precision."""
        import torch

        before = super().torch_inverse()
        matrix, constant = torch.as_tensor(self.matrix.T), torch.as_tensor(self.constant)
        return lambda values: before(values) @ matrix + constant


@dataclass(eq=False)
class CalibratedModel(Model):
    """A model whose predictions are those of another, calibrated; see :func:`calibrated`.

    Attributes
    ----------
    base
        The model of computed spectra, as it was.
    calibration
        What is done to its predictions.
    """

    base: Model = None  # type: ignore[assignment]  # behind fields with defaults; always given
    calibration: Calibration = None  # type: ignore[assignment]

    def changes(self) -> list[str]:
        """Return, a sentence each, which code is not that which trained the model."""
        return self.base.changes()

    def save(self, folder: str | Path) -> None:
        """Write calibration and model into a new folder, the model as it was below ``base``."""
        folder, calibration = Path(folder), self.calibration
        self.base.save(folder / BASE)
        one, correction = calibration.instrument, calibration.correction
        storage.write(
            folder,
            {
                "kind": KIND,
                "base": storage.digest((folder / BASE / storage.META).read_bytes()),
                "instrument": vars(one),
                "unit": self.target.unit,
                "facts": dict(calibration.facts),
            },
            {} if correction is None else {name: getattr(correction, name) for name in PARTS},
        )

    @staticmethod
    def steps_in(folder: Path) -> list[tuple[str, str, str]]:
        """Return place, kind and name of each component of a saved model; none is imported."""
        found = Model.steps_in(folder / BASE)
        return [(f"{BASE}/{place}", kind, name) for place, kind, name in found]

    @classmethod
    def load(cls, folder: str | Path, find: ClassFinder) -> Self:
        """Read a saved model; see :meth:`xreg.core.model.model.Model.load`."""
        folder = Path(folder)
        meta, arrays = storage.read(folder)
        try:
            saved = SavedCalibration.model_validate(meta)
        except ValidationError as error:
            item = error.errors()[0]
            where = ".".join(map(str, item["loc"]))
            raise CorruptError(
                f"model {folder}: '{where}': {item['msg']}; the file is damaged."
            ) from None
        if storage.digest((folder / BASE / storage.META).read_bytes()) != saved.base:
            raise CorruptError(f"{folder / BASE} does not belong to this calibration.")
        base = Model.load(folder / BASE, find)
        instrument = Instrument(**saved.instrument.model_dump())
        correction = None
        if arrays:
            correction = _correction(arrays, len(base.target.grid), folder)
        found = calibrated(base, Calibration(instrument, correction, saved.facts), saved.unit)
        assert isinstance(found, cls)
        return found


def calibrated(model: Model, calibration: Calibration, unit: str) -> CalibratedModel:
    """Return a model whose predictions are calibrated.

    Its trust is not kept: it was learned from errors against computed spectra. Nor are decomposers,
    which speak of what the emulator learned.

    Parameters
    ----------
    model
        A model of spectra.
    calibration
        What was learned of the measured ones.
    unit
        Unit of these.

    Raises
    ------
    DataError
        If it predicts target features, which have no energies.
    """
    matrix, constant = calibration.affine(model.target.grid)
    return CalibratedModel(
        model.emulator,
        model.inputs,
        {},
        replace(model.preprocessing, targets="none"),
        replace(model.target, unit=unit),
        CalibratedTransform(model.target_scaler.scaler, matrix, constant),
        model.domain,
        model.novelty,
        trained_by=model.trained_by,
        base=model,
        calibration=calibration,
    )


def model_class(folder: Path) -> type[Model]:
    """Return the class that reads a saved model."""
    return CalibratedModel if storage.read_meta(folder).get("kind") == KIND else Model


class SavedInstrument(BaseModel):
    """Shift, broadening and scale."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    shift: float
    broadening: float = Field(ge=0)
    scale: float


class SavedCalibration(BaseModel):
    """``component.json`` of a calibrated model."""

    model_config = ConfigDict(extra="forbid")

    format: int
    kind: Literal["calibrated"]
    arrays: str = ""
    base: str
    instrument: SavedInstrument
    unit: str
    facts: dict[str, Any]


def _correction(arrays: dict[str, NDArray[Any]], width: int, folder: Path) -> Correction:
    shapes = {name: array.shape for name, array in arrays.items()}
    count = shapes.get("components", (0,))[0]
    wanted = {
        "mean": (width,), "offset": (width,), "components": (count, width), "slopes": (count, width)
    }  # fmt: skip
    finite = all(np.isfinite(array).all() for array in arrays.values())
    if shapes != wanted or not finite:
        raise CorruptError(
            f"model {folder}: its correction does not fit {width} energies; the file is damaged."
        )
    return Correction(**{name: np.asarray(arrays[name], np.float64) for name in PARTS})
