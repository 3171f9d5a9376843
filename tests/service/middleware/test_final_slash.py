"""A path with a final slash is answered as without."""

import httpx
import pytest

PATHS = ("/model", "/metrics", "/docs", "/openapi.json", "/health/live", "/health/ready", "/v2", "/v2/health/live")


def fixed(response: httpx.Response) -> tuple[int, str, str]:
    """What two answers to the same request have in common: metrics change with each."""
    kind = response.headers["content-type"]
    return response.status_code, kind, "" if "/metrics" in str(response.url) else response.text


@pytest.mark.parametrize("path", [*PATHS, "/v2/models/digits", "/v2/models/digits/ready"])
def test_a_final_slash_changes_nothing(api: str, path: str) -> None:
    plain, slashed = httpx.get(api + path), httpx.get(api + path + "/")
    assert plain.status_code == 200
    assert fixed(slashed) == fixed(plain)


def test_health_is_answered_by_head_as_well(api: str) -> None:
    assert httpx.head(api + "/health/live/").status_code == 200


def test_a_tensor_may_be_sent_with_a_final_slash(api: str) -> None:
    assert httpx.post(api + "/v2/models/digits/infer/", json={"inputs": []}).status_code == 400


def test_metrics_count_both_as_one_route(api: str) -> None:
    httpx.get(api + "/model/")
    text = httpx.get(api + "/metrics/").text
    assert 'digits_requests_total{method="GET",route="/model",status="200"}' in text


@pytest.mark.parametrize("path", ["/nothing", "/nothing/", "/model//"])
def test_what_does_not_exist_is_not_found(api: str, path: str) -> None:
    assert httpx.get(api + path).status_code == 404


def test_a_prefix_with_its_slash_is_the_home_page(api: str) -> None:
    assert httpx.get(api + "/").status_code == 307
