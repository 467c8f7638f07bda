"""One component of each kind, written for version 1.0 of the plugin interface. Never edit this."""

from xreg.core.config import Config, setting
from xreg.core.hooks import AnalysisSpec, ComponentSpec, hookimpl

XREG_API = "1.0"


class PowerConfig(Config):
    """Settings of the descriptor and of the step."""

    power: float = setting(1.0, gt=0, le=9, description="Power that values are raised to.")


class RankConfig(Config):
    """Settings of the decomposer."""

    rank: int = setting(1, ge=1, le=9, description="Number of directions.")


class NoConfig(Config):
    """No settings."""


@hookimpl
def xreg_components():
    home = "frozen_methods_1_0"
    return [
        ComponentSpec("descriptor", "frozen-distances", PowerConfig, f"{home}:Distances", "Old."),
        ComponentSpec("emulator", "frozen-line", NoConfig, f"{home}:Line", "Old."),
        ComponentSpec("decomposer", "frozen-axes", RankConfig, f"{home}:Axes", "Old."),
        ComponentSpec("generator", "frozen-lines", NoConfig, f"{home}:Lines", "Old."),
        ComponentSpec("step", "frozen-power", PowerConfig, f"{home}:Power", "Old."),
        ComponentSpec("importer", "frozen-table", NoConfig, f"{home}:Tables", "Old."),
        AnalysisSpec(
            "frozen-largest", NoConfig, f"{home}:Largest", "Old.", needs=("spectra",), default=False
        ),
    ]
