"""The rules of the house that no linter checks."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from service.store import identity

ROOT = Path(__file__).parents[1]
SERVICE = sorted((ROOT / "service").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

# Where everything is caught, and why. Style: around one item of a pass, and around a thread's main, nowhere else.
BROAD = {
    "service/daemon/daemon.py": "a member thread's main: whatever ends it stops the whole program",
    "service/watcher/look.py": "one item of a pass: a payload that breaks our reading must not keep the rest away",
    "service/watcher/course.py": "one course: whatever it does to us, the job's end is announced all the same",
    "service/composer/templates.py": "one template of the owner's: whatever it does, the built-in one stands in for it",
    "service/outbox/sending.py": "one notice: whatever it does to us or to a plugin, the others go on",
    "service/bounded.py": "a thread's main: what it catches is raised where the call was made",
}
# Put together from pieces, so that this file does not hold them.
REGISTRIES = re.compile(
    r"pypi\.(org|python)|pythonhosted\.org|npmjs\.org|--(extra-)?index-url|registry\.yarnpkg", re.IGNORECASE
)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def test_there_is_a_house_to_look_at() -> None:
    assert len(SERVICE) > 40
    assert len(TESTS) > 20


@pytest.mark.parametrize("path", SERVICE, ids=name)
def test_a_file_is_short_enough_to_be_read(path: Path) -> None:
    assert path.read_text(encoding="utf-8").count("\n") <= 300


def test_an_import_inside_a_function_says_why() -> None:
    """In a comment on its line, or on the nearest line above that is no such import."""
    found, silent = 0, []
    for path in SERVICE:
        lines = path.read_text(encoding="utf-8").splitlines()
        for number in [number for number, line in enumerate(lines) if "PLC0415" in line]:
            above = next(line for line in reversed(lines[:number]) if "PLC0415" not in line)
            beside = re.search(r"# noqa: PLC0415\W+\w+", lines[number])
            found += 1
            if not (beside or above.lstrip().startswith("# ")):
                silent.append(f"{name(path)}:{number + 1}")
    assert silent == []
    assert found


def _is_broad(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler):
        return False
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(each is None or ast.unparse(each) in ("Exception", "BaseException") for each in caught)


def test_everything_is_caught_only_where_there_is_a_reason() -> None:
    """Once in each of the files listed; a suppress() counts as well."""
    found = []
    for path in SERVICE:
        suppressed = re.findall(r"suppress\([^)]*\b(?:Base)?Exception\b", path.read_text(encoding="utf-8"))
        found += [name(path)] * (len(suppressed) + sum(map(_is_broad, nodes(path))))
    assert sorted(found) == sorted(BROAD)


def _sleeps(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module in ("time", "asyncio") and "sleep" in {each.name for each in node.names}
    return isinstance(node, ast.Attribute) and ast.unparse(node) in ("time.sleep", "asyncio.sleep")


def _patches(node: ast.AST) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return "mock" in ast.unparse(node)
    allowed = ("setenv", "delenv", "chdir", "context")
    return isinstance(node, ast.Attribute) and ast.unparse(node.value) == "monkeypatch" and node.attr not in allowed


def test_nobody_sleeps() -> None:
    """Waiting is for an event, with a time limit."""
    assert [name(path) for path in [*SERVICE, *TESTS] if any(map(_sleeps, nodes(path)))] == []


def test_no_test_patches_our_own_code() -> None:
    """Fakes with a memory instead; monkeypatch serves the environment and the working directory."""
    assert [name(path) for path in TESTS if any(map(_patches, nodes(path)))] == []


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("time.sleep(1)", _sleeps),
        ("from time import sleep", _sleeps),
        ("from unittest import mock", _patches),
        ("monkeypatch.setattr(a, 'b', c)", _patches),
        ("try:\n  x\nexcept Exception:\n  y", _is_broad),
        ("try:\n  x\nexcept:\n  y", _is_broad),
        ("try:\n  x\nexcept (ValueError, BaseException):\n  y", _is_broad),
    ],
)
def test_the_rules_find_what_they_are_for(code: str, rule: Callable[[ast.AST], bool]) -> None:
    assert any(map(rule, ast.walk(ast.parse(code))))


def _texts() -> list[Path]:
    """What people and machines read to install and to run it."""
    top = [path for path in ROOT.iterdir() if path.is_file() and path.name != ".git"]
    below = [
        path
        for folder in ("service", "tests", "migrations", "docs", "requirements", "benchmarks", "explore", ".ci")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    return sorted(path for path in [*top, *below] if not re.search(r"\.(db|pyc|png|svg|gif)", path.name))


def test_no_address_of_a_registry_is_written_down() -> None:
    """Where packages come from is the owner's business: locks hold hashes, not addresses."""
    found = [name(path) for path in _texts() if REGISTRIES.search(path.read_text(encoding="utf-8", errors="replace"))]
    assert found == []


def test_the_schema_is_the_one_that_the_migrations_end_in() -> None:
    assert ScriptDirectory(str(ROOT / "migrations")).get_heads() == [identity.REVISION]
