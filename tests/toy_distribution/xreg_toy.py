"""A plugin distribution for tests: generators that fail, sleep or die as they are told."""

from __future__ import annotations

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.0"


class ToyConfig(Config):
    width: float = setting(0.5, unit="Å", gt=0, le=10, description="Width of a line.")
    seconds: float = setting(0.0, unit="s", ge=0, le=10, description="Time for one sample.")
    fails: dict[str, str] = setting({}, description="How samples fail, by id.")


class TableConfig(Config):
    seconds: float = setting(0.0, unit="s", ge=0, le=10, description="Time for one sample.")
    fails: tuple[str, ...] = setting((), description="Ids of samples that fail.")


@hookimpl
def xreg_components():
    return [
        ComponentSpec("generator", "toy", ToyConfig, "xreg_toy_generator:Toy"),
        ComponentSpec("generator", "toy-table", TableConfig, "xreg_toy_generator:ToyTable"),
        ComponentSpec("generator", "toy-absent", TableConfig, "xreg_toy_generator:ToyAbsent"),
    ]
