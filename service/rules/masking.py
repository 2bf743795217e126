"""Secrets cut out of texts, in whatever spelling they come.

Error messages of others repeat what they were sent: as it was, quoted for an address, escaped for JSON or HTML, in
base64 within a login. Whoever is given a secret makes it known here as well, so that it is missing from every log line,
also from tracebacks and from what libraries say.
"""

import base64
import html
import json
import re
import threading
from collections.abc import Iterable
from urllib.parse import unquote, unquote_plus

MASK = "****"
# What is shorter is no secret, and cutting it out would only punch holes into words.
SHORTEST = 6
# Fewer letters of base64 than this may be a word.
_SHORTEST_BASE64 = 8


class Mask:
    """Cuts out all secrets that it knows. Capitals make no difference: hosts and codes are spelt either way."""

    def __init__(self, secrets: Iterable[str] = (), *, shortest: int = SHORTEST) -> None:
        self._shortest = shortest
        self._lock = threading.Lock()
        self._secrets: set[str] = set()
        self._needles: set[bytes] = set()
        self._pattern: re.Pattern[str] | None = None
        self.learn(*secrets)

    def learn(self, *secrets: str) -> None:
        """Know these from now on, but for those that are too short. Thread-safe."""
        meant = {each for secret in secrets for each in (secret, unquote(secret), unquote_plus(secret))}
        with self._lock:
            new = {each for each in meant if len(each) >= self._shortest} - self._secrets
            if new:
                self._secrets |= new
                self._needles |= {needle for secret in new for needle in _needles(secret)}
                self._pattern = None

    def cut(self, text: str) -> str:
        """`text` without the secrets."""
        with self._lock:
            self._pattern = self._pattern or _compiled(self._secrets)
            pattern = self._pattern
        return pattern.sub(MASK, text)

    def cut_bytes(self, content: bytes) -> bytes:
        """The same for what is long and hardly ever holds one: in the usual spellings of JSON, and as quick as that."""
        if not any(needle in content for needle in self._needles):
            return content
        return self.cut(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


# Of the whole process, because logging is.
KNOWN = Mask()


def in_url(url: str) -> set[str]:
    """What in an address of a server is secret: the password, or a login without one, and the values of the query.

    Also of one that is not quite a URL, because a sign in the password should have been quoted.
    """
    before = url.rpartition("@")[0]
    login = before.partition("://")[2] or before
    password = login.partition(":")[2] or login
    query = [part.partition("=")[2] for part in url.partition("?")[2].split("&")]
    return {login, password, *re.split(r"[/?#:]", password), *query} - {""}


def shown(url: str) -> str:
    """An address of a server as it may be shown: without what `in_url` finds."""
    before, at, rest = url.rpartition("@")
    scheme = before.partition("://")[0] if "://" in before else ""
    start, question, _ = (f"{scheme}://{MASK}@{rest}" if at else url).partition("?")
    return f"{start}?{MASK}" if question else start


def _compiled(secrets: set[str]) -> re.Pattern[str]:
    longest_first = sorted(secrets, key=lambda secret: (-len(secret), secret))
    found = [spelling for secret in longest_first for spelling in (_spelt(secret), *_in_base64(secret))]
    return re.compile("|".join(found) or "(?!)", re.IGNORECASE)


def _spelt(secret: str) -> str:
    """A pattern for it in which every sign may be quoted or escaped, once or several times."""
    return "".join(char if char.isascii() and char.isalnum() else _sign(char) for char in secret)


def _sign(char: str) -> str:
    codes = [re.escape(char), *{re.escape(html.escape(char)).replace("&", "&(?:amp;)*"), f"&#{ord(char)};"}]
    codes.append(re.escape(json.dumps(char)[1:-1].lstrip("\\")))
    for encoding in ("utf-8", "latin-1"):
        # As `%2f`, or `%252f` when quoted twice; as `\xc3` in what Python shows of bytes.
        codes.append("".join(rf"(?:%(?:25)*|\\+x){byte:02x}" for byte in char.encode(encoding, "replace")))
    if char == " ":
        codes.append(r"\+")
    return rf"\\*(?:{'|'.join(codes)})"


def _needles(secret: str) -> list[bytes]:
    spelt = [secret, *(json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))]
    cores = [core for core in _in_base64(secret) if core.isalnum()]
    return [each.encode("utf-8", "replace") for each in (*spelt, *cores)]


def _in_base64(secret: str) -> set[str]:
    """What of it is the same wherever it stands in something longer, such as `user:password`."""
    found = set()
    # Logins of HTTP are in Latin-1 where that is possible.
    for raw in {secret.encode("utf-8", "replace"), secret.encode("latin-1", "replace")}:
        for before in range(3):
            encoded = base64.b64encode(bytes(before) + raw).decode()
            core = encoded[(0, 2, 3)[before] : (before + len(raw)) * 8 // 6]
            if len(core) >= _SHORTEST_BASE64:
                found.add(re.sub("[+/]", lambda sign: "[+-]" if sign[0] == "+" else r"\\*[/_]", core))
    return found
