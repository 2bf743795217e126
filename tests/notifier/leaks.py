"""Looks for secrets in what came out, by reading it in every way in which it could be read."""

import base64
import binascii
import contextlib
import html
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, unquote_plus

# So much of a secret in a row is a leak as well; of a shorter secret, all of it.
_PIECE = 10


def found(text: str | bytes, secrets: Iterable[str]) -> list[str]:
    """Those of the secrets that can be read in the text, wholly or to a good part."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    readings = "\n".join(_readings(text)).lower()
    return sorted({secret for secret in secrets if any(piece in readings for piece in _pieces(secret))})


def _pieces(secret: str) -> set[str]:
    small = {secret.lower(), unquote(secret).lower()}
    return {each[start : start + _PIECE] for each in small for start in range(max(1, len(each) - _PIECE + 1))}


def _readings(text: str) -> Iterator[str]:
    yield text
    yield unquote(text)
    yield unquote_plus(text)
    yield unquote(unquote(text))
    yield html.unescape(text)
    unescaped = re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), text)
    yield re.sub(r"\\x([0-9a-fA-F]{2})", lambda code: chr(int(code[1], 16)), unescaped)
    yield re.sub(r"\\(.)", r"\1", unescaped)
    for run in re.findall(r"[A-Za-z0-9+/_-]{6,}", text):
        yield from _from_base64(run.translate(str.maketrans("-_", "+/")))


def _from_base64(run: str) -> Iterator[str]:
    """It may begin anywhere in something longer."""
    for start in range(4):
        piece = run[start:]
        for whole in (piece[: len(piece) // 4 * 4], piece + "=" * (-len(piece) % 4)):
            with contextlib.suppress(binascii.Error):
                decoded = base64.b64decode(whole)
                yield decoded.decode("utf-8", "replace")
                yield decoded.decode("latin-1")
