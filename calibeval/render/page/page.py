"""The report as one self-contained web page, for a release, a browser or a printer; it loads nothing.

The policy in its head allows only the one style sheet and the one script, by their hashes, so a foreign name could do
nothing even if escaping had a flaw. The page is complete without the script (`page.js`), which shows the numbers of
what is pointed at and sorts tables; a fragment for a notebook has none. The same report gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from functools import cache
from importlib import resources

from jinja2 import Environment
from markupsafe import Markup

from calibeval.core.gating.verdict import Verdict
from calibeval.core.report.report import Report
from calibeval.render.page.breaks import breakable
from calibeval.render.page.compiled import usual_environment
from calibeval.render.page.report import PageView, page_view
from calibeval.render.page.verdict import verdict_view
from calibeval.words.next_step import Step

_FOLDER = "templates"
_OWN_CLASS = re.compile(r"\.calibeval(?![\w-])")


def render(
    report: Report,
    verdict: Verdict | None = None,
    step: Step | None = None,
) -> str:
    """The page: first the sentence, then diagram and numbers against noise, last the details, folded.

    One dump fills it; several get an overview, small diagrams on the same axes, and a folded part each. Classes within
    noise are folded, or only in report.json if the page would grow too large. verdict: of a gate, shown before the
    numbers. step: what to do next, below the headline.
    """
    page = replace(page_view(report), step=step)
    if verdict is not None:
        page = judged_page(page, verdict)
    return whole_page("report.html.j2", page)


def fragment(report: Report, verdict: Verdict | None = None, text: str = "") -> str:
    """The content of the page for a notebook or another page: one element with its own style and the same text.

    Its ids begin with a hash of the report; folded classes are only in report.json.
    verdict: of a gate, as for `render`. text: shown instead where styles are stripped.
    """
    prefix = f"c{hashlib.sha256(report.to_json().encode(errors='backslashreplace')).hexdigest()[:8]}-"
    page = page_view(report, prefix, folded=0)
    if verdict is not None:
        page = judged_page(page, verdict)
    return fragment_of("body.html.j2", page, text)


def judged_page(page: PageView, verdict: Verdict) -> PageView:
    """The page with the verdict of a gate, which leads it."""
    view = verdict_view(verdict)
    return replace(page, verdict=view, title=view.title)


def fragment_of(body: str, page: object, text: str) -> str:
    """A part of another document, from the template of a page's content and its records.

    In its style sheet, the class of the page is named three times, so that rules of the document do not go before it.
    """
    style = _OWN_CLASS.sub(3 * ".calibeval", _file("notebook.css") + _style(page))
    return _fill("fragment.html.j2", page, Markup(style), body=body, text=text)  # noqa: S704 - our own files


def whole_page(template: str, page: object) -> str:
    """A whole page, from a template and its records, with the policy in its head."""
    script, style = _file("page.js"), _style(page)
    only = f"script-src {_digest(script)}; style-src {_digest(style)}"
    policy = f"default-src 'none'; {only}; img-src data:; base-uri 'none'; form-action 'none'"
    return _fill(template, page, style, policy=policy, script=script)


def _digest(text: str) -> str:
    """The text as a policy names it: by its hash (https://www.w3.org/TR/CSP3/#grammardef-hash-source)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _fill(template: str, page: object, style: Markup, **more: str) -> str:
    return breakable(_environment().get_template(template).render(page=page, style=style, **more)) + "\n"


@cache
def _environment() -> Environment:
    return usual_environment()


def _style(page: object) -> Markup:
    """The style sheet; pages that begin with the verdict of a gate, of comparisons and of surveys need more of it."""
    more = "gate.css" if getattr(page, "verdict", None) else getattr(page, "sheet", "")
    return _file("report.css") + (_file(more) if more else "")


@cache
def _file(name: str) -> Markup:
    """A file of ours, which is part of a page as it is."""
    text = resources.files("calibeval.render").joinpath(_FOLDER, name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - no foreign text is in it
