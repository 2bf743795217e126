"""URLs for every service that Apprise knows, made from its own descriptions, with tokens that can be found again."""

import functools
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apprise import Apprise

from service.notifier import destinations

HOST = "127.0.0.1"
# They talk to a screen, a library or a fixed place other than by HTTP: nothing that a test could listen to.
_NOT_HTTP = {"aprs", "deltachat", "irc", "mailto", "mailtos", "syslog", "rsyslog", "growl", "nostr", "xmpp", "mqtt"}
_LENGTHS = (24, 32, 12, 16, 20, 36, 40, 48, 64, 30, 25, 11, 10, 15, 26, 27, 22, 43, 44, 60, 128, 9, 8, 7, 6, 5, 4)
# What the descriptions do not say, or say in a way that no short rule follows.
_GIVEN = {
    "phone": "15551234567", "from_phone": "15551234567", "source": "15551234567", "to_phone": "15551234568",
    "target_phone": "15551234568", "target_phone_no": "15551234568", "to_phones": "15551234568",
    "region": "us-east-1", "region_name": "us-east-1", "email": "s3cret-from@example.com",
    "target_email": "s3cret-to@example.com", "targets": "15551234568", "integration": "int_s3cretABCDEFGH",
}  # fmt: skip
_MORE = ("", "?from=t@example.com", "?to=15551234568", "?to=s3cret-to@example.com")


@dataclass(frozen=True, kw_only=True)
class Service:
    """`secrets`: the tokens in the URL that Apprise itself calls private."""

    schema: str
    url: str
    secrets: tuple[str, ...]


def every(port: int) -> Iterator[Service]:
    """Of each service, each form of URL that Apprise accepts. Servers of the owner's are at this port."""
    for entry in _descriptions():
        schema = (entry["protocols"] or entry["secure_protocols"])[0]
        if schema in _NOT_HTTP:
            continue
        for template in entry["details"]["templates"]:
            url, secrets = _filled(entry, template, schema, port)
            found = next((url + more for more in _MORE if destinations.targets("any", url + more)), None)
            if found:
                yield Service(schema=schema, url=found, secrets=secrets)


def one_each(port: int) -> list[Service]:
    """Of each service, the form with the most secrets in it, the longest of these."""
    chosen: dict[str, Service] = {}
    for service in every(port):
        before = chosen.setdefault(service.schema, service)
        if (len(service.secrets), len(service.url)) > (len(before.secrets), len(before.url)):
            chosen[service.schema] = service
    return list(chosen.values())


@functools.cache
def _descriptions() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Apprise().details()["schemas"]
    return found


def _filled(entry: dict[str, Any], template: str, schema: str, port: int) -> tuple[str, tuple[str, ...]]:
    tokens, secrets = entry["details"]["tokens"], []

    def value(match: re.Match[str]) -> str:
        name = match[1]
        token = tokens.get(name, {})
        if name == "schema":
            return schema
        if name in ("host", "hostname") and not entry["protocols"]:
            return "service.example.com"  # anything but HTTPS is not spoken there
        if name in ("host", "hostname"):
            return HOST if "{port}" in template else f"{HOST}:{port}"
        if name == "port":
            return str(port)
        made = _made(name, token, tokens, template)
        if token.get("private"):
            secrets.append(made)
        return made

    return re.sub(r"{(\w+)}", value, template), tuple(secrets)


def _made(name: str, token: dict[str, Any], tokens: dict[str, Any], template: str) -> str:
    kind = token.get("type", "string")
    if kind.startswith("choice"):
        return str(token.get("default") or min(map(str, token["values"])))
    if kind.startswith("list"):
        member = next((each for each in sorted(token.get("group", ())) if each in tokens), None)
        made = _made(member, tokens[member], tokens, template) if member else _GIVEN["targets"]
        prefix = str(tokens[member].get("prefix") or "") if member else ""
        return made if made.startswith(prefix) else prefix + made
    if kind.startswith("int"):
        return str(token.get("min", 1))
    if kind == "bool":
        return "yes"
    if name in _GIVEN or kind == "email":
        return _GIVEN.get(name, _GIVEN["email"])
    pattern, flags = token.get("regex") or ("", "")
    return _marked(f"{template} {name}", re.compile(pattern or "", re.IGNORECASE if flags else 0))


def _marked(seed: str, pattern: re.Pattern[str]) -> str:
    """A token of its own for each seed, in a form that fits."""
    sum_ = hashlib.sha256(seed.encode()).hexdigest() * 2
    digits = str(int(sum_, 16))
    mixed = "".join(char.upper() if place % 3 else char for place, char in enumerate(sum_))
    forms = (
        f"s3{mixed}", sum_, sum_.upper(), digits, f"g{sum_}", re.sub(r"\d", "X", sum_).upper(),
    )  # fmt: skip
    shaped = (
        f"{sum_[:8]}-{sum_[8:12]}-4{sum_[13:16]}-a{sum_[17:20]}-{sum_[20:32]}", f"{digits[:9]}:{mixed[:35]}",
        f"xoxb-{digits[:12]}-{mixed[:24]}", f"AC{sum_[:32]}", f"+1555{digits[:7]}", f"{sum_[:8]}@example.com",
        f"x{sum_[:10]}.example.com", f"!{sum_[:8]}:example.com", f"pingram_sk_{mixed[:24]}", f"WPUSH{mixed[:27]}",
        f"ylk_{mixed[:32]}", f"hlk_{mixed[:24]}", f"trgv_{mixed[:8]}_{mixed[8:40]}", f"AT_{mixed[:24]}",
        f"lpt_{mixed[:24]}", f"UID_{mixed[:24]}",
    )  # fmt: skip
    lengths = [form[:length] for length in _LENGTHS for form in forms]
    return next((each for each in [*lengths, *shaped] if pattern.search(each)), lengths[0])
