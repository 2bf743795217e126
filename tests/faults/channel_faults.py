"""The faults that test_channel.py tries."""

from tests.faults.table import Fault

# Words that the document explains above its table.
PAUSES = "with growing pauses"
AT_THIRD = "that it is broken"


def _failing(name: str, logged: str, again: str = PAUSES) -> Fault:
    return Fault(name=name, logged=logged, again=again, told=AT_THIRD)


# An attempt at one of these fails; the number or word is what the receivers are told to do.
HOOK_FAULTS: dict[str | int, Fault] = {
    "closed": _failing("connection refused", "Connection refused"),
    "nowhere": _failing("the host name is unknown", "Name or service not known"),
    400: _failing("400", "error=400"),
    401: _failing("401", "error=401"),
    403: _failing("403", "error=403"),
    404: _failing("404", "error=404"),
    410: _failing("410", "error=410"),
    429: _failing("429", "error=429"),
    500: _failing("500", "error=500"),
    502: _failing("502", "error=502"),
    503: _failing("503", "error=503"),
    "nonsense": _failing("the answer is not HTTP", "BadStatusLine"),
}
MAIL_FAULTS: dict[str, Fault] = {
    "login": _failing("SMTP: the login is refused", "wrong password"),
    "recipient": _failing("SMTP: the only recipient is refused", "no such mailbox"),
    "busy": _failing("SMTP: asked to come back later (451)", "come back later"),
}
# These have tests of their own.
SLOW = Fault(name="slow, 30 s", logged="nothing", again="nothing: it is waited for, up to a minute", told="nothing")
LATE = Fault(
    name="slower than a minute, then accepted",
    logged="no answer within",
    again="not while that attempt hangs; when it ends well it counts, and nothing is sent twice",
    told=AT_THIRD,
)
SILENT = _failing(
    "SMTP: connected, and then silence",
    "no answer within",
    "with growing pauses, but not while that attempt hangs (up to 5 min)",
)
HOOK_DIES = _failing(
    "it accepts and hangs up without saying so",
    "without response",
    "with growing pauses: the notice may arrive twice, with the same Idempotency-Key and notice id",
)
MAIL_DIES = _failing(
    "SMTP: dead after DATA",
    "Connection unexpectedly closed",
    "with growing pauses: the mail may arrive twice, with the same Message-ID and notice id",
)
ONE_OF_TWO = Fault(
    name="SMTP: one of two recipients is refused",
    logged="no such mailbox",
    again="for that recipient only; the other has his mail and gets it once",
    told=AT_THIRD,
)
POISON = Fault(
    name="one notice is refused, others are taken",
    logged="error=413",
    again="that notice goes to the end of the line; the others are delivered",
    told="nothing, until it is given up",
)
GIVEN_UP = Fault(
    name="no attempt helps until `give_up_after`",
    logged="given up after",
    again="no more: it is `failed`, in `deliveries --failed` and `health` (a day); `tunewatch resend` brings it back",
    told="`delivery_failed` through the others, once for as long as the destination fails",
)
MENDED = Fault(
    name="a wrong URL, mended in the configuration, with notices waiting",
    logged="go to the present destinations",
    again="at the start with the mended file, at once, at the channel's new address",
    told="nothing",
)
REMOVED = Fault(
    name="the channel leaves the configuration with notices waiting",
    logged="their channels left the configuration",
    again="no more: they are `failed`; `tunewatch resend` sends them when the channel is back",
    told="nothing: somebody wanted it so",
)
FAULTS = (
    *HOOK_FAULTS.values(), SLOW, LATE, HOOK_DIES, *MAIL_FAULTS.values(), ONE_OF_TWO, SILENT, MAIL_DIES, POISON,
    GIVEN_UP, MENDED, REMOVED,
)  # fmt: skip
