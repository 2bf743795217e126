"""Asking the simulator over HTTP, as anybody would."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

_KEY = "sim-key"
_TIMEOUT = 30


def jobs(base_url: str) -> Iterator[dict[str, Any]]:
    """Every job that has an id, newest first."""
    return (job for job in _listed(f"{base_url}/fine_tuning/jobs") if "id" in job)


def event_ids(base_url: str, job_id: str) -> frozenset[str]:
    return frozenset(event["id"] for event in _listed(f"{base_url}/fine_tuning/jobs/{job_id}/events"))


def cancel(base_url: str, job_id: str) -> None:
    """Raises urllib.error.HTTPError when the job has ended."""
    _ask(f"{base_url}/fine_tuning/jobs/{job_id}/cancel", method="POST")


def _listed(url: str) -> Iterator[dict[str, Any]]:
    after = ""
    while True:
        page = _ask(f"{url}?limit=100{after}")
        yield from page["data"]
        if not page["has_more"]:
            return
        after = f"&after={[entry['id'] for entry in page['data'] if 'id' in entry][-1]}"


def _ask(url: str, method: str = "GET") -> Any:
    request = urllib.request.Request(url, method=method, headers={"Authorization": f"Bearer {_KEY}"})
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
        return json.load(answer)
