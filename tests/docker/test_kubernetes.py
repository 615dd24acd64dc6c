"""docker/kubernetes/: valid manifests that agree with the Dockerfile, the compose file and the settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.docker.test_compose import COMPOSE, ROOT, stages

FOLDER = ROOT / "docker" / "kubernetes"
VERSION = "1.33"
# Kinds of kustomize and KEDA, which Kubernetes' own schema does not describe.
OTHERS = {"Kustomization", "Component", "ScaledObject", "TriggerAuthentication"}
FILES = sorted(FOLDER.rglob("*.yaml"))
PROCESSES = ("web", "worker", "courier", "scheduler", "migrate")


def documents(path: Path) -> list[dict[str, Any]]:
    """The documents of a manifest."""
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def workload(name: str) -> dict[str, Any]:
    """The Deployment or Job of a process."""
    return next(
        one for one in documents(FOLDER / "base" / f"{name}.yaml") if one["kind"] in {"Deployment", "Job"}
    )


def pod(name: str) -> dict[str, Any]:
    """The pod of a process."""
    found: dict[str, Any] = workload(name)["spec"]["template"]["spec"]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_manifests_are_valid_for_kubernetes(path: Path) -> None:
    for document in documents(path):
        if document["kind"] not in OTHERS:
            kubernetes_validate.validate(document, VERSION, strict=True)


def test_every_file_belongs_to_a_kustomization() -> None:
    for folder in {path.parent for path in FILES}:
        (document,) = documents(folder / "kustomization.yaml")
        listed = {name for name in document.get("resources", []) if name.endswith(".yaml")}
        assert listed == {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
        for name in [*document.get("resources", []), *document.get("components", [])]:
            assert (folder / name).exists()


@pytest.mark.parametrize("name", PROCESSES)
def test_pods_run_as_an_ordinary_user_without_a_writable_root(name: str) -> None:
    found = pod(name)
    (container,) = found["containers"]
    assert found["automountServiceAccountToken"] is False
    assert {found["securityContext"][word] for word in ("runAsUser", "runAsGroup")} == {10001}
    assert found["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["envFrom"] == [
        {"configMapRef": {"name": "bgplatform-settings"}},
        {"secretRef": {"name": "bgplatform-secrets"}},
    ]


@pytest.mark.parametrize("name", ["courier", "scheduler", "migrate"])
def test_processes_of_the_web_image_start_as_in_the_compose_file(name: str) -> None:
    (container,) = pod(name)["containers"]
    assert (container["image"], container["args"]) == ("bgplatform-web", COMPOSE["services"][name]["command"])


def test_a_worker_gets_the_time_to_finish_its_pictures() -> None:
    command = yaml.safe_load(dict(stages()["worker-cpu"])["CMD"])
    milliseconds = int(command[command.index("--worker-shutdown-timeout") + 1])
    assert pod("worker")["terminationGracePeriodSeconds"] * 1000 > milliseconds


@pytest.mark.parametrize("name", ["worker", "courier", "scheduler"])
def test_probes_look_at_the_heartbeat_file(name: str) -> None:
    (container,) = pod(name)["containers"]
    (settings,) = documents(FOLDER / "example" / "kustomization.yaml")
    literals = settings["configMapGenerator"][0]["literals"]
    assert "HEARTBEAT_FILE=/tmp/alive" in literals
    assert container["startupProbe"]["exec"]["command"] == ["test", "-f", "/tmp/alive"]  # noqa: S108
    assert "/tmp/alive" in container["livenessProbe"]["exec"]["command"][-1]  # noqa: S108


def test_settings_of_the_example_are_documented_and_the_probes_host_is_allowed() -> None:
    documented = set(re.findall(r"^\| `([A-Z0-9_]+)` \|", (ROOT / "docs/configuration.md").read_text(), re.M))
    (document,) = documents(FOLDER / "example" / "kustomization.yaml")
    literals = dict(text.split("=", 1) for text in document["configMapGenerator"][0]["literals"])
    assert set(literals) <= documented
    (container,) = pod("web")["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        (header,) = container[probe]["httpGet"]["httpHeaders"]
        assert header["value"] in literals["ALLOWED_HOSTS"].split(",")


def test_policies_select_pods_by_a_label_that_pods_get() -> None:
    (document,) = documents(FOLDER / "base" / "kustomization.yaml")
    assert document["labels"] == [
        {"pairs": {"app.kubernetes.io/part-of": "bgplatform"}, "includeTemplates": True}
    ]
    for policy in documents(FOLDER / "base" / "network.yaml"):
        (label,) = policy["spec"]["podSelector"]["matchLabels"].items()
        assert label in {("app.kubernetes.io/part-of", "bgplatform"), ("app.kubernetes.io/name", "web")}


def test_the_queue_is_read_from_columns_that_exist() -> None:
    from jobs.models import Picture

    scaled = next(
        one
        for one in documents(FOLDER / "components" / "scale-on-queue" / "scaled-object.yaml")
        if one["kind"] == "ScaledObject"
    )
    (trigger,) = scaled["spec"]["triggers"]
    table, states = re.fullmatch(
        r"SELECT count\(\*\) FROM (\w+) WHERE state IN \((.*)\)", trigger["metadata"]["query"]
    ).groups()  # type: ignore[union-attr]
    assert table == Picture._meta.db_table
    assert states == f"'{Picture.State.QUEUED}', '{Picture.State.RUNNING}'"
