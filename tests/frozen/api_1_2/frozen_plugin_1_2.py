"""What version 1.2 of the plugin interface added: emulators that start from others. Never edit."""

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.2"


class LineConfig(Config):
    """Settings of the emulator."""

    steps: int = setting(20, ge=1, description="Steps of gradient descent.")
    bias: bool = setting(True, description="Whether there is a bias.")


class NoConfig(Config):
    """No settings."""


@hookimpl
def xreg_components():
    home = "frozen_methods_1_2"
    return [
        ComponentSpec("emulator", "frozen-line", LineConfig, f"{home}:Line", "Old."),
        ComponentSpec("generator", "frozen-within", NoConfig, f"{home}:Within", "Old."),
    ]
