"""The tables that a test starts with."""

from __future__ import annotations

import pytest

from accounts.models import Plan


@pytest.mark.parametrize("run", [1, 2])
@pytest.mark.django_db(transaction=True)
def test_the_standard_plan_is_there_also_after_the_tables_were_emptied(run: int) -> None:
    assert Plan.objects.filter(is_default=True).count() == 1
