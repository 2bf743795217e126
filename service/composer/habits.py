"""How numbers, times and lengths of time are written in each language."""

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any

from service import clock
from service.rules import plain

LANGUAGES = ("en", "ja")
# What stands before the id of a notice.
NOTICE = {"en": "Notice", "ja": "通知"}
# Stands below a notice whose template of the owner's could not be used; the reason follows.
BROKEN = {"en": "Your template cannot be used", "ja": "ご自身のテンプレートを使えません"}
# What a test notice begins with; it ends with the name of the channel.
TRIAL = {
    "en": "This is a test: no job ended. A real notice looks like this. Channel: ",
    "ja": "これはテストです。終わったジョブはありません。実際の通知はこのように見えます。チャンネル: ",
}
_UNITS_JA = (("日", 86400), ("時間", 3600), ("分", 60), ("秒", 1))


class Habits:
    """Of one language, in one time zone."""

    def __init__(self, language: str, zone: tzinfo) -> None:
        self._language = language
        self._zone = zone

    def duration(self, length: timedelta | int | None) -> str:
        """The two largest units that matter; an int is seconds."""
        if isinstance(length, int):
            length = timedelta(seconds=length)
        if self._language != "ja" or length is None:
            return plain.duration(length)
        seconds = max(0, round(length.total_seconds()))
        place = next((n for n, (_, size) in enumerate(_UNITS_JA) if seconds >= size), len(_UNITS_JA) - 1)
        name, size = _UNITS_JA[place]
        count, rest = divmod(seconds, size)
        lower_name, lower_size = _UNITS_JA[place + 1] if size > 1 else ("", 1)
        lower = rest // lower_size if size > 1 else 0
        return f"{count}{name}{lower}{lower_name}" if lower else f"{count}{name}"

    def moment(self, when: datetime | str | None) -> str:
        """A time in the zone, with its name; text is as the database has it."""
        if isinstance(when, str):
            when = clock.from_text(when)
        if self._language != "ja" or when is None:
            return plain.moment(when, self._zone)
        local = when.astimezone(self._zone)
        return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M:%S %Z}"

    def number(self, value: float | None) -> str:
        """Whole numbers in groups of three, others with four digits that count."""
        if value is None:
            return ""
        return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"

    def money(self, amounts: Mapping[str, float]) -> str:
        """Amounts by currency, rounded to the hundredth: they are estimates."""
        return " + ".join(f"{amount:,.2f} {currency}" for currency, amount in amounts.items())

    def pairs(self, values: Mapping[str, Any] | None) -> str:
        """Names and values one after the other; nothing for those without a value."""
        return ", ".join(f"{name} {value}" for name, value in (values or {}).items() if value is not None)
