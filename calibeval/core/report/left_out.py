"""What may be left out of the background of images."""

from __future__ import annotations

from typing import Literal

LeftOut = Literal["exclude-label", "exclude-class"]
Background = Literal["include", "exclude-label", "exclude-class"]
BACKGROUNDS: tuple[Background, ...] = ("include", "exclude-label", "exclude-class")
