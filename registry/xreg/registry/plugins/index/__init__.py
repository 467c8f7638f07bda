"""Indexes of plugins: small YAML files, one a plugin, in a folder or a git repository."""

from xreg.registry.plugins.index.entry import Entry, Listed, Source, read_entry
from xreg.registry.plugins.index.index import Index, bundled, indexes, search

__all__ = ["Entry", "Index", "Listed", "Source", "bundled", "indexes", "read_entry", "search"]
