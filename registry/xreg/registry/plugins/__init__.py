"""Plugins: what is installed, what lies in the user's folder, and what an index knows of."""

from xreg.registry.plugins.hosting import BrokenPlugin, Installed, PluginHost, host

__all__ = ["BrokenPlugin", "Installed", "PluginHost", "host"]
