"""JSON to a webhook: Apprise's own fields, and a notice's form for machines beside them."""

from collections.abc import Mapping
from typing import Any

from apprise.plugins.custom_json import NotifyJSON

_FIELD = "tunewatch"


class Webhook(NotifyJSON):
    """One JSON destination. Set `data` before each notification: it stands in the field `tunewatch`.

    Unless the URL itself gives a field that name with `:key=value`: the owner's word goes first.
    """

    data: Mapping[str, Any] = {}

    def send(self, *arguments: Any, **named: Any) -> Any:
        """Called by Apprise."""
        owners = self.payload_extras
        if self.data and _FIELD not in (*owners, *owners.values()):
            self.payload_extras = {**owners, _FIELD: self.data}
        try:
            return super().send(*arguments, **named)  # type: ignore[no-untyped-call]
        finally:
            self.payload_extras = owners
