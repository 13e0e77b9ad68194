"""Errors of every store; callers choose by type, never by text.

StoreError
├── StoreUnusableError   the file cannot be used until somebody mends something
│   ├── StoreCorruptError    not a database, or a damaged one
│   ├── StoreReadOnlyError   it may not be written
│   ├── StoreInUseError      another process works with it
│   └── StoreTooNewError     a later version of the program made it
├── StoreRefusedError    what was to be written is not fit for it
└── StoreBusyError       trying again may help: locked, queue full, disk full, I/O failed
"""


class StoreError(Exception):
    """A store could not do what it was asked."""


class StoreUnusableError(StoreError):
    """The store stays unusable until somebody mends something."""


class StoreCorruptError(StoreUnusableError):
    """The file is no database, or a damaged one."""


class StoreReadOnlyError(StoreUnusableError):
    """The file or its folder may not be written."""


class StoreInUseError(StoreUnusableError):
    """Another process works with the file, and only one may."""


class StoreTooNewError(StoreUnusableError):
    """A later version of the program made the file."""


class StoreRefusedError(StoreError):
    """What was to be written does not fit: a wrong type, a broken rule. Trying again will not help."""


class StoreBusyError(StoreError):
    """Trying again may help: the file is locked, the queue or the disk is full."""
