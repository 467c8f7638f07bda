"""Where xreg keeps what it caches and remembers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from xreg.core.errors import ConfigError, DataError
from xreg.registry.finding import parse_reference
from xreg.registry.registries import add, cache_folder, candidates, config_file, configured


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without any setting of where things are kept."""
    for name in ("XREG_CACHE", "XREG_CONFIG", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other places")
def test_the_places_of_earlier_versions_hold(home: Path) -> None:
    assert cache_folder() == home / ".cache" / "xreg"
    assert config_file() == home / ".config" / "xreg" / "config.yaml"
    assert not list(home.iterdir())  # asking makes nothing


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other places")
def test_the_folders_of_xdg_are_honoured(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "scratch"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "settings"))
    assert cache_folder() == home / "scratch" / "xreg"
    assert config_file() == home / "settings" / "xreg" / "config.yaml"


def test_xregs_own_variables_come_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "scratch"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "settings"))
    monkeypatch.setenv("XREG_CACHE", str(home / "mine"))
    monkeypatch.setenv("XREG_CONFIG", str(home / "mine.yaml"))
    assert cache_folder() == home / "mine"
    assert config_file() == home / "mine.yaml"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"registries: {a: 3}", "'registries.a' is 3; give its folder or git URL as a text"),
        (b"registries: {a: }", "'registries.a' is None"),
        (b"registries: {a: {url: x}}", "'registries.a' is {'url': 'x'}"),
        (b"registries: {a: /x, a: /y}", "the key 'a' stands twice"),
        (b"x: 2020-13-45\nregistries: [a]", "must map names to folders"),
        (b"x: !!timestamp y", "the tag !!timestamp is not known"),
        (b"registries: {a: /caf\xe9}", "is not UTF-8 text"),
    ],
)
def test_a_configuration_that_is_none(
    home: Path, monkeypatch: pytest.MonkeyPatch, text: bytes, said: str
) -> None:
    monkeypatch.setenv("XREG_CONFIG", str(home / "mine.yaml"))
    (home / "mine.yaml").write_bytes(text)
    with pytest.raises(ConfigError, match=said) as caught:
        configured()
    assert "mine.yaml" in str(caught.value)


@pytest.mark.parametrize("place", ["", "  ", "\t"])
def test_an_empty_place_is_not_the_working_folder(home: Path, place: str) -> None:
    with pytest.raises(ConfigError, match="the place of the registry is empty"):
        candidates(place)
    with pytest.raises(ConfigError, match="the place of the registry is empty"):
        add("mine", place)
    assert not config_file().exists()


def test_a_version_that_is_not_said_is_not_the_newest() -> None:
    with pytest.raises(DataError, match="'h2o@' says no version behind its @"):
        parse_reference("h2o@")
    assert parse_reference("h2o") == ("h2o", None)
