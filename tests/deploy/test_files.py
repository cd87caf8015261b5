"""Tests of the files of the deployment that are read by other programs: units, containers, cloudflared."""

import os
import re
import shutil
import subprocess

import pytest
import yaml

from tests.deploy.machine import CONTENT, FILES, PROJECT

UNITS = ("cvety-web.socket", "cvety-web.service", "cvety-worker.service")
DEPLOY = PROJECT / "deploy"
EXPOSURE = 20
"""The most that `systemd-analyze security` may count, in tenths. A service without hardening has 96."""


@pytest.fixture
def units(tmp_path):
    """Return the folder of the units as they are installed, with the programs that they name."""
    program = tmp_path / "opt/cvety-crm/current/.venv/bin/python"
    program.parent.mkdir(parents=True)
    program.symlink_to(shutil.which("true"))
    folder = tmp_path / "units"
    folder.mkdir()
    for name in UNITS:
        text = (DEPLOY / "systemd" / name).read_text()
        text = text.replace("@ROOT@", str(tmp_path)).replace("@USER@", "root").replace("@PORT@", "8001")
        assert "@" not in re.sub(r"@system-service", "", text)
        (folder / name).write_text(text)
    return folder


def _analyze(units, *arguments):
    command = ["systemd-analyze", "--no-pager", *arguments]
    environment = {"PATH": os.environ["PATH"], "SYSTEMD_UNIT_PATH": f"{units}:"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_systemd_accepts_the_units(units):
    result = _analyze(units, "verify", "--man=no", *(str(units / name) for name in UNITS))
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


@pytest.mark.parametrize("name", UNITS[1:])
def test_services_may_do_little(units, name):
    result = _analyze(units, "security", "--offline=true", f"--threshold={EXPOSURE}", str(units / name))
    assert result.returncode == 0, result.stdout + result.stderr


def test_image_contains_what_the_installer_installs():
    text = (DEPLOY / "docker/Dockerfile").read_text()
    copied = {name for line in re.findall(r"^COPY (?!--)(.+) \S+$", text, re.M) for name in line.split()}
    ignored = (DEPLOY / "docker/Dockerfile.dockerignore").read_text()
    installed = {*CONTENT, *FILES} - {"deploy"}
    assert copied == installed
    assert {line[1:] for line in ignored.splitlines() if line.startswith("!")} == installed
    content = re.search(r"^CONTENT=\((.*?)\)", (DEPLOY / "lib/common.sh").read_text(), re.M | re.S)[1].split()
    assert set(content) == {*CONTENT, *FILES}


def test_image_does_not_run_as_root_and_needs_no_shell():
    stages = re.split(r"^FROM ", (DEPLOY / "docker/Dockerfile").read_text(), flags=re.M)
    assert len(stages) == 3  # the comments, the build and the image
    assert re.search(r"^USER [1-9]\d+$", stages[-1], re.M)
    assert re.search(r'^CMD \["', stages[-1], re.M)
    assert "SECRET_KEY" not in stages[-1]


def test_containers_do_the_same_as_the_services():
    compose = yaml.safe_load((DEPLOY / "docker/compose.yml").read_text())
    services = compose["services"]
    assert set(services) == {"db", "migrate", "web", "worker", "caddy", "gate", "cloudflared"}
    for name in ("migrate", "web", "worker"):
        assert services[name]["cap_drop"] == ["ALL"], name
        assert services[name]["read_only"] is True, name
        assert (PROJECT / "deploy/docker" / services[name]["build"]["context"] / "manage.py").resolve().exists()
    assert services["worker"]["command"] == ["python", "manage.py", "qcluster"]
    for name in ("web", "worker"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    # Only the proxy is reached from outside.
    assert [name for name, service in services.items() if "ports" in service] == ["caddy"]
    mounted = [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])]
    for source in mounted:
        assert source in compose["volumes"] or (DEPLOY / "docker" / source).is_file(), source


def test_tunnel_leads_to_the_address_of_nginx():
    tunnel = yaml.safe_load((DEPLOY / "cloudflared/config.yml").read_text())
    port = re.search(r"^TUNNEL_PORT=.*?(\d+)", (DEPLOY / "lib/common.sh").read_text(), re.M)[1]
    assert tunnel["ingress"][0]["service"] == f"http://127.0.0.1:{port}"
    assert tunnel["ingress"][-1] == {"service": "http_status:404"}
