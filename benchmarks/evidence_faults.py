"""The log of evidence under kill -9, on a disk that forgets what was not synced; and whether damage is found.

    python -m benchmarks.evidence_faults             # 200 kills, 200 flipped bits, and the control
    python -m benchmarks.evidence_faults --kills 20

A process records from four threads and says which records were acknowledged; it is killed at a random moment. What its files hold
beyond the last sync is lost, all of it or all but a part, which may be zeros. The log is opened again, and every record that was ever
acknowledged must be there, under checkpoints that verify. The control is the same disk with syncs that do nothing: there, records must
be missing, or the harness sees nothing.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import orjson

from guardrails.errors import GuardrailsError
from guardrails.evidence import EvidenceLog, EvidenceSettings
from guardrails.evidence.files import Disk, Growing
from guardrails.evidence.reader import Reader
from guardrails.evidence.verify import verify
from tests.evidence.disks import Forgetful, decision

THREADS = 4
# Kills of one log, before another one is begun: each is verified as a whole after every kill.
KILLS = 20


class Telling(Disk):
    """A disk that writes down, for whoever kills this process, how much of each file was synced. It syncs nothing itself: the
    machine goes on, and loses nothing."""

    def __init__(self, ledger: Path, *, honest: bool) -> None:
        super().__init__()
        self.ledger = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.honest = honest

    def _growing(self, path: Path) -> Growing:
        found = _Told(self, path)
        self.tell(path, found.size)
        return found

    def tell(self, path: Path, size: int) -> None:
        os.write(self.ledger, f"{path}\t{size}\n".encode())


class _Told(Growing):
    def __init__(self, disk: Telling, path: Path) -> None:
        super().__init__(path)
        self._disk = disk

    def sync(self) -> None:
        if self._disk.honest:
            self._disk.tell(self.path, self.size)

    def truncate(self, size: int) -> None:
        super().truncate(size)
        self._disk.tell(self.path, size)


def settings(folder: Path) -> EvidenceSettings:
    return EvidenceSettings(folder, name="example.com/faults", checkpoint_records=7, segment_bytes=30_000)


def child(folder: Path, ledger: Path, *, honest: bool) -> None:
    """Record until somebody kills this process."""
    log = EvidenceLog.open(settings(folder), disk=Telling(ledger, honest=honest))

    def record() -> None:
        while True:
            receipt = log.record(decision())
            os.write(1, f"{receipt.id}\n".encode())

    for _ in range(THREADS):
        threading.Thread(target=record, daemon=True).start()
    time.sleep(60)


def killed(folder: Path, chance: random.Random, *, honest: bool) -> list[str]:
    """Run a child for a moment, kill it, and lose what it had not synced. The ids that it was told are kept."""
    ledger = folder.parent / "ledger"
    ledger.unlink(missing_ok=True)
    words = [sys.executable, "-m", "benchmarks.evidence_faults", "--child", str(folder), str(ledger)]
    process = subprocess.Popen([*words, *(() if honest else ("--lying",))], stdout=subprocess.PIPE)
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(chance.random() ** 2)
    process.kill()
    acknowledged = [
        line.decode().strip()
        for line in (first, *process.stdout.read().splitlines(keepends=True))
        if line.endswith(b"\n")
    ]
    process.wait()
    process.stdout.close()
    disk = Forgetful()
    for line in ledger.read_text(encoding="utf-8").splitlines():
        path, size = line.split("\t")
        disk.durable[Path(path)] = int(size)
    disk.lose(chance)
    return acknowledged


def kept(folder: Path) -> set[str]:
    """The ids of the log's decisions, after it was opened once more and verified. Raises GuardrailsError when it is not sound."""
    EvidenceLog.open(settings(folder)).close()
    reader = Reader(folder)
    found = verify(reader, reader.verifier())
    if not found.ok:
        raise GuardrailsError("; ".join(found.problems))
    return {orjson.loads(record)["body"].get("decision_id") for _, record in reader.records()}


def kills(number: int, folder: Path, chance: random.Random) -> bool:
    acknowledged: list[str] = []
    total = 0
    for round_ in range(number):
        if round_ and round_ % KILLS == 0:
            shutil.rmtree(folder)
            acknowledged.clear()
        told = killed(folder, chance, honest=True)
        total += len(told)
        acknowledged += told
        lost = set(acknowledged) - kept(folder)
        if lost:
            print(f"kill {round_ + 1}: {len(lost)} acknowledged records are lost")
            return False
    print(f"{number} kills: {total:,} acknowledged records, none lost, every log verified", flush=True)
    return True


def control(folder: Path, chance: random.Random) -> bool:
    acknowledged: list[str] = []
    for _ in range(10):
        acknowledged += killed(folder, chance, honest=False)
        try:
            lost = len(set(acknowledged) - kept(folder))
        except GuardrailsError:
            print("control: with syncs that do nothing, the log is found to be damaged")
            return True
        if lost:
            print(
                f"control: with syncs that do nothing, {lost:,} of {len(acknowledged):,} acknowledged records are lost"
            )
            return True
    print("control: nothing was lost although nothing was synced: the harness sees nothing")
    return False


def flips(number: int, folder: Path, chance: random.Random) -> bool:
    """Single bits of records are turned over, one at a time."""
    reader = Reader(folder)
    signed = verify(reader, reader.verifier())
    files = [path for _, path in reader.segments() if path.stat().st_size]
    missed = 0
    for _ in range(number):
        path = chance.choice(files)
        data = path.read_bytes()
        at, bit = chance.randrange(len(data)), 1 << chance.randrange(8)
        path.write_bytes(data[:at] + bytes((data[at] ^ bit,)) + data[at + 1 :])
        missed += verify(reader, reader.verifier()).ok
        path.write_bytes(data)
    print(f"{number} flipped bits in {signed.size:,} records: {number - missed} found")
    return not missed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--flips", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", nargs=2, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--lying", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(*args.child, honest=not args.lying)
        return
    chance = random.Random(args.seed)
    folder = Path(tempfile.mkdtemp(prefix="evidence"))
    try:
        sound = kills(args.kills, folder / "log", chance)
        sound = flips(args.flips, folder / "log", chance) and sound
        sound = control(folder / "control", chance) and sound
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(not sound)


if __name__ == "__main__":
    main()
