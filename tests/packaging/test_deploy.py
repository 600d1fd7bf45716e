"""The files for systemd and containers fit the program. (No container is built here.)"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from oppspot_runner.base.settings import Settings, unknown_variables
from tests.packaging.conftest import ROOT, fault

UNIT = (ROOT / "deploy" / "oppspot-runner.service").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
GRACE_S = Settings.model_fields["grace"].default


def unit(key: str) -> str:
    """The one value of a key in the unit file."""
    (value,) = re.findall(rf"^{key}=(.*)$", UNIT, re.MULTILINE)
    return str(value)


def dockerfile(instruction: str) -> list[str]:
    """The arguments of an instruction, continued lines joined."""
    joined = re.sub(r"\\\n\s*", " ", DOCKERFILE)
    return re.findall(rf"^{instruction} (.*)$", joined, re.MULTILINE)


def test_systemd_is_told_when_the_runner_is_ready_and_alive() -> None:
    assert unit("Type") == "notify"
    assert unit("NotifyAccess") == "main"
    assert unit("Restart") == "on-failure"
    # The runner's own watchdog comes first: it gives the other tasks back before it ends.
    assert int(unit("WatchdogSec")) > Settings.model_fields["blocked_limit"].default
    assert "AF_UNIX" in unit("RestrictAddressFamilies").split()  # the socket it tells by


def test_systemd_waits_longer_than_the_grace_before_it_kills() -> None:
    assert int(unit("TimeoutStopSec")) > GRACE_S
    assert unit("KillSignal") == "SIGTERM"


def test_the_unit_starts_a_command_that_exists(program: click.Group) -> None:
    path, *words = unit("ExecStart").split()
    assert Path(path).name == "oppspot-runner"
    assert fault(program, words) is None


def test_the_unit_passes_systemds_own_check(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here")
    copy = tmp_path / "oppspot-runner.service"
    copy.write_text(UNIT.replace(unit("ExecStart"), "/bin/true start"), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if copy.name in line]
    assert done.returncode == 0, done.stderr
    assert not complaints


def test_the_image_runs_the_program_as_an_ordinary_user(program: click.Group) -> None:
    assert dockerfile("USER") == ["runner"]
    assert json.loads(dockerfile("ENTRYPOINT")[0]) == ["oppspot-runner"]
    assert fault(program, json.loads(dockerfile("CMD")[-1])) is None


def test_the_image_has_extras_that_exist_and_what_http_needs() -> None:
    (chosen,) = dockerfile("ARG")
    extras = set(chosen.split("=")[1].strip('"').split())
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {"api", "http"} <= extras <= known.keys()
    assert all("$EXTRAS" in line for line in dockerfile("RUN") if "uv sync" in line)


def test_the_image_is_healthy_when_status_says_so(program: click.Group) -> None:
    (check,) = dockerfile("HEALTHCHECK")
    name, *words = json.loads(check.split(" CMD ")[1])
    assert name == "oppspot-runner"
    assert words == ["status"]
    assert fault(program, words) is None


def test_the_image_is_built_from_files_that_are_there_and_let_in() -> None:
    let_in = {line[1:] for line in _lines(".dockerignore") if line.startswith("!")}
    copied = {
        word.removeprefix("./")
        for text in dockerfile("COPY")
        if "--from" not in text
        for word in text.split()[:-1]
    }
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)


def test_compose_starts_the_runner_when_postgres_answers(program: click.Group) -> None:
    postgres, runner = COMPOSE["services"]["postgres"], COMPOSE["services"]["runner"]
    assert re.fullmatch(r"postgres:1[4-8]", postgres["image"])
    assert "pg_isready" in postgres["healthcheck"]["test"]
    assert runner["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert runner["restart"] == postgres["restart"] == "unless-stopped"
    assert fault(program, runner["command"]) is None


def test_compose_keeps_the_data_in_a_named_volume() -> None:
    (mounted,) = COMPOSE["services"]["postgres"]["volumes"]
    assert mounted.split(":")[0] in COMPOSE["volumes"]


def test_compose_waits_longer_than_the_grace_before_it_kills() -> None:
    assert int(COMPOSE["services"]["runner"]["stop_grace_period"].removesuffix("s")) > GRACE_S


def test_compose_sets_no_unknown_setting_and_points_to_its_postgres() -> None:
    environment = COMPOSE["services"]["runner"]["environment"]
    assert not unknown_variables(environment)
    assert "@postgres:5432/" in environment["DATABASE_URL"]


def _lines(name: str) -> list[str]:
    return (ROOT / name).read_text(encoding="utf-8").splitlines()
