"""An error after a commit does not fail the request, and later hooks still run."""

from __future__ import annotations

import logging

import pytest
from django.db import transaction

from common.after_commit import after_commit

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_error_after_the_commit_is_logged_and_the_next_hook_runs(caplog: pytest.LogCaptureFixture) -> None:
    called: list[str] = []

    def breaks(what: str) -> None:
        raise RuntimeError(what)

    with transaction.atomic():
        after_commit(breaks, "on purpose")
        after_commit(called.append, "the next one")
    assert called == ["the next one"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "on purpose" in caplog.text


def test_no_hook_runs_after_a_rollback() -> None:
    called: list[str] = []

    def write() -> None:
        with transaction.atomic():
            after_commit(called.append, "never")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write()
    assert called == []
