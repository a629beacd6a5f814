"""A pytest plugin: the fixture ``dumbo_store`` gives a test a store of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from dumbo.session import Session


@pytest.fixture
def dumbo_store(tmp_path: Path) -> Iterator[Session]:
    """A fresh session in force for the test."""
    # Imported here: pytest loads this module in every project that has dumbo installed.
    from dumbo import session as sessions

    with sessions.open_session(tmp_path / "dumbo") as session, sessions.using(session):
        yield session
