"""Every error a user can meet, as one tree.

PixmillError
├── InvalidInput          what was given cannot be accepted (HTTP 422, exit code 1)
│   ├── ParameterError    a Parameter of a Processing
│   ├── AnnotationError   a shape that cannot be
│   ├── FormatError       a file that does not hold what its format promises
│   └── ModelError        a model file or a ModelVersion that cannot be used
├── NotFound              a name or an id that nothing has (HTTP 404)
├── Conflict              right in itself, but not now (HTTP 409)
├── Forbidden             not for this actor (HTTP 403)
├── NotSignedIn           no token, or one that is not valid (HTTP 401)
├── ServerUnreachable     no answer from the address (exit code 4)
├── EnvironmentFailed     a Processing's environment could not be built
└── ProcessingError       a Processing's file that cannot be read as one

A message says what was refused, why, and what to do. HTTP statuses live in the server's `api/problems.py`.
"""


class PixmillError(Exception):
    """The root: whatever Pixmill refuses on purpose."""

    code = "error"
    """The stable, machine-readable name of the error: the last part of its problem type."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InvalidInput(PixmillError):
    """What was given cannot be accepted; `field` names the part of the request it was in."""

    code = "invalid-input"

    def __init__(self, message: str, *, hint: str = "", field: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class ParameterError(InvalidInput):
    """Parameter 'confidence' cannot be 1.5: expected 0 to 1."""

    code = "invalid-parameter"

    def __init__(self, name: str, value: object, *, expected: str) -> None:
        super().__init__(f"Parameter '{name}' cannot be {value!r}: expected {expected}.", field=name)


class UnknownParameter(InvalidInput):
    """A Parameter that the Processing does not have."""

    code = "unknown-parameter"

    def __init__(self, name: str, *, known: list[str]) -> None:
        listed = ", ".join(known) or "none"
        super().__init__(f"There is no Parameter '{name}'.", hint=f"Its Parameters are: {listed}.", field=name)


class AnnotationError(InvalidInput):
    """A shape that cannot be: not finite, of no area, with too few points."""

    code = "invalid-annotation"


class FormatError(InvalidInput):
    """A file that does not hold what its format promises."""

    code = "invalid-file"


class ModelError(InvalidInput):
    """A model file that is not one, or a ModelVersion that cannot be used in this way."""

    code = "invalid-model"


class NotFound(PixmillError):
    """A name or an id that nothing has."""

    code = "not-found"

    def __init__(self, kind: str, name: str, *, hint: str = "") -> None:
        super().__init__(f"There is no {kind} '{name}'.", hint=hint)
        self.kind = kind
        self.name = name


class Conflict(PixmillError):
    """Right in itself, but not in the state that things are in."""

    code = "conflict"


class Forbidden(PixmillError):
    """Not for this actor."""

    code = "forbidden"


class NotSignedIn(PixmillError):
    """No token, or one that is not valid."""

    code = "not-signed-in"


class ServerUnreachable(PixmillError):
    """No answer from the server's address."""

    code = "server-unreachable"


class EnvironmentFailed(PixmillError):
    """A Processing's environment could not be built; the message ends with what uv said."""

    code = "environment-failed"


class ProcessingError(PixmillError):
    """A Processing's file that cannot be read as one."""

    code = "invalid-processing"
