"""What watches the API: every query of alert rules and dashboard, held against the metrics of a running one."""

import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import promql_parser as promql
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from digits.feedback import FEEDBACK_VARIABLE
from digits.recognizer import shipped_model
from digits.service.problems import PROBLEMS
from digits.service.settings import Settings
from tests.conftest import BIN, ROOT, Server, free_port

DEPLOY = ROOT / "deploy"
GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


PROMETHEUS = read_yaml(DEPLOY / "prometheus" / "prometheus.yml")
GROUPS = read_yaml(DEPLOY / "prometheus" / "rules.yml")["groups"]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "digits.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
SHOWN = [panel for panel in PANELS if panel["type"] not in ("row", "text")]

# What Prometheus adds to each target, and makes of alerts.
OF_PROMETHEUS = {"up": {"job", "instance"}, "ALERTS": {"alertname", "alertstate"}}
TARGET_LABELS = {"job", "instance"}


def dashboard_queries() -> list[str]:
    queries = [target["expr"] for panel in SHOWN for target in panel["targets"]]
    queries += [note["expr"] for note in DASHBOARD["annotations"]["list"] if "expr" in note]
    variables = [item["query"]["query"] for item in DASHBOARD["templating"]["list"] if item["type"] == "query"]
    # Grafana's own function around a selector.
    queries += [re.sub(r"label_values\((.*), \w+\)", r"\1", query) for query in variables]
    # What Grafana puts in before it asks.
    return [query.replace("$__rate_interval", "1m") for query in queries]


QUERIES = [rule["expr"] for rule in RULES] + dashboard_queries()


def parts_of(query: str, kind: type[Any]) -> list[Any]:
    found: list[Any] = []

    def visit(part: promql.Expr) -> bool:
        if isinstance(part, kind):
            found.append(part)
        return True

    promql.walk(promql.parse(query), visit)
    return found


def recorded_labels() -> dict[str, set[str]]:
    """The series that the rules record, with the labels that they are grouped by."""
    labels = {}
    for rule in RULES:
        if "record" in rule:
            outermost = promql.parse(rule["expr"])
            assert isinstance(outermost, promql.AggregateExpr)
            assert outermost.modifier is not None
            labels[rule["record"]] = set(outermost.modifier.labels)
    return labels


def family_of(series: str) -> str:
    """The metric that a series belongs to, as it is named where it is described."""
    return re.sub(r"_(bucket|sum|count)$", "", series)


@dataclass(frozen=True)
class Exposed:
    """What a running API exposes.

    Args:
        labels: the labels of each series by its name.
        values: the values seen of each label by the series' name.
    """

    labels: Mapping[str, set[str]]
    values: Mapping[tuple[str, str], set[str]]


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exposed]:
    """The metrics of a server that has answered and refused."""
    folder, port = tmp_path_factory.mktemp("metrics"), free_port()
    command = [str(BIN / "digits"), "serve", "--port", str(port)]
    variables = {"DIGITS_MODEL": str(shipped_model()), "TMPDIR": str(folder)}
    server = Server(command, folder, f"http://127.0.0.1:{port}", variables)
    try:
        server.wait_until("/health/ready")
        picture = (ROOT / "digits" / "samples" / "7_stylus.png").read_bytes()
        for body in (picture, b"no picture"):
            for path in ("/predict/", "/read/"):
                httpx.post(server.url + path, content=body, headers={"Content-Type": "image/png"})
        text = httpx.get(f"{server.url}/metrics").text
        labels: dict[str, set[str]] = {}
        values: dict[tuple[str, str], set[str]] = {}
        for family in text_string_to_metric_families(text):
            # When a series began is no figure of its own.
            for sample in (sample for sample in family.samples if not sample.name.endswith("_created")):
                labels.setdefault(sample.name, set()).update(sample.labels)
                for label, value in sample.labels.items():
                    values.setdefault((sample.name, label), set()).add(value)
        yield Exposed(labels, values)
    finally:
        server.stop()


@pytest.mark.parametrize("query", QUERIES)
def test_each_query_reads_series_and_labels_that_exist(query: str, exposed: Exposed) -> None:
    known = {**exposed.labels, **recorded_labels(), **OF_PROMETHEUS}
    selectors = parts_of(query, promql.VectorSelector)
    assert selectors or promql.parse(query).prettify().startswith("vector(")
    available: set[str] = set()
    for selector in selectors:
        assert selector.name in known, selector.name
        available |= known[selector.name] | TARGET_LABELS
        for matcher in selector.matchers.matchers:
            assert matcher.name in known[selector.name] | TARGET_LABELS, f"{selector.name}: {matcher.name}"
    for aggregate in parts_of(query, promql.AggregateExpr):
        if aggregate.modifier is not None:
            assert set(aggregate.modifier.labels) <= available, str(aggregate)


def test_each_query_asks_for_values_that_can_occur(exposed: Exposed) -> None:
    possible: dict[str, set[str]] = {
        "type": {problem.name for problem in PROBLEMS.values()},
        "route": {"/predict/", "/predict/batch/", "/read/"},
        "accepted": {"true", "false"},
        "outcome": {"replaced", "unchanged", "failed"},
    }
    seen = set()
    for query in QUERIES:
        for selector in parts_of(query, promql.VectorSelector):
            for matcher in selector.matchers.matchers:
                if matcher.name in possible:
                    seen.add(matcher.name)
                    assert set(matcher.value.split("|")) <= possible[matcher.name], str(selector)
    assert seen == set(possible)
    # And these are the API's own words for them.
    assert "/predict/" in exposed.values["digits_requests_total", "route"]
    assert exposed.values["digits_predictions_total", "accepted"] <= possible["accepted"]
    assert "unsupported-format" in exposed.values["digits_problems_total", "type"]


def test_failures_are_counted_from_zero_so_that_the_first_one_is_seen(exposed: Exposed) -> None:
    # An increase is a difference: a series that begins with 1 would have none.
    assert "failed" in exposed.values["digits_model_reloads_total", "outcome"]


def test_the_dashboard_shows_everything_that_the_api_exposes(exposed: Exposed) -> None:
    shown = {selector.name for query in dashboard_queries() for selector in parts_of(query, promql.VectorSelector)}
    families = {family_of(name) for name in exposed.labels if name.startswith("digits_")}
    assert families <= {family_of(name) for name in shown}


def test_the_guide_lists_every_metric_with_its_labels(exposed: Exposed) -> None:
    listed: dict[str, set[str]] = {}
    for names, labels in re.findall(r"^\| ((?:`digits_\w+`(?:, )?)+) \| ([\w, ]*) ?\|", GUIDE, re.MULTILINE):
        for name in re.findall(r"\w+", names):
            listed[name] = set(re.findall(r"\w+", labels))
    real: dict[str, set[str]] = {}
    for name, labels in exposed.labels.items():
        if name.startswith("digits_"):
            real.setdefault(family_of(name), set()).update(labels - {"le"})
    assert listed == real


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_says_how_urgent_it_is_what_it_means_and_what_to_do(name: str) -> None:
    alert = ALERTS[name]
    assert alert["labels"] == {"severity": alert["labels"]["severity"]}
    assert alert["labels"]["severity"] in ("critical", "warning", "info")
    assert set(alert["annotations"]) == {"summary", "description", "runbook"}
    page, _, anchor = alert["annotations"]["runbook"].partition("#")
    assert page == "docs/operations.md"
    assert anchor == name.lower()
    assert f"\n### {name}\n" in GUIDE
    # Only a failed reload is news at once: all else may be over in a moment.
    assert ("for" in alert) == (name != "DigitsReloadFailed")


def test_every_alert_has_a_test_in_which_it_fires_and_a_section_in_the_guide() -> None:
    tests = (DEPLOY / "prometheus" / "rules_test.yml").read_text(encoding="utf-8")
    for name in ALERTS:
        assert name in tests, name
    assert set(re.findall(r"^### (Digits\w+)$", GUIDE, re.MULTILINE)) == set(ALERTS)


def test_each_alert_fires_in_its_test_and_not_before() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no Prometheus on this machine")
    rules = DEPLOY / "prometheus"
    done = subprocess.run(
        [promtool, "test", "rules", str(rules / "rules_test.yml")], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr + done.stdout


def test_alerts_know_prometheus_names_for_the_service() -> None:
    (job,) = PROMETHEUS["scrape_configs"]
    services = read_yaml(ROOT / "compose.yaml")["services"]
    (target,) = job["static_configs"][0]["targets"]
    host, _, port = target.partition(":")
    assert services[host]["ports"] == [f"127.0.0.1:{port}:{port}"]
    jobs = {
        matcher.value
        for rule in RULES
        for selector in parts_of(rule["expr"], promql.VectorSelector)
        for matcher in selector.matchers.matchers
        if matcher.name == "job"
    }
    assert jobs == {job["job_name"]}
    assert all((DEPLOY / "prometheus" / name).is_file() for name in PROMETHEUS["rule_files"])


def test_grafana_finds_prometheus_and_the_dashboard() -> None:
    services = read_yaml(ROOT / "compose.yaml")["services"]
    provisioning = DEPLOY / "grafana" / "provisioning"
    (source,) = read_yaml(provisioning / "datasources" / "prometheus.yml")["datasources"]
    assert source["url"] == "http://prometheus:" + services["prometheus"]["ports"][0].rpartition(":")[2]
    (provider,) = read_yaml(provisioning / "dashboards" / "digits.yml")["providers"]
    place = f"{provider['options']['path']}/digits.json"
    assert f"./deploy/grafana/digits.json:{place}:ro" in services["grafana"]["volumes"]
    assert services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] == place


def test_panels_have_ids_units_and_places_of_their_own() -> None:
    assert [count for count in Counter(panel["id"] for panel in PANELS).values() if count > 1] == []
    taken: Counter[tuple[int, int]] = Counter()
    for panel in PANELS:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        taken.update(
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        )
    assert set(taken.values()) == {1}
    for panel in SHOWN:
        assert panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
        unit = panel["fieldConfig"]["defaults"].get("unit") or panel["options"]["yAxis"]["unit"]
        assert unit, panel["title"]
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)


def test_the_guide_names_settings_files_and_sections_that_exist() -> None:
    settings = {f"DIGITS_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"DIGITS_[A-Z_]+[A-Z]", GUIDE)) <= settings | {FEEDBACK_VARIABLE}
    headings = {
        re.sub(r"[^\w -]", "", line).lower().replace(" ", "-") for line in re.findall(r"^#+ (.*)$", GUIDE, re.M)
    }
    for target in re.findall(r"\]\(([^)]+)\)", GUIDE):
        file, _, anchor = target.partition("#")
        assert not file or (ROOT / "docs" / file).is_file(), target
        assert not anchor or anchor in headings, target
    for texts in (json.dumps(RULES), json.dumps(DASHBOARD)):
        assert set(re.findall(r"DIGITS_[A-Z_]+[A-Z]", texts)) <= settings
