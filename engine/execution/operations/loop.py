"""Loops within a turn: opens their turns, collects what these give, and spreads the big ones over other drivers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from engine import limits
from engine.errors import NodeError
from engine.execution.context import ExecutionContext
from engine.execution.retry_policy import bounded
from engine.execution.scope_instance import Frame, LoopRun
from engine.history.events import Entry, Fact, Outcome, Signal, Wait
from engine.history.store import Batch, Snapshot
from engine.json_value import check_output
from engine.nodes.base import ForEach, Repeat
from engine.workflow.compiled import Region, find_region
from engine.workflow.definition import NodeDefinition

if TYPE_CHECKING:
    from engine.execution.engine import WorkflowEngine
    from engine.execution.invocation import Turn
    from engine.history.events import FactName

_ANY_DEPTH = 10 * limits.MAX_JSON_DEPTH
"""What is measured here has been found to be not too deep."""


class Loops:
    """The loops of one turn. `batch_outcome` is there once the part of a loop that is all of this turn has ended."""

    def __init__(self, turn: Turn, engine: WorkflowEngine, snapshot: Snapshot) -> None:
        self._turn = turn
        self._engine = engine
        self._execution = snapshot.execution
        self._variables = snapshot.definition.vars
        self._facts = snapshot.journal.facts
        self._batch: LoopRun | None = None
        self.batch_outcome: Outcome | None = None

    @property
    def is_batch(self) -> bool:
        """Whether all of this turn is a part of a loop."""
        return self._batch is not None

    @property
    def items(self) -> tuple[int, int]:
        """How many items a part of a loop had, and how many of these failed."""
        if self._batch is None:
            return 0, 0
        return len(self._batch.results) + len(self._batch.errors), len(self._batch.errors)

    # -- opening -------------------------------------------------------------------------------------------

    def open_batch(self, region: Region, batch: Batch) -> Frame:
        """Begin a part of a spread loop; gives the frame around it, in which nothing else runs."""
        prefix, _, node_id = batch.path.rpartition(".")
        inner = find_region(region, prefix)
        frame = Frame(inner, ExecutionContext({**batch.scope, "vars": self._variables}), f"{prefix}." if prefix else "")
        frame.progress.ready.clear()
        node, now = inner.nodes[node_id], self._engine.clock.now()
        self._batch = LoopRun(node, frame, now, batch.items, batch.first, batch.concurrency, batch.collect)
        self._turn.later(lambda: self._continue(self._require_batch()))
        return frame

    async def open(self, frame: Frame, node: NodeDefinition) -> None:
        """Begin a loop whose node is ready."""
        loop = LoopRun(node, frame, self._engine.clock.now())
        broken, pinned = self._fact(loop.path, "failed"), self._fact(loop.path, "items")
        if broken is not None:
            await self._break_with(loop, broken)
        elif not self._engine.factory.node_class(node.type).loops_over_items:
            await self._next_turn(loop)
        elif pinned is not None:
            await self._begin_with(loop, pinned)
        else:
            await self._choose_items(loop)

    async def _choose_items(self, loop: LoopRun) -> None:
        """Find out what to loop over. What another driver could find otherwise, or not at all, is pinned first."""
        result, volatile = await self._turn.worker.compute(loop.frame, loop.node)
        if isinstance(result, Outcome):
            choice: dict[str, Any] = {"error": result.error}
        elif isinstance(result, ForEach):
            choice = {"items": list(result.items), "concurrency": result.concurrency, "collect": result.collect}
        else:
            raise TypeError(f"the node type {loop.node.type} loops over items and gave {type(result).__name__}")
        pinned = Fact(loop.path, "items", choice)
        if volatile:
            self._pin(loop, pinned, lambda won: self._begin_with(loop, won))
        elif isinstance(result, Outcome):
            self._turn.conclude(loop.frame, result, volatile=False)
        else:
            await self._begin_with(loop, pinned)

    async def _begin_with(self, loop: LoopRun, pinned: Entry) -> None:
        choice = await self._turn.worker.fetch(pinned.output)
        if "error" in choice:
            self._fail(loop, _error_of(choice["error"]))
            return
        loop.items, loop.concurrency, loop.collect = choice["items"], choice["concurrency"], choice["collect"]
        if len(choice["items"]) > limits.INLINE_ITEMS and self._batch is None:
            self._turn.spawn(loop.frame, loop.path, self._spread(loop), self._turn.acceptor(loop.frame))
        else:
            await self._continue(loop)

    def _fact(self, path: str, name: FactName) -> Fact | None:
        return self._facts.get(Fact(path, name).key)

    def _pin(self, loop: LoopRun, fact: Fact, then: Callable[[Entry], Coroutine[Any, Any, None]]) -> None:
        """Record something about a loop, and go on with what stands there then."""
        later = self._turn.later
        self._turn.spawn(loop.frame, fact.path, self._turn.book.record(fact), lambda won: later(lambda: then(won)))

    # -- going on ------------------------------------------------------------------------------------------

    def check(self, frame: Frame) -> None:
        """See whether a frame has ended, after something in it has; if so, close it soon."""
        for one in frame.around:
            if one.loop is None or one.closed or one.closing:
                continue
            is_still = one.running == 0 and not self._turn.pending.drop(one) if one.stopping else one.progress.finished
            if is_still:
                one.closing = True
                self._turn.later(lambda one=one: self._close(one))  # type: ignore[misc]

    async def _close(self, frame: Frame) -> None:
        """End a turn of a loop, now that all of it has ended or nothing more may start in it."""
        loop = frame.loop
        if loop is None or frame.closed:
            return
        if frame.failures:
            await self._closed(frame, error=frame.failure)
        elif not frame.progress.finished:
            stopped = {"code": "stopped", "message": "another item failed", "details": None, "node": loop.path}
            await self._closed(frame, error=stopped)
        elif (pinned := self._fact(f"{loop.path}[{frame.index}]", "result")) is not None:
            await self._close_with(frame, pinned)
        else:
            await self._find_result(loop, frame)

    async def _find_result(self, loop: LoopRun, frame: Frame) -> None:
        """Find out what a turn gave. What another driver could find otherwise is pinned, and so is each failure.

        What waits in other turns is dropped because of it.
        """
        result, error, volatile = await self._turn.ending.result_of(frame)
        if volatile or error is not None:
            found = {"value": result} if error is None else {"error": {**error, "node": loop.path}}
            pinned = Fact(f"{loop.path}[{frame.index}]", "result", found)
            loop.failing = loop.failing or (error is not None and not loop.collect)
            self._pin(loop, pinned, lambda won: self._close_with(frame, won))
        else:
            await self._closed(frame, result)

    async def _close_with(self, frame: Frame, pinned: Entry) -> None:
        found = await self._turn.worker.fetch(pinned.output)
        if frame.loop is not None:
            frame.loop.failing = False
        await self._closed(frame, found.get("value"), found.get("error"))

    async def _closed(self, frame: Frame, result: Any = None, error: dict[str, Any] | None = None) -> None:
        loop = frame.loop
        if loop is None or frame.closed:
            return
        loop.close_turn(frame, result, error)
        self._turn.pending.forget(frame)
        loop.size += check_output(result if error is None else error, limits.MAX_OUTPUT_BYTES, _ANY_DEPTH)
        if loop.size > limits.MAX_OUTPUT_BYTES and not loop.failed and not loop.failing:
            self._break(loop)
        if not loop.frame.stopping:
            await self._continue(loop)
        self.check(loop.frame)

    def _break(self, loop: LoopRun) -> None:
        """Fail a loop whose results are too large already, once that is recorded."""
        loop.failing = True
        message = f"the output is larger than {limits.MAX_OUTPUT_BYTES} bytes"
        error = bounded(NodeError(message, code="output_too_large"))
        self._pin(loop, Fact(loop.path, "failed", error), lambda won: self._break_with(loop, won))

    async def _break_with(self, loop: LoopRun, pinned: Entry) -> None:
        loop.broken, loop.failing = await self._turn.worker.fetch(pinned.output), False
        await self._continue(loop)

    async def _continue(self, loop: LoopRun) -> None:
        """Open as many items as may run, or end the loop when none is left."""
        if loop.items is None and not loop.failed:
            if not loop.failing:
                await self._next_turn(loop)
            return
        while loop.may_open:
            self._open_turn(loop, loop.items[loop.opened] if loop.items is not None else None)
        if loop.failed:
            for frame in list(loop.open.values()):
                self.check(frame)
        if not loop.open and (loop.failed or loop.opened == len(loop.items or ())):
            self._end(loop)

    def _open_turn(self, loop: LoopRun, item: Any) -> None:
        index = loop.first + loop.opened
        callbacks = self._engine.callbacks(self._execution, loop.region, f"{loop.path}[{index}].")
        self._turn.enter(loop.open_turn(item, callbacks))

    async def _next_turn(self, loop: LoopRun) -> None:
        """One more turn of a `while`, if its condition holds; that is asked once for all drivers."""
        if loop.errors:
            self._end(loop)
            return
        path = f"{loop.path}[{loop.opened}]"
        pinned = self._fact(path, "goes_on")
        if pinned is not None:
            await self._go_on_with(loop, pinned)
            return
        data = {"item": loop.results.get(loop.opened - 1), "index": loop.opened}
        result, volatile = await self._turn.worker.compute(loop.frame, loop.node, data)
        if isinstance(result, Outcome):
            choice: dict[str, Any] = {"error": result.error}
        elif isinstance(result, Repeat):
            choice = {"most": result.max_iterations if result.goes_on else 0}
        else:
            raise TypeError(f"the node type {loop.node.type} repeats and gave {type(result).__name__}")
        pinned = Fact(path, "goes_on", choice)
        if volatile:
            self._pin(loop, pinned, lambda won: self._go_on_with(loop, won))
        else:
            await self._go_on_with(loop, pinned)

    async def _go_on_with(self, loop: LoopRun, pinned: Entry) -> None:
        choice = await self._turn.worker.fetch(pinned.output)
        if "error" in choice:
            self._fail(loop, _error_of(choice["error"]))
        else:
            self._repeat(loop, loop.results.get(loop.opened - 1), choice["most"])

    def _repeat(self, loop: LoopRun, before: Any, most: int) -> None:
        """Go on while fewer than `most` turns have run; 0 says that the condition does not hold."""
        if not most:
            self._end(loop)
        elif loop.opened >= most:
            message = f"the condition still holds after {most} turns, which is `max_iterations`"
            self._fail(loop, NodeError(message, code="max_iterations", details={"max_iterations": most}))
        else:
            self._open_turn(loop, before)

    # -- ending --------------------------------------------------------------------------------------------

    def _end(self, loop: LoopRun) -> None:
        if loop.ending:
            return
        loop.ending = True
        if loop.broken is not None:
            self._fail(loop, _error_of(loop.broken))
            return
        if loop.failed:
            index = min(i for i, error in loop.errors.items() if error.get("code") != "stopped")
            error = loop.errors[index]
            details = {"index": index, "error": error}
            message = f"item {index} failed: {error.get('message')}"
            self._fail(loop, NodeError(message, code=str(error.get("code") or "item_failed"), details=details))
            return
        output = loop.output()
        try:
            check_output(output, limits.MAX_OUTPUT_BYTES, limits.MAX_JSON_DEPTH)
        except NodeError as error:
            self._fail(loop, error)
            return
        now = self._engine.clock.now()
        self._conclude(loop, Outcome(loop.path, "succeeded", loop.started_at, now, output=output))

    def _fail(self, loop: LoopRun, error: NodeError) -> None:
        loop.volatile = True
        self._conclude(loop, self._turn.worker.failed(loop.frame, loop.node, error, loop.started_at, 1))

    def _conclude(self, loop: LoopRun, outcome: Outcome) -> None:
        if loop is self._batch:
            self.batch_outcome = outcome
        else:
            volatile = loop.volatile or loop.frame.is_racing(loop.node.id)
            self._turn.conclude(loop.frame, outcome, volatile=volatile)

    # -- big loops -----------------------------------------------------------------------------------------

    async def _spread(self, loop: LoopRun) -> Entry:
        """Put the items where other drivers find them, and ask for these."""
        items = loop.items or ()
        reads = loop.region.reads
        await self._turn.worker.load(loop.frame, reads)
        around = loop.frame.context.within(reads, {}).data
        scope = {name: around[name] for name in around if name != "vars"}
        facts = await self._engine.store.spread(self._execution.id, items, scope)
        lanes = max(1, loop.concurrency // limits.LANE_CONCURRENCY)
        output = {
            **facts,
            "lanes": min(lanes, -(-len(items) // limits.BATCH_ITEMS)),
            "concurrency": min(loop.concurrency, limits.LANE_CONCURRENCY),
            "collect": loop.collect,
        }
        wait = Wait(loop.path, 1, "fan_out", loop.started_at, None, output)
        entry = await self._turn.book.record(wait)
        await self._engine.poke(self._execution.id, [wait.key])
        return entry

    async def spread_outcome(self, frame: Frame, node: NodeDefinition, wait: Wait, signal: Signal) -> Outcome:
        """How a spread loop has ended, as its last driver has told: its output stays where it is."""
        if signal.by == "fan_out":
            return Outcome(wait.path, "succeeded", wait.started_at, signal.at, output=signal.output)
        told = await self._turn.worker.fetch(signal.output)
        return self._turn.worker.failed(frame, node, _error_of(told), wait.started_at, 1)

    def _require_batch(self) -> LoopRun:
        if self._batch is None:
            raise TypeError("this turn has no batch")
        return self._batch


def _error_of(stored: Mapping[str, Any]) -> NodeError:
    """A stored error as an exception."""
    return NodeError(stored["message"], code=stored["code"], details=stored.get("details"))
