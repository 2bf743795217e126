"""Datasette's settings, made of docs/reading-the-database.md: `python settings.py DOCUMENT > metadata.json`.

The document stays the one place where views, columns and queries are described. This runs where nothing is
installed, so it takes the standard library alone.
"""

import json
import re
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Datasette names a database after its file.
DATABASE = "tunewatch"
# Ours to change, so nobody is to build on them. Datasette knows no "all but the views"; a test knows all there are.
PRIVATE = (
    "account", "alembic_version", "checkpoint", "delivery", "destination", "event",
    "job", "metric", "notice", "process", "status_change", "unreadable",
)  # fmt: skip
# Forty columns described one below the other would hide the rows; side by side they leave room for them.
STYLE = "dl.column-descriptions { columns: 16rem; max-height: 14rem; overflow: auto }"
# What stands in the document for the id of a job; here it becomes a field to fill in.
JOB_ID = "'ftjob-…'"


def settings(document: str) -> dict[str, Any]:
    """All that Datasette is to show. Raises ValueError for a query that nothing introduces."""
    title, introduction, sections = _parts(document)
    views: dict[str, Any] = {}
    for heading, body in sections.items():
        name, colon, _ = heading.partition(": ")
        if colon:
            views[name] = _view(heading, body)
    return {
        "title": DATABASE,
        "extra_css_urls": [f"data:text/css,{urllib.parse.quote(STYLE)}"],
        "databases": {
            DATABASE: {
                "title": title,
                "description": introduction,
                "tables": views | {table: {"allow": False} for table in PRIVATE},
                "queries": dict(_queries(sections["Queries to start from"])),
            }
        },
    }


def _parts(document: str) -> tuple[str, str, dict[str, str]]:
    """The title, the introduction, and the body of each section by its heading."""
    head, *rest = re.split(r"^## ", document, flags=re.MULTILINE)
    title, _, introduction = head.removeprefix("# ").partition("\n")
    sections = dict(section.split("\n", 1) for section in rest)
    return title, _plain(introduction), sections


def _view(heading: str, body: str) -> dict[str, Any]:
    description, table = re.split(r"^(?=\|)", body, maxsplit=1, flags=re.MULTILINE)
    columns: dict[str, str] = {}
    for names, meaning in re.findall(r"^\| (`.*?) \| (.*) \|$", table, re.MULTILINE):
        columns |= dict.fromkeys(re.findall(r"`(\w+)`", names), _plain(meaning))
    # Views can be sorted by the columns that are named here, and by no other.
    return {
        "title": heading,
        "description": _plain(description),
        "columns": columns,
        "sortable_columns": list(columns),
    }


def _queries(body: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each query by a name made of its title: the sentence or the heading that stands before it."""
    for before, sql in re.findall(r"(.*?)```sql\n(.*?)```", body, re.DOTALL):
        introduced = before.strip().split("\n\n")[-1]
        if not introduced.startswith("### ") and not introduced.endswith(":"):
            raise ValueError(f"neither a heading nor a sentence with a colon stands before: {sql}")
        title = _plain(introduced.lstrip("# ")).removesuffix(":")
        name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        yield name, {"title": title, "sql": sql.strip().removesuffix(";").replace(JOB_ID, ":job_id")}


def _plain(text: str) -> str:
    """Markdown as a text in one line: Datasette shows descriptions as they are."""
    unlinked = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", text)
    return " ".join(unlinked.replace("`", "").split())


if __name__ == "__main__":
    json.dump(settings(Path(sys.argv[1]).read_text(encoding="utf-8")), sys.stdout, ensure_ascii=False, indent=1)
