"""Which engines are installed here, and which one compiles a model."""

import importlib
import pkgutil
from dataclasses import dataclass

from pixmill.errors import ModelError
from pixmill.inference import engines
from pixmill.inference.contract import Engine, EngineKind, EngineRequest

AUTO = "auto"
_FASTEST_FIRST = ("openvino", "onnxruntime", "litert")
"""What `auto` tries first, as measured by bench/engine.py; engines not named here come after, by name."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled network, and why engines that would have come first were passed over."""

    engine: Engine
    version: str
    passed_over: tuple[str, ...]


def engine_names() -> tuple[str, ...]:
    """Every engine that Pixmill knows, installed or not, fastest first."""
    names = sorted(module.name for module in pkgutil.iter_modules(engines.__path__))
    return tuple(sorted(names, key=lambda name: _FASTEST_FIRST.index(name) if name in _FASTEST_FIRST else len(names)))


def compile_model(request: EngineRequest, *, framework: str, engine: str) -> Compiled:
    """Compile with the said engine, or with the first that is installed and accepts the model; raises `ModelError`."""
    if engine != AUTO:
        kind = _require_kind(engine, framework)
        return Compiled(kind.compile(request), kind.version, passed_over=())
    reasons: list[str] = []
    for name in engine_names():
        kind_or_none = _find_kind(name)
        if kind_or_none is None or framework not in kind_or_none.frameworks:
            continue
        try:
            return Compiled(kind_or_none.compile(request), kind_or_none.version, passed_over=tuple(reasons))
        except ModelError as error:
            reasons.append(error.message)
    if reasons:
        raise ModelError(
            "No engine can run the model. " + " ".join(reasons), hint="Choose other parameters or a model."
        )
    raise ModelError(
        f"No engine for {framework} models is installed.",
        hint="Name one in the Processing's dependencies: onnxruntime or openvino for onnx, ai-edge-litert for tflite.",
    )


def _require_kind(name: str, framework: str) -> EngineKind:
    if name not in engine_names():
        raise ModelError(f"There is no engine '{name}'.", hint=f"Choose one of {', '.join(engine_names())}.")
    kind = _find_kind(name)
    if kind is None:
        raise ModelError(f"The engine '{name}' is not installed.", hint="Name it in the Processing's dependencies.")
    if framework not in kind.frameworks:
        raise ModelError(
            f"The engine '{name}' does not run {framework} models.",
            hint=f"It runs: {', '.join(sorted(kind.frameworks))}.",
        )
    return kind


def _find_kind(name: str) -> EngineKind | None:
    """None where the engine's package is not installed."""
    try:
        module = importlib.import_module(f"{engines.__name__}.{name}")
    except ModuleNotFoundError:
        return None
    kind = module.create()
    if not isinstance(kind, EngineKind):
        raise TypeError(f"create() of the engine '{name}' gave a {type(kind).__name__}")
    return kind
