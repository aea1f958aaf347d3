"""The files under `deploy/`, as far as they can be proven where no containers run.

What they name exists: settings, routes, ports, secrets, commands, the version of LiveKit that the tests use.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from callclock_server.app import create_app
from callclock_server.cli.commands import app as commands
from callclock_server.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
MANIFESTS: list[dict[str, Any]] = [
    document
    for file in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(file.read_text())
]
LIVEKIT: dict[str, Any] = yaml.safe_load((DEPLOY / "livekit.yaml").read_text())
SETTINGS = {f"CALLCLOCK_{name.upper()}" for name in Settings.model_fields}
FAKE_SECRET = "0123456789abcdef0123456789abcdef"


def kind(name: str) -> list[dict[str, Any]]:
    return [document for document in MANIFESTS if document["kind"] == name]


def pods() -> dict[str, dict[str, Any]]:
    return {
        document["metadata"]["name"]: document["spec"]["template"]["spec"]
        for document in MANIFESTS
        if document["kind"] in ("Deployment", "DaemonSet", "Job")
    }


def env_example() -> dict[str, str]:
    lines = (DEPLOY / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def filled(text: str) -> str:
    """A value of compose.yaml with the variables of .env put in."""
    values = {name: value or FAKE_SECRET for name, value in env_example().items()}
    values["CALLCLOCK_KEYS"] = f"key:{FAKE_SECRET}"
    return re.sub(r"\$\{(\w+)(:\?)?\}", lambda match: values[match[1]], text)


def own_settings(values: dict[str, str]) -> Settings:
    assert set(values) <= SETTINGS, set(values) - SETTINGS
    return Settings.load(environ=values)


def compose_settings(service: str) -> Settings:
    return own_settings({name: filled(value) for name, value in SERVICES[service]["environment"].items()})


@pytest.mark.parametrize("service", ["migrate", "callclock-1", "callclock-2"])
def test_compose_configures_our_processes_with_settings_that_exist(service: str) -> None:
    settings = compose_settings(service)
    assert settings.has_others
    assert not settings.embedded_media
    assert settings.redis_url is not None
    database, redis = settings.effective_database_url, settings.redis_url
    assert "@postgres:5432/" in database
    assert "@redis:6379/" in redis


def test_compose_names_services_commands_and_secrets_that_exist() -> None:
    names = {command.name for command in commands.registered_commands}
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", ())) <= set(SERVICES)
        assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d[\w.-]*", service["image"]), f"{name}: pin the image"
        if service["image"].startswith("callclock:"):
            assert (service.get("command") or ["serve"])[0] in names
    text = (DEPLOY / "compose.yaml").read_text()
    assert set(re.findall(r"\$\{(\w+)", text)) == set(env_example())
    assert all(
        value == "" for name, value in env_example().items() if re.search("KEYS|SECRET|PASSWORD", name)
    )


def test_drain_is_shorter_than_the_time_before_the_kill() -> None:
    drain = compose_settings("callclock-1").drain_seconds
    assert drain < int(SERVICES["callclock-1"]["stop_grace_period"].removesuffix("s"))
    [config] = kind("ConfigMap")
    assert (
        int(config["data"]["CALLCLOCK_DRAIN_SECONDS"]) < pods()["callclock"]["terminationGracePeriodSeconds"]
    )


def test_livekit_is_the_one_that_the_tests_start_and_its_ports_agree() -> None:
    version = re.search(r"^version=(\S+)", (ROOT / ".ci/build-livekit").read_text(), re.MULTILINE)
    assert version is not None
    images = {SERVICES[name]["image"] for name in ("livekit-1", "livekit-2")}
    images.add(pods()["livekit"]["containers"][0]["image"])
    assert images == {f"livekit/livekit-server:{version[1]}"}
    assert LIVEKIT["room"]["auto_create"] is False
    udp, tcp = LIVEKIT["rtc"]["udp_port"], LIVEKIT["rtc"]["tcp_port"]
    assert SERVICES["livekit-1"]["ports"] == [f"{udp}:{udp}/udp", f"{tcp}:{tcp}"]
    second = SERVICES["livekit-2"]
    udp, tcp = second["environment"]["UDP_PORT"], second["environment"]["LIVEKIT_RTC_TCP_PORT"]
    assert second["ports"] == [f"{udp}:{udp}/udp", f"{tcp}:{tcp}"]
    [webhook] = LIVEKIT["webhook"]["urls"]
    host, port, path = re.fullmatch(r"http://([^:/]+):(\d+)(/.+)", webhook).groups()  # type: ignore[union-attr]
    assert host in SERVICES["callclock-1"]["networks"]["default"]["aliases"]
    assert (int(port), path) == (Settings().port, "/v1/media/webhook")
    assert (
        LIVEKIT["webhook"]["api_key"] == SERVICES["callclock-1"]["environment"]["CALLCLOCK_LIVEKIT_API_KEY"]
    )


def test_kubernetes_configures_our_pods_with_settings_that_exist() -> None:
    [config] = kind("ConfigMap")
    secret = next(each for each in kind("Secret") if each["metadata"]["name"] == "callclock")
    assert set(secret["stringData"].values()) == {""}
    secrets = {
        "CALLCLOCK_KEYS": f"key:{FAKE_SECRET}",
        "CALLCLOCK_DATABASE_URL": "postgresql://callclock:x@db/callclock",
        "CALLCLOCK_REDIS_URL": "redis://:x@redis:6379/0",
        "CALLCLOCK_LIVEKIT_API_SECRET": FAKE_SECRET,
    }
    assert set(secret["stringData"]) == set(secrets)
    settings = own_settings(config["data"] | secrets)
    assert settings.has_others
    assert not settings.embedded_media
    [job] = pods()["callclock-migrate"]["containers"]
    for variable in job["env"]:
        reference = variable["valueFrom"]["secretKeyRef"]
        assert variable["name"] in SETTINGS
        assert reference["key"] in secret["stringData"]


def test_kubernetes_refers_to_what_there_is() -> None:
    services = {each["metadata"]["name"]: each["spec"] for each in kind("Service")}
    labels = {each["metadata"].get("labels", {}).get("app") for each in MANIFESTS}
    for spec in (spec for name, spec in services.items() if name != "nowhere"):
        assert spec["selector"]["app"] in labels
        ports = {port["name"] for port in pods()[spec["selector"]["app"]]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in spec["ports"]} <= ports
    for ingress in kind("Ingress"):
        [rule] = ingress["spec"]["rules"]
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            assert backend["port"]["name"] in {port["name"] for port in services[backend["name"]]["ports"]}
        assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"]]
    [budget], [scaler] = kind("PodDisruptionBudget"), kind("HorizontalPodAutoscaler")
    assert budget["spec"]["selector"]["matchLabels"]["app"] == scaler["spec"]["scaleTargetRef"]["name"]
    names = {command.name for command in commands.registered_commands}
    for pod in ("callclock", "callclock-migrate"):
        assert pods()[pod]["containers"][0]["args"][0] in names


def test_the_world_reaches_neither_figures_nor_room_control() -> None:
    assert "selector" not in next(
        each["spec"] for each in kind("Service") if each["metadata"]["name"] == "nowhere"
    )
    closed = {
        (ingress["metadata"]["name"], path["path"])
        for ingress in kind("Ingress")
        for path in ingress["spec"]["rules"][0]["http"]["paths"]
        if path["backend"]["service"]["name"] == "nowhere"
    }
    assert closed == {("callclock", "/metrics"), ("livekit", "/twirp")}
    caddy = (DEPLOY / "Caddyfile").read_text()
    assert re.findall(r"respond (\S+) 404", caddy) == ["/metrics", "/twirp/*"]
    control = compose_settings("callclock-1").livekit_clusters[0].control_url
    assert control == "http://caddy:7880"
    assert "{$LIVEKIT_CONTROL:http://:7880} {" in caddy
    assert not any("7880" in str(port) for each in SERVICES.values() for port in each.get("ports", []))


def test_no_pod_has_more_rights_than_it_needs() -> None:
    for name, pod in pods().items():
        assert pod["automountServiceAccountToken"] is False, name
        for container in pod["containers"]:
            rights = container["securityContext"]
            assert rights["allowPrivilegeEscalation"] is False
            assert rights["capabilities"] == {"drop": ["ALL"]}


def test_probes_ask_for_routes_that_exist() -> None:
    routes = {getattr(route, "path", "") for route in create_app(Settings(keys={"key": FAKE_SECRET})).routes}
    [container] = pods()["callclock"]["containers"]
    asked = {container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
    asked |= set(re.findall(r"health_uri (/\w+)", (DEPLOY / "Caddyfile").read_text()))
    asked |= set(re.findall(r"127\.0\.0\.1:8000(/\w+)", (DEPLOY / "Dockerfile").read_text()))
    assert asked == {"/healthz", "/readyz"}
    assert asked <= routes
    assert all(port["containerPort"] == Settings().port for port in container["ports"])


def test_dockerfile_copies_what_there_is_and_pins_what_it_starts_from() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    for name in re.findall(r"^COPY (?!--)(\S+) ", text, re.MULTILINE):
        assert (ROOT / name).exists(), name
    assert all(re.search(r":\d+\.\d", image) for image in re.findall(r"^FROM (\S+)", text, re.MULTILINE))
    assert re.search(r"^USER 10001$", text, re.MULTILINE)
    subprocess.run(["bash", "-n", DEPLOY / "build-wheels"], check=True)
