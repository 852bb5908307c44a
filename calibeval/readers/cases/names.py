"""The names of layouts, which the command line knows before it reads anything."""

from __future__ import annotations

from typing import Literal

Layout = Literal["nnunet", "monai", "arrays"]
LAYOUTS: tuple[Layout, ...] = ("nnunet", "monai", "arrays")
