"""Notices said, without a picture."""

from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import Any

from service import model
from service.composer.composer import Composer
from tests import builders


def composer(zone: tzinfo = UTC, **options: Any) -> Composer:
    return Composer(zone=zone, **{"draw": lambda _course, _title: None, **options})


def said(notices: model.Notice | Sequence[model.Notice], zone: tzinfo = UTC, language: str = "en") -> model.Message:
    """One notice, or several together."""
    several = [notices] if isinstance(notices, model.Notice) else notices
    return composer(zone).compose(several, builders.destination(language=language))
