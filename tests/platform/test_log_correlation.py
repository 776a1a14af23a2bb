"""A record says in which request it was made, whoever formats it."""

import logging
from collections.abc import Iterator

import pytest

from gp_helpers.platform.correlation import adopt_correlation_id
from gp_helpers.platform.logs import stamp_records


@pytest.fixture(autouse=True)
def _record_factory() -> Iterator[None]:
    before = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(before)


def test_a_record_carries_the_id_of_its_request(caplog: pytest.LogCaptureFixture) -> None:
    stamp_records()
    stamp_records()
    adopt_correlation_id("cor_of-this-request")
    with caplog.at_level(logging.INFO):
        logging.getLogger("elsewhere").info("told")
    assert [record.__dict__.get("correlation_id") for record in caplog.records] == [
        "cor_of-this-request"
    ]
