"""Settings of the analyses that go from spectra back to structure; nothing heavy is imported."""

from __future__ import annotations

__all__ = ["ONE_TO_ONE"]

# Activations that have an inverse, as settings of networks name them.
ONE_TO_ONE = ("elu", "leaky-relu", "softplus", "tanh")
