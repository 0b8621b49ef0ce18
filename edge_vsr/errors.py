"""The errors edge-vsr raises on purpose. Foreign errors are translated where they enter.

    EdgeVsrError
    ├── UsageError          the request itself makes no sense (unknown target, output = input)
    ├── SourceError         the input cannot be read as a picture
    ├── SinkError           the output cannot be written
    ├── ModelError          a model package is missing, damaged or not what its manifest says
    ├── BackendError        no execution provider can run the model faithfully
    └── Interrupted         the user asked to stop; what is done is kept

The command line prints ``str(error)`` as one line and exits with code 2 (``Interrupted``: 130), so
every message says what is wrong and, where it is known, what to do about it.
"""


class EdgeVsrError(Exception):
    """Base of every error that a caller may expect from edge-vsr."""


class UsageError(EdgeVsrError):
    """The request makes no sense as given."""


class SourceError(EdgeVsrError):
    """The input cannot be opened, decoded, or is outside what the engine supports."""


class SinkError(EdgeVsrError):
    """The output cannot be created or written."""


class ModelError(EdgeVsrError):
    """A model package is missing, damaged, or contradicts its manifest."""


class BackendError(EdgeVsrError):
    """No backend can run the model on this machine."""


class Interrupted(EdgeVsrError):  # noqa: N818 - nothing went wrong
    """The user asked to stop; finished work is kept and can be resumed."""
