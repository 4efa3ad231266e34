"""The runs of AgentDojo, replayed without a model: what a scripted agent reads and calls, as JSON lines.

A benign run makes the calls that solve a user's task. In an injected run the agent obeys the first result that carries an attack: it
makes the calls of the attacker's task from there on. AgentDojo asks for packages of its own, so this has an environment of its own:

    python3 -m venv .agentdojo && .agentdojo/bin/pip install agentdojo==0.1.35
    .agentdojo/bin/python benchmarks/agentdojo_runs.py --pairs 20 > runs.jsonl

Source: E. Debenedetti et al., "AgentDojo", NeurIPS 2024 (arXiv:2406.13352), suites of version 1.2.2.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

VERSION = "v1.2.2"
ATTACKS = ("direct", "ignore_previous", "system_message", "injecagent", "important_instructions", "tool_knowledge")
# The model that the attacks call by its name; none is asked.
MODEL = "gpt-4o-2024-05-13"


def bare(text: str) -> str:
    """Letters and digits alone: results are YAML, which breaks lines and doubles quotes, or Python's, which writes a line's end as ``\\n``."""
    return re.sub(r"\W+", "", re.sub(r"\\[nrt]", " ", text))


def steps(suite: Any, environment: Any, calls: list[Any], until: list[str]) -> tuple[list[dict[str, Any]], bool]:
    """Calls with their results, up to the first result that holds one of ``until``, and whether there is one."""
    from agentdojo.agent_pipeline.tool_execution import tool_result_to_str
    from agentdojo.functions_runtime import FunctionsRuntime

    runtime = FunctionsRuntime(suite.tools)
    out: list[dict[str, Any]] = []
    for call in calls:
        result, failed = runtime.run_function(environment, call.function, call.args)
        text = failed or tool_result_to_str(result)
        out.append({"tool": call.function, "arguments": dict(call.args), "result": text})
        if any(said in bare(text) for said in until):
            return out, True
    return out, False


def benign(suite: Any) -> Iterator[dict[str, Any]]:
    """Every task of a user, as it is meant to be solved."""
    for name, task in suite.user_tasks.items():
        environment = task.init_environment(suite.load_and_inject_default_environment({}))
        made, _ = steps(suite, environment, task.ground_truth(environment), [])
        yield {"suite": suite.name, "attack": None, "user": name, "prompt": task.PROMPT, "steps": made}


def injected(suite: Any, pairs: int, seed: int) -> Iterator[dict[str, Any]]:
    """Some pairs of a user's and an attacker's task, under every attack."""
    from agentdojo.agent_pipeline.base_pipeline_element import BasePipelineElement
    from agentdojo.attacks.attack_registry import load_attack

    class Scripted(BasePipelineElement):
        name = MODEL

        def query(self, *args: Any, **kwargs: Any) -> Any:
            raise NotImplementedError

    every = [(u, i) for u in suite.user_tasks.values() for i in suite.injection_tasks.values()]
    random.Random(seed).shuffle(every)
    attacks = [load_attack(name, suite, Scripted()) for name in ATTACKS]
    places = cache(attacks[0].get_injection_candidates)  # what a task reads is the same for every attack
    for attack in attacks:
        attack.get_injection_candidates = places
    for user, attacker in every[:pairs]:
        for attack in attacks:
            try:
                injections = attack.attack(user, attacker)
            except ValueError:  # the task reads nothing that an attacker can write
                continue
            environment = user.init_environment(suite.load_and_inject_default_environment(injections))
            marks = [bare(text)[:40] for text in injections.values()]
            before, reached = steps(suite, environment, user.ground_truth(environment), marks)
            calls = [c for c in attacker.ground_truth(environment) if c.function]
            if not reached or not calls:
                continue
            after, _ = steps(suite, environment, calls, [])
            yield {
                "suite": suite.name, "attack": attack.name, "user": user.ID, "attacker": attacker.ID,
                "prompt": user.PROMPT, "steps": before, "obeyed": after,
            }  # fmt: skip


def main() -> None:
    """Print the runs."""
    # A script's own folder comes first, and ours has a module of that name.
    sys.path[:] = [folder for folder in sys.path if Path(folder).resolve() != Path(__file__).resolve().parent]
    import yaml
    from agentdojo.task_suite.load_suites import get_suites

    if hasattr(yaml, "CSafeLoader"):  # an environment is read for every run
        yaml.safe_load = lambda text: yaml.load(text, yaml.CSafeLoader)
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--pairs", type=int, default=1_000_000, help="pairs of tasks a suite that are attacked; all without it"
    )
    options.add_argument("--suite", help="one suite")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    for name, suite in get_suites(VERSION).items():
        if given.suite in (None, name):
            for run in benign(suite):
                print(json.dumps(run, default=str))
            for run in injected(suite, given.pairs, given.seed):
                print(json.dumps(run, default=str))
            print(name, file=sys.stderr)


if __name__ == "__main__":
    main()
