"""What all four suites check: settings, declaration, scikit-learn's protocol, saving."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from xreg.core.config import Config
from xreg.core.errors import ConfigError, CorruptError, DataError, XregError
from xreg.core.hooks import ENTRY_POINT_GROUP, HEAVY, ComponentSpec
from xreg.core.interfaces import Component
from xreg.core.settings_in_words import unbounded

__all__ = [
    "ComponentSuite",
    "close",
    "disturb",
    "offered",
    "refuses",
    "same",
    "untouched",
]


class ComponentSuite:
    """Checks that hold for every kind of component.

    Attributes
    ----------
    component
        The class under test.
    settings
        Settings to test it with; choose cheap ones.
    plugin
        Module that declares the component, where it is not installed as an entry point.
    waive
        Name of a check (without ``test_``) -> why it cannot hold for this method.
    """

    component: ClassVar[type[Component]]
    settings: ClassVar[Mapping[str, Any]] = {}
    plugin: ClassVar[str] = ""
    waive: ClassVar[Mapping[str, str]] = {}

    # What a suite fills in ---------------------------------------------------------------------

    def build(self) -> Any:
        """Return a new component with the settings under test."""
        return self.component(**self.settings)

    def fitted(self) -> Any:
        """Return a component that is ready for use."""
        return self.build()

    def output(self, component: Any) -> NDArray[np.float64]:
        """Return the numbers by which two components count as equal."""
        return np.zeros(0)

    # Waivers -----------------------------------------------------------------------------------

    @pytest.fixture(autouse=True)
    def _waived(self, request: pytest.FixtureRequest) -> None:
        reason = self.waive.get(request.function.__name__.removeprefix("test_"))
        if reason is not None and request.function.__name__ != "test_waivers":
            pytest.skip(f"waived: {reason}")

    def test_waivers(self) -> None:
        """Every waived check exists and has a reason."""
        checks = {name[5:] for name in dir(self) if name.startswith("test_")} - {"waivers"}
        unknown = sorted(set(self.waive) - checks)
        assert not unknown, f"no such check: {unknown}; there are {sorted(checks)}"
        assert all(reason.strip() for reason in self.waive.values()), "a waiver needs a reason"

    # Declaration and settings ------------------------------------------------------------------

    def _declared(self) -> tuple[str, ComponentSpec]:
        """Return the module that declares the component, and its declaration."""
        import importlib

        points = [p.module for p in entry_points(group=ENTRY_POINT_GROUP)]
        for module in [self.plugin] if self.plugin else points:
            try:
                loaded = importlib.import_module(module)
                specs = loaded.xreg_components() if hasattr(loaded, "xreg_components") else []
            except Exception:
                if self.plugin:
                    raise
                continue  # somebody else's broken plugin
            for spec in specs:
                if (spec.kind, spec.name) == (self.component.kind, self.component.name):
                    return module, spec
        raise AssertionError(
            f"no installed plugin declares {self.component.kind} '{self.component.name}': add an "
            f"entry point in group '{ENTRY_POINT_GROUP}' and a ComponentSpec"
        )

    def test_declaration(self) -> None:
        """The plugin declares this very class, with its settings and a summary."""
        _, spec = self._declared()
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", spec.name)
        assert spec.config is self.component.Config
        assert spec.load() is self.component
        assert spec.summary.strip(), "a summary of one line is what lists show"

    def test_light_declaration(self) -> None:
        """Importing the declaration imports no heavy package (lists must be fast)."""
        module, _ = self._declared()
        probe = f"import sys, {module}; print(*(set({HEAVY!r}) & set(sys.modules)))"
        done = subprocess.run(
            [sys.executable, "-c", probe], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert not done.stdout.split(), f"{module} imports {done.stdout.split()}"

    def test_settings_documented(self) -> None:
        """Every setting has a description and a bound or a choice."""
        config = self.component.Config
        assert issubclass(config, Config)
        assert config.model_config.get("extra") == "forbid"
        assert config.model_config.get("frozen")
        silent = [row.name for row in config.table() if not row.description.strip()]
        assert not silent, f"settings without a description: {silent}"
        free = unbounded(config)
        assert not free, f"settings without a bound or a choice: {free}"

    def test_config_round_trip(self) -> None:
        """Settings survive JSON, and defaults obey their own bounds."""
        config = self.build().config
        again = type(config).parse(json.loads(config.model_dump_json()), "round trip")
        assert again == config
        assert type(config).parse(config.model_dump(), "round trip") == config
        json.dumps(type(config).model_json_schema())

    def test_unknown_setting(self) -> None:
        """A misspelt setting is refused by name, at construction and by ``set_params``."""
        with refuses(ConfigError, "no_such_setting"):
            self.component(**{**self.settings, "no_such_setting": 1})
        with refuses(ConfigError, "no_such_setting"):
            self.build().set_params(no_such_setting=1)

    def test_bounds(self) -> None:
        """A number beyond its bound is refused; the message names the setting."""
        for name, value in _beyond(self.component.Config):
            with refuses(ConfigError, name):
                self.component(**{**self.settings, name: value})

    # scikit-learn's protocol -------------------------------------------------------------------

    def test_params(self) -> None:
        """``get_params`` gives the settings, ``set_params`` takes them and returns self."""
        component = self.build()
        params = component.get_params()
        assert set(params) == set(self.component.Config.model_fields)
        assert component.set_params(**params) is component
        assert component.get_params() == params
        assert self.component(**params).get_params() == params

    def test_clone(self) -> None:
        """scikit-learn's ``clone`` gives an unfitted component with equal settings."""
        from sklearn.base import clone

        component = self.fitted()
        copy = clone(component)
        assert type(copy) is type(component)
        assert copy is not component
        assert copy.get_params() == component.get_params()
        assert not copy.__sklearn_is_fitted__()
        assert copy.__sklearn_tags__() == component.__sklearn_tags__()

    def test_repr(self) -> None:
        """The text of a component names its class."""
        assert repr(self.build()).startswith(self.component.__name__)

    # Copies ------------------------------------------------------------------------------------

    def test_pickle(self) -> None:
        """A component survives the road to another process."""
        component = self.fitted()
        copy = pickle.loads(pickle.dumps(component))
        assert copy.get_params() == component.get_params()
        same(self.output(copy), self.output(component))

    def test_save_load(self, tmp_path: Path) -> None:
        """What was saved gives the same numbers when loaded; saving it again the same bytes."""
        component = self.fitted()
        component.save(tmp_path / "a")
        loaded = self.component.load(tmp_path / "a")
        assert loaded.get_params() == component.get_params()
        same(self.output(loaded), self.output(component))
        loaded.save(tmp_path / "b")
        for file in _files(tmp_path / "a"):
            assert file.suffix in {".json", ".safetensors"}, "only JSON and safetensors are safe"
            assert (tmp_path / "b" / file.name).read_bytes() == file.read_bytes(), file.name

    def test_changed_byte(self, tmp_path: Path) -> None:
        """A changed byte or a missing file in what was saved is noticed."""
        self.fitted().save(tmp_path / "a")
        for file in _files(tmp_path / "a"):
            whole = file.read_bytes()
            for at in {len(whole) // 4, len(whole) // 2, len(whole) - 3}:
                file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
                with refuses(CorruptError):
                    self.component.load(tmp_path / "a")
            file.unlink()
            with refuses(CorruptError):
                self.component.load(tmp_path / "a")
            file.write_bytes(whole)
        self.component.load(tmp_path / "a")


@contextmanager
def refuses(kind: type[XregError], *words: str) -> Iterator[None]:
    """Check that the block raises ``kind`` with a one-line message that holds all ``words``."""
    with pytest.raises(kind) as caught:
        yield
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) > 20, f"the message should say what failed and what to do: {message!r}"
    for word in words:
        assert word in message, f"{word!r} is not named in: {message}"


def offered(call: Callable[[], Any], name: str) -> Any:
    """Return what an optional ability gives, or None where it is refused in words."""
    try:
        return call()
    except DataError as error:
        message = str(error)
    assert name in message, f"the refusal does not name {name!r}: {message}"
    return None


def same(got: Any, want: Any) -> None:
    """Check that two arrays are equal bit by bit."""
    np.testing.assert_array_equal(np.asarray(got), np.asarray(want))


def close(got: Any, want: Any, tolerance: float) -> None:
    """Check that two arrays agree relative to the largest value."""
    want = np.asarray(want)
    scale = float(np.max(np.abs(want), initial=1e-300))
    np.testing.assert_allclose(np.asarray(got), want, rtol=tolerance, atol=tolerance * scale)


@contextmanager
def untouched(*arrays: Any) -> Iterator[None]:
    """Check that the block neither changes these arrays nor the global random state."""
    numeric = [a for a in arrays if isinstance(a, np.ndarray)]
    before = [a.copy() for a in numeric]
    flags = [a.flags.writeable for a in numeric]
    state = _random_state()
    for array in numeric:
        array.flags.writeable = False
    try:
        yield
    finally:
        for array, flag in zip(numeric, flags, strict=True):
            array.flags.writeable = flag
    for array, copy in zip(numeric, before, strict=True):
        same(array, copy)
    assert _random_state() == state, "the global random state of NumPy was used"


def _random_state() -> tuple[bytes, int, bool]:
    """Return what moves when NumPy's global generator draws."""
    state: Any = np.random.get_state(legacy=False)  # noqa: NPY002
    return state["state"]["key"].tobytes(), state["state"]["pos"], bool(state["has_gauss"])


def disturb(seed: int) -> None:
    """Put the global random states elsewhere: a seeded method must not notice."""
    np.random.seed(seed)  # noqa: NPY002
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def _beyond(config: type[Config]) -> Iterator[tuple[str, float]]:
    """Yield settings with a value just outside each numeric bound."""
    for name, entry in config.model_json_schema()["properties"].items():
        if entry.get("type") not in {"number", "integer"}:
            continue
        for key, step in (("minimum", -1), ("maximum", 1)):
            if key in entry:
                yield name, entry[key] + step
        for key in ("exclusiveMinimum", "exclusiveMaximum"):
            if key in entry:
                yield name, entry[key]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
