"""Errors of the accounts and jobs apps share one base class and are separate otherwise."""

from __future__ import annotations

import pytest

from accounts.errors import AccountsError, TokenRefusedError
from common.errors import SiteError
from jobs.errors import JobsError, WrongStateError


@pytest.mark.parametrize(("kind", "status"), [(TokenRefusedError, 401), (WrongStateError, 409)])
def test_errors_have_a_code_a_sentence_and_a_status(kind: type[SiteError], status: int) -> None:
    error: SiteError = kind("some_code", "Some sentence.")
    assert (error.status, str(error)) == (status, "Some sentence.")
    assert error.as_dict() == {"code": "some_code", "sentence": "Some sentence."}


def test_apps_share_one_base_error_and_catch_their_own() -> None:
    assert AccountsError.__bases__ == JobsError.__bases__ == (SiteError,)
    assert not {"__init__", "as_dict"} & (set(vars(AccountsError)) | set(vars(JobsError)))
    assert not issubclass(JobsError, AccountsError)
    assert not issubclass(AccountsError, JobsError)
