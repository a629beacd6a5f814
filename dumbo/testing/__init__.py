"""For tests of your own: a store per test, the log of what happened, conformance of codecs.

Law: shipped, so that a project's tests can assert on events. pytest loads the plugin of this
package in every project that has dumbo installed, so nothing is imported before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dumbo.testing.codecs import CodecTests, check_codec
    from dumbo.testing.events import EventLog, event_log

__all__ = ["CodecTests", "EventLog", "check_codec", "event_log"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'dumbo.testing' has no attribute {name!r}")
    from dumbo.testing import codecs, events

    return getattr(codecs if name in {"CodecTests", "check_codec"} else events, name)
