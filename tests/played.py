"""AWS's own machinery as `tests.world` plays it: Step Functions, the event bus, and a store without threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.aws.event_bus import Bus, Event
from engine.aws.step_functions import StateMachine
from engine.execution.map_worker import MapWorker
from engine.history.execution_ref import ExecutionRef
from engine.history.usage import Bill
from engine.storage.execution_store import DynamoStore
from tests.asl import Retriers
from tests.figures import FIGURES

if TYPE_CHECKING:
    from tests.world import World


@dataclass
class Driver:
    """One execution of a state machine, or one map worker of one."""

    name: str
    execution_id: str
    driver_attempt: int = 0
    map_worker: MapWorker | None = None
    batch: int = 0
    status: str = "RUNNING"
    until: datetime | None = None
    token: str | None = None
    on_end: Callable[[], None] | None = None
    retriers: Retriers | None = None

    @property
    def ref(self) -> ExecutionRef:
        """What it drives now."""
        if self.map_worker is None:
            return ExecutionRef(self.execution_id)
        return ExecutionRef.of_batch(self.execution_id, self.map_worker.path, self.batch)


class PlayedMachine(StateMachine):
    """Step Functions, played. Each of its calls is a point at which the caller may die, before it or after."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.drivers: dict[str, Driver] = {}
        self.map_batches: dict[str, list[Driver]] = {}

    def start(
        self,
        execution_id: str,
        driver_attempt: int = 1,
        bill: Bill | None = None,
        *,
        not_before: datetime | None = None,
    ) -> None:
        self._world.fate.point()
        name = f"{execution_id}-{driver_attempt}"
        self.drivers.setdefault(name, Driver(name, execution_id, driver_attempt, until=not_before))
        self._world.fate.point()

    def start_distributed_map(
        self, execution_id: str, path: str, map_attempt: int, *, map_workers: int, batches: int
    ) -> bool:
        self._world.fate.point()
        name = f"{execution_id}-{path}-{map_attempt}"
        is_new = name not in self.map_batches
        if is_new:
            map_worker = MapWorker(execution_id, path, map_workers, batches)
            self.map_batches[name] = [
                Driver(f"{name}/{n}", execution_id, map_worker=map_worker, batch=n) for n in range(map_workers)
            ]
            for driver in self.map_batches[name]:
                self.drivers[driver.name] = driver
                driver.on_end = lambda: self._joined(name, execution_id, path, map_attempt)
        self._world.fate.point()
        return is_new

    def _joined(self, name: str, execution_id: str, path: str, map_attempt: int) -> None:
        if all(driver.status != "RUNNING" for driver in self.map_batches[name]):
            self._world.calls.append(
                lambda: self._world.supervisor.distributed_map_ended(execution_id, path, map_attempt)
            )

    def stop(self, execution_id: str, driver_attempt: int = 1) -> None:
        self._stop(f"{execution_id}-{driver_attempt}")

    def stop_distributed_map(self, execution_id: str, path: str, map_attempt: int) -> None:
        for driver in self.map_batches.get(f"{execution_id}-{path}-{map_attempt}", []):
            self._stop(driver.name)

    def _stop(self, name: str) -> None:
        if name in self.drivers and self.drivers[name].status == "RUNNING":
            self.drivers[name].status = "ABORTED"

    def is_driving(self, execution_id: str, driver_attempt: int) -> bool:
        driver = self.drivers.get(f"{execution_id}-{driver_attempt}")
        return driver is not None and driver.status == "RUNNING"

    def is_map_running(self, execution_id: str, path: str, map_attempt: int) -> bool:
        map_workers = self.map_batches.get(f"{execution_id}-{path}-{map_attempt}", [])
        return any(driver.status == "RUNNING" for driver in map_workers)

    def resume(self, task_token: str) -> bool:
        self._world.fate.point()
        for driver in self.drivers.values():
            if driver.token == task_token and driver.status == "RUNNING":
                driver.token, driver.until = None, None
                return True
        return False


class PlayedBus(Bus):
    """The platform's event bus, which keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Event] = []

    def publish(self, events: Sequence[Event]) -> list[tuple[Event, str]]:
        self.told.extend(events)
        return []


class InlineStore(DynamoStore):
    """Without threads: virtual time does not wait for them."""

    async def _in_thread(self, work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        return work(*arguments, **named)


def play_harshly(world: World) -> None:
    """Tear the reads of histories, and read the recovery's index late, where the world is to be harsh."""
    partition, due = world.repositories.executions.partition, world.repositories.next_checks.due
    seen: dict[str, set[str]] = {}
    before: dict[Any, list[Any]] = {}

    def torn(execution_id: str, **options: Any) -> list[Any]:
        items = partition(execution_id, **options)
        fresh = {item["SK"] for item in items if "#SIGNAL#" in item["SK"]} - seen.get(execution_id, set())
        if world.harsh is None or world.fate.spared:
            return items
        seen.setdefault(execution_id, set()).update(fresh)
        if not fresh or world.harsh.random() < 0.3:
            return items
        FIGURES["torn reads tried"] += 1
        return [item for item in items if item["SK"] not in fresh]  # the counter is new, the answers are not there

    def late(shard: int, until: datetime, limit: int, *more: Any, **named: Any) -> list[Any]:
        now = due(shard, until, limit, *more, **named)
        last = before.get((shard, *more), [])
        before[shard, *more] = now
        if world.harsh is None or world.harsh.random() < 0.5:
            return now
        FIGURES["late reads of an index tried"] += 1
        return last

    world.repositories.executions.partition = torn  # type: ignore[method-assign, assignment]
    world.repositories.next_checks.due = late  # type: ignore[method-assign, assignment]
