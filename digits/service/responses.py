"""Answers and errors as HTTP responses."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from digits.errors import DigitsError
from digits.service.errors import as_unavailable
from digits.service.problems import MEDIA_TYPE, blank_details, problem_of
from digits.service.request_context import CURRENT, RequestContext
from digits.service.schemas import ProblemDetails


def model_response(
    model: BaseModel,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    """Returns a response whose body is a model as JSON; fields that were not set are left out."""
    body = model.__pydantic_serializer__.to_json(model, exclude_unset=True)
    return Response(body, status, headers, media_type=media_type)


def problem_response(name: str, details: ProblemDetails, headers: Mapping[str, str] | None = None) -> Response:
    """Returns an answer with problem details and their status, the request's id, and what was passed over in it.

    Args:
        name: under which metrics and logs count the problem.
        details: the problem details.
        headers: further headers of the answer.
    """
    if context := note_problem(name):
        details.request_id = context.request_id
        if context.warnings:
            details.warnings = list(context.warnings)
    return model_response(details, details.status, headers, MEDIA_TYPE)


def note_problem(name: str) -> RequestContext | None:
    """Notes under which name metrics and logs count the problem of the present request; returns what is known of it."""
    if context := CURRENT.get():
        context.problem = name
    return context


def error_response(error: Exception) -> Response:
    """Returns the answer to a request that ended in an error.

    Raises:
        Exception: the error itself, if it is none of `PROBLEMS`.
    """
    problem = problem_of(error)
    return problem_response(problem.name, problem.details(str(error)), headers_of(error))


def headers_of(error: Exception) -> dict[str, str]:
    """Returns the headers of the answer to an error, such as when to ask again.

    Raises:
        Exception: the error itself, if it is none of `PROBLEMS`.
    """
    problem = problem_of(error)
    headers = dict(problem.headers)
    if (seconds := getattr(error, "retry_after", problem.retry_after)) is not None:
        headers["Retry-After"] = str(seconds)
    return headers


def blank_response(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Returns a problem without a type of its own (RFC 9457's `about:blank`): the status describes it fully."""
    return problem_response(f"http-{status}", blank_details(status, detail), headers)


def fault_response() -> Response:
    """Returns the answer to a request that failed through a fault of the server."""
    return blank_response(500, "Something went wrong on the server; the operator finds the cause in its log.")


def client_gone_response() -> Response:
    """Returns an answer for the log alone: the client has closed the connection."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)


def install(app: FastAPI) -> None:
    """Makes an app answer every error with problem details."""

    async def any_error(_request: Request, error: Exception) -> Response:
        return error_response(as_unavailable(error) or error)

    async def client_gone(_request: Request, _error: Exception) -> Response:
        return client_gone_response()

    async def http_error(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        title = HTTPStatus(error.status_code).phrase
        detail = error.detail
        if detail == title:
            # Starlette's own: the path or the method does not exist.
            allowed = f" Send {error.headers['Allow']}." if error.headers and "Allow" in error.headers else ""
            detail = f"{request.method} {request.url.path}: {title}.{allowed} See /docs for what there is."
        return blank_response(error.status_code, detail, error.headers)

    app.add_exception_handler(ClientDisconnect, client_gone)
    for kind in (DigitsError, OSError, RuntimeError, ImportError):
        app.add_exception_handler(kind, any_error)
    app.add_exception_handler(HTTPException, http_error)
