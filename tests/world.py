"""All of the platform but AWS's own machinery, in one process and under virtual time.

The services work on moto's tables; Step Functions, EventBridge and asynchronous calls are played by hand. Processes in
it can be made to die anywhere.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from botocore.exceptions import ClientError

from engine.aws.errors import passing_trouble
from engine.clock import format_time
from engine.errors import Unavailable
from engine.execution.engine import WorkflowEngine
from engine.execution.map_worker import advance_map_worker
from engine.execution.node_states import node_states
from engine.history.events import History, PendingSignal, Signal
from engine.history.execution_ref import ExecutionRef
from engine.history.model import FINAL_STATUSES, Execution, Next, Status
from engine.ids import new_id
from engine.nodes.context import NodeServices
from engine.nodes.registry import NodeExecutorFactory
from engine.services.events.publish import Publisher
from engine.services.executions.api import ExecutionService
from engine.services.executions.concurrency import ConcurrencyLimits
from engine.services.executions.finalization import Finalization
from engine.services.executions.recovery import Recovery
from engine.services.executions.retention import Retention
from engine.services.executions.signals import SignalService
from engine.services.executions.start import Request, Starter
from engine.services.executions.supervisor import Supervisor
from engine.services.executions.trials import Trials
from engine.services.triggers.health import TriggerHealth
from engine.services.workflows.drafts import DraftService
from engine.storage.dynamodb.expressions import decode
from engine.storage.dynamodb.table import ConditionFailed
from engine.testing.clock import VirtualClock
from engine.workflow.compiled import prepare
from engine.workflow.definition import WorkflowDefinition
from engine.workflow.validator import validate
from tests.asl import Retriers
from tests.crash import Died, Fate
from tests.figures import FIGURES
from tests.harness import Effects, effect_node
from tests.history import check_history, check_history_keys
from tests.played import Driver, InlineStore, PlayedBus, PlayedMachine, play_harshly
from tests.stored import stored_workflow
from tests.unit.conftest import Aws, items_with

WORKSPACE, AT = "ws-1", "2026-05-01T09:00:00.000Z"
_WRITES = ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem", "PutObject", "DeleteObjects"]


@dataclass
class World:
    """One installation, and what happens in it."""

    aws: Aws
    fate: Fate = field(default_factory=Fate)
    people: Callable[[World, str, PendingSignal], None] | None = None
    loses_notices_of: str = ""
    """The supervisor is not told by those whose name holds this."""
    breaks: Callable[[ExecutionRef, Signal], bool] | None = None
    """Whether the process dies at this answer, before it is written; it does so once."""
    invocations: int = 0
    ailing: frozenset[str] = frozenset()
    """Services that do not work at the moment: `dynamodb` (with S3), `lambda`."""
    harsh: Random | None = None
    """Draws which of the reads of many items are torn, and how late the index is that the recovery reads."""

    def __post_init__(self) -> None:
        self.clock = VirtualClock()
        self.effects = Effects()
        self.calls: list[Callable[[], None]] = []
        self.repositories = self.aws.repositories
        self._real_answer = self.repositories.histories.record_signal
        self.repositories.histories.record_signal = self._answer  # type: ignore[method-assign]
        self.machine = PlayedMachine(self)
        self.concurrency_limits = ConcurrencyLimits(self.repositories, self.machine, self.clock)
        self.starter = Starter(self.repositories, self.concurrency_limits, self.machine, self.clock)
        held = self.repositories, self.concurrency_limits
        self.finalization = Finalization(*held, self.starter, self.machine, self.clock)
        self.supervisor = Supervisor(self.repositories, self.starter, self.finalization, self.machine, self.clock)
        self.bus, self.sent = PlayedBus(), list[tuple[str, str]]()
        self.publisher = Publisher(self.repositories, self.bus, self.sent.extend, self.clock)
        others = {"WORKFLOW": TriggerHealth(self.repositories, self.publisher, self.clock).check}
        self.recovery = Recovery(
            self.repositories,
            self.concurrency_limits,
            self.finalization,
            self.supervisor,
            self.machine,
            self.clock,
            others,
        )
        self.retention = Retention(self.repositories, self.clock)
        self.signals = SignalService(self.repositories, self.finalization, self.clock)
        self.factory = NodeExecutorFactory()
        self.factory.register_node_type("effect", effect_node(self.effects))
        self.engine = WorkflowEngine(
            InlineStore(self.repositories, self.clock),
            self.factory,
            services=NodeServices(api_url="https://api.example", notify=self._notify),
            clock=self.clock,
        )
        self._tokens = itertools.count()
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        play_harshly(self)
        for client in (self.aws.dynamodb, self.aws.s3):
            service = client.meta.service_model.service_name
            for write in _WRITES:
                client.meta.events.register(f"before-call.{service}.{write}", self._point)
                client.meta.events.register(f"after-call.{service}.{write}", self._point)
            client.meta.events.register(f"before-call.{service}", self._refuse_when_ailing)

    def _point(self, **_: Any) -> None:
        self.fate.writing()

    def _refuse_when_ailing(self, model: Any, **_: Any) -> None:
        if "dynamodb" in self.ailing and not self.fate.spared:
            FIGURES["calls refused in outages"] += 1
            answer: Any = {"Error": {"Code": "InternalServerError"}, "ResponseMetadata": {"HTTPStatusCode": 500}}
            raise ClientError(answer, model.name)

    async def _notify(self, owner: str, waits: Any) -> None:
        self.fate.point()
        if not (self.loses_notices_of and self.loses_notices_of in owner):
            self.calls.append(lambda: self.supervisor.notified(ExecutionRef.parse(owner), waits))

    def _answer(self, ref: ExecutionRef, signal: Signal, next_check_at: datetime, **named: Any) -> Signal:
        if self.breaks is not None and self.breaks(ref, signal):
            self.breaks = None
            raise Died
        return self._real_answer(ref, signal, next_check_at, **named)

    # -- what users do -------------------------------------------------------------------------------------

    def workflow(self, definition: dict[str, Any]) -> str:
        """A new workflow's id."""
        checked, problems = validate(definition, self.factory)
        assert checked is not None, problems
        self.fate.spared = True
        workflow = stored_workflow(self.repositories.workflows, definition, WORKSPACE)
        self.fate.spared = False
        return workflow.id

    def start(self, workflow_id: str, value: Any = None) -> str:
        """A new execution's id."""
        request = Request(WORKSPACE, workflow_id, {"type": "manual", "body": value}, id=new_id())
        try:
            self.starter.start(request)
        except (Died, Unavailable, ClientError):
            self.fate.revive()
            if self.repositories.executions.find(str(request.id)) is None:
                self.starter.start(request)  # it got no answer and asks again
        return str(request.id)

    def cancel(self, execution_id: str) -> None:
        """Cancel an execution, as the API does."""
        execution = self.get(execution_id)
        self.finalization.close(execution, Status.CANCELLED, "cancelled", "the execution was cancelled")

    def get(self, execution_id: str) -> Execution:
        """The record."""
        return self.repositories.executions.get(WORKSPACE, execution_id)

    def all(self) -> list[Execution]:
        """All executions, in the order in which they were started."""
        records = [decode(item) for item in self._records()]
        return [
            self.repositories.executions.decoded(one) for one in self.repositories.executions.with_payloads(records)
        ]

    def _records(self, without: str = "") -> list[dict[str, Any]]:
        records = items_with(self.aws, "trigger_type", "workspace_key", without=without)
        return sorted((item for item in records if item["SK"]["S"] == "META"), key=lambda item: item["id"]["S"])

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
                self.perish(lambda: self.recovery.run(lambda: 100.0))
        raise AssertionError([(one.id, one.status, one.queue_position) for one in self._open()] or self._looked_at())

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and what happens in it."""
        end = self.clock.offset + seconds
        while self.clock.offset < end:
            while self._something_happens():
                pass
            self.clock.offset = min([end, *(time for time in self._wake_times() if time > self.clock.offset)])

    def _something_happens(self) -> bool:
        while self._later and self._later[0][0] <= self.clock.offset:
            _, _, again = self._later.pop(0)
            self.calls.append(again)
        if self.calls:
            self._call(self.calls.pop(0))
            return True
        now = self.clock.now()
        for driver in list(self.machine.drivers.values()):
            if driver.status == "RUNNING" and (driver.until is None or driver.until <= now):
                driver.token = driver.until = None
                self._advance(driver)
                return True
        return self._somebody_answers()

    def _call(self, work: Callable[[], None]) -> None:
        """An asynchronous call of a function. Lambda repeats it twice if it fails; who died is not."""
        tries = getattr(work, "tries", 1)
        try:
            if "lambda" in self.ailing:
                raise Unavailable("Rate Exceeded")
            work()
        except Died:
            self.fate.revive()
        except (Unavailable, ClientError):
            if tries < 3:
                again = partial(work)
                again.tries = tries + 1  # type: ignore[attr-defined]
                heapq.heappush(self._later, (self.clock.offset + 60 * tries, next(self._tokens), again))

    def perish(self, work: Callable[[], Any]) -> bool:
        """Do something in a process that may die at it."""
        try:
            work()
        except Died:
            self.fate.revive()
            return False
        except (Unavailable, ClientError):
            return False
        return True

    def _advance(self, driver: Driver) -> None:
        self.invocations += 1
        try:
            decision = self._invocation(driver)
        except Died:
            self.fate.revive()
            driver.status = "FAILED"  # nobody tries it again; EventBridge's event is lost too
            return
        except Exception as error:  # noqa: BLE001 - the state machine tries again whatever it was
            self._try_again(driver, error)
            return
        driver.retriers = None
        if decision.next == Next.SUSPEND_UNTIL:
            driver.until = decision.until
        elif decision.next == Next.SUSPEND_ON_SIGNAL:
            self._suspend(driver, decision)
        elif decision.next in FINAL_STATUSES or decision.next in (Next.DONE, Next.SUPERSEDED):
            driver.status = "SUCCEEDED"
            if driver.on_end:
                driver.on_end()

    def _try_again(self, driver: Driver, error: Exception) -> None:
        """What the state machine does with an invocation that failed, going by its definition."""
        self.fate.revive()
        driver.retriers = driver.retriers or Retriers("Advance", Random(0))
        delay = driver.retriers.delay(getattr(error, "lambda_name", type(error).__name__))
        if delay is not None:
            driver.until = self.clock.now() + timedelta(seconds=delay)
            return
        driver.status = "FAILED"
        FIGURES["state machines that gave up"] += 1
        if driver.map_worker is None:
            name, driver_attempt = driver.execution_id, driver.driver_attempt
            self.calls.append(lambda: self.supervisor.driver_gave_up(name, driver_attempt, type(error).__name__))
        elif driver.on_end:
            driver.on_end()

    def _invocation(self, driver: Driver) -> Any:
        if "lambda" in self.ailing:
            refused = Unavailable("Rate Exceeded")
            refused.lambda_name = "Lambda.TooManyRequestsException"  # type: ignore[attr-defined]
            raise refused
        with passing_trouble():
            return self._one_invocation(driver)

    def _one_invocation(self, driver: Driver) -> Any:
        if driver.map_worker is None:
            work = self.engine.advance(driver.ref, lambda: 10_000.0, driver_attempt=driver.driver_attempt)
            return self.clock.run(work)
        decision, driver.batch = self.clock.run(
            advance_map_worker(self.engine, driver.map_worker, driver.batch, lambda: 10_000.0)
        )
        return decision

    def _suspend(self, driver: Driver, decision: Any) -> None:
        if "dynamodb" in self.ailing:  # its own retriers do the same
            driver.until = self.clock.now() + timedelta(seconds=60)
            return
        token, until = f"token-{next(self._tokens)}", decision.until or self.clock.now() + timedelta(days=366)
        condition = "#signals = :seen AND attribute_not_exists(#completed_at)"
        self.fate.spared = True  # Step Functions does not die
        try:
            self.repositories.executions._table.update(
                f"EXECUTION#{driver.ref}",
                "META",
                {"task_token": token, "seen_signals": decision.signals, "suspended_until": format_time(until)},
                condition=condition,
                values={"seen": decision.signals},
            )
        except ConditionFailed:
            return
        finally:
            self.fate.spared = False
        driver.token, driver.until = token, until

    def _somebody_answers(self) -> bool:
        if self.people is None or self.ailing:
            return False
        for execution in self._open():
            self.fate.spared = True
            items = self.repositories.executions.partition(execution.id)
            self.fate.spared = False
            history = History.of(self.repositories.histories.events_in(items))
            for path in history.waits:
                wait = history.open_signal(path)
                if wait is not None and wait.kind in ("approval", "callback"):
                    answered = self.perish(partial(self.people, self, execution.id, wait))
                    if answered:
                        return True
        return False

    def _wake_times(self) -> list[float]:
        begin = self.clock.now() - timedelta(seconds=self.clock.offset)
        running = [driver for driver in self.machine.drivers.values() if driver.status == "RUNNING"]
        drivers = [(driver.until - begin).total_seconds() for driver in running if driver.until is not None]
        return [*drivers, *(at for at, _, _ in self._later)]

    def _open(self) -> list[Execution]:
        records = [decode(item) for item in self._records(without="completed_at")]
        return [self.repositories.executions.decoded(record, payloads=False) for record in records]

    # -- what has to be true in the end --------------------------------------------------------------------

    def check(self) -> None:
        """No execution without a final status, no slot held, nobody queued, nothing left to look at."""
        assert not self._open()
        for execution in self.all():
            self._check_history(execution)
        for _ in range(3):
            self.clock.offset += 7200
            self.perish(lambda: self.recovery.run(lambda: 100.0))
            while self._something_happens():
                pass
        items = items_with(self.aws, "PK")
        left = [(item["PK"]["S"], item["SK"]["S"]) for item in items if item["PK"]["S"].startswith("CONCURRENCY#")]
        assert not left, f"slots or places in queues are left: {left}"
        assert not self._looked_at()

    def _check_history(self, execution: Execution) -> None:
        stored = self.repositories.workflows.get_version(execution.workflow_id, execution.workflow_version)
        block = prepare(WorkflowDefinition.model_validate(stored.definition), self.factory)
        entries = self.repositories.histories.events_in(self.repositories.executions.partition(execution.id))
        states = {state.id: state for state in node_states(block, History.of(entries), execution)}
        check_history(block, execution, states, recomputed=True)
        check_history_keys(entries)

    def _looked_at(self) -> list[str]:
        """What the recovery will look at, but for triggers: they are looked after as long as they are live."""
        items = items_with(self.aws, "check_shard")
        seen = [item for item in items if item["check_shard"]["S"].startswith("CHECK#")]
        seen = [item for item in seen if not item["PK"]["S"].startswith("WORKFLOW#")]
        return [f"{item['PK']['S']} {item['next_check_at']['S']}" for item in seen]

    def results(self) -> list[tuple[str, Any]]:
        """How each execution ended, in the order of their workflows and starts."""
        return [(str(one.status), one.result) for one in self.all()]


def execution_service(world: World) -> ExecutionService:
    """The API's service of executions."""
    drafts = DraftService(world.repositories, world.factory, world.clock)
    trials = Trials(world.repositories, drafts, world.clock)
    trials._factory = world.factory
    service = ExecutionService(world.repositories, world.starter, world.finalization, lambda: trials)
    service._factory = world.factory
    return service
