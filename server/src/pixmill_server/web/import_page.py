"""Bringing images into a version: the modules of the page send files over REST, and the server reads them."""

from fastapi import Request
from fastapi.responses import Response

from pixmill.formats import AUTO, format_names, get_format
from pixmill.formats.files import IMAGE_SUFFIXES
from pixmill_server.datasets.addresses import VersionAddress
from pixmill_server.datasets.queries import find_version
from pixmill_server.web.dataset_list import href_of
from pixmill_server.web.page import Services, Visitor, page_router, render

BESIDE_IMAGES = (".json", ".yaml", ".yml", ".txt", ".names", ".zip")
"""What a format may be made of, and zips; other files are not sent."""

router = page_router()


@router.get("/datasets/{dataset}/{version}/import")
def import_page(request: Request, services: Services, visitor: Visitor, dataset: str, version: str) -> Response:
    """Drop images, folders, zips and annotation files; without JavaScript, the command that does the same."""
    with services.database.reading() as session:
        row = find_version(session, visitor.organization_id, VersionAddress(dataset, version, None))
    return render(
        request,
        "import.html",
        address=f"{dataset}/{version}",
        href=href_of(dataset, version),
        locked=row.locked,
        formats=[(AUTO, "Found by what is in the files"), *((name, get_format(name).title) for name in format_names())],
        suffixes=" ".join([*sorted(IMAGE_SUFFIXES), *BESIDE_IMAGES]),
    )
