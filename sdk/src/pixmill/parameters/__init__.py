"""The Parameters of a Processing: what may be given, and whether a value may be. Values only, no I/O.

`spec.py` says what a Parameter is; `validation.py` accepts or refuses values; `text.py` reads them from a command line.
"""

from pixmill.parameters.spec import ParameterSpec, ParameterType, ParameterValue, spec_from_json, spec_to_json
from pixmill.parameters.text import values_from_text
from pixmill.parameters.validation import validate

__all__ = [
    "ParameterSpec",
    "ParameterType",
    "ParameterValue",
    "spec_from_json",
    "spec_to_json",
    "validate",
    "values_from_text",
]
