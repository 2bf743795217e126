"""Which URLs are taken, what they are called, and that neither tells a secret."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.notifier import destinations

GOOD = [
    "json://hook.example/s3cret-path?-token=s3cret-query",
    "jsons://s3cret-user:s3cret-pass@hook.example:8443/s3cret-path",
    "slack://T1JJ3T3L2/A1BRTD4JD/s3cretkdnlazkcOXrIdevi7F/#ops",
    "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/s3cretkdnlazkcOXrIdevi7F",
    "discord://4174216298/s3cret-JHMHI8qBe7bk2ZwO5U711o3dV_js",
    "tgram://123456789:s3cretAEhqr-part_abcdefghijklmnopqr/12315544/",
    "mailto://user:s3cret-pass@mail.example?from=t@example.com&to=you@example.com",
    "mailtos://user:s3cret-pass@mail.example",
    "ntfys://s3cret-user:s3cret-pass@ntfy.example/s3cret-topic",
]


@pytest.mark.parametrize("url", GOOD)
def test_a_good_url_is_one_destination_whose_label_tells_no_secret(url: str) -> None:
    assert destinations.fault(url) is None
    (target,) = destinations.targets("chat", url)
    assert "s3cret" not in target.label.lower()
    assert target.label


def test_the_topic_of_the_public_ntfy_is_not_shown() -> None:
    (target,) = destinations.targets("chat", "ntfy://s3cret-topic")
    assert "s3cret" not in target.label


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("json://hook.example/path", "json://hook.example #"),
        ("jsons://hook.example:8443/path", "jsons://hook.example:8443 #"),
        ("mailto://user:pass@mail.example?to=you@example.com", "mail to you@example.com"),
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "Discord #"),
    ],
)
def test_a_label_tells_where_it_goes(url: str, label: str) -> None:
    (target,) = destinations.targets("chat", url)
    assert target.label.startswith(label)


def test_two_hooks_of_one_service_are_told_apart() -> None:
    labels = [destinations.targets("chat", f"discord://4174216298/token-{n}-abcdefghijkl")[0].label for n in range(9)]
    assert len(set(labels)) == 9


def test_a_key_stays_the_same_and_is_anothers_in_another_channel() -> None:
    """Deliveries that wait in the database are found again by it."""
    keys = [destinations.targets(channel, GOOD[0])[0].key for channel in ("chat", "chat", "other")]
    assert keys[0] == keys[1] != keys[2]
    assert "s3cret" not in keys[0]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "not a URL"),
        ("s3cret", "not a URL"),
        ("slack:s3cret", "not a URL"),
        ("s3cret@example.com", "not a URL"),
        ("nosuch://s3cret", "nosuch://"),
        ("json://", "json://"),
        ("slack://s3cret", "slack://"),
        ("tgram://s3cret", "tgram://"),
        ("mailto://user:s3cret@mail.example?to=nobody", "recipient"),
        ("https://hook.example/s3cret", "https://"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_showing_it(url: str, problem: str) -> None:
    fault = destinations.fault(url)
    assert fault is not None
    assert problem in fault
    assert "s3cret" not in fault


@pytest.mark.parametrize(
    ("value", "count"),
    [("json://a", 1), ("json://a json://b", 2), ("json://a, json://b", 2), ("json://a\njson://b\n", 2), ("", 0)],
)
def test_one_string_may_hold_several_urls(value: str, count: int) -> None:
    assert len(destinations.split(value)) == count


@pytest.mark.parametrize("value", ["hello", "NOTIFY_URL", "json//a", "json://a hello"])
def test_what_is_no_url_is_not_silently_left_out(value: str) -> None:
    """Otherwise a misspelt channel would be taken and nobody told of anything."""
    assert any(map(destinations.fault, destinations.split(value)))


SCHEMAS = st.sampled_from(["json", "slack", "discord", "tgram", "mailto", "ntfy", "mmost", "xml", "nosuch", "https"])
PIECE = st.sampled_from([*"/:@?&=#%[],. ", "host", "token", "8080", "99999", "to=", "ä", "%c3", "::1"])


@settings(deadline=None, max_examples=200)
@given(schema=SCHEMAS, rest=st.lists(PIECE, max_size=9).map("".join))
def test_whatever_is_written_is_a_fault_or_a_destination(schema: str, rest: str) -> None:
    url = f"{schema}://{rest}"
    assert bool(destinations.fault(url)) != bool(destinations.targets("chat", url))
