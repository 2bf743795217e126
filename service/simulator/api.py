"""The calls of the fine-tuning API, and those for its models, and what each answers.

Paths, parameters, defaults and error shapes: OpenAI API reference, August 2026. Deviation: every list takes a
`limit` of at most 100; the reference names no maximum for jobs and allows 10 000 files.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from . import forms, jobs, wire
from .payloads import JSON
from .project import Project
from .wire import Refusal, Request, Response

_MAX_LIMIT: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Quirks:
    """Ways in which other servers differ, for tests of the client.

    `oldest_first`: every paged list runs the other way. `repeat_page`: the list of jobs answers its first
    page whatever the cursor, and claims there is more. `empty_list`: the list of jobs is empty.
    """

    oldest_first: bool = False
    repeat_page: bool = False
    empty_list: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request of one project at one time."""

    project: Project
    request: Request
    now: float
    quirks: Quirks

    def limit(self, default: int) -> int:
        given = self.request.query.get("limit", str(default))
        if not given.isdecimal() or not 1 <= int(given) <= _MAX_LIMIT:
            message = f"Invalid 'limit': expected an integer from 1 to {_MAX_LIMIT}, but got '{given}'."
            raise Refusal(400, message, param="limit", code="invalid_value")
        return int(given)


def answer(call: Call) -> Response:
    """The response to a request whose key has been accepted. Raises Refusal."""
    route, ids = _routed(call.request)
    if route.scope in call.project.account.missing_scopes:
        raise Refusal(401, _missing_scope(route.scope))
    result = route.answer(call, *ids)
    return result if isinstance(result, Response) else Response(body=wire.encoded(result))


def _missing_scope(scope: str) -> str:
    return (
        f"You have insufficient permissions for this operation. Missing scopes: {scope}. "
        "Check the role of the key's owner, and the scopes of the key if it is a restricted one."
    )


def _list_jobs(call: Call) -> JSON:
    limit = call.limit(20)
    if call.quirks.empty_list:
        return _listed([], False)
    found = list(islice(_matching_jobs(call), limit + 1))
    return _listed(found[:limit], len(found) > limit or call.quirks.repeat_page)


def _matching_jobs(call: Call) -> Iterator[JSON]:
    """Rendered one by one, as they are taken: an account may hold a hundred thousand."""
    query = call.request.query
    wanted = {name[9:-1]: value for name, value in query.items() if re.fullmatch(r"metadata\[.+\]", name)}
    after = None if call.quirks.repeat_page else query.get("after")
    with _or_404(f"No such fine-tuning job: {after}", param="after"):
        walk = call.project.jobs.walk(call.now, after=after, oldest_first=call.quirks.oldest_first)
    return (job.shown(call.now) for job in walk if wanted.items() <= job.metadata.items())


def _create_job(call: Call) -> JSON:
    spec = forms.job_spec(call.request.body, call.project.rng)
    return _get_job(call, call.project.create(spec, call.now))


def _get_job(call: Call, id: str) -> JSON:
    return _job(call, id).shown(call.now)


def _job(call: Call, id: str) -> jobs.Job:
    with _or_404(f"Could not find fine tune: {id}", param="fine_tune_id", code="fine_tune_not_found"):
        return call.project.jobs.get(id, call.now)


def _edit_job(call: Call, id: str, action: str) -> JSON:
    job = _job(call, id)
    try:
        job.act(action, call.now, call.project.speed)
    except jobs.Forbidden:
        message = f"Cannot {action} a job whose status is '{job.shown(call.now).get('status')}'."
        raise Refusal(400, message, code="invalid_status") from None
    return job.shown(call.now)


def _list_events(call: Call, id: str) -> JSON:
    return _page(call, _job(call, id).events(call.now), call.limit(20))


def _list_checkpoints(call: Call, id: str) -> JSON:
    page = _page(call, _job(call, id).checkpoints(call.now), call.limit(10))
    ids = [checkpoint["id"] for checkpoint in page["data"]] or [None]
    return page | {"first_id": ids[0], "last_id": ids[-1]}


def _list_files(call: Call) -> JSON:
    ids = [{"id": id} for id in call.project.file_ids(call.now, call.request.query.get("purpose"))]
    page = _page(call, ids, call.limit(100))
    return page | {"data": [_get_file(call, row["id"]) for row in page["data"]]}


def _upload_file(call: Call) -> JSON:
    form = forms.upload(call.request.content_type, call.request.body)
    return call.project.upload(form.filename, form.purpose, form.content, call.now)


def _get_file(call: Call, id: str) -> JSON:
    with _or_404(f"No such File object: {id}", param="id"):
        return call.project.file(id, call.now)


def _delete_file(call: Call, id: str) -> JSON:
    with _or_404(f"No such File object: {id}", param="id"):
        call.project.delete_file(id, call.now)
    return {"id": id, "object": "file", "deleted": True}


def _file_content(call: Call, id: str) -> Response:
    with _or_404(f"No such File object: {id}", param="id"):
        content = call.project.content(id, call.now)
    return Response(body=content, content_type="application/octet-stream")


def _list_models(call: Call) -> JSON:
    return {"object": "list", "data": call.project.models(call.now)}


def _get_model(call: Call, id: str) -> JSON:
    with _or_404(f"The model '{id}' does not exist", param="model", code="model_not_found"):
        return call.project.model(id, call.now)


def _complete(call: Call) -> JSON:
    question = forms.question(call.request.body)
    message = f"The model `{question.model}` does not exist or you do not have access to it."
    with _or_404(message, param=None, code="model_not_found"):
        return call.project.complete(question, call.now)


def _page(call: Call, oldest_first: list[JSON], limit: int) -> JSON:
    """A page of a list that is small enough to be made whole."""
    rows = oldest_first if call.quirks.oldest_first else oldest_first[::-1]
    after, start = call.request.query.get("after"), 0
    if after is not None:
        start = next((place for place, row in enumerate(rows, 1) if row["id"] == after), 0)
        if start == 0:
            raise Refusal(404, f"No such object: {after}", param="after")
    return _listed(rows[start : start + limit], start + limit < len(rows))


def _listed(data: list[JSON], has_more: bool) -> JSON:
    return {"object": "list", "data": data, "has_more": has_more}


@contextmanager
def _or_404(message: str, *, param: str | None, code: str | None = None) -> Iterator[None]:
    try:
        yield
    except jobs.Unknown:
        raise Refusal(404, message, param=param, code=code) from None


class _Route(NamedTuple):
    method: str
    path: re.Pattern[str]
    scope: str
    answer: Callable[..., JSON | Response]


def _route(method: str, path: str, scope: str, answer: Callable[..., JSON | Response]) -> _Route:
    return _Route(method, re.compile(f"/v1{path}"), scope, answer)


_JOBS: Final = "/fine_tuning/jobs"
_ROUTES: Final = (
    _route("GET", _JOBS, "api.fine_tuning.jobs.read", _list_jobs),
    _route("POST", _JOBS, "api.fine_tuning.jobs.write", _create_job),
    _route("GET", f"{_JOBS}/([^/]+)", "api.fine_tuning.jobs.read", _get_job),
    _route("POST", f"{_JOBS}/([^/]+)/(cancel|pause|resume)", "api.fine_tuning.jobs.write", _edit_job),
    _route("GET", f"{_JOBS}/([^/]+)/events", "api.fine_tuning.jobs.read", _list_events),
    _route("GET", f"{_JOBS}/([^/]+)/checkpoints", "api.fine_tuning.jobs.read", _list_checkpoints),
    _route("GET", "/files", "api.files.read", _list_files),
    _route("POST", "/files", "api.files.write", _upload_file),
    _route("GET", "/files/([^/]+)", "api.files.read", _get_file),
    _route("DELETE", "/files/([^/]+)", "api.files.write", _delete_file),
    _route("GET", "/files/([^/]+)/content", "api.files.read", _file_content),
    _route("GET", "/models", "api.model.read", _list_models),
    _route("GET", "/models/(.+)", "api.model.read", _get_model),
    _route("POST", "/chat/completions", "model.request", _complete),
)


def _routed(request: Request) -> tuple[_Route, tuple[str, ...]]:
    matches = [(route, match) for route in _ROUTES if (match := route.path.fullmatch(request.path))]
    for route, match in matches:
        if route.method == request.method:
            return route, match.groups()
    if not matches:
        raise Refusal(404, f"Invalid URL ({request.method} {request.path})")
    allowed = ", ".join(route.method for route, _ in matches)
    message = f"Not allowed to {request.method} on {request.path} (HINT: Perhaps you meant to use: {allowed})"
    raise Refusal(405, message, code="method_not_supported", headers={"Allow": allowed})
