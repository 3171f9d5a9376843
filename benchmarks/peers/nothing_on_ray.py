"""The ceiling on a cluster: a Ray Serve deployment of an upload endpoint that does nothing."""

from collections.abc import Mapping

from fastapi import FastAPI, UploadFile
from ray import serve
from ray.serve import Application


def make_app() -> FastAPI:
    """Returns the application. Each replica makes its own."""
    app = FastAPI()

    @app.post("/predict/")
    async def predict(file: UploadFile) -> dict[str, int]:
        await file.read()
        return {"predicted_digit": 7}

    return app


class Nothing:
    """The class that Ray Serve deploys: one instance per replica."""


def app(arguments: Mapping[str, str]) -> Application:  # noqa: ARG001 - Ray passes them
    """Returns the deployment, with those options of the API's own deployment that affect its speed."""
    deployment = serve.deployment(
        name="Digits",
        ray_actor_options={"num_cpus": 1},
        max_ongoing_requests=64,
        max_queued_requests=256,
        logging_config={"enable_access_log": False},
    )
    return deployment(serve.ingress(make_app)(Nothing)).bind()
