"""All of the platform but AWS's own machinery, in one process and under virtual time.

The services work on moto's tables; Step Functions, EventBridge and asynchronous calls are played by hand. Processes in
it can be made to die anywhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from engine.bill import Bill
from engine.context import NodeServices
from engine.definition import WorkflowDefinition
from engine.engine import WorkflowEngine
from engine.execution import FINAL_STATUSES, Execution, Status, format_time
from engine.executor import NodeExecutorFactory
from engine.ids import new_id
from engine.journal import BatchId, Journal, Signal, Wait
from engine.lanes import DONE, Lane, advance_lane
from engine.regions import prepare
from engine.services.admission import Admission
from engine.services.announcing import Announcer
from engine.services.bus import Bus, Event
from engine.services.closing import Closing
from engine.services.conductor import Conductor
from engine.services.retention import Retention
from engine.services.signal_service import SignalService
from engine.services.silence import Silence
from engine.services.starting import Request, Starter
from engine.services.state_machine import StateMachine
from engine.services.sweeper import Sweeper
from engine.states import node_states
from engine.storage.journal_store import DynamoStore
from engine.storage.table import ConditionFailed, decode
from engine.storage.workflows import Workflow, WorkflowVersion
from engine.testing.clock import VirtualClock
from engine.validator import validate
from tests.crash import Died, Fate
from tests.harness import Effects, effect_node
from tests.history import check_history, check_journal
from tests.unit.conftest import Aws

WORKSPACE, AT = "ws-1", "2026-05-01T09:00:00.000Z"
_WRITES = (
    "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem", "PutObject", "DeleteObjects"
)  # fmt: skip


@dataclass
class Driver:
    """One execution of a state machine, or one lane of a Map in one."""

    name: str
    execution_id: str
    generation: int = 0
    lane: Lane | None = None
    batch: int = 0
    status: str = "RUNNING"
    until: datetime | None = None
    token: str | None = None
    on_end: Callable[[], None] | None = None


class PlayedMachine(StateMachine):
    """Step Functions, played. Each of its calls is a point at which the caller may die, before it or after."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.drivers: dict[str, Driver] = {}
        self.fan_outs: dict[str, list[Driver]] = {}

    def start(
        self, execution_id: str, generation: int = 1, bill: Bill | None = None, *, not_before: datetime | None = None
    ) -> None:
        self._world.fate.point()
        name = f"{execution_id}-{generation}"
        self.drivers.setdefault(name, Driver(name, execution_id, generation, until=not_before))
        self._world.fate.point()

    def start_fan_out(self, execution_id: str, path: str, round_number: int, *, lanes: int, batches: int) -> bool:
        self._world.fate.point()
        name = f"{execution_id}-{path}-{round_number}"
        is_new = name not in self.fan_outs
        if is_new:
            lane = Lane(execution_id, path, lanes, batches)
            self.fan_outs[name] = [Driver(f"{name}/{n}", execution_id, lane=lane, batch=n) for n in range(lanes)]
            for driver in self.fan_outs[name]:
                self.drivers[driver.name] = driver
                driver.on_end = lambda: self._joined(name, execution_id, path, round_number)
        self._world.fate.point()
        return is_new

    def _joined(self, name: str, execution_id: str, path: str, round_number: int) -> None:
        if all(driver.status != "RUNNING" for driver in self.fan_outs[name]):
            self._world.calls.append(lambda: self._world.conductor.fan_out_ended(execution_id, path, round_number))

    def stop(self, execution_id: str, generation: int = 1) -> None:
        self._stop(f"{execution_id}-{generation}")

    def stop_fan_out(self, execution_id: str, path: str, round_number: int) -> None:
        for driver in self.fan_outs.get(f"{execution_id}-{path}-{round_number}", []):
            self._stop(driver.name)

    def _stop(self, name: str) -> None:
        if name in self.drivers and self.drivers[name].status == "RUNNING":
            self.drivers[name].status = "ABORTED"

    def is_driving(self, execution_id: str, generation: int) -> bool:
        driver = self.drivers.get(f"{execution_id}-{generation}")
        return driver is not None and driver.status == "RUNNING"

    def is_fanned_out(self, execution_id: str, path: str, round_number: int) -> bool:
        lanes = self.fan_outs.get(f"{execution_id}-{path}-{round_number}", [])
        return any(driver.status == "RUNNING" for driver in lanes)

    def wake(self, task_token: str) -> bool:
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


@dataclass
class World:
    """One installation, and what happens in it."""

    aws: Aws
    fate: Fate = field(default_factory=Fate)
    people: Callable[[World, str, Wait], None] | None = None
    loses_pokes_of: str = ""
    """The conductor is not told by those whose name holds this."""
    breaks: Callable[[str, Signal], bool] | None = None
    """Whether the process dies at this answer, before it is written; it does so once."""
    turns: int = 0

    def __post_init__(self) -> None:
        self.clock = VirtualClock()
        self.effects = Effects()
        self.calls: list[Callable[[], None]] = []
        self.stores = self.aws.stores
        self._real_answer = self.stores.journals.answer
        self.stores.journals.answer = self._answer  # type: ignore[method-assign]
        self.machine = PlayedMachine(self)
        self.admission = Admission(self.stores, self.machine, self.clock)
        self.starter = Starter(self.stores, self.admission, self.machine, self.clock)
        self.closing = Closing(self.stores, self.admission, self.starter, self.machine, self.clock)
        self.conductor = Conductor(self.stores, self.starter, self.closing, self.machine, self.clock)
        self.bus, self.sent = PlayedBus(), list[tuple[str, str]]()
        self.announcer = Announcer(self.stores, self.bus, self.sent.extend, self.clock)
        others = {"WORKFLOW": Silence(self.stores, self.announcer, self.clock).look}
        self.sweeper = Sweeper(
            self.stores, self.admission, self.closing, self.conductor, self.machine, self.clock, others
        )
        self.retention = Retention(self.stores, self.clock)
        self.signals = SignalService(self.stores, self.closing, self.clock)
        self.factory = NodeExecutorFactory()
        self.factory.register_node_type("effect", effect_node(self.effects))
        self.engine = WorkflowEngine(
            InlineStore(self.stores, self.clock),
            self.factory,
            services=NodeServices(api_url="https://api.example", poke=self._poke),
            clock=self.clock,
        )
        self._tokens = itertools.count()
        for client in (self.aws.dynamodb, self.aws.s3):
            service = client.meta.service_model.service_name
            for write in _WRITES:
                client.meta.events.register(f"before-call.{service}.{write}", self._point)
                client.meta.events.register(f"after-call.{service}.{write}", self._point)

    def _point(self, **_: Any) -> None:
        self.fate.point()

    async def _poke(self, owner: str, waits: Any) -> None:
        self.fate.point()
        if not (self.loses_pokes_of and self.loses_pokes_of in owner):
            self.calls.append(lambda: self.conductor.poked(owner, waits))

    def _answer(self, execution_id: str, signal: Signal, look_at: datetime) -> Signal:
        if self.breaks is not None and self.breaks(execution_id, signal):
            self.breaks = None
            raise Died
        return self._real_answer(execution_id, signal, look_at)

    # -- what users do -------------------------------------------------------------------------------------

    def workflow(self, definition: dict[str, Any]) -> str:
        """A new workflow's id."""
        checked, problems = validate(definition, self.factory)
        assert checked is not None, problems
        workflow_id = new_id()
        workflow = Workflow(
            workflow_id, WORKSPACE, "w", None, 1, is_active=False, created_at=AT, updated_at=AT,
            concurrency=definition.get("concurrency"),
        )  # fmt: skip
        self.fate.spared = True
        self.stores.workflows.create(workflow, WorkflowVersion(workflow_id, 1, "w", None, definition, AT, "u"))
        self.fate.spared = False
        return workflow_id

    def start(self, workflow_id: str, value: Any = None) -> str:
        """A new execution's id."""
        request = Request(WORKSPACE, workflow_id, {"type": "manual", "body": value}, id=new_id())
        try:
            self.starter.start(request)
        except Died:
            self.fate.revive()
            if self.stores.executions.find(str(request.id)) is None:
                self.starter.start(request)  # it got no answer and asks again
        return str(request.id)

    def cancel(self, execution_id: str) -> None:
        """Cancel an execution, as the API does."""
        execution = self.get(execution_id)
        self.closing.close(execution, Status.CANCELLED, "cancelled", "the execution was cancelled")

    def get(self, execution_id: str) -> Execution:
        """The record."""
        return self.stores.executions.get(WORKSPACE, execution_id)

    def all(self) -> list[Execution]:
        """All executions, in the order in which they were started."""
        return [self.stores.executions.decoded(decode(item)) for item in self._records()]

    def _records(self) -> list[dict[str, Any]]:
        items = self.aws.dynamodb.scan(TableName="Automation")["Items"]
        records = [
            item for item in items if item["SK"]["S"] == "META" and "trigger_type" in item and "workspace_key" in item
        ]
        return sorted(records, key=lambda item: item["id"]["S"])

    # -- what AWS does -------------------------------------------------------------------------------------

    def settle(self, hours: float = 48) -> None:
        """Let everything happen until all executions have ended and nothing has to be looked at any more."""
        end = self.clock.offset + hours * 3600
        swept = self.clock.offset
        while self.clock.offset < end:
            while self._something_happens():
                pass
            if not self._open():
                return
            self.clock.offset = max(self.clock.offset + 0.01, min([swept + 60, *self._wake_times()]))
            if self.clock.offset >= swept + 60:
                swept = self.clock.offset
                self.perish(lambda: self.sweeper.sweep(lambda: 100.0))
        raise AssertionError([(one.id, one.status, one.place) for one in self._open()] or self._looked_at())

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and what happens in it."""
        end = self.clock.offset + seconds
        while self.clock.offset < end:
            while self._something_happens():
                pass
            self.clock.offset = min([end, *(time for time in self._wake_times() if time > self.clock.offset)])

    def _something_happens(self) -> bool:
        if self.calls:
            self.perish(self.calls.pop(0))
            return True
        now = self.clock.now()
        for driver in list(self.machine.drivers.values()):
            if driver.status == "RUNNING" and (driver.until is None or driver.until <= now):
                driver.token = driver.until = None
                self._advance(driver)
                return True
        return self._somebody_answers()

    def perish(self, work: Callable[[], Any]) -> bool:
        """Do something in a process that may die at it."""
        try:
            work()
        except Died:
            self.fate.revive()
            return False
        return True

    def _advance(self, driver: Driver) -> None:
        self.turns += 1
        try:
            decision = self._turn(driver)
        except Died:
            self.fate.revive()
            driver.status = "FAILED"  # nobody tries it again; EventBridge's event is lost too
            return
        if decision.next == "sleep":
            driver.until = decision.until
        elif decision.next == "park":
            self._park(driver, decision)
        elif decision.next in FINAL_STATUSES or decision.next in (DONE, "superseded"):
            driver.status = "SUCCEEDED"
            if driver.on_end:
                driver.on_end()

    def _turn(self, driver: Driver) -> Any:
        if driver.lane is None:
            work = self.engine.advance(driver.execution_id, lambda: 10_000.0, generation=driver.generation)
            return self.clock.run(work)
        decision, driver.batch = self.clock.run(advance_lane(self.engine, driver.lane, driver.batch, lambda: 10_000.0))
        return decision

    def _park(self, driver: Driver, decision: Any) -> None:
        owner = driver.execution_id
        if driver.lane is not None:
            owner = str(BatchId(driver.execution_id, driver.batch, driver.lane.path))
        token, until = f"token-{next(self._tokens)}", decision.until or self.clock.now() + timedelta(days=366)
        condition = "#signals = :seen AND attribute_not_exists(#completed_at)"
        self.fate.spared = True  # Step Functions does not die
        try:
            self.stores.executions._table.update(
                f"EXECUTION#{owner}",
                "META",
                {"task_token": token, "seen_signals": decision.signals, "parked_until": format_time(until)},
                condition=condition,
                values={"seen": decision.signals},
            )
        except ConditionFailed:
            return
        finally:
            self.fate.spared = False
        driver.token, driver.until = token, until

    def _somebody_answers(self) -> bool:
        if self.people is None:
            return False
        for execution in self._open():
            items = self.stores.executions.partition(execution.id)
            journal = Journal.of(self.stores.journals.entries_in(items))
            for path in journal.waits:
                wait = journal.open_wait(path)
                if wait is not None and wait.kind in ("approval", "callback"):
                    answered = self.perish(partial(self.people, self, execution.id, wait))
                    if answered:
                        return True
        return False

    def _wake_times(self) -> list[float]:
        begin = self.clock.now() - timedelta(seconds=self.clock.offset)
        running = [driver for driver in self.machine.drivers.values() if driver.status == "RUNNING"]
        return [(driver.until - begin).total_seconds() for driver in running if driver.until is not None]

    def _open(self) -> list[Execution]:
        records = [decode(item) for item in self._records() if "completed_at" not in item]
        return [self.stores.executions.decoded(record, payloads=False) for record in records]

    # -- what has to be true in the end --------------------------------------------------------------------

    def check(self) -> None:
        """No execution without a final status, no slot held, nobody queued, nothing left to look at."""
        assert not self._open()
        for execution in self.all():
            self._check_history(execution)
        for _ in range(3):
            self.clock.offset += 7200
            self.perish(lambda: self.sweeper.sweep(lambda: 100.0))
            while self._something_happens():
                pass
        items = self.aws.dynamodb.scan(TableName="Automation")["Items"]
        left = [(item["PK"]["S"], item["SK"]["S"]) for item in items if item["PK"]["S"].startswith("GATE#")]
        assert not left, f"slots or places in queues are left: {left}"
        assert not self._looked_at()

    def _check_history(self, execution: Execution) -> None:
        stored = self.stores.workflows.get_version(execution.workflow_id, execution.workflow_version)
        region = prepare(WorkflowDefinition.model_validate(stored.definition), self.factory)
        entries = self.stores.journals.entries_in(self.stores.executions.partition(execution.id))
        states = {state.id: state for state in node_states(region, Journal.of(entries), execution)}
        check_history(region, execution, states, recomputed=True)
        check_journal(entries)

    def _looked_at(self) -> list[str]:
        """What the sweeper will look at, but for triggers: they are looked after as long as they are live."""
        items = self.aws.dynamodb.scan(TableName="Automation")["Items"]
        seen = [item for item in items if item.get("look_shard", {"S": ""})["S"].startswith("LOOK#")]
        seen = [item for item in seen if not item["PK"]["S"].startswith("WORKFLOW#")]
        return [f"{item['PK']['S']} {item['look_at']['S']}" for item in seen]

    def results(self) -> list[tuple[str, Any]]:
        """How each execution ended, in the order of their workflows and starts."""
        return [(str(one.status), one.result) for one in self.all()]
