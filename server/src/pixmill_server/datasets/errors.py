"""What can be refused about Datasets and DatasetVersions."""

from pixmill.errors import Conflict, InvalidInput, NotFound


class DatasetNotFound(NotFound):
    """No Dataset of this name."""

    def __init__(self, name: str) -> None:
        super().__init__("dataset", name, hint="`pixmill datasets ls` lists those there are.")


class VersionNotFound(NotFound):
    """No DatasetVersion of this address or id."""

    def __init__(self, address: str) -> None:
        super().__init__("version", address, hint="`pixmill datasets ls` lists those there are.")


class RevisionNotFound(NotFound):
    """The DatasetVersion has no Revision of this number."""

    def __init__(self, address: str, number: int, head: int) -> None:
        super().__init__("revision", f"{address}@{number}", hint=f"Its newest revision is {head}.")


class AssetNotFound(NotFound):
    """The DatasetVersion has no such asset."""

    def __init__(self, name: str) -> None:
        super().__init__("asset", name)


class LabelNotFound(NotFound):
    """The DatasetVersion has no such Label."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__("label", name, hint=f"The version's labels are: {', '.join(known) or 'none'}.")


class AddressInvalid(InvalidInput):
    """Not `dataset/version` or `dataset/version@number`."""

    code = "invalid-address"

    def __init__(self, text: str) -> None:
        super().__init__(f"'{text}' is not an address.", hint="Write dataset/version, as in street/v1 or street/v1@17.")


class NameInvalid(InvalidInput):
    """A name with a character that addresses cannot carry."""

    code = "invalid-name"

    def __init__(self, kind: str, name: str) -> None:
        hint = "Names have 1 to 100 letters, digits, '.', '_' or '-', and begin with a letter or a digit."
        super().__init__(f"A {kind} cannot be named '{name}'.", hint=hint, field="name")


class NameTaken(Conflict):
    """There is one of this name already."""

    code = "name-taken"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"There is a {kind} '{name}' already.", hint="Choose another name.")


class VersionLocked(Conflict):
    """A locked DatasetVersion never changes."""

    code = "version-locked"

    def __init__(self, name: str) -> None:
        super().__init__(f"The version '{name}' is locked.", hint="Unlock it, or fork it and change the fork.")


class VersionBusy(Conflict):
    """Somebody else's commit holds the DatasetVersion for longer than we wait."""

    code = "version-busy"

    def __init__(self, name: str) -> None:
        super().__init__(f"The version '{name}' is being changed by somebody else.", hint="Try again in a moment.")


class LeaseLost(Conflict):
    """The commit took so long that its lease went to somebody else; nothing of it is visible."""

    code = "lease-lost"

    def __init__(self, name: str) -> None:
        super().__init__(f"The change of '{name}' took too long and was given up.", hint="Try again.")


class HeadMoved(Conflict):
    """The head is not the Revision that the change was built on; it is built anew on the new one."""

    code = "head-moved"

    def __init__(self, name: str) -> None:
        super().__init__(f"The version '{name}' changed meanwhile.", hint="Try again.")


class AssetChanged(Conflict):
    """Somebody changed annotations of the same assets since the Revision that a save was made on; nothing was saved."""

    code = "asset-changed"

    def __init__(self, assets: int, head: int) -> None:
        images = "this image were" if assets == 1 else f"{assets} of these images were"
        super().__init__(
            f"The annotations of {images} changed by somebody else meanwhile.",
            hint=f"Read them again at Revision {head}, and save what is still to be changed.",
        )
