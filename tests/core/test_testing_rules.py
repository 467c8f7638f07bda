"""Rules of the conformance kit itself: waivers, documented settings, declarations."""

from __future__ import annotations

from typing import ClassVar

import pytest
from pydantic import BaseModel

from xreg.core.config import Config, setting
from xreg.core.errors import NotFittedError
from xreg.core.settings_in_words import unbounded
from xreg.core.testing import DescriptorSuite
from xreg_tests.kit import Absolute, Shell, check


def test_waivers_need_a_name_and_a_reason() -> None:
    with pytest.raises(AssertionError, match="no such check"):
        check(DescriptorSuite, Shell, "waivers", waive={"rotations": "a slip of the pen"})
    with pytest.raises(AssertionError, match="reason"):
        check(DescriptorSuite, Shell, "waivers", waive={"rotation": " "})
    check(DescriptorSuite, Absolute, "waivers", waive={"rotation": "the beam fixes an axis"})


class Loose(Config):
    """Some settings are bounded, some are not."""

    class Inner(BaseModel):
        radius: float

    a: int = setting(1, description="Any integer.")
    b: str = setting("x", description="Any text.")
    c: float | None = setting(None, description="Any number or none.")
    d: list[float] = setting([], description="Any numbers.")
    e: Inner = setting(Inner(radius=1), description="A number inside.")
    f: dict[str, float] = setting({}, description="Any table.")
    g: bool = setting(True, description="A choice.")
    h: int | None = setting(None, ge=0, description="A bounded number or none.")
    i: list[float] = setting([1.0], min_length=1, description="At least one.")


def test_unbounded_settings_are_found() -> None:
    assert unbounded(Loose) == ["a", "b", "c", "d", "e", "f"]


def test_undeclared_component() -> None:
    with pytest.raises(AssertionError, match="no installed plugin declares descriptor 'toy-shell'"):
        check(DescriptorSuite, Shell, "declaration")


class Wrongly(DescriptorSuite):
    component = Shell
    plugin: ClassVar[str] = __name__


def test_wrong_declaration() -> None:
    with pytest.raises(AssertionError):
        Wrongly().test_declaration()
    assert NotFittedError.exit_code == 2
