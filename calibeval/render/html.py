"""The report as one self-contained web page, for a release, a browser, a printer; nothing in it runs or loads.

The policy in its head allows the one style sheet by its hash and nothing else, so that even a flaw in escaping could
not make a foreign name do anything. The same report gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from calibeval.core.report import Report
from calibeval.render.html_page import page_view

_FOLDER = "templates"


def render(report: Report) -> str:
    """The page: the sentence first, diagram and numbers against noise second, the proof last and folded.

    One dump fills it; several get an overview, small diagrams on the same axes, and a folded part each. Classes
    beyond 40 are folded between the worst and the best 20, or left to report.json where the page would grow too large.
    """
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    template = _environment().get_template("report.html.j2")
    return template.render(page=page_view(report), style=Markup(style), policy=policy) + "\n"  # noqa: S704 - our own file


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("calibeval.render", _FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _style() -> str:
    return resources.files("calibeval.render").joinpath(_FOLDER, "report.css").read_text(encoding="utf-8")
