"""Refusals of both rooms are of one kind, and neither is the other's."""

from __future__ import annotations

import pytest

from accounts.errors import AccountsError, TokenRefusedError
from common.errors import SiteError
from jobs.errors import JobsError, WrongStateError


@pytest.mark.parametrize(("kind", "status"), [(TokenRefusedError, 401), (WrongStateError, 409)])
def test_a_refusal_says_what_every_refusal_says(kind: type[SiteError], status: int) -> None:
    error: SiteError = kind("some_code", "Some sentence.")
    assert (error.status, str(error)) == (status, "Some sentence.")
    assert error.as_dict() == {"code": "some_code", "sentence": "Some sentence."}


def test_there_is_one_base_and_a_room_catches_its_own() -> None:
    assert AccountsError.__bases__ == JobsError.__bases__ == (SiteError,)
    assert not {"__init__", "as_dict"} & (set(vars(AccountsError)) | set(vars(JobsError)))
    assert not issubclass(JobsError, AccountsError)
    assert not issubclass(AccountsError, JobsError)
