"""The campaign knows every place where the store commits, and its plans name each of them."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.torture import plan
from tests.torture.points import COMMITS, ELSEWHERE, HELPERS, NAMED, NAMED_RARE, PARTS, RARE

STORE = Path(__file__).parents[2] / "service" / "store"


def _committing() -> Iterator[str]:
    """The functions of the store in which a transaction is begun to be committed, or is committed."""
    for path in STORE.glob("*.py"):
        if path.stem == "migrate":  # has a scenario of its own
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for owner, function in _functions(tree):
            calls = [ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)]
            if any(call.endswith(("engine.begin", "connection.commit")) for call in calls):
                yield f"{owner or path.stem}.{function.name}"


def _functions(tree: ast.Module) -> Iterator[tuple[str | None, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield None, node
        elif isinstance(node, ast.ClassDef):
            yield from ((node.name, each) for each in node.body if isinstance(each, ast.FunctionDef))


def test_every_commit_of_the_store_is_a_point_of_the_campaign() -> None:
    """A new one has to be put into points.py."""
    found = set(_committing())
    behind = {name for names in HELPERS.values() for name in names.split(", ")}
    assert found == (set(COMMITS) - behind) | set(HELPERS) | set(RARE) | set(ELSEWHERE)


def test_a_long_campaign_names_every_point() -> None:
    for seed in range(20):
        plans = plan.whole(plan.KILLS_FOR_ALL, seed)
        assert sum(each.kills for each in plans) == plan.KILLS_FOR_ALL
        named = {(kill.place, kill.moment) for kill in (*plans[0].work, *plans[0].giving_up)}
        assert named == {*NAMED, *NAMED_RARE, *(("random", part) for part in PARTS)}


def test_a_seed_gives_the_same_plan_again() -> None:
    assert plan.whole(60, 7) == plan.whole(60, 7)
    assert plan.short(7) == plan.short(7) != plan.short(8)
