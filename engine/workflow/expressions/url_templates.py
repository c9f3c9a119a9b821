"""URLs with templates: a value that is inserted into a path, query or host stays in its place there.

https://shop.example/orders/{{ trigger.body.id }}?note={{ trigger.body.note }}

With the id `../admin?all=1` this requests `/orders/..%2Fadmin%3Fall%3D1`, not another page. A template at the very
beginning is a URL of its own, or the beginning of one, and is inserted as it is: `{{ vars.api }}/orders`.
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import quote, unquote

from engine.errors import NodeError
from engine.workflow.expressions.scope import Scope
from engine.workflow.expressions.templates import Expression, Text, as_text, compile_text

_HOST = re.compile(r"[\w.:\[\]-]*")
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")

UrlPart = Literal["start", "host", "path", "query"]


def render_url(template: str, scope: Scope, where: str) -> str:
    """Return the URL with each template evaluated, and its value percent-encoded for its place.

    Raises:
        ExpressionError: a template cannot be evaluated.
        NodeError: code `config`: its value would change what is requested.
    """
    compiled = compile_text(template)
    if isinstance(compiled, Expression):
        return as_text(compiled.evaluate(scope, where)).strip()
    if isinstance(compiled, str):
        return compiled
    return _joined(compiled, scope, where)


def _joined(compiled: Text, scope: Scope, where: str) -> str:
    url = ""
    segment: list[str] = []  # the values in the last path segment of the URL so far
    for part in compiled.parts:
        if isinstance(part, str):
            before = len(url)
            url += part
            if re.search(r"[/?#]", part):
                _check_segment(segment, url[:before] + re.split(r"[/?#]", part, maxsplit=1)[0], where)
                segment = []
            continue
        value = as_text(part.evaluate(scope, where))
        scope.charge(where, characters=len(value))
        place = _place(url)
        if place == "start":
            url += value.strip()
        elif place == "host":
            url += _in_host(value, where)
        else:
            url += quote(value.encode("utf-8", "surrogatepass"), safe="")
            if place == "path":
                segment.append(value)
    _check_segment(segment, url, where)
    return url


def _place(url: str) -> UrlPart:
    """Return the part of the URL in which the text after its beginning is."""
    if not url.strip():
        return "start"
    if "?" in url or "#" in url:
        return "query"
    found = _AUTHORITY.match(url.strip())
    if found is None:
        return "host" if "/" not in url else "path"
    return "path" if "/" in url.strip()[found.end() :] else "host"


def _in_host(value: str, where: str) -> str:
    if not _HOST.fullmatch(value):
        reason = f"{value!r:.100} is in the place of the host, but is not part of a host name"
        raise NodeError(f"{where}: {reason}", code="config", details={"field": where, "reason": reason})
    return value


def _check_segment(values: list[str], url: str, where: str) -> None:
    """Refuse a path segment that is `.` or `..`, encoded or not: it would change the page."""
    if values and unquote(url.rpartition("/")[2]) in (".", ".."):
        reason = f"a path segment would be {url.rpartition('/')[2]!r}, which leads to another page"
        raise NodeError(f"{where}: {reason}", code="config", details={"field": where, "reason": reason})
