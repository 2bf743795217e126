"""A picture goes where people see it, and costs nobody the text."""

import dataclasses
import logging
import re

import pytest

from service import errors, model
from service.notifier.notifier import AppriseNotifier
from tests import builders
from tests.notifier import leaks, messages, servers
from tests.notifier.test_flavours import SERVICES

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")

SHOWN = {name: url for name, url in SERVICES.items() if name != "teams"}
MARK = messages.WITH_CURVE.notice_id


class Chat:
    """One destination at the parrot, or by way of it."""

    def __init__(self, bird: servers.Parrot, url: str) -> None:
        self.bird, self.notifier = bird, AppriseNotifier()
        (self.destination,) = self.notifier.add(builders.channel("chat"), [url.format(port=bird.port)])
        bird.tame(self.notifier._targets[self.destination.key].plugin)

    def send(self, message: model.Message = messages.WITH_CURVE) -> None:
        self.notifier.send(self.destination.key, message)

    def asked(self, what: str) -> int:
        """How many requests hold this."""
        return sum(what in request.everything() for request in self.bird.requests)


@pytest.mark.parametrize(
    ("url", "shows"),
    [
        *((url, True) for url in SHOWN.values()),
        ("mailto://mail.example?from=t@example.com&to=you@example.com", True),
        ("mailto://mail.example?from=t@example.com&to=you@example.com&format=text", False),
        ("mailto://mail.example?from=t@example.com&to=you@example.com&pgp=sign", False),
        (SERVICES["teams"], False),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops", False),
        ("mmost://chat.example/3ccdd113474722377935511fc85d3dd4", False),
        ("matrix://token@chat.example?mode=slack", False),
        ("json://hook.example", False),
        ("xml://hook.example", False),
        ("form://hook.example", False),
        ("bulksms://s3cret:pass@15551234567", False),
    ],
)
def test_a_picture_goes_where_people_see_it(url: str, shows: bool) -> None:
    notifier = AppriseNotifier()
    (destination,) = notifier.add(builders.channel("chat"), [url.format(port=1)])
    assert notifier.shows_pictures(destination.key) is shows


@pytest.mark.parametrize("url", SHOWN.values(), ids=SHOWN)
def test_a_picture_arrives_once(parrot: servers.Parrot, url: str) -> None:
    chat = Chat(parrot, url)
    chat.send()
    assert chat.asked("IHDR") == 1


@pytest.mark.parametrize("url", SHOWN.values(), ids=SHOWN)
def test_a_picture_that_is_refused_costs_nobody_the_text_and_repeats_it_to_nobody(
    parrot: servers.Parrot, url: str
) -> None:
    parrot.status, parrot.fails_once_given = 413, "IHDR"
    chat = Chat(parrot, url)
    chat.send()
    accepted = [request for request in parrot.requests if "IHDR" not in request.everything()]
    assert sum("has succeeded" in request.everything() for request in accepted) == 1


@pytest.mark.parametrize("name", ["discord", "slack", "telegram", "matrix"])
def test_of_a_picture_that_is_refused_the_log_tells_without_a_token(
    parrot: servers.Parrot, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="service")
    parrot.status, parrot.fails_once_given = 413, "IHDR"
    Chat(parrot, SHOWN[name]).send()
    (told,) = [record.getMessage() for record in caplog.records if record.name.startswith("service")]
    assert f"the curve of {MARK} was not taken" in told
    assert leaks.found(told, re.findall(r"[A-Za-z0-9_-]{20,}", SHOWN[name])) == []


@pytest.mark.parametrize("url", SHOWN.values(), ids=SHOWN)
def test_a_text_that_is_refused_is_a_failure_with_or_without_its_picture(parrot: servers.Parrot, url: str) -> None:
    parrot.status = 503
    with pytest.raises(errors.Transient):
        Chat(parrot, url).send()


def test_a_picture_does_not_travel_with_a_text_that_is_too_long_for_an_address(parrot: servers.Parrot) -> None:
    """At ntfy the text would stand in it."""
    chat = Chat(parrot, SERVICES["ntfy"])
    chat.send(dataclasses.replace(messages.WITH_CURVE, body=f"Opening\nNotice {MARK}\n\n{'訓練' * 800}"))
    text, picture = parrot.requests
    assert (text.path, picture.path) == ("/", "/jobs?filename=curve.png")
    assert MARK in text.everything()


def test_a_webhook_gets_no_picture(hook: servers.Hook) -> None:
    notifier = AppriseNotifier()
    notifier.send(notifier.add(builders.channel("chat"), [hook.url()])[0].key, messages.WITH_CURVE)
    assert hook.posts[0][2]["attachments"] == []
