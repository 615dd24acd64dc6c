"""Patience with a database that is away for a moment."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from django.db import IntegrityError, InterfaceError, OperationalError

from jobs.patience import PATIENCE_SECONDS, patiently

pytestmark = pytest.mark.django_db(transaction=True)


class Away:
    """Raises these one after the other, then returns "there"."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)

    def __call__(self) -> str:
        if self._errors:
            raise self._errors.pop(0)
        return "there"


def test_it_is_asked_again_with_growing_pauses() -> None:
    away = Away(OperationalError("gone"), InterfaceError("closed"), OperationalError("starting up"))
    with patch("time.sleep") as sleep:
        assert patiently(away) == "there"
    assert [call.args[0] for call in sleep.call_args_list] == [0.2, 0.4, 0.8]


def test_what_is_wrong_stays_wrong() -> None:
    with patch("time.sleep") as sleep, pytest.raises(IntegrityError):
        patiently(Away(IntegrityError("twice")))
    sleep.assert_not_called()


def test_patience_ends() -> None:
    with (
        patch("time.sleep") as sleep,
        patch("time.monotonic", side_effect=[0.0, PATIENCE_SECONDS]),
        pytest.raises(OperationalError),
    ):
        patiently(Away(OperationalError("gone")))
    sleep.assert_not_called()
