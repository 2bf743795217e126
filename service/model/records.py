"""What is kept of an account and of one look at it."""

from dataclasses import dataclass
from datetime import datetime

from service.model.jobs import Course, Job, StatusChange
from service.model.notices import Order


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """What one look at one job brought: everything of it is written in one transaction.

    `model_due_at`: from when on the model that came of it is to be looked up; None leaves that as it was.
    """

    job: Job
    change: StatusChange | None = None
    course: Course | None = None
    course_due_at: datetime | None = None
    model_due_at: datetime | None = None
    orders: tuple[Order, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountRecord:
    """What is known of an account between passes.

    `baseline_at`: end of the first complete reading. `watermark`: creation time of the newest job at the end
    of the last complete pass. `full_read_at`: when the whole listing was last read. `models_read_at`: the same of
    its models. `failing_since`: first failed pass since the last good one. `blind_at`: when it was announced that
    the account cannot be seen.
    """

    name: str
    baseline_at: datetime | None = None
    watermark: datetime | None = None
    full_read_at: datetime | None = None
    models_read_at: datetime | None = None
    last_pass_at: datetime | None = None
    last_good_at: datetime | None = None
    next_pass_at: datetime | None = None
    failing_since: datetime | None = None
    blind_at: datetime | None = None
    last_error: str | None = None
