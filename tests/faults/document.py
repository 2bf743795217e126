"""docs/faults.md and the tables that stand in it."""

import re
from pathlib import Path

from tests.faults import channel_faults, provider_faults, store_faults, table

PATH = Path(__file__).parents[2] / "docs" / "faults.md"
TABLES = {"provider": provider_faults.FAULTS, "channel": channel_faults.FAULTS, "store": store_faults.FAULTS}


def renewed() -> str:
    """The document with its tables as the tests have them; the words around them stay."""
    text = PATH.read_text(encoding="utf-8")
    for name, faults in TABLES.items():
        place = re.compile(rf"(<!-- faults:{name} -->\n).*?(<!-- end:{name} -->)", re.DOTALL)
        assert len(place.findall(text)) == 1, name
        rows = table.rendered(faults)
        text = place.sub(lambda found, rows=rows: f"{found[1]}{rows}\n{found[2]}", text)  # type: ignore[misc]
    return text
