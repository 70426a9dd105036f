"""What can go wrong with Models."""

from pixmill.errors import Conflict, ModelError, NotFound, PixmillError


class ModelVersionExists(Conflict):
    """A ModelVersion of that name with other content."""

    code = "model-version-exists"

    def __init__(self, address: str) -> None:
        super().__init__(
            f"There is a ModelVersion '{address}' already, with other content; a ModelVersion never changes.",
            hint="Push to another version name.",
        )


class UnsafeModelFile(ModelError):
    """A file that would run code when it is loaded."""

    code = "unsafe-model-file"


class UnknownModel(NotFound):
    """No Model or ModelVersion of that name."""

    def __init__(self, address: str) -> None:
        super().__init__("ModelVersion", address, hint="See what there is with `pixmill models ls`.")


class UnknownHubModel(NotFound):
    """Not on the Hub's list."""

    def __init__(self, name: str) -> None:
        super().__init__("Hub model", name, hint="See what there is with `pixmill hub ls`.")


class DownloadFailed(PixmillError):
    """A file of the Hub could not be brought in; nothing of it is kept."""

    code = "download-failed"
