"""Real files, real notices. Each wait is for a state, with a limit that only a hang reaches."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import watchfiles

from guardrails.tenants import Tenants, watching
from tests.tenants.conftest import KEY_A, bearer, caller, policy
from tests.tenants.test_reload import configmap, configmap_files

A = caller(bearer(KEY_A))
HANG = 30.0


@asynccontextmanager
async def watched(tenants: Tenants, poll_seconds: float) -> AsyncIterator[None]:
    task = asyncio.create_task(tenants.watch(poll_seconds=poll_seconds))
    try:
        yield
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(HANG):
        while not condition():
            await asyncio.sleep(0.02)


def blocks(tenants: Tenants, word: str) -> bool:
    return tenants.resolve(A).guard.check(word, "INPUT").action == "BLOCKED"


def test_a_change_is_noticed_and_a_mended_file_too(folder: Path) -> None:
    tenants = Tenants.open(folder)

    async def main() -> None:
        async with watched(tenants, 60):
            await until(lambda: tenants.reloads.ok == 1)  # what happened before the watch began
            (folder / "alpha.yaml").write_text(policy("alpha", "apricot"))
            await until(lambda: blocks(tenants, "apricot"))
            (folder / "alpha.yaml").write_text("version: 1\n")
            await until(lambda: tenants.health()["status"] == "degraded")
            assert blocks(tenants, "apricot")
            (folder / "new.yaml").write_text(policy("alpha", "almond"))
            (folder / "new.yaml").replace(folder / "alpha.yaml")
            await until(lambda: blocks(tenants, "almond") and tenants.health()["status"] == "ok")

    asyncio.run(main())


def test_a_configmap_swap_is_noticed(tmp_path: Path) -> None:
    configmap(tmp_path, "2024_1", configmap_files("quince"))
    tenants = Tenants.open(tmp_path)

    async def main() -> None:
        async with watched(tenants, 60):
            await until(lambda: tenants.reloads.ok == 1)
            for turn, word in enumerate(("medlar", "rowan", "sloe")):
                configmap(tmp_path, f"2024_{turn + 2}", configmap_files(word))
                shutil.rmtree(tmp_path / f"..2024_{turn + 1}")
                await until(lambda word=word: blocks(tenants, word))  # type: ignore[misc]
                assert not blocks(tenants, "quince")

    asyncio.run(main())


async def _silence(*_: Any, **options: Any) -> AsyncIterator[set[Any]]:
    while True:
        await asyncio.sleep(options["rust_timeout"] / 1000)
        yield set()


async def _broken(*_: Any, **options: Any) -> AsyncIterator[set[Any]]:
    raise OSError(28, "No space left on device")  # no inotify watches are left
    yield set()


@pytest.mark.parametrize("notices", [_silence, _broken])
def test_without_notices_the_poll_sees_it(folder: Path, monkeypatch: pytest.MonkeyPatch, notices: Any) -> None:
    monkeypatch.setattr("watchfiles.awatch", notices)
    tenants = Tenants.open(folder)

    async def main() -> None:
        async with watched(tenants, 0.05):
            await until(lambda: tenants.reloads.ok >= 1)
            (folder / "alpha.yaml").write_text(policy("alpha", "apricot"))
            await until(lambda: blocks(tenants, "apricot"))

    asyncio.run(main())


def test_nothing_is_read_again_while_nothing_changes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchfiles.awatch", _silence)
    looks = 0
    real = watching.scan

    def counted(path: Path) -> bytes:
        nonlocal looks
        looks += 1
        return real(path)

    monkeypatch.setattr(watching, "scan", counted)
    tenants = Tenants.open(folder)

    async def main() -> None:
        async with watched(tenants, 0.01):
            await until(lambda: looks >= 10)

    asyncio.run(main())
    assert tenants.reloads.ok == 1


def test_a_folder_that_goes_and_comes_back(folder: Path) -> None:
    tenants = Tenants.open(folder)

    async def main() -> None:
        async with watched(tenants, 0.05):
            await until(lambda: tenants.reloads.ok >= 1)
            away = folder.rename(folder.with_name("away"))
            await until(lambda: tenants.health()["status"] == "degraded")
            assert blocks(tenants, "apple")
            shutil.copytree(away, folder)
            await until(lambda: tenants.health()["status"] == "ok")
            (folder / "alpha.yaml").write_text(policy("alpha", "apricot"))
            await until(lambda: blocks(tenants, "apricot"))

    asyncio.run(main())


def test_a_change_between_the_first_look_and_the_first_notice_is_seen(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = watchfiles.awatch

    async def late(*paths: Any, **options: Any) -> AsyncIterator[set[Any]]:
        (folder / "alpha.yaml").write_text(policy("alpha", "apricot"))
        async for changes in real(*paths, **options):
            yield changes

    monkeypatch.setattr("watchfiles.awatch", late)
    tenants = Tenants.open(folder)

    async def main() -> None:
        async with watched(tenants, 600):
            await until(lambda: blocks(tenants, "apricot"))

    asyncio.run(main())
