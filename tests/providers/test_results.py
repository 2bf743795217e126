"""Result files: a table of measures, in the wrappings that providers choose."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import model
from service.providers import payloads

CSV = b"""step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy
1,2.5,0.5,,
2,1.25,,0.75,0.25
,,,,
3,,,,
"""

MEASURED = (
    model.Metric(step=1, train_loss=2.5, train_accuracy=0.5),
    model.Metric(step=2, train_loss=1.25, valid_loss=0.75, valid_accuracy=0.25),
)


@given(st.binary() | st.text('step,\ntrain_los.01-" ').map(str.encode) | st.binary().map(CSV.__add__))
def test_no_result_file_breaks_the_reading(content: bytes) -> None:
    payloads.results(content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(CSV, id="plain"),
        pytest.param(CSV.replace(b"\n", b"\r\n"), id="with the line ends of Windows"),
        pytest.param(base64.b64encode(CSV), id="base64"),
        pytest.param(base64.encodebytes(CSV), id="base64 in lines"),
        pytest.param(
            b"\xef\xbb\xbf" + CSV, id="with a byte order mark",
        ),
    ],
)  # fmt: skip
def test_a_result_file_may_be_wrapped_and_have_empty_cells(content: bytes) -> None:
    assert payloads.results(content) == MEASURED


@pytest.mark.parametrize("content", [b"", b"step\n", b"\n\n", b"not a table", b"<html>gone</html>", b"\x00\xff"])
def test_what_is_no_table_holds_no_metrics(content: bytes) -> None:
    assert payloads.results(content) == ()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"step,train_loss\r1,0.5\r", id="line ends of old Macs"),
        pytest.param(b"step,train_loss\n1," + b"5" * 200_000, id="a huge cell"),
    ],
)
def test_what_the_csv_module_refuses_does_not_break_the_pass(content: bytes) -> None:
    payloads.results(content)
