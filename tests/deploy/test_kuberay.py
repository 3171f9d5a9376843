"""The manifest for KubeRay: no field that KubeRay's or Ray's schema does not have, and the same as the other files."""

from importlib import metadata
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict
from ray.serve.schema import ServeDeploySchema

from digits.cluster import ENVIRONMENT
from tests.conftest import ROOT
from tests.deploy.test_container import STAGES

MANIFEST, *POLICIES = yaml.safe_load_all((ROOT / "deploy" / "kuberay.yaml").read_text())

DOCKERFILE = (ROOT / "Dockerfile").read_text()


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


# The part of the RayService definition of ray.io/v1 that the manifest uses, with KubeRay's names and types; and of it,
# the part of Kubernetes' Container.
class HttpGet(Strict):
    path: str
    port: int


class Probe(Strict):
    httpGet: HttpGet  # noqa: N815 - as Kubernetes spells it
    initialDelaySeconds: int = 0  # noqa: N815
    periodSeconds: int  # noqa: N815
    failureThreshold: int  # noqa: N815


class Capabilities(Strict):
    drop: list[Literal["ALL"]]


class ContainerSecurity(Strict):
    allowPrivilegeEscalation: Literal[False]  # noqa: N815
    readOnlyRootFilesystem: Literal[True]  # noqa: N815
    capabilities: Capabilities


class Mount(Strict):
    name: str
    mountPath: str  # noqa: N815


class SeccompProfile(Strict):
    type: Literal["RuntimeDefault"]


class PodSecurity(Strict):
    runAsNonRoot: Literal[True]  # noqa: N815
    runAsUser: int  # noqa: N815
    runAsGroup: int  # noqa: N815
    fsGroup: int  # noqa: N815
    seccompProfile: SeccompProfile  # noqa: N815


class EmptyDir(Strict):
    sizeLimit: str  # noqa: N815


class Volume(Strict):
    name: str
    emptyDir: EmptyDir  # noqa: N815


class Labels(Strict):
    labels: dict[str, str]


class AuthOptions(Strict):
    mode: Literal["token", "disabled"]


class Port(Strict):
    containerPort: int  # noqa: N815
    name: str


class Resources(Strict):
    requests: dict[Literal["cpu", "memory"], str]
    limits: dict[Literal["cpu", "memory"], str]


class Container(Strict):
    name: str
    image: str
    securityContext: ContainerSecurity  # noqa: N815
    volumeMounts: list[Mount]  # noqa: N815
    ports: list[Port]
    readinessProbe: Probe  # noqa: N815
    livenessProbe: Probe  # noqa: N815
    resources: Resources


class PodSpec(Strict):
    automountServiceAccountToken: bool = True  # noqa: N815
    securityContext: PodSecurity  # noqa: N815
    volumes: list[Volume]
    containers: list[Container]


class Template(Strict):
    metadata: Labels
    spec: PodSpec


class Head(Strict):
    rayStartParams: dict[str, str]  # noqa: N815
    template: Template


class Workers(Head):
    groupName: str  # noqa: N815
    replicas: int
    minReplicas: int  # noqa: N815
    maxReplicas: int  # noqa: N815


class Cluster(Strict):
    rayVersion: str  # noqa: N815
    authOptions: AuthOptions  # noqa: N815
    enableInTreeAutoscaling: bool  # noqa: N815
    headGroupSpec: Head  # noqa: N815
    workerGroupSpecs: list[Workers]  # noqa: N815


class Upgrade(Strict):
    type: Literal["NewCluster", "None"]


class Spec(Strict):
    upgradeStrategy: Upgrade  # noqa: N815
    serveConfigV2: str  # noqa: N815
    rayClusterConfig: Cluster  # noqa: N815


class Name(Strict):
    name: str


class RayService(Strict):
    apiVersion: Literal["ray.io/v1"]  # noqa: N815
    kind: Literal["RayService"]
    metadata: Name
    spec: Spec


def test_the_manifest_has_only_fields_that_the_operator_knows() -> None:
    service = RayService.model_validate(MANIFEST)
    assert service.spec.rayClusterConfig.rayVersion == metadata.version("ray")
    [workers] = service.spec.rayClusterConfig.workerGroupSpecs
    assert workers.minReplicas <= workers.replicas <= workers.maxReplicas


def test_nodes_ask_for_a_token_and_write_to_one_folder_as_the_user_of_the_image() -> None:
    cluster = RayService.model_validate(MANIFEST).spec.rayClusterConfig
    assert cluster.authOptions.mode == "token"
    for node in (cluster.headGroupSpec, *cluster.workerGroupSpecs):
        pod = node.template.spec
        assert f"USER {pod.securityContext.runAsUser}:{pod.securityContext.runAsGroup}" in DOCKERFILE
        [container] = pod.containers
        assert [mount.mountPath for mount in container.volumeMounts] == ["/tmp"]
        assert [mount.name for mount in container.volumeMounts] == [volume.name for volume in pod.volumes]
    assert not any(group.template.spec.automountServiceAccountToken for group in cluster.workerGroupSpecs)


def test_other_pods_reach_port_8000_alone() -> None:
    labels = MANIFEST["spec"]["rayClusterConfig"]["headGroupSpec"]["template"]["metadata"]["labels"]
    for policy in POLICIES:
        assert (policy["apiVersion"], policy["kind"]) == ("networking.k8s.io/v1", "NetworkPolicy")
        assert policy["spec"]["podSelector"]["matchLabels"].items() >= labels.items()
    [incoming] = [policy["spec"] for policy in POLICIES if policy["spec"]["policyTypes"] == ["Ingress"]]
    to_all = [rule for rule in incoming["ingress"] if "from" not in rule]
    assert to_all == [{"ports": [{"port": 8000, "protocol": "TCP"}]}]
    [of_operator] = [rule["ports"] for rule in incoming["ingress"] if "from" in rule and "ports" in rule]
    assert of_operator == [{"port": 8265, "protocol": "TCP"}]


def test_what_is_served_is_what_ray_takes_and_what_serve_yaml_says() -> None:
    served: dict[str, Any] = yaml.safe_load(MANIFEST["spec"]["serveConfigV2"])
    alone = yaml.safe_load((ROOT / "serve.yaml").read_text())
    for config in (served, alone):
        ServeDeploySchema.model_validate(config)
    for config in (served, alone):
        config["applications"][0]["deployments"][0]["autoscaling_config"].pop("min_replicas")
    assert served == alone


def test_the_image_tells_ray_what_it_has_to_be_told() -> None:
    environment = STAGES["ray"].environment()
    assert {name: value for name, value in environment.items() if name.startswith("RAY_")} == ENVIRONMENT
    assert {source for source, _ in STAGES["ray"].copied()} == {"serve.yaml"}
