"""Ids in the provider's shapes, reproducible from a seed."""

from base64 import b64encode
from hashlib import blake2b
from random import Random

_LETTERS_ONLY = bytes.maketrans(b"+/", b"Qk")


def drawn(rng: Random, prefix: str) -> str:
    """The prefix and 24 letters or digits, drawn from `rng`."""
    return prefix + _readable(rng.randbytes(18))


def derived(prefix: str, *parts: object, length: int = 24) -> str:
    """The prefix and `length` (at most 24) letters or digits; the same parts give the same id, always."""
    digest = blake2b("/".join(map(str, parts)).encode(), digest_size=18).digest()
    return prefix + _readable(digest)[:length]


def _readable(raw: bytes) -> str:
    return b64encode(raw).translate(_LETTERS_ONLY).decode()
