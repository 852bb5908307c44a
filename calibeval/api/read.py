"""`read` and `read_features`: files as predictions, and as features."""

from __future__ import annotations

from calibeval.api.arguments import READING
from calibeval.core.data.arguments import path
from calibeval.core.data.public import public
from calibeval.readers import open as dumps
from calibeval.readers.features import features

read = public({**READING, "path": path})(dumps.read)
read_features = public({**READING, "path": path})(features.read_features)
