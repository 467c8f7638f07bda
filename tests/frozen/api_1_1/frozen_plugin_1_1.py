"""What version 1.1 of the plugin interface added: exporters, stated units. Never edit this."""

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl

XREG_API = "1.1"


class DigitsConfig(Config):
    """Settings of the exporter."""

    digits: int = setting(17, ge=1, le=17, description="Digits of each number.")


class NoConfig(Config):
    """No settings."""


@hookimpl
def xreg_components():
    home = "frozen_methods_1_1"
    return [
        ComponentSpec("exporter", "frozen-rows", DigitsConfig, f"{home}:Rows", "Old."),
        ComponentSpec("generator", "frozen-barns", NoConfig, f"{home}:Barns", "Old."),
        ComponentSpec("importer", "frozen-rows", NoConfig, f"{home}:RowsAgain", "Old."),
        ComponentSpec("step", "frozen-half", NoConfig, f"{home}:Half", "Old."),
    ]
