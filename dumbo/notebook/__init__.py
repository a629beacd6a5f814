"""IPython and Jupyter: ``%load_ext dumbo`` makes every cell a new look at the code.

Law: IPython is touched only through the shell object it hands in; dumbo never imports it.
A cell may define a function again, reload a module or change a global, so each one begins a new
epoch; stale results used inside other calls are reused and marked, as a person at work expects,
unless the settings say what to do with them.
"""

from __future__ import annotations

from typing import Any

from dumbo import session as sessions
from dumbo.policy import Policy, Recompute, Reuse

NOTEBOOK_POLICY = Policy(direct=Recompute(), indirect=Reuse())


def _new_cell(*_: Any) -> None:
    sessions.refresh_all()


def load(shell: Any) -> None:
    """Follow the cells of `shell`."""
    shell.events.register("pre_run_cell", _new_cell)
    sessions.default_policy(NOTEBOOK_POLICY)


def unload(shell: Any) -> None:
    """Stop following the cells of `shell`."""
    shell.events.unregister("pre_run_cell", _new_cell)
    sessions.default_policy(None)
