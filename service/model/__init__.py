"""The vocabulary: frozen records that every floor shares. Imports the standard library only.

Times are aware UTC datetimes in whole seconds.
"""

from service.model.jobs import (
    Checkpoint,
    Course,
    Event,
    EventPage,
    Item,
    Job,
    ListedModel,
    Metric,
    Page,
    Source,
    State,
    StatusChange,
)
from service.model.notices import (
    Channel,
    Delivery,
    Destination,
    DestinationRecord,
    Kind,
    Message,
    Notice,
    Order,
    Resent,
    Resumed,
)
from service.model.records import AccountRecord, Update

__all__ = [
    "AccountRecord",
    "Channel",
    "Checkpoint",
    "Course",
    "Delivery",
    "Destination",
    "DestinationRecord",
    "Event",
    "EventPage",
    "Item",
    "Job",
    "Kind",
    "ListedModel",
    "Message",
    "Metric",
    "Notice",
    "Order",
    "Page",
    "Resent",
    "Resumed",
    "Source",
    "State",
    "StatusChange",
    "Update",
]
