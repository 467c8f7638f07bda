"""The modules of the user's folder of plugins (see :mod:`xreg.registry.plugins.folder`)."""

from xreg.registry.plugins import folder as _folder

__path__ = _folder.search_path()
