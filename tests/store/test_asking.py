"""Anybody's SQL: it is answered, and nothing can be done with it but ask."""

import _thread
import itertools
import math
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from service import errors
from service.store import asking
from service.store import engine as engines

FOREVER = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"


def ask(url: str, statement: str) -> list[asking.Row]:
    with asking.answer(url, statement) as answer:
        return list(answer.rows)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM job",
        "DELETE FROM job_summary",
        "WITH x AS (SELECT 1) DELETE FROM job",
        "INSERT INTO account (name, active) VALUES ('x', 1) RETURNING id",
        "UPDATE job_summary SET state = 'failed'",
        "DROP VIEW job_summary",
        "CREATE TABLE t (a)",
        "CREATE TEMP TABLE t (a)",
        "CREATE TEMP VIEW t AS SELECT 1",
        "CREATE TEMP TRIGGER t AFTER DELETE ON job BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE temp.t USING fts5(a)",
        "ATTACH 'FOLDER/new.db' AS new",
        "ATTACH ':memory:' AS new",
        "DETACH main",
        "VACUUM",
        "VACUUM INTO 'FOLDER/new.db'",
        "BEGIN IMMEDIATE",
        "SAVEPOINT s",
        "REINDEX",
        "ANALYZE",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA writable_schema = ON",
        "PRAGMA query_only = OFF",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA user_version = 7",
        "PRAGMA temp_store_directory = 'FOLDER'",
        "SELECT * FROM pragma_journal_mode('delete')",
        "SELECT load_extension('FOLDER/x.so')",
        "SELECT writefile('FOLDER/new.db', 'x')",
        "SELECT 1; DELETE FROM job",
        "EXPLAIN DELETE FROM job",
    ],
)
def test_nothing_can_be_done_but_ask(engine: engines.Engine, url: str, tmp_path: Path, statement: str) -> None:
    path = engines.file_of(url)
    assert path
    ask(url, "SELECT 1")  # lays -wal and -shm beside it, as every reader may
    files, content = sorted(tmp_path.iterdir()), path.read_bytes()
    with pytest.raises(errors.WrongStatement):
        ask(url, statement.replace("FOLDER", str(tmp_path)))
    assert (sorted(tmp_path.iterdir()), path.read_bytes()) == (files, content)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("SELEC 1", 'near "SELEC": syntax error'),
        ("SELECT 1; SELECT 2", "one statement at a time"),
        ("SELECT ?", "binding"),
        ("", "no statement"),
        (" -- nothing\n;", "no statement"),
        ("SELECT 'a\0b'", "null character"),
        ("SELECT json_extract('{', '$')", "malformed JSON"),
        ("SELECT * FROM job_sumary", "The views are job_summary"),
        ("SELECT finished FROM job_summary", "Near to it: finished_at"),
        ("SELECT h.observed FROM job_history h", "Near to it: observed_at"),
        ("SELECT qqq FROM job_history", "qqq. docs/reading-the-database.md"),
        ("DELETE FROM job", "Nothing was changed"),
    ],
)
def test_a_mistake_is_told_in_words_that_help(engine: engines.Engine, url: str, statement: str, said: str) -> None:
    with pytest.raises(errors.WrongStatement) as told:
        ask(url, statement)
    assert said in str(told.value)


def test_bytes_become_text_and_other_values_stay(engine: engines.Engine, url: str) -> None:
    statement = (
        "SELECT NULL AS n, 1 AS w, 0.5 AS r, x'01ff' AS b, 9e999 AS i, CAST(x'61ff' AS TEXT) AS t, '\udcff' AS s"
    )
    expected = {"n": None, "w": 1, "r": 0.5, "b": "x'01ff'", "i": math.inf, "t": "a\ufffd", "s": "?"}
    assert ask(url, statement) == [expected]


def test_columns_of_one_name_are_told_apart(engine: engines.Engine, url: str) -> None:
    assert ask(url, "SELECT 1 AS a, 2 AS a, 3 AS a_2, 4 AS a") == [{"a": 1, "a_2": 2, "a_2_2": 3, "a_3": 4}]


def test_it_says_what_there_is_to_ask_for(engine: engines.Engine, url: str) -> None:
    assert "finished_at" in [row["name"] for row in ask(url, "PRAGMA table_info(job_summary)")]
    assert "job_history" in [row["name"] for row in ask(url, "PRAGMA table_list")]
    assert len(ask(url, "SELECT * FROM pragma_table_info('job_history')")) == 8
    assert ask(url, "EXPLAIN QUERY PLAN SELECT * FROM job_history")


def test_json_can_be_taken_apart(engine: engines.Engine, url: str) -> None:
    assert ask(url, """SELECT value FROM json_each('{"a": 1}')""") == [{"value": 1}]
    assert len(ask(url, """SELECT fullkey FROM json_tree('{"a": [1]}')""")) == 3


def test_rows_are_read_while_they_are_taken(engine: engines.Engine, url: str) -> None:
    with asking.answer(url, f"{FOREVER} SELECT x FROM n") as answer:
        assert [row["x"] for row in itertools.islice(answer.rows, 3)] == [1, 2, 3]


def test_ctrl_c_ends_a_question_that_has_no_end(engine: engines.Engine, url: str) -> None:
    timer = threading.Timer(0.2, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        ask(url, f"{FOREVER} SELECT count(*) FROM n")
    timer.join()


def test_the_daemon_may_write_meanwhile(engine: engines.Engine, url: str) -> None:
    """The answer is of one moment all the same."""
    with asking.answer(url, "SELECT 1 AS x FROM account UNION ALL SELECT count(*) FROM account") as answer:
        with engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO account (name, active) VALUES ('x', 1)")
        assert list(answer.rows) == [{"x": 0}]


def test_trouble_with_the_file_is_no_mistake_of_the_asker(engine: engines.Engine, url: str) -> None:
    engine.dispose()
    path = engines.file_of(url)
    assert path
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(errors.Damaged):
        ask(url, "SELECT * FROM account")


def test_another_kind_of_database_has_its_own_client(url: str) -> None:
    with pytest.raises(errors.DatabaseRefused), asking.answer("sqlite://", "SELECT 1"):
        pass
