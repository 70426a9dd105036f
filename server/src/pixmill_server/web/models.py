"""The registry's Models with their versions, the Hub's list, and one ModelVersion."""

from fastapi import Request
from fastapi.responses import Response

from pixmill_server.model_registry.queries import find_model_version, list_models
from pixmill_server.web.page import Services, Visitor, page_router, render

router = page_router()


@router.get("/models")
def models_page(request: Request, services: Services, visitor: Visitor) -> Response:
    """One's own, and what one command brings in."""
    models = list_models(services.registry, visitor.organization_id)
    versions = [version for model in models for version in model.versions]
    return render(request, "models.html", versions=versions, hub=services.registry.hub.models)


@router.get("/models/{model}/{version}")
def model_page(request: Request, services: Services, visitor: Visitor, model: str, version: str) -> Response:
    """Labels, files and where it came from."""
    found = find_model_version(services.registry, visitor.organization_id, f"{model}/{version}")
    return render(request, "model.html", version=found)
