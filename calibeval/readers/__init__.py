"""Dumps from files: one module per format, one place that decides what the arrays mean."""

from calibeval.readers.assemble import ReadOptions
from calibeval.readers.limits import Limits
from calibeval.readers.open import open_dump, read
from calibeval.readers.roles import Keys

__all__ = ["Keys", "Limits", "ReadOptions", "open_dump", "read"]
