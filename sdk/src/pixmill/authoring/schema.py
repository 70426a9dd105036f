"""The schema of a Processing: what a form, a launch and a list need to know of it, read from its module."""

import re
from collections.abc import Callable, Mapping
from inspect import Parameter, cleandoc, isclass, isfunction, signature
from types import ModuleType
from typing import Any, Final, TypedDict, get_type_hints

from pixmill.authoring.declaration import ATTRIBUTE, Declaration
from pixmill.authoring.signature import spec_of
from pixmill.errors import ProcessingError
from pixmill.parameters import ParameterSpec, ParameterType, spec_to_json

BATCH_SIZE: Final = "batch_size"
MAX_BATCH_SIZE: Final = 4096
_VERSION_ARGUMENTS: Final = 2
_HELP_LINE: Final = re.compile(r"^(\w+):\s+(\S.*)$")


class ProcessingSchema(TypedDict):
    """In JSON; stored by the server when a Processing is pushed."""

    name: str
    title: str
    description: str
    kind: str
    form: str
    """batch or version."""
    entry: str
    """The name of the class or function in its module."""
    batch_size: int
    """Its default; 0 for a whole-version function."""
    takes: dict[str, dict[str, object]]
    """The Parameters that take a model: its task ("" for any) and frameworks (none for any)."""
    parameters: list[dict[str, object]]
    requires_network: bool
    secrets: list[str]
    """The secrets that a Run gets as environment variables."""
    new_version: str
    """How the version begins that a Run makes: fork or empty; "" where it makes none."""
    reads_annotations: bool
    """Whether its assets come with their annotations."""


def read_schema(module: ModuleType) -> ProcessingSchema:
    """The schema of the one Processing that the module declares. Raises `ProcessingError` if it cannot be read."""
    entry, code = find_processing(module)
    declaration: Declaration = getattr(code, ATTRIBUTE)
    description = cleandoc(module.__doc__ or code.__doc__ or "")
    specs = parameters_of(code)
    return ProcessingSchema(
        name=name_of(entry),
        title=description.splitlines()[0].rstrip(".") if description else entry,
        description=description,
        kind=declaration.kind,
        form="batch" if isclass(code) else "version",
        entry=entry,
        batch_size=declaration.batch_size if isclass(code) else 0,
        takes={
            spec.name: {"type": "model", "task": spec.task, "frameworks": list(spec.frameworks)}
            for spec in specs
            if spec.type is ParameterType.MODEL
        },
        parameters=[spec_to_json(spec) for spec in specs],
        requires_network=declaration.network,
        secrets=list(declaration.secrets),
        new_version=declaration.new_version,
        reads_annotations=declaration.reads_annotations,
    )


def find_processing(module: ModuleType) -> tuple[str, Callable[..., Any]]:
    """The name and the code of the one Processing in a module; what it imported from elsewhere does not count."""
    found = {
        name: code
        for name, code in vars(module).items()
        if hasattr(code, ATTRIBUTE) and getattr(code, "__module__", "") == module.__name__
    }
    if not found:
        raise ProcessingError(
            f"'{module.__name__}' declares no Processing.",
            hint="Write @processing(kind=...) above a class or function.",
        )
    if len(found) > 1:
        raise ProcessingError(
            f"'{module.__name__}' declares {len(found)} Processings: {', '.join(found)}.", hint="Keep one in each file."
        )
    entry, code = next(iter(found.items()))
    if isclass(code) and "__call__" not in dir(code):
        raise ProcessingError(f"Class '{entry}' cannot be called.", hint="Give it `def __call__(self, batch: Batch)`.")
    return entry, code


def parameters_of(code: Callable[..., Any]) -> list[ParameterSpec]:
    """The Parameters of a Processing, in the order they are written; `batch_size` last, for a callable class."""
    initializer = _initializer(code)
    helps = _helps(code.__doc__, initializer.__doc__)
    hints = _hints(code, initializer)
    declaration: Declaration = getattr(code, ATTRIBUTE)
    given = [spec_of(argument, hints, helps.get(argument.name, "")) for argument in _arguments(code)]
    if isclass(code):
        size = ParameterSpec(
            BATCH_SIZE,
            ParameterType.INT,
            default=declaration.batch_size,
            minimum=1,
            maximum=MAX_BATCH_SIZE,
            help=helps.get(BATCH_SIZE, "Images given to the Processing at once."),
        )
        given.append(size)
    return given


def name_of(entry: str) -> str:
    """`YoloPreannotation` and `yolo_preannotation` are both called `yolo-preannotation`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", entry)
    return parted.replace("_", "-").lower()


def _initializer(code: Callable[..., Any]) -> Callable[..., Any]:
    return code.__init__ if isclass(code) else code


def _hints(code: Callable[..., Any], initializer: Callable[..., Any]) -> Mapping[str, Any]:
    if not isfunction(initializer):
        return {}
    try:
        return get_type_hints(initializer, include_extras=True)
    except NameError as error:
        raise ProcessingError(
            f"A type in the signature of '{code.__name__}' is not known: {error}.", hint="Import it in the module."
        ) from error


def _arguments(code: Callable[..., Any]) -> list[Parameter]:
    initializer = _initializer(code)
    if not isfunction(initializer):
        return []
    arguments = list(signature(initializer).parameters.values())
    given = arguments[1:] if isclass(code) else _after_the_version(code, arguments)
    for argument in given:
        if argument.kind in {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}:
            raise ProcessingError(
                f"'{code.__name__}' takes *{argument.name}.", hint="Name every Parameter, so that a form can show it."
            )
        if argument.name == BATCH_SIZE:
            raise ProcessingError(
                f"'{code.__name__}' takes a Parameter 'batch_size' of its own.",
                hint="Pixmill adds it; give its default as @processing(batch_size=...).",
            )
    return given


def _after_the_version(code: Callable[..., Any], arguments: list[Parameter]) -> list[Parameter]:
    positional = [a for a in arguments if a.kind in {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD}]
    if len(positional) != _VERSION_ARGUMENTS:
        raise ProcessingError(
            f"Function '{code.__name__}' takes {len(positional)} positional arguments.",
            hint="Write it as `def name(ctx: Context, dataset: DatasetVersion, *, ...)`.",
        )
    return [argument for argument in arguments if argument not in positional]


def _helps(*docstrings: str | None) -> dict[str, str]:
    helps: dict[str, str] = {}
    for docstring in docstrings:
        name = ""
        for line in cleandoc(docstring or "").splitlines():
            if match := _HELP_LINE.match(line):
                name = match[1]
                helps[name] = match[2].strip()
            elif name and line.startswith(" ") and line.strip():
                helps[name] += " " + line.strip()
            else:
                name = ""
    return helps
