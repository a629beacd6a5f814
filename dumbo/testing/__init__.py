"""For tests of your own: a store per test, and the log of what happened.

Law: shipped, so that a project's tests can assert on events; imports nothing of pytest here.
"""

from dumbo.testing.events import EventLog, event_log

__all__ = ["EventLog", "event_log"]
