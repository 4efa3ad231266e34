"""The CPU image's build steps, carried out: in a fresh virtual environment, with the same files, offline.

The environment sees our own environment's packages, so that pip finds the dependencies in place and downloads nothing;
what is built and installed is this project. Then the image's commands run in it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import yaml

from tests.demo.clients import CLIENTS
from tests.demo.sockets import listening
from tests.docker.dockerfile import DOCKER, ROOT, Instruction, parse
from tests.systems import needs_bin

pytestmark = needs_bin

STEPS = parse((DOCKER / "Dockerfile.cpu").read_text(encoding="utf-8"))
# Nothing may be fetched, and the build backend is the one that is there.
OFFLINE = {
    "PIP_NO_INDEX": "1",
    "PIP_NO_BUILD_ISOLATION": "0",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_CACHE_DIR": "1",
}


def ours() -> str:
    return next(p for p in sys.path if p.endswith("site-packages"))


class Built:
    """The build stage on this machine: ``/opt/guardrails`` and ``/src`` are folders of a test."""

    def __init__(self, folder: Path) -> None:
        self.opt, self.src = folder / "opt", folder / "src"
        self.src.mkdir()
        self.log = ""

    def here(self, text: str) -> str:
        return text.replace("/opt/guardrails", str(self.opt)).replace("/src", str(self.src))

    def run(self, step: Instruction) -> None:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))}
        env |= {**OFFLINE, "TORCH": "torch", "PIP_EXTRA": "--no-index"}
        words = step.exec_form
        command = [self.here(w) for w in words] if words is not None else ["sh", "-c", self.here(step.value)]
        if words and words[0] == "python":
            command[0] = sys.executable
        done = subprocess.run(command, cwd=self.src, env=env, capture_output=True, text=True, timeout=300)
        self.log += done.stdout + done.stderr
        assert done.returncode == 0, f"line {step.line}: {step.value}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        if words and words[1:3] == ["-m", "venv"]:
            site = next(self.opt.glob("lib/python*/site-packages"))
            (site / "ours.pth").write_text(ours() + "\n", encoding="utf-8")
            # The image's Python is 3.12, whose environments have no setuptools; an old one here would hide ours.
            for old in (*site.glob("setuptools*"), site / "pkg_resources", site / "_distutils_hack"):
                shutil.rmtree(old, ignore_errors=True)
            (site / "distutils-precedence.pth").unlink(missing_ok=True)

    def copy(self, step: Instruction) -> None:
        *sources, target = step.value.split()
        for source in sources:
            at = self.src / target
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, at, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
            else:
                shutil.copy(ROOT / source, at)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    made = Built(tmp_path_factory.mktemp("image"))
    for step in STEPS:
        if step.stage == 0 and step.name == "RUN":
            made.run(step)
        elif step.stage == 0 and step.name == "COPY":
            made.copy(step)
    return made


def command(built: Built, words: list[str], **env: str) -> subprocess.Popen[str]:
    """One of the image's commands, with the image's PATH, away from the checkout."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "GUARDRAILS"))}
    path = f"{built.opt}/bin:{kept['PATH']}"
    first = shutil.which(words[0], path=path)
    assert first is not None
    assert first.startswith(str(built.opt))
    return subprocess.Popen(
        [first, *words[1:]],
        cwd=built.opt,
        env={**kept, "PATH": path, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1", **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def instruction(name: str) -> list[str]:
    found = next(s for s in STEPS if s.stage == 1 and s.name == name).exec_form
    assert found is not None
    return found


def test_the_package_is_installed_with_its_models(built: Built) -> None:
    assert "does not provide the extra" not in built.log
    assert "Downloading" not in built.log
    assert "Successfully installed onepolicy-guardrails" in built.log
    code = "import guardrails, sys; from guardrails.inference import inventory; print(guardrails.__file__, len(inventory()))"
    done = subprocess.run([built.opt / "bin/python", "-c", code], cwd=built.opt, capture_output=True, text=True)
    file, count = done.stdout.split()
    assert file.startswith(str(built.opt)), done.stderr
    assert int(count) >= 2


def test_the_plain_wheel_of_torch_is_refused_on_x86() -> None:
    step = next(s for s in STEPS if s.name == "RUN" and s.exec_form is None and "uname" in s.value)
    value = step.value.replace("$(uname -m)", "x86_64")
    for torch, extra, code in (("torch", "", 1), ("torch", "--index-url x", 0), ("torch==2.13.0+cpu", "", 0)):
        env = {**os.environ, "TORCH": torch, "PIP_EXTRA": extra}
        assert subprocess.run(["sh", "-c", value], env=env, capture_output=True).returncode == code


def test_compose_runs_in_it(built: Built) -> None:
    """The demo upstream and the proxy as compose.yaml starts them, on ports of this machine."""
    services = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))["services"]
    ports = []
    for _ in range(2):
        with listening() as free:
            ports.append(str(free.getsockname()[1]))

    def local(words: list[str]) -> list[str]:
        moved = {
            "0.0.0.0": "127.0.0.1",  # noqa: S104 - that is what is replaced
            "9000": ports[0],
            "8080": ports[1],
        }
        return [moved.get(w, w.replace(":9000/", f":{ports[0]}/")) for w in words]

    base = f"http://127.0.0.1:{ports[1]}"
    tenants = (DOCKER / services["proxy"]["volumes"][0].split(":")[0]).resolve()
    upstream = services["proxy"]["environment"]["GUARDRAILS_UPSTREAM"]
    env = {
        "GUARDRAILS_UPSTREAM": upstream.replace("//upstream:9000", f"//127.0.0.1:{ports[0]}"),
        "GUARDRAILS_POLICIES": str(tenants),
    }
    started = [command(built, local(services["upstream"]["entrypoint"]))]
    try:
        healthy(built, local(services["upstream"]["healthcheck"]["test"][1:]), started[0])
        started.append(command(built, [*instruction("ENTRYPOINT"), *local(services["proxy"]["command"])], **env))
        healthy(built, [*instruction("HEALTHCHECK"), base + "/readyz"], started[1])
        from guardrails.demo.running import KEYS

        said = CLIENTS["openai chat"](base, "Who is my manager?", stream=True, key=KEYS["bank"])
        assert said.text == "Your branch manager is {NAME}. Write to {EMAIL_1} or call {PHONE}."
        assert httpx.post(base + "/v1/chat/completions", json={}).status_code == 401
        started[1].terminate()
        assert started[1].wait(30) == 0
    finally:
        for process in started:
            process.kill()
            process.communicate()


def healthy(built: Built, words: list[str], server: subprocess.Popen[str]) -> None:
    """Wait as long as the server lives: a busy machine takes its time, and a server that cannot start ends."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        probe = command(built, words)
        probe.communicate()
        if probe.returncode == 0:
            return
        assert server.poll() is None, server.stderr.read() if server.stderr else ""
        time.sleep(0.2)
    raise AssertionError("it never became healthy")
