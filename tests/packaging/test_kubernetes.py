"""The manifests for Kubernetes fit the program, the image and each other. (No cluster is here.)"""

from __future__ import annotations

from typing import Any

import click
import psycopg
import pytest
import yaml

from oppspot_runner.base.settings import Settings, unknown_variables
from tests.packaging.conftest import ROOT, fault
from tests.packaging.test_deploy import DOCKERFILE

FOLDER = ROOT / "deploy" / "kubernetes"
GUIDE = (ROOT / "docs" / "guides" / "kubernetes.md").read_text(encoding="utf-8")
OURS = {
    (one["kind"], one["metadata"]["name"]): one
    for name in ("runner", "migrate")
    for one in yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
}
DEPLOYMENT: dict[str, Any] = OURS["Deployment", "oppspot-runner"]["spec"]
POD: dict[str, Any] = DEPLOYMENT["template"]["spec"]
(RUNNER,) = POD["containers"]
JOB: dict[str, Any] = OURS["Job", "oppspot-migrate"]["spec"]["template"]["spec"]
SETTINGS = {one["name"]: one["value"] for one in RUNNER["env"]}


def test_the_pods_call_commands_that_exist(program: click.Group) -> None:
    (migrate,) = JOB["containers"]
    assert fault(program, RUNNER["args"]) is None
    assert fault(program, migrate["args"]) is None
    name, *words = RUNNER["lifecycle"]["preStop"]["exec"]["command"]
    assert name == "oppspot-runner"
    assert fault(program, words) is None


def test_the_settings_exist_and_can_be_used() -> None:
    assert not unknown_variables(SETTINGS)
    settings = Settings(
        **{name.removeprefix("OPPSPOT_").lower(): SETTINGS[name] for name in SETTINGS}
    )
    assert settings.http == "0.0.0.0:8080"


def test_a_drain_has_the_time_that_it_takes() -> None:
    drain_s = int(RUNNER["lifecycle"]["preStop"]["exec"]["command"][-1])
    assert float(SETTINGS["OPPSPOT_GRACE"]) < drain_s < POD["terminationGracePeriodSeconds"]


def test_probes_ask_what_wants_no_token_at_the_port_that_is_served() -> None:
    (port,) = RUNNER["ports"]
    assert SETTINGS["OPPSPOT_HTTP"].endswith(f":{port['containerPort']}")
    probes = {name: RUNNER[f"{name}Probe"] for name in ("startup", "readiness", "liveness")}
    paths = {name: probe["httpGet"]["path"] for name, probe in probes.items()}
    assert paths == {"startup": "/readyz", "readiness": "/readyz", "liveness": "/healthz"}
    assert {probe["httpGet"]["port"] for probe in probes.values()} == {port["name"]}
    # The runner's own watchdog comes first: it gives the other tasks back before it starts anew.
    patience_s = probes["liveness"]["periodSeconds"] * probes["liveness"]["failureThreshold"]
    assert patience_s > Settings.model_fields["blocked_limit"].default


@pytest.mark.parametrize("pod", [POD, JOB])
def test_pods_run_as_the_user_of_the_image_and_may_do_little(pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    assert f"--uid {pod['securityContext']['runAsUser']} " in DOCKERFILE
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod["automountServiceAccountToken"] is False
    # The service's own name would else become settings that nobody knows.
    assert pod["enableServiceLinks"] is False
    assert unknown_variables(["OPPSPOT_RUNNER_SERVICE_HOST"])


def test_everything_chooses_the_pods_of_the_deployment() -> None:
    labels = DEPLOYMENT["template"]["metadata"]["labels"]
    service = OURS["Service", "oppspot-runner"]["spec"]
    budget = OURS["PodDisruptionBudget", "oppspot-runner"]["spec"]
    chosen = [
        one["selector"].get("matchLabels", one["selector"]) for one in (DEPLOYMENT, budget, service)
    ]
    assert chosen == [labels] * 3
    assert service["ports"][0]["targetPort"] == RUNNER["ports"][0]["name"]
    assert JOB["containers"][0]["image"] == RUNNER["image"]
    job_labels = OURS["Job", "oppspot-migrate"]["spec"]["template"]["metadata"]["labels"]
    assert job_labels != labels  # else the service sends requests to a migration


def test_keda_asks_what_the_database_can_answer(dsn: str) -> None:
    scaled = yaml.safe_load((FOLDER / "keda.yaml").read_text(encoding="utf-8"))["spec"]
    assert ("Deployment", scaled["scaleTargetRef"]["name"]) in OURS
    (trigger,) = scaled["triggers"]
    assert trigger["metadata"]["targetQueryValue"] == SETTINGS["OPPSPOT_CONCURRENCY"]
    with psycopg.connect(dsn) as connection:
        assert connection.execute(trigger["metadata"]["query"]).fetchall() == [(0,)]


def test_the_guide_makes_the_secrets_that_the_pods_read() -> None:
    read = {
        source["secretRef"]["name"]
        for pod in (POD, JOB)
        for container in pod["containers"]
        for source in container["envFrom"]
    }
    made = [f"kubectl create secret generic {name} " for name in read]
    assert all(line in GUIDE for line in made)


def test_the_manifests_are_valid() -> None:
    validator = pytest.importorskip(
        "kubernetes_validate", reason="the schemas of Kubernetes are not here: .ci/run has them"
    )
    for one in OURS.values():
        validator.validate(one, "1.30", strict=True)
