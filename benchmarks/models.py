"""What the trained models cost: the full policy against one bare pass of the encoder, many callers against one, cold starts.

python -m benchmarks.models [--llm-guard PYTHON]
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import threading
import time

import torch

from benchmarks.timing import PLAIN_1KB, best_us, machine
from guardrails import Guard, inference
from guardrails.inference.tokens import Tokens
from guardrails.inference.windows import Window, frame
from guardrails.policy import loads

LETTERS = "abcdefghijklmnopqrstuvwxyz"
CALLERS = 64


def full_policy() -> str:
    """Seven filters, three topics, the 31 PII types of Bedrock, 1,000 words, three regexes."""
    from guardrails.catalog import BEDROCK_PII, CONTENT

    rng = random.Random(1)
    terms = ["".join(rng.choices(LETTERS, k=rng.randint(5, 14))) + "q" for _ in range(1000)]
    content = "".join(f"  {c}: {{input: HIGH, output: NONE}}\n" for c in CONTENT)
    topics = "".join(
        f"  - {{name: {n}, definition: {d}, examples: [{e}]}}\n"
        for n, d, e in (
            ("investment-advice", "What to buy or sell or hold", "Should I buy shares?, Will gold go up?"),
            ("legal-advice", "What to do in a legal dispute", "Can I sue my landlord?, Is my contract valid?"),
            ("politics", "Parties and elections and politicians", "Who should I vote for?, Is the minister lying?"),
        )
    )
    pii = "".join(f"    {t}: mask\n" for t in BEDROCK_PII)
    return (
        "version: 1\nname: full\n"
        f"content:\n{content}topics:\n{topics}words: {{terms: [{', '.join(terms)}]}}\npii:\n  entities:\n{pii}"
        "  regexes:\n    - {name: account, pattern: 'ACC-\\d{8}', action: mask}\n"
        "    - {name: ticket, pattern: '\\bTCK[0-9]{6}\\b', action: mask}\n"
        "    - {name: room, pattern: 'room [A-Z]\\d{3}', action: block}\n"
    )


def bare(engine: object, window: Window) -> object:
    """One pass of the encoder alone, on tensors that are there already."""
    runner = engine.runner  # type: ignore[attr-defined]
    ids = torch.from_numpy(window.ids)[None].to(runner.device)
    zeros = torch.zeros_like(ids)

    def run() -> None:
        with torch.inference_mode():
            runner._model.encoder(ids, zeros, zeros, None)
        if runner.device.type == "cuda":
            torch.cuda.synchronize()

    return run


def callers(work: object, number: int, seconds: float = 4.0) -> float:
    """Calls a second of ``number`` threads."""
    counts = [0] * number
    until = time.monotonic() + seconds

    def loop(i: int) -> None:
        while time.monotonic() < until:
            work()  # type: ignore[operator]
            counts[i] += 1

    threads = [threading.Thread(target=loop, args=(i,)) for i in range(number)]
    started = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return sum(counts) / (time.monotonic() - started)


def gpu(engine: object, window: Window, peak: float = 989e12) -> None:
    """Texts a second as a share of what the card could multiply (dense bf16, of an H100 unless told), and waits under 64 callers."""
    runner = engine.runner  # type: ignore[attr-defined]
    encoder = runner._model.encoder
    weights = sum(p.numel() for n, p in encoder.named_parameters() if n.startswith("layers."))
    n = len(window)
    flops = 2 * weights * n + 4 * n * n * encoder.shape.hidden * encoder.shape.layers
    batch = [window] * 4096
    runner.run(batch, 600)
    started = time.perf_counter()
    for _ in range(5):
        runner.run(batch, 600)
    rate = 5 * len(batch) / (time.perf_counter() - started)
    print(f"GPU: {rate:,.0f} texts/s of {n} tokens, {rate * flops / peak:.3f} of {peak / 1e12:.0f} TFLOP/s")
    waits: list[float] = []

    def once() -> None:
        begun = time.perf_counter()
        runner.run([window], 60)
        waits.append(time.perf_counter() - begun)

    callers(once, CALLERS)
    print(f"GPU: {CALLERS} callers, p50 {sorted(waits)[len(waits) // 2] * 1000:.2f} ms")


def cold(policy: str, text: str) -> float:
    """Seconds from the start of a process to its first answer."""
    code = f"from guardrails import Guard\nfrom guardrails.policy import loads\nGuard(loads({policy!r})).check({text!r}, 'INPUT')"
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def peer(python: str, text: str, engine: object) -> dict[str, float]:
    """Seconds of llm-guard's scanners and of Presidio on the text, measured by the interpreter that has them."""
    manifest = engine.manifest  # type: ignore[attr-defined]
    command = [python, "benchmarks/peer.py", str(manifest.folder / "tokenizer.json"), "30522", "3"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--llm-guard", metavar="PYTHON", help="an interpreter that has llm-guard (benchmarks/peer.py)")
    args = parser.parse_args()
    text = PLAIN_1KB[:700]
    policy = full_policy()
    guard = Guard(loads(policy))
    engine = inference.text_engine()
    print(f"machine: {machine()}; {engine.runner.device}, {engine.runner.dtype}, torch {torch.__version__}")
    (tokens,) = engine.tokeniser([text])
    (window,) = frame(engine.tokeniser, tokens, None, engine.manifest.window, engine.manifest.stride)
    print(f"text: {len(text)} characters, {len(tokens)} tokens; {guard.check(text, 'INPUT').action}")
    one = best_us(bare(engine, window), seconds=3)  # type: ignore[arg-type]
    whole = best_us(lambda: guard.check(text, "INPUT"), seconds=3)
    print(f"one pass of the encoder      {one / 1000:7.2f} ms")
    print(f"check(), the full policy     {whole / 1000:7.2f} ms   {whole / one:.2f} x")
    large = inference.text_cascade().large
    if large is not None:
        asked = "large" in guard.check(text, "INPUT").models
        one = best_us(lambda: large.read([window], 60), seconds=3)
        print(f"the large model              {one / 1000:7.2f} ms   {'asked' if asked else 'not asked'} in this check; setting: {inference.setting().models}")  # fmt: skip
    if args.llm_guard:
        parts = peer(args.llm_guard, text, engine)
        total = sum(parts.values())
        shown = ", ".join(f"{name} {seconds * 1000:.1f}" for name, seconds in parts.items())
        print(f"llm-guard and Presidio       {total * 1000:7.2f} ms   {total * 1e6 / whole:.1f} x check()   ({shown})")

    def infer() -> None:
        tokens: list[Tokens] = engine.tokeniser([text])
        engine.runner.run(frame(engine.tokeniser, tokens[0], None, engine.manifest.window, engine.manifest.stride), 60)

    for label, work in (("inference", infer), ("check()", lambda: guard.check(text, "INPUT"))):
        alone, many = callers(work, 1), callers(work, CALLERS)
        print(f"{label:12} one caller {alone:7.1f}/s   {CALLERS} callers {many:7.1f}/s   {many / alone:.2f} x")
    if engine.runner.device.type == "cuda":
        gpu(engine, window)
    filters = policy[: policy.index("pii:")]
    print(f"cold process, without PII    {min(cold(filters, text) for _ in range(3)):7.2f} s")
    print(f"cold process, with PII       {min(cold(policy, text) for _ in range(3)):7.2f} s")


if __name__ == "__main__":
    main()
