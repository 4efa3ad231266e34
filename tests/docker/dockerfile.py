"""Dockerfiles, read far enough to be checked: stages, instructions, exec and shell forms."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
INSTRUCTIONS = {
    "FROM", "ARG", "ENV", "RUN", "COPY", "ADD", "USER", "WORKDIR", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT",
    "CMD", "LABEL", "SHELL", "VOLUME",
}  # fmt: skip


@dataclass(frozen=True)
class Instruction:
    """``stage`` counts the FROMs, -1 before the first."""

    name: str
    value: str
    line: int
    stage: int

    @property
    def exec_form(self) -> list[str] | None:
        """The words of ``["a", "b"]``, None for the shell form."""
        value = self.value[self.value.find("CMD") + 3 :].strip() if self.name == "HEALTHCHECK" else self.value
        if not value.startswith("["):
            return None
        found = json.loads(value)
        assert isinstance(found, list)
        return [str(f) for f in found]


def parse(text: str) -> list[Instruction]:
    out: list[Instruction] = []
    stage, pending, started = -1, "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if not pending and (not line.strip() or line.lstrip().startswith("#")):
            continue
        started = started if pending else number
        pending += line.rstrip("\\") if line.endswith("\\") else line
        if line.endswith("\\"):
            continue
        name, _, value = pending.strip().partition(" ")
        stage += name == "FROM"
        out.append(Instruction(name, value.strip(), started, stage))
        pending = ""
    assert not pending, "a line goes on after the end"
    return out


def problems(text: str) -> list[str]:
    """What is wrong with a Dockerfile of ours, each with its line."""
    found: list[str] = []
    every = parse(text)
    args = dict(i.value.split("=", 1) for i in every if i.name == "ARG" and "=" in i.value)
    stages = [i for i in every if i.name == "FROM"]
    names = {m[1] for i in stages if (m := re.search(r"\bAS (\S+)$", i.value))}
    for i in every:
        at = f"line {i.line}: "
        if i.name not in INSTRUCTIONS:
            found.append(at + f"{i.name} is no instruction")
        if i.name == "FROM":
            image = re.sub(r"\$\{(\w+)\}", lambda m: args.get(m[1], ""), i.value.split(" ")[0])
            if image not in names and not re.search(r":\d+\.\d+\.\d+-|@sha256:[0-9a-f]{64}$", image):
                found.append(at + "the base is not pinned to a version or digest")
        if i.name == "ADD":
            found.append(at + "ADD fetches and unpacks; use COPY")
        if i.name in ("ENTRYPOINT", "CMD", "HEALTHCHECK") and i.exec_form is None:
            found.append(at + f"{i.name} is not in exec form, so signals do not arrive")
        if i.name in ("ARG", "ENV") and re.search(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL)\w*(=|\s|$)", i.value, re.I):
            found.append(at + "a secret has no place in an image")
        if i.name in ("RUN", "ENV", "ARG", "COPY") and re.search(r"https?://", i.value):
            found.append(at + "an address is written here; make it an ARG")
        if i.name == "RUN" and re.search(r"\b(curl|wget|apt-get|sudo|chmod 777|git clone)\b", i.value):
            found.append(at + "fetches or loosens something")
        if i.name == "RUN" and "pip install" in i.value and "-c constraints.txt" not in i.value:
            found.append(at + "pip install without the constraints")
        if i.name == "COPY" and i.value.split()[0] in (".", "./"):
            found.append(at + "copies everything; name what is needed")
        if i.name == "WORKDIR" and not i.value.startswith("/"):
            found.append(at + "a relative WORKDIR")
    last = [i for i in every if i.stage == len(stages) - 1]
    users = [i.value for i in last if i.name == "USER"]
    if not users or not re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", users[-1]):
        found.append("the last stage does not end as a numbered user other than root")
    for name in ("HEALTHCHECK", "ENTRYPOINT", "STOPSIGNAL"):
        if not any(i.name == name for i in last):
            found.append(f"the last stage has no {name}")
    if any(i.name == "RUN" and "pip" in i.value for i in last):
        found.append("the last stage installs; build in an earlier one")
    return found
