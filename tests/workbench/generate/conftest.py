"""The toy distribution, where generations and their workers find it."""

from xreg_tests.toy import toy

__all__ = ["toy"]
