"""Document: one HTML file that holds all it needs and fetches nothing. What it says is elsewhere.

Texts are escaped by the template, data stand in script elements as JSON without any character
that HTML reads, and the policy lets no script run but those whose digest it names.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import opscope
from opscope.report.palette import DARK, LIGHT

_ESCAPED = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def document(
    template: str, *, figures: Sequence[Mapping[str, Any]], rows: Mapping[str, Any], **context: Any
) -> str:
    """Return the page of a template.

    Args:
        template: Name of its file among the templates.
        figures: What is drawn, by the numbers under which the template places it.
        rows: The table of all rows; scripts read its columns, the template shows its first page.
        context: What else the template shows.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup
    from msgspec import to_builtins
    from plotly.offline import get_plotlyjs

    environment = Environment(
        loader=PackageLoader("opscope.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scripts = [get_plotlyjs(), *(_part(name) for name in ("charts.js", "table.js"))]
    themes = {"light": to_builtins(LIGHT), "dark": to_builtins(DARK)}
    columns = {"columns": rows["columns"], "count": rows["count"]}
    embedded = {"palette": themes, "figures": figures, "rows": columns}
    return environment.get_template(template).render(
        policy=_policy(scripts),
        style=Markup(_part("page.css")),  # noqa: S704 - a file of this package
        scripts=[Markup(script) for script in scripts],  # noqa: S704 - files of packages
        data={name: Markup(as_data(value)) for name, value in embedded.items()},  # noqa: S704
        opscope=opscope.__version__,
        rows=rows,
        **context,
    )


def as_data(value: object) -> str:
    """Return JSON that no HTML parser mistakes for markup."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_ESCAPED)


def _part(name: str) -> str:
    return files("opscope.report").joinpath("templates", name).read_text(encoding="utf-8")


def _policy(scripts: list[str]) -> str:
    """Return the Content-Security-Policy: these scripts, styles and drawn images; no fetching."""
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    rules = {
        "default-src": "'none'",
        "script-src": allowed,
        "style-src": "'unsafe-inline'",
        "img-src": "data: blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
