"""A notice as it is composed: text, Markdown and HTML, a picture, data, and a stranger's names in all of them."""

import base64
import html

from service import model
from service.rules import plain

# The smallest picture there is.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
MODEL = "ft:gpt-4.1-mini-2025-04-14:acme:rain_v2:BxYz12"
_METADATA = "owner *ann*, files a_b_c and _x_, path C:\\data, note <b>1 < 2 & 3</b> `y` ~z~ ||s|| [x](http://e.example)"
_PAGE = "https://platform.openai.com/finetune/ftjob-7f3a9c?filter=all"


def _of(*, picture: bytes | None = None) -> model.Message:
    harmless = plain.text(_METADATA)
    return model.Message(
        title="✅ rain_v2 *big* has succeeded",
        body="\n".join([
            "Fine-tuning job ftjob-7f3a9c (account main) has succeeded.", "Notice tw-9k2m4p", "",
            f"Tuned model: {MODEL}", f"Metadata: {harmless}", f"Look: {_PAGE}",
        ]),
        markdown="\n".join([
            "Fine-tuning job `ftjob-7f3a9c` (account main) has succeeded.  ", "Notice tw-9k2m4p", "",
            f"**Tuned model:** `{MODEL}`  ", f"**Metadata:** {plain.markdown(harmless)}  ",
            f"**Look:** [the job]({_PAGE})", "", "- **failed** rain: too few lines", "- **succeeded** `snow`",
        ]),
        html="".join([
            "<html><body><p>Fine-tuning job ftjob-7f3a9c (account main) has succeeded.<br>Notice tw-9k2m4p</p>",
            f"<p>{html.escape(harmless)}</p>", '<img src="cid:curve" alt="Loss over steps">' if picture else "",
            "</body></html>",
        ]),
        kind=model.Kind.SUCCEEDED,
        notice_id="tw-9k2m4p",
        dedup_key="tw-9k2m4p.0123",
        thread="main/ftjob-7f3a9c",
        data={"version": 1, "kind": "succeeded", "job": {"id": "ftjob-7f3a9c", "metadata": {"a": ["<b>", None, 1.5]}}},
        picture=picture,
    )  # fmt: skip


SUCCEEDED = _of()
WITH_CURVE = _of(picture=PNG)
