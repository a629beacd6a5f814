"""The law: whatever is done to a store, and whatever befalls it, it gives what was put in, or says
that it is lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from dumbo.storage import Store
from dumbo.testing.stores import StoreMachine

FEW = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.fixture(autouse=True)
def own_key(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUMBO_KEY_DIR", str(tmp_path_factory.mktemp("keys")))


def test_a_store_is_a_dict_that_may_lose_what_was_damaged() -> None:
    run_state_machine_as_test(StoreMachine, settings=FEW)


@pytest.mark.slow
def test_a_store_is_a_dict_for_a_long_time() -> None:
    run_state_machine_as_test(
        StoreMachine, settings=settings(FEW, max_examples=400, stateful_step_count=60)
    )


class Believing(StoreMachine):
    """A store that believes whatever lies under an object's name."""

    def open_store(self, folder: Any) -> Store:
        store = Store(folder)
        objects = store.objects

        class Careless:
            def __getattr__(self, name: str) -> Any:
                return getattr(objects, name)

            def open_object(self, name: str, size: int | None = None) -> Any:
                return objects.folder / "objects" / name[:2] / name[2:]

        store.values._objects = Careless()  # type: ignore[assignment]
        return store


def test_the_model_notices_a_store_that_does_not_look() -> None:
    with pytest.raises((AssertionError, OSError)):
        run_state_machine_as_test(
            Believing,
            settings=settings(
                FEW, max_examples=200, database=None, phases=[Phase.generate], print_blob=False
            ),
        )
