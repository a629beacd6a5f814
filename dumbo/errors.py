"""Every exception and warning dumbo raises, in one tree.

Law: a message names the call, the cause and the remedy; an error never loses a value.

::

    DumboError
    ├── ConfigurationError (ValueError)       an option or setting that cannot be meant
    ├── UnidentifiableError (TypeError)       an argument that has no canonical form
    ├── UncacheableError (TypeError)          a result that cannot be kept (a live handle)
    ├── FrozenValueError (TypeError)          a cached value was about to be changed
    ├── NotCachedError (KeyError)             asked for a result that does not exist
    ├── StaleResultError (RuntimeError)       the policy `Raise()` met a stale result
    ├── NameTakenError (ValueError)           a tag or external name is already used otherwise
    ├── MissingLibraryError (ImportError)     an optional library is needed and absent
    └── StoreError (OSError)
        ├── StoreUnavailableError             folder missing, unwritable or not a store
        ├── StoreFormatError                  written by a newer dumbo
        ├── CorruptStoreError                 catalog unreadable
        ├── ClaimLostError                    somebody else took a computation over
        ├── ValueLostError                    the bytes of a value are gone or altered
        └── UntrustedValueError               bytes that would run code, not signed by us

    DumboWarning (UserWarning)
    ├── StoreWarning                          the store failed; the call still gave its value
    └── IdentityWarning                       a call whose identity keeps moving
"""

from __future__ import annotations


class DumboError(Exception):
    """Base of every error dumbo raises on its own account."""

    def __str__(self) -> str:
        # KeyError would show the repr of its message; a remedy must stay readable.
        return " ".join(str(part) for part in self.args)


class ConfigurationError(DumboError, ValueError):
    """An option, setting or combination of them that cannot be meant."""


class UnidentifiableError(DumboError, TypeError):
    """An argument that has no canonical form, so the call has no name."""


class UncacheableError(DumboError, TypeError):
    """A result that cannot be kept: generators, open files, other live handles."""


class FrozenValueError(DumboError, TypeError):
    """A cached value was about to be changed in place."""


class NotCachedError(DumboError, KeyError):
    """Asked for a result, record or tag that does not exist."""


class StaleResultError(DumboError, RuntimeError):
    """A stale result was met under the policy ``Raise()``."""


class NameTakenError(DumboError, ValueError):
    """A tag or external name already means something else."""


class MissingLibraryError(DumboError, ImportError):
    """An optional library is needed for what was asked, and is absent."""


class StoreError(DumboError, OSError):
    """Base of everything that can be wrong with a store."""


class StoreUnavailableError(StoreError):
    """The store's folder is missing, unwritable, or is not a store."""


class StoreFormatError(StoreError):
    """The store was written by a newer dumbo."""


class CorruptStoreError(StoreError):
    """The catalog cannot be read."""


class ClaimLostError(StoreError):
    """A claim ran out and somebody else took the computation over."""


class ValueLostError(StoreError):
    """The bytes of a value are gone, short or altered."""


class UntrustedValueError(StoreError):
    """A value whose loading would run code, without the key that signed it."""


class DumboWarning(UserWarning):
    """Base of every warning dumbo gives."""


class StoreWarning(DumboWarning):
    """The store failed; the call still gave its value."""


class IdentityWarning(DumboWarning):
    """A call whose identity moves every time, so it never hits."""
