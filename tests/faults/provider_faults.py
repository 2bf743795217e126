"""The faults that the tests called test_provider….py try."""

from tests.faults.table import Fault

# The words above the table in docs/faults.md say what these mean.
NEXT_LOOK = "at the next look"
WITHIN = "within the look"
AFTER_PAUSE = "after that pause"
AFTER_LONG = "after that pause, at most 1 h"
ALWAYS = "at every look"
NOT = "nothing to try again"
LATE = "that it is blind, after `blind_after`"
SECOND = "that it is blind, at the second in a row"
AT_ONCE = "that it is blind, at once if the pause is longer than `blind_after`"
NOBODY = "of every job that ends, as always"


def _trouble(name: str, logged: str, again: str = WITHIN, told: str = LATE) -> Fault:
    return Fault(name=name, logged=logged, again=again, told=told)


# No job can be read. The word is what faulty.py is told to do; the first two are addresses of nobody.
ACCOUNT_FAULTS: dict[str, Fault] = {
    "closed": _trouble("the connection is refused", "cannot be reached"),
    "nowhere": _trouble("the host name is unknown (DNS)", "cannot be reached"),
    "silence": _trouble("no answer in time", "did not answer in time"),
    "silence halfway": _trouble("silence in the middle of an answer", "did not answer in time"),
    "reset": _trouble("the connection is reset", "reset"),
    "reset halfway": _trouble("reset in the middle of an answer", "reset"),
    "hung up halfway": _trouble("hung up in the middle of an answer", "without sending complete message body"),
    "no HTTP": _trouble("the answer is not HTTP", "cannot be reached"),
    "damaged gzip": _trouble("a compressed answer is damaged", "cannot be reached"),
    "on and on": _trouble("an answer without an end", "the answer is longer than", NEXT_LOOK),
    "packed": _trouble("a small answer that unpacks to an enormous one", "the answer is longer than", NEXT_LOOK),
    "circle": _trouble("redirected in a circle", "cannot be reached"),
    "truncated": _trouble("half of a JSON text", "not JSON", NEXT_LOOK),
    "invalid": _trouble("invalid JSON", "not JSON", NEXT_LOOK),
    "empty": _trouble("an empty answer", "not JSON", NEXT_LOOK),
    "page": _trouble("an HTML page with status 200", "not JSON", NEXT_LOOK),
    "gateway": _trouble("an HTML page with status 502", "has trouble (502): the answer holds no explanation"),
    "no list": _trouble("JSON, but no list of jobs", "without a list in `data`", NEXT_LOOK),
    "no ids": _trouble("a page of jobs of which none has an id, and more behind it", "usable id", NEXT_LOOK),
    "bad request": _trouble("400", "does not accept the request (400)", NEXT_LOOK),
    "bad key": _trouble("401, the key", "refuses the key (401)", NEXT_LOOK, SECOND),
    "no scope": _trouble("401, a missing scope", "lets the key in but not to this (401)", NEXT_LOOK, SECOND),
    "forbidden": _trouble("403", "refuses access (403)", NEXT_LOOK, SECOND),
    "no such path": _trouble("404 for the listing", "no list of fine-tuning jobs there", NEXT_LOOK),
    "timeout": _trouble("408", "has trouble (408)"),
    "conflict": _trouble("409", "has trouble (409)"),
    "rate": _trouble("429 without Retry-After", "asks us to slow down (429)"),
    "rate, 7 s": _trouble("429, Retry-After shorter than `interval`", "asks us to slow down (429)"),
    "rate, 100 s": _trouble("429, Retry-After of up to 2 min", "asks us to slow down (429)", AFTER_PAUSE),
    "rate, 1 h": _trouble("429, a longer Retry-After", "asks us to slow down (429)", AFTER_LONG, AT_ONCE),
    "quota": _trouble("429 insufficient_quota", "the quota is used up (429)", WITHIN, SECOND),
    "broken": _trouble("500", "has trouble (500)"),
    "overloaded": _trouble("503", "has trouble (503)"),
    "maintenance, 1 h": _trouble("503 with a long Retry-After", "has trouble (503)", AFTER_LONG, AT_ONCE),
}

# Some jobs cannot be read, or not as they should.
GONE = Fault(
    name="404 for an unfinished job",
    logged="the provider no longer has",
    again="at the next look; after a second 404 in a row no more, unless it is listed again",
    told="`watch_failing` about the job, one for all that are gone at the same look",
)
UNREAD = Fault(
    name="an unlisted unfinished job cannot be read (400, 500, no JSON, another job's answer …)",
    logged="cannot be read",
    again=ALWAYS + "; after three failures in a row the others have their turn at the next",
    told="`watch_failing` about these jobs, after `blind_after`",
)
REFUSED_ONE = Fault(
    name="401 or 403 for a single job",
    logged="refuses",
    again=NEXT_LOOK,
    told="like 401 and 403 for the listing; what was listed has been recorded",
)
SLOW_DOWN_ONE = Fault(
    name="429 for a single job",
    logged="asks us to slow down (429)",
    again="like 429 for the listing",
    told="like 429 for the listing; what was listed has been recorded",
)
NO_JOBS = Fault(
    name="no jobs are listed, though some are known",
    logged="lists no jobs at all",
    again=ALWAYS + "; unfinished jobs are asked for by their ids",
    told="nothing, unless unfinished jobs are gone (404)",
)
REPEATED = Fault(
    name="a page repeats for ever", logged="its listing repeats a page", again=ALWAYS + ", up to that page", told=NOBODY
)
ENDLESS = Fault(
    name="the listing never ends, with ever new ids",
    logged="its listing has no end",
    again=ALWAYS + ", up to 10,000 pages",
    told=NOBODY,
)
TWICE = Fault(
    name="a job is listed twice, in a page or on two", logged="nothing", again="nothing: its first place counts",
    told="of its end once",
)  # fmt: skip
CLOCK = Fault(name="the provider's clock is hours ahead or behind", logged="nothing", again=NOT, told=NOBODY)
NO_ID = Fault(name="a job without a usable id", logged="have no usable id; kept raw", again=ALWAYS, told=NOBODY)
STATUS = Fault(
    name="a status that nobody knows", logged="is not known here",
    again="at every look: it counts as unfinished", told="nothing, until it ends",
)  # fmt: skip
FIELDS = Fault(
    name="a field of a job is missing, null, of another type, huge, or unknown",
    logged="nothing",
    again="nothing: it reads as missing; the payload is kept as it came",
    told=NOBODY,
)
COURSE = Fault(
    name="events, checkpoints or results cannot be read (any of the faults above)",
    logged="nothing",
    again="after ten intervals; never what is not there (404) or refused",
    told="of the end of the job, as always, without these details",
)
ALL_ELSE = (
    GONE, UNREAD, REFUSED_ONE, SLOW_DOWN_ONE, NO_JOBS, REPEATED, ENDLESS, TWICE, CLOCK, NO_ID, STATUS, FIELDS, COURSE,
)  # fmt: skip

FAULTS: tuple[Fault, ...] = (*ACCOUNT_FAULTS.values(), *ALL_ELSE)
