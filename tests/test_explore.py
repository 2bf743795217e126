"""What Datasette is told is what the document says, and it fits the database."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from explore import settings
from service.store import engine as engines

DOCUMENT = Path(__file__).parents[1] / "docs" / "reading-the-database.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def told() -> Any:
    """What the image is built with, without anything installed."""
    command = [sys.executable, "-I", settings.__file__, str(DOCUMENT)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, timeout=30)
    return json.loads(done.stdout)["databases"]["tunewatch"]


@pytest.fixture
def database(engine: engines.Engine, url: str) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{engines.file_of(url)}?mode=ro", uri=True)) as connection:
        yield connection


def _names(database: sqlite3.Connection, kind: str) -> set[str]:
    return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = ?", (kind,))}


def test_the_views_are_shown_and_every_table_is_refused(told: Any, database: sqlite3.Connection) -> None:
    refused = {name for name, said in told["tables"].items() if said == {"allow": False}}
    assert refused == _names(database, "table")
    assert set(told["tables"]) - refused == _names(database, "view")


def test_every_column_of_every_view_is_described_and_can_be_sorted_by(told: Any, database: sqlite3.Connection) -> None:
    for view in _names(database, "view"):
        columns = [column for column, *_ in database.execute(f"SELECT * FROM {view}").description]
        assert set(told["tables"][view]["columns"]) == set(columns)
        assert set(told["tables"][view]["sortable_columns"]) == set(columns)
        assert all(told["tables"][view]["columns"].values())


def test_titles_and_descriptions_are_those_of_the_document(told: Any) -> None:
    assert f"# {told['title']}\n" in TEXT
    assert told["description"].startswith("The database is one SQLite file")
    for view, said in told["tables"].items():
        if said != {"allow": False}:
            assert said["title"].startswith(f"{view}: ")
            assert f"\n## {said['title']}\n" in TEXT
    assert "older than keep_events are removed" in told["tables"]["job_events"]["description"]
    assert told["tables"]["notice_log"]["columns"]["kind"] == "such as succeeded, failed, watch_failing: all kinds"


def test_every_query_of_the_document_is_there_and_runs(told: Any, database: sqlite3.Connection) -> None:
    queries = told["queries"]
    assert len(queries) == len(re.findall(r"^```sql$", TEXT, re.MULTILINE))
    assert not set(queries) & set(told["tables"])
    for query in queries.values():
        assert query["title"] in " ".join(TEXT.replace("`", "").split())
        assert "…" not in query["sql"]
        database.execute(query["sql"], {"job_id": "ftjob-1"}).fetchall()


def _document(queries: str) -> str:
    return f"# Title\n\nWords.\n\n## Queries to start from\n\n{queries}"


def test_a_query_is_named_by_the_sentence_or_the_heading_before_it() -> None:
    one = "### One `kind`\n\n```sql\nSELECT 1;\n```\n"
    two = "### Many\n\nWhat two\nare, and why:\n\n```sql\nSELECT 2;\n```\n"
    said = settings.settings(_document(f"{one}\n{two}"))
    assert said["databases"]["tunewatch"]["queries"] == {
        "one-kind": {"title": "One kind", "sql": "SELECT 1"},
        "what-two-are-and-why": {"title": "What two are, and why", "sql": "SELECT 2"},
    }


def test_a_query_that_nothing_introduces_is_refused() -> None:
    with pytest.raises(ValueError, match="SELECT 1"):
        settings.settings(_document("Some words.\n\n```sql\nSELECT 1;\n```\n"))
