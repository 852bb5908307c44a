"""Names that stand for several files."""

from __future__ import annotations

import re

NUMBERED = re.compile(r"^(?P<stem>.*[-_.])(?P<number>[0-9]{1,9})-of-(?P<count>[0-9]{1,9})(?P<rest>\.[^/]*)$")
PATTERN = re.compile(r"[*?\[]")
HIDDEN_NAMES = (".", "_")
