"""The look of a mail: one column that a phone shows without zooming, readable on light and on dark."""

from pathlib import Path

import jinja2

from service import model
from service.composer import parts, templates

# Of the stripe at the top; white text on each has a contrast of 4.5 or more.
_COLOURS = {
    model.Kind.SUCCEEDED: "#1a7f37",
    model.Kind.FAILED: "#b42318",
    model.Kind.WATCH_FAILING: "#9a5b00",
    model.Kind.DELIVERY_FAILED: "#9a5b00",
    model.Kind.STALLED: "#9a5b00",
    model.Kind.MODEL_SHUTDOWN: "#9a5b00",
}
_QUIET = "#3a4a5e"
# How an HTML part refers to the picture beside it in the same mail.
PICTURE = "curve"

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def mail(page: templates.Page, *, mark: str, kind: model.Kind, language: str, picture: bool) -> str:
    """The HTML of a page; `mark` names the notice, `picture` tells whether one comes with it."""
    return _ENVIRONMENT.get_template("mail.html.jinja").render(
        title=page.title,
        opening=page.opening,
        rest=parts.for_layout(page.rest),
        mark=mark,
        colour=_COLOURS.get(kind, _QUIET),
        language=language,
        picture=PICTURE if picture else None,
    )
