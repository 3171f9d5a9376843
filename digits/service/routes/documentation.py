"""The documentation: /docs and /openapi.json."""

import base64
import hashlib
import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

from digits.service.routes.recognition import PREDICT, READ
from digits.service.schemas import PREDICTION_EXAMPLE, READ_EXAMPLE, ProblemDetails

_STATIC = "/static-offline-docs"


def install(app: FastAPI) -> None:
    """Adds the page, and to the schema what FastAPI cannot derive."""

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        page = get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=f"{app.title} - API",
            swagger_js_url=f"{root}{_STATIC}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{_STATIC}/swagger-ui.css",
            swagger_favicon_url=f"{root}{_STATIC}/favicon.png",
        )
        page.headers["Content-Security-Policy"] = _policy(bytes(page.body).decode())
        return page

    make_schema = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = make_schema()
            # FastAPI leaves it out, since no route returns it.
            schema["components"]["schemas"]["ProblemDetails"] = ProblemDetails.model_json_schema()
            # FastAPI would drop the fields that are null.
            for path, example in ((PREDICT, PREDICTION_EXAMPLE), (READ, READ_EXAMPLE)):
                answer = schema["paths"][path]["post"]["responses"]["200"]
                answer["content"]["application/json"]["example"] = example
            state = getattr(app.state, "service", None)
            if state is not None and state.needs_key:
                _ask_for_key(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _policy(page: str) -> str:
    """Returns a Content-Security-Policy that lets the page run its own scripts and no others."""
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts
    )
    return (
        f"default-src 'none'; script-src 'self' {digests}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )


def _ask_for_key(schema: dict[str, Any]) -> None:
    """Declares the API key, for which Swagger UI then shows a button."""
    schema["components"]["securitySchemes"] = {"APIKey": {"type": "http", "scheme": "bearer"}}
    for path, methods in schema["paths"].items():
        for method in methods.values():
            if not path.startswith(("/health/", "/v2/health/")):
                method["security"] = [{"APIKey": []}]
