"""What an `http` node gives of an answer: its headers, and its body as JSON, text, bytes or a file."""

from __future__ import annotations

import base64
import codecs
import json
import re
import tempfile
from typing import IO, TYPE_CHECKING, Any

from engine.errors import NodeError
from engine.integrations.http_common import body_of
from engine.nodes.context import NodeContext
from engine.nodes.sources import in_thread
from engine.parsing.json_text import read_json

if TYPE_CHECKING:
    import httpx2

# The other side names the charset, and Python knows some (punycode, unicode-escape) that are slow or no text at all.
_CHARSETS = re.compile(
    r"utf-?(8|16|32)(-?(le|be|sig))?|us-ascii|ascii|iso-?8859-\d{1,2}|latin-?\d{1,2}|(windows-|cp)125\d|koi8-[ru]"
    r"|macintosh|mac-roman|cp437|cp850|cp852|cp866|tis-620|windows-874"
    r"|shift-?jis|windows-31j|cp932|euc-(jp|kr)|cp949|gb2312|gbk|gb18030|big5(-hkscs)?|iso-2022-jp"
)
_SAME = {"windows-31j": "cp932", "windows-874": "cp874", "macintosh": "mac-roman"}
_META = re.compile(rb"""<meta\s[^>]*?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_DECLARED = re.compile(rb"""^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]{1,40})["']""", re.IGNORECASE)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HEAD = 2_048
_IN_MEMORY = 4 * 1024 * 1024
_TEXTS = frozenset(
    {
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/javascript",
        "application/yaml",
        "application/x-yaml",
        "application/x-ndjson",
        "application/csv",
        "application/graphql",
        "application/sql",
    }
)


def check_charset(name: str) -> str:
    """The name of a charset as Python has it.

    Raises:
        ValueError: it is none, or none that is read.
    """
    plain = name.strip().strip("\"'").lower().replace("_", "-")
    plain = _SAME.get(plain, plain)
    try:
        if _CHARSETS.fullmatch(plain):
            return codecs.lookup(plain).name
    except LookupError:
        pass
    raise ValueError(f"{name!r:.60} is no charset that is known, such as utf-8, iso-8859-1 or windows-1252")


def headers_of(response: httpx2.Response) -> dict[str, Any]:
    """The headers by their names in lower case. Each cookie is by itself: a comma in one divides nothing."""
    found: dict[str, Any] = {name.lower(): value for name, value in response.headers.items()}
    if "set-cookie" in found:
        found["set-cookie"] = response.headers.get_list("set-cookie")
    return found


async def kept(response: httpx2.Response, context: NodeContext, name: str, most: int) -> dict[str, Any]:
    """Keep the body as a file, whole and at once, without ever having all of it in memory; gives name and size.

    Raises:
        NodeError: as `body_of`; or `no_space`.
    """
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spooled:
        async for piece in body_of(response, most):
            if spooled.tell() + len(piece) <= _IN_MEMORY:
                spooled.write(piece)
            else:
                await in_thread(lambda piece=piece: spooled.write(piece))  # type: ignore[misc]
        kind = response.headers.get("content-type", "").partition(";")[0].strip() or None
        return await in_thread(lambda: _written(spooled, context, name, kind))


def _written(content: IO[bytes], context: NodeContext, name: str, kind: str | None) -> dict[str, Any]:
    if not context.redactor.knows_any:
        return context.files.write(name, content, kind)
    content.seek(0)
    return context.files.write(name, context.redactor.content(content.read()), kind)


def decoded(response: httpx2.Response, body: bytes, wanted: str, encoding: str | None) -> Any:
    """The body as its content type says, or as `wanted`.

    Raises:
        NodeError: `bad_response`: it is not what it is said to be; the message says what to set.
    """
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    said = encoding or response.charset_encoding
    if wanted == "json" or (wanted == "auto" and (kind in ("application/json", "text/json") or kind.endswith("+json"))):
        return _json(body, said) if body else None
    if wanted == "text" or (wanted == "auto" and (kind.startswith("text/") or kind in _TEXTS or kind.endswith("+xml"))):
        return _text(body, said or _found_charset(body, kind), is_set=encoding is not None)
    if wanted == "auto" and not kind:
        try:
            return body.decode(said or "utf-8-sig")
        except (UnicodeDecodeError, LookupError):
            pass  # nobody says what it is
    return base64.b64encode(body).decode()


def _json(body: bytes, said: str | None) -> Any:
    charset = _marked(body) or said or json.detect_encoding(body)
    text = _text(body, charset, is_set=said is not None)
    try:
        return read_json(text, "the response body", "bad_response")
    except NodeError as error:
        if error.code == "too_large":
            raise NodeError(f"{error.message}; keep it with `save_as`", code="response_too_large") from None
        raise


def _text(body: bytes, said: str | None, *, is_set: bool) -> str:
    try:
        charset = _marked(body) if said is None or said.lower().startswith("utf") else None
        return body.decode(charset or check_charset(said or "utf-8"))
    except UnicodeDecodeError as error:
        why = "`encoding` says" if is_set else "it says itself" if said else "nothing says otherwise than"
        problem = f"{why} that it is {error.encoding}, which it is not at byte {error.start}"
    except ValueError as error:
        problem = str(error)
    hint = 'set `encoding`, such as windows-1252, or `"response": "base64"` to have the bytes'
    raise NodeError(f"the response body cannot be read: {problem}; {hint}", code="bad_response")


def _found_charset(body: bytes, kind: str) -> str | None:
    """What the body itself says: browsers look for `<meta charset>`, XML begins with a declaration."""
    head = body[:_HEAD]
    found = _DECLARED.search(head) if "xml" in kind else None
    if found is None and "html" in kind:
        found = _META.search(head)
    return found[1].decode() if found else None


def _marked(body: bytes) -> str | None:
    return next((charset for mark, charset in _MARKS if body.startswith(mark)), None)
