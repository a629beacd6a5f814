"""What a result depends on, whether that is unchanged, and what changed.

Law: a change of code or of a value it reads is noticed; comments, docstrings, annotations,
formatting and moved lines are not changes. Analysis never imports or executes a module.

Example
-------
>>> from dumbo.code import Project, Tracker
>>> tracker = Tracker(Project())
"""

from __future__ import annotations

from dumbo.code.declarations import declared, note_callable
from dumbo.code.guards import Guards, merged
from dumbo.code.opened import notes_of, undeclared_files
from dumbo.code.project import Project
from dumbo.code.recording import Recording
from dumbo.code.sources import SourceStore
from dumbo.code.tracker import Tracker
from dumbo.code.verify import Unanswered

__all__ = [
    "Guards",
    "Project",
    "Recording",
    "SourceStore",
    "Tracker",
    "Unanswered",
    "declared",
    "merged",
    "note_callable",
    "notes_of",
    "undeclared_files",
]
