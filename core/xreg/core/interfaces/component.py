"""What every method shares: validated settings, scikit-learn's protocol, and safe saving."""

from __future__ import annotations

import logging
from abc import ABC
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, cast

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypeVar

from xreg.core import storage
from xreg.core.config import Config as BaseConfig
from xreg.core.errors import CorruptError, DataError, NotFittedError
from xreg.core.source import source_hash

__all__ = ["Component", "ConfigT"]

log = logging.getLogger("xreg.run")

ConfigT = TypeVar("ConfigT", bound=BaseConfig, default=Any)

State = tuple[dict[str, Any], dict[str, NDArray[Any]]]


class Component(ABC, Generic[ConfigT]):
    """Validated settings, scikit-learn's parameter protocol, and safe saving.

    Parameters
    ----------
    config
        Settings as an instance of ``Config``; or give them one by one as keywords.

    Raises
    ------
    ConfigError
        If a setting is unknown or out of bounds.
    """

    kind: ClassVar[str]
    name: ClassVar[str]
    Config: ClassVar[type[BaseConfig]]

    #: Hash of the code that trained it, where it was read from disk; empty where that is not known.
    trained_by: str | None = None

    def __init__(self, config: BaseConfig | None = None, /, **settings: Any) -> None:
        given = {} if config is None else dict(config)
        self.config = self._parse({**given, **settings})

    def _parse(self, settings: dict[str, Any]) -> ConfigT:
        return cast("ConfigT", self.Config.parse(settings, f"{self.kind} {self.name}"))

    # scikit-learn's protocol -------------------------------------------------------------------

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings by name."""
        return dict(self.config)

    def set_params(self, **settings: Any) -> Self:
        """Change settings; the whole set is validated again."""
        self.config = self._parse({**dict(self.config), **settings})
        return self

    def __sklearn_clone__(self) -> Self:
        # Validation copies values, so scikit-learn's identity check of parameters cannot hold.
        return type(self)(self.config)

    def __sklearn_is_fitted__(self) -> bool:
        return any(key.endswith("_") and not key.startswith("_") for key in vars(self))

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags

        return Tags(
            estimator_type=None, target_tags=TargetTags(required=False), input_tags=InputTags()
        )

    def __repr__(self) -> str:
        changed = {
            key: value
            for key, value in dict(self.config).items()
            if value != type(self.config).model_fields[key].default
        }
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in changed.items())})"

    def require_fitted(self) -> None:
        """Raise :class:`NotFittedError` unless ``fit`` has been called."""
        if not self.__sklearn_is_fitted__():
            raise NotFittedError(f"{self.kind} '{self.name}' must be fitted before it is used.")

    def __getstate__(self) -> dict[str, Any]:
        own = type(self)
        # Cached properties are computed from the rest, and may hold what no pickle takes.
        return {
            key: value
            for key, value in vars(self).items()
            if not isinstance(getattr(own, key, None), cached_property)
        }

    def _forget_computed(self) -> None:
        """Drop the cached properties, which come from what was learned before."""
        self.__dict__ = self.__getstate__()

    @property
    def code(self) -> str:
        """Hash of the code that it was trained by (:func:`xreg.core.source.source_hash`)."""
        return source_hash(type(self)) if self.trained_by is None else self.trained_by

    # Saving ------------------------------------------------------------------------------------

    def state(self) -> State:
        """Return what ``fit`` learned: JSON values and arrays, by name.

        The default serves methods whose fitted attributes (``name_``) are arrays or JSON values.
        """
        values: dict[str, Any] = {}
        arrays: dict[str, NDArray[Any]] = {}
        for key, value in vars(self).items():
            if key.endswith("_") and not key.startswith("_"):
                (arrays if isinstance(value, np.ndarray) else values)[key] = value
        return values, arrays

    def restore(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what :meth:`state` returned.

        Raises
        ------
        CorruptError
            If a name is none of a fitted attribute: a file replaces no method.
        """
        self._forget_computed()
        for key, value in {**values, **arrays}.items():
            if not (key.isidentifier() and key.endswith("_") and not key.startswith("_")):
                raise CorruptError(
                    f"the saved {self.kind} '{self.name}' holds '{key}', which is no fitted "
                    "attribute; the file is damaged."
                )
            setattr(self, key, value)

    def save(self, folder: str | Path) -> None:
        """Write settings (JSON) and learned arrays (safetensors) into a new folder."""
        values, arrays = self.state()
        storage.write(
            Path(folder),
            {
                "kind": self.kind,
                "name": self.name,
                "config": self.config.model_dump(mode="json", exclude=self.config.of_machine()),
                "state": values,
                "code": self.code,
            },
            arrays,
        )

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        CorruptError
            If a byte of it changed, or it holds another component.
        """
        meta, arrays = storage.read(Path(folder))
        if (meta.get("kind"), meta.get("name")) != (cls.kind, cls.name):
            raise DataError(
                f"{folder} holds {meta.get('kind')} '{meta.get('name')}', not {cls.kind} "
                f"'{cls.name}'."
            )
        config, state = meta.get("config"), meta.get("state")
        if not isinstance(config, dict) or not isinstance(state, dict):
            raise CorruptError(f"{folder} lacks its settings or state; the file is damaged.")
        with storage.reading(f"{cls.kind} '{cls.name}' in {folder}"):
            settings = cls._present(config, folder)
            component = cls(cls.Config.parse(settings, f"{cls.kind} {cls.name}"))
            component.restore(state, arrays)
        component.trained_by = str(meta.get("code", ""))
        return component

    @classmethod
    def _present(cls, saved: Mapping[str, Any], folder: str | Path) -> dict[str, Any]:
        """Return saved settings without those that were removed and made no difference."""
        settings = dict(saved)
        for name in sorted(set(saved) - set(cls.Config.model_fields) - set(cls.Config.renamed)):
            if name not in cls.Config.removed or saved[name] != cls.Config.removed[name]:
                raise DataError(
                    f"{folder}: {cls.kind} '{cls.name}' was saved with '{name}: {saved[name]}', a "
                    "setting that the plugin installed here does not have; install the version "
                    "that wrote it, or train the model again."
                )
            log.info("%s: the setting '%s' is no more, and made no difference", cls.name, name)
            del settings[name]
        return settings
