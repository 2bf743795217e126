"""Databases of other origin: JSON that is not what we write."""

import json

import pytest
import sqlalchemy as sa

from service.store import engine as engines
from tests.cli.conftest import Ask
from tests.conftest import Bench


def _write(engine: engines.Engine, job: str, text: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE job SET metadata = :text, hyperparameters = :text, result_files = :text WHERE job_id = :job"
            ),
            {"text": text, "job": job},
        )


@pytest.mark.parametrize("text", ['{"team": NaN}', '{"a": Infinity, "team": "search"}', '["search"]', "5", "null"])
def test_jobs_are_chosen_by_metadata_among_others_that_cannot_be(
    bench: Bench, engine: engines.Engine, ask: Ask, text: str
) -> None:
    odd = bench.simulator.create()
    good = bench.simulator.create(metadata={"team": "search"})
    bench.poll()
    _write(engine, odd, text)
    result = ask("jobs", "--metadata", "team=search", "--json")
    assert [row["job_id"] for row in json.loads(result.stdout)] == [good]


@pytest.mark.parametrize(("text", "shown"), [('["a", 5]', "a, 5"), ("5", "5"), ('"words"', "words"), ("[]", "")])
def test_what_is_no_object_is_shown_as_it_is(
    bench: Bench, engine: engines.Engine, ask: Ask, text: str, shown: str
) -> None:
    odd, other = bench.simulator.create(), bench.simulator.create(metadata={"team": "search"})
    bench.poll()
    _write(engine, odd, text)
    fields = dict(line.split(maxsplit=1) for line in ask("show", odd).stdout.splitlines() if "Metadata" in line)
    assert fields.get("Metadata", "") == shown
    compared = {
        row["field"]: row["values"] for row in json.loads(ask("compare", odd, other, "--json").stdout)["fields"]
    }
    assert compared["metadata"] == [json.loads(text), None]
    assert compared["metadata.team"] == [None, "search"]
    assert ask("compare", odd, other).exit_code == 0
