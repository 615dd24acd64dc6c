"""docker/: compose file, Dockerfile and nginx agree with the settings, the Procfile and each other."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
OURS = ("migrate", "web", "courier", "scheduler", "worker", "worker-gpu")
STORES = ("nginx", "postgres", "valkey", "seaweedfs")
STATEMENT = re.compile(r"^(FROM|USER|CMD|ENTRYPOINT|COPY|HEALTHCHECK) (.*)$", re.M)


def stages() -> dict[str, list[tuple[str, str]]]:
    """The Dockerfile's stages: for each name its statements in order."""
    text = (DOCKER / "Dockerfile").read_text().replace("\\\n", " ")
    found: dict[str, list[tuple[str, str]]] = {}
    name = ""
    for word, rest in STATEMENT.findall(text):
        if word == "FROM":
            name = rest.split(" AS ")[1]
            found[name] = []
        found[name].append((word, rest))
    return found


def example() -> dict[str, str]:
    """The variables of .env.example with their values."""
    lines = (DOCKER / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def filled_in() -> dict[str, str]:
    """The environment of the site's containers, as compose makes it of a filled-in .env."""
    given = {name: value or secrets.token_urlsafe(48) for name, value in example().items()}

    def value(match: re.Match[str]) -> str:
        return given.get(match[1]) or (match[2] or "").removeprefix(":-")

    environment = COMPOSE["services"]["web"]["environment"]
    return {
        name: re.sub(r"\$\{([A-Z0-9_]+)(:[-?][^}]*)?\}", value, str(text))
        for name, text in environment.items()
    }


def procfile() -> dict[str, list[str]]:
    """The Procfile's commands without the supervisor, each `${X:-default}` replaced by its default."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    commands = dict(line.split(": ", 1) for line in lines if line)
    plain = {name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text) for name, text in commands.items()}
    return {name: shlex.split(text.split(" -- ", 1)[1]) for name, text in plain.items()}


def options(command: list[str]) -> dict[str, str | bool]:
    """The flags of a command with their values."""
    pairs = zip(command, [*command[1:], "--"], strict=True)
    return {
        flag: value if not value.startswith("--") else True for flag, value in pairs if flag.startswith("--")
    }


def test_every_service_is_one_that_this_test_knows() -> None:
    assert set(COMPOSE["services"]) == {*OURS, *STORES}


def test_the_site_starts_with_the_environment_of_the_compose_file(tmp_path: Path) -> None:
    environment = filled_in() | {"BGPLATFORM_STATE": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_missing_secret_stops_compose() -> None:
    text = (DOCKER / "compose.yaml").read_text()
    required = set(re.findall(r"\$\{([A-Z0-9_]+):\?", text))
    assert required == {name for name, value in example().items() if not value}


def test_every_variable_of_the_compose_file_is_in_the_example_and_used() -> None:
    used = set(re.findall(r"\$\{([A-Z0-9_]+)", (DOCKER / "compose.yaml").read_text()))
    assert used == set(example())


def test_every_variable_of_the_site_is_documented() -> None:
    documented = set(re.findall(r"^\| `([A-Z0-9_]+)` \|", (ROOT / "docs/configuration.md").read_text(), re.M))
    assert set(COMPOSE["services"]["web"]["environment"]) <= documented


@pytest.mark.parametrize("name", OURS)
def test_containers_of_the_site_can_write_nothing_but_temporary_files(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert [mount.split(":")[0] for mount in service["tmpfs"]] == ["/tmp"]  # noqa: S108
    assert "volumes" not in service
    assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"])


@pytest.mark.parametrize("target", ["web", "worker-cpu", "worker-cuda"])
def test_images_run_as_an_ordinary_user_below_tini(target: str) -> None:
    found = stages()
    assert ("USER", "10001:10001") in found[target]
    assert ("ENTRYPOINT", '["tini", "--"]') in found["base"]


def test_the_web_image_gets_the_web_packages_alone() -> None:
    found = stages()
    assert [rest for word, rest in found["web"] if word == "COPY"] == [
        "--from=web-packages /venv /venv",
        "--from=code /app /app",
    ]
    assert ("COPY", "requirements/web.txt /tmp/requirements/") in found["web-packages"]
    pinned = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements/web.txt").read_text(), re.M))
    assert pinned.isdisjoint({"torch", "openvino", "opencv-python-headless", "scipy"})


def test_processes_start_as_in_the_procfile() -> None:
    found, known = stages(), procfile()
    images = {name: yaml.safe_load(dict(found[name])["CMD"]) for name in ("web", "worker-cpu", "worker-cuda")}
    same = {
        "--http",
        "--no-proxy-headers",
        "--limit-concurrency",
        "--lifespan",
        "--no-access-log",
        "--log-level",
    }
    assert images["web"][:4] == known["web"][:4]
    web, wanted = options(images["web"]), options(known["web"])
    assert {name: web[name] for name in same} == {name: wanted[name] for name in same}
    assert images["worker-cpu"][:8] == known["worker"][:8]
    assert images["worker-cuda"][:6] == known["worker"][:6]
    services = COMPOSE["services"]
    assert services["courier"]["command"][:8] == known["courier"][:8]
    assert services["scheduler"]["command"] == known["scheduler"]


@pytest.mark.parametrize(("service", "stage"), [("worker", "worker-cpu"), ("worker-gpu", "worker-cuda")])
def test_docker_waits_longer_than_a_worker_needs_to_finish(service: str, stage: str) -> None:
    command = yaml.safe_load(dict(stages()[stage])["CMD"])
    milliseconds = int(str(options(command)["--worker-shutdown-timeout"]))
    assert int(COMPOSE["services"][service]["stop_grace_period"].removesuffix("s")) * 1000 > milliseconds


def test_nginx_passes_requests_as_large_as_the_site_takes_and_stores_none() -> None:
    text = (DOCKER / "nginx.conf").read_text()
    assert re.findall(r"client_max_body_size (\S+);", text) == ["1g", "1g"]
    for line in ("proxy_buffering off;", "proxy_request_buffering off;"):
        assert line in text
    for header in (
        "X-Forwarded-Host $http_host",
        "X-Forwarded-Proto $scheme",
        "X-Forwarded-For $remote_addr",
    ):
        assert f"proxy_set_header {header};" in text


def test_the_build_context_holds_what_the_images_copy() -> None:
    listed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [rest.split() for word, rest in stages()["code"] if word == "COPY"]
    named = {path for *sources, _target in copied for path in sources}
    assert named | {"requirements"} == listed
    assert [path for path in listed if not (ROOT / path).exists()] == []
