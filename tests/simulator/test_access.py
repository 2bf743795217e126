"""Keys, scopes, wrong addresses, outages, and the server's manners."""

from http.client import RemoteDisconnected

import pytest

from service.simulator import Account, Simulator

from .doubles import Clock, Connect, Http


@pytest.mark.parametrize("key", [None, "", "another", "sk-a-long-and-secret-key-4321"])
def test_a_missing_or_wrong_key_is_refused(simulator: Simulator, connect: Connect, key: str | None) -> None:
    """401 invalid_api_key, and the key is not echoed."""
    answer = connect(simulator, key).get("/fine_tuning/jobs")
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
    assert answer.error["type"] == "invalid_request_error"
    assert not key or key not in answer.error["message"]


def test_a_revoked_key_works_again_once_restored(simulator: Simulator, http: Http) -> None:
    """Nothing is lost meanwhile."""
    id = simulator.create()
    simulator.revoke("sim-key")
    assert http.get("/fine_tuning/jobs").error["code"] == "invalid_api_key"
    simulator.restore("sim-key")
    assert http.job(id)["id"] == id


def test_a_key_without_a_scope_is_told_which(clock: Clock, connect: Connect) -> None:
    """401 with code null and the scope in the message; other calls work."""
    account = Account(missing_scopes=frozenset({"api.files.read"}))
    with Simulator(clock=clock, keys={"narrow": account}) as simulator:
        http = connect(simulator, "narrow")
        answer = http.get("/files")
        assert (answer.status, answer.error["code"]) == (401, None)
        assert "Missing scopes: api.files.read" in answer.error["message"]
        assert http.get("/fine_tuning/jobs").status == 200


def test_wrong_paths_and_methods_are_told_apart(http: Http) -> None:
    """404 for a path nobody knows, 405 for a method the path does not take."""
    assert http.get("/fine_tunes").status == 404
    wrong = http.call("PUT", "/fine_tuning/jobs")
    assert (wrong.status, wrong.headers["allow"]) == (405, "GET, POST")
    assert http.get("/fine_tuning/jobs/x/cancel").status == 405
    assert http.get("/fine_tuning/jobs/x").error["code"] == "fine_tune_not_found"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"training_file": "file-1"}, "model"),
        ({"model": "m"}, "training_file"),
        ({"model": 4, "training_file": "file-1"}, "model"),
        ({"model": "m", "training_file": "file-1", "suffix": "s" * 65}, "suffix"),
        ({"model": "m", "training_file": "file-1", "method": {"type": "magic"}}, "method"),
        ({"model": "m", "training_file": "file-1", "metadata": {"a": 1}}, "metadata"),
        ([], None),
    ],
)
def test_an_order_that_lacks_something_is_refused(http: Http, body: object, param: str | None) -> None:
    """400 naming the parameter, and no job comes of it."""
    answer = http.post("/fine_tuning/jobs", body)
    assert (answer.status, answer.error["param"]) == (400, param)
    assert http.jobs()["data"] == []


OUTAGES = [(500, None), (503, "server_is_overloaded"), (429, "rate_limit_exceeded")]


@pytest.mark.parametrize(("status", "code"), OUTAGES)
def test_when_down_all_calls_say_so(simulator: Simulator, http: Http, status: int, code: str | None) -> None:
    """In OpenAI's shape; Retry-After if one is set; afterwards all is as before."""
    simulator.down, simulator.retry_after = status, 7
    answer = http.get("/fine_tuning/jobs")
    assert (answer.status, answer.error["code"], answer.headers["retry-after"]) == (status, code, "7")
    simulator.down = None
    assert http.get("/fine_tuning/jobs").status == 200


def test_every_answer_has_a_request_id_of_its_own(simulator: Simulator, http: Http, connect: Connect) -> None:
    """Refusals and outages too."""
    answers = [http.get("/models"), http.get("/nothing"), connect(simulator, "wrong").get("/models")]
    simulator.down = 500
    answers.append(http.get("/models"))
    assert len({answer.headers["x-request-id"] for answer in answers}) == 4


def test_requests_are_remembered(simulator: Simulator, http: Http) -> None:
    """Method and path, without the query, in their order."""
    http.get("/fine_tuning/jobs", limit=1)
    http.post("/fine_tuning/jobs/x/cancel")
    assert list(simulator.requests) == [
        ("GET", "/v1/fine_tuning/jobs"),
        ("POST", "/v1/fine_tuning/jobs/x/cancel"),
    ]


def test_a_connection_is_kept_over_many_requests(http: Http) -> None:
    """HTTP/1.1 keep-alive, also after errors and after bodies nobody wanted."""
    http.get("/models")
    socket = http.connection.sock
    http.post("/nothing", {"unwanted": "body"})
    http.call("HEAD", "/models")
    http.get("/models")
    assert http.connection.sock is socket


def test_a_stopped_simulator_hangs_up_and_comes_back_where_it_was(simulator: Simulator, http: Http) -> None:
    """Kept connections die with it; started again it has the same address and the same jobs."""
    id, url = simulator.create(), simulator.url
    http.get("/models")
    simulator.stop()
    with pytest.raises((ConnectionError, RemoteDisconnected)):
        http.get("/models")
    simulator.start()
    assert simulator.url == url
    assert http.job(id)["id"] == id


def test_a_raw_job_shows_exactly_its_payload(simulator: Simulator, http: Http) -> None:
    """Unknown statuses and odd types go through unchanged, and changes are laid over them."""
    payload = {"id": "ft-1", "status": "compressing", "created_at": "yesterday", "error": 17, "metadata": []}
    simulator.add_raw(None, payload)
    assert http.job("ft-1") == http.jobs()["data"][0] == payload
    simulator.set_raw(None, "ft-1", status=None)
    assert http.job("ft-1") == payload | {"status": None}
    assert http.get("/fine_tuning/jobs/ft-1/events").json["data"] == []
    assert http.post("/fine_tuning/jobs/ft-1/cancel").status == 400
    assert http.jobs(**{"metadata[a]": "b"})["data"] == []


def test_a_raw_job_may_lack_everything(simulator: Simulator, http: Http) -> None:
    """Even its id: it is listed all the same."""
    simulator.add_raw(None, {})
    assert http.jobs()["data"] == [{}]


def test_keys_of_a_living_job_can_be_overlaid(simulator: Simulator, http: Http, clock: Clock) -> None:
    """set_raw() alters what is named; the life goes on underneath."""
    id = simulator.create(durations=(10, 10, 10))
    simulator.set_raw(None, id, organization_id=None)
    clock.advance(30)
    assert (http.job(id)["organization_id"], http.job(id)["status"]) == (None, "succeeded")
