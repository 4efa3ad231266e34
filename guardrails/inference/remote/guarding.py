"""Guard models: language models that judge texts, asked through an OpenAI-compatible ``/v1/chat/completions``.

An answer that its profile cannot read is a failure and never "safe": also one that was cut short, or that refuses to judge.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from guardrails.errors import GuardrailsError
from guardrails.inference.remote.calling import Caller, Unreadable, in_windows
from guardrails.inference.remote.endpoint import Endpoint, Judged
from guardrails.inference.remote.profiles import CUSTOM, OTHER, PROFILES, UNSAFE, Profile

__all__ = ["Guarding", "level_of"]

# Characters of a window where the policy names no number: some 2,000 tokens of English.
_WINDOW = 8_000
# Stands for the question of an answer where nobody knows it: templates of chats begin with a user.
_NO_QUESTION = "(not given)"
# The longest answer that is read, in characters: patterns run over it.
_LONGEST = 4_000


class Guarding:
    """A guard model. Every request is one window of a text and, where the model judges by one criterion at a time, one criterion."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Raises GuardrailsError for criteria that the profile has no place for."""
        profile = PROFILES[endpoint.profile]
        if endpoint.criteria and not profile.own:
            raise GuardrailsError(
                f"{endpoint.model}: models of the profile {profile.name} judge by their own categories: leave `criteria` out"
            )
        self._endpoint, self._profile, self._caller = endpoint, profile, Caller(endpoint)
        self.model = f"guard:{endpoint.model}"
        self.sha256 = endpoint.identity(profile_sha256=profile.sha256)
        self.labels = profile.known
        self._criteria = _criteria(endpoint, profile)
        self._shapes = [re.compile(p, re.DOTALL) for p in (profile.answer, profile.answer_output or profile.answer)]

    def score(
        self, text: str, seconds: float, question: str | None = None, out: list[Judged] | None = None
    ) -> list[Judged]:
        """As :meth:`Backend.score`. ``UNSAFE`` is the probability that the text is harmful at all."""
        until = time.monotonic() + seconds

        def ask(texts: Sequence[str]) -> Sequence[Mapping[str, float]]:
            return [self._window(t, question, until) for t in texts]

        return in_windows(text, self._endpoint.window or _WINDOW, 1, ask, out)

    def _window(self, text: str, question: str | None, until: float) -> Mapping[str, float]:
        out: dict[str, float] = dict.fromkeys(self.labels, 0.0)
        for category, criterion in self._criteria.items():
            body = self._body(text, question, criterion)
            read = self._caller.ask(
                "POST", "/v1/chat/completions", body, until - time.monotonic(), lambda a: self._read(a, question)
            )
            score, labels = read
            # What names no category counts for every one that it may be about.
            named = [category] if category else labels or self.labels
            for label in (UNSAFE, *named):
                out[label] = max(out[label], score)
        return out

    def _body(self, text: str, question: str | None, criterion: str) -> dict[str, Any]:
        profile = self._profile
        messages = [{"role": "system", "content": profile.system}] if profile.system else []
        if question is None:
            messages.append({"role": "user", "content": text})
        else:
            messages.append({"role": "user", "content": question or _NO_QUESTION})
            messages.append({"role": "assistant", "content": text})
        if profile.closing:
            messages.append({"role": "user", "content": profile.closing.replace("{criterion}", criterion)})
        if profile.system:
            messages[0]["content"] = profile.system.replace("{criterion}", criterion)
        body: dict[str, Any] = {
            "model": self._endpoint.model, "messages": messages, "temperature": 0, "max_tokens": profile.max_tokens, "stream": False,
        }  # fmt: skip
        if profile.scored:
            body |= {"logprobs": True, "top_logprobs": 20}
        if profile.arguments:
            body["chat_template_kwargs"] = {
                k: v.replace("{criterion}", criterion) if isinstance(v, str) else v
                for k, v in profile.arguments.items()
            }
        return body

    def _read(self, answer: Any, question: str | None) -> tuple[float, list[str]]:
        """How harmful the text is (0 to 1), and the categories that the answer names."""
        match answer:
            case {"choices": [{"message": {"content": str(said)} as message, "finish_reason": str(end)} as choice]}:
                pass
            case _:
                raise Unreadable("a guard model answered without a message")
        if end not in self._profile.ends or len(said) > _LONGEST:
            raise Unreadable("a guard model's answer was cut short")
        if message.get("refusal"):
            raise Unreadable("a guard model refused to judge")
        found = self._shapes[question is not None].fullmatch(self._lines(said))
        if found is None:
            raise Unreadable("a guard model's answer does not have the form of its profile")
        levels = self._profile.levels
        word = found["verdict"]
        score = levels[word]
        if self._profile.scored:
            score = level_of(choice.get("logprobs"), word, found.start("verdict"), levels)
        return score, self._labels(found.groupdict().get("labels") or "")

    def _lines(self, said: str) -> str:
        """The answer as its pattern reads it: as it stands, or the values of a JSON object."""
        if not self._profile.keys:
            return said
        try:
            found = orjson.loads(said)
        except orjson.JSONDecodeError:
            raise Unreadable("a guard model's answer is not JSON") from None
        if not isinstance(found, dict):
            raise Unreadable("a guard model's answer is not a JSON object")
        return "".join(f"{key}: {found[key]}\n" for key in self._profile.keys if key in found)

    def _labels(self, said: str) -> list[str]:
        """Our names for the categories of an answer. What the profile does not know is called OTHER: it may be anything."""
        names = [name for part in said.split(",") if (name := part.strip()) and name.lower() != "none"]
        return list(dict.fromkeys(ours for name in names for ours in self._profile.labels.get(name, (OTHER,))))


def _criteria(endpoint: Endpoint, profile: Profile) -> dict[str, str]:
    """What each request judges by: a category (empty: the answer names it) and its wording."""
    if endpoint.criteria:
        return {CUSTOM: endpoint.criteria} if profile.each else {"": f"{CUSTOM}: {endpoint.criteria}"}
    wanted = {c: w for c, w in profile.criteria.items() if c in endpoint.wanted} or profile.criteria
    if profile.each:
        return dict(wanted)
    return {"": "\n".join(f"{category}: {wording}" for category, wording in wanted.items())}


def level_of(logprobs: Any, word: str, place: int, levels: Mapping[str, float]) -> float:
    """How harmful the verdict is that stands as ``word`` at ``place`` of an answer, weighed over the words that the model held possible.

    ``logprobs`` are those of the answer's choice; a token counts for the word that it begins. Where they say nothing of these words, or
    a server gives none, the word counts as it stands.
    """
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    at = 0
    for token in tokens if isinstance(tokens, list) else ():
        match token:
            case {"token": str(said), "top_logprobs": list(held)}:
                begins = at + len(said) - len(said.lstrip())
            case _:
                break
        if begins <= place < at + len(said):
            return _weighed(held, levels, levels[word]) if word.startswith(said.strip()) else levels[word]
        at += len(said)
    return levels[word]


def _weighed(held: Sequence[Any], levels: Mapping[str, float], verdict: float) -> float:
    mass = dict.fromkeys(levels, 0.0)
    for one in held:
        match one:
            case {"token": str(token), "logprob": int() | float() as logprob} if logprob <= 0 and token.strip():
                words = [word for word in levels if word.startswith(token.strip())]
                if len(words) == 1:
                    mass[words[0]] += math.exp(logprob)
    total = sum(mass.values())
    return sum(levels[word] * p for word, p in mass.items()) / total if total > 0 else verdict
