"""Bounds on one evaluation of JSONata: the thread's own time, depth, and the size of what it creates."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from engine import limits

if TYPE_CHECKING:
    from engine.workflow.expressions.scope import Scope

TOO_DEEP = "it is nested or recurses too deep"
_RING_AGAIN = 0.02
"""Seconds of the process's processor time between two checks of the time that the evaluating thread has used."""
_STEPS_BETWEEN_LOOKS = 32
_MAX_INTEGER_BITS = 1_100
_MOST_CHARACTERS, _MOST_ITEMS = 32 * 1024 * 1024, 2_000_000  # created by one evaluation in total


class TooMuch(BaseException):
    """A bound was hit; the text says which. The library's `except Exception` must not catch it."""


class Refusal(Exception):
    """An expression cannot be evaluated as requested; the text says why, and what would be right."""


class Run:
    """One evaluation: its scope, and what it has used so far."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.depth = self.steps = self.characters = self.items = 0
        self.found_nothing = False
        """Whether the last path or list without a result had something to search, or an empty list."""
        self.distributed = False
        """Whether a path has gone through the items of a list, so that one value may represent a list of one."""

    def enter(self) -> None:
        """Count one step.

        Raises:
            TooMuch: it is nested too deep, or this thread has worked too long on the expression.
        """
        self.depth += 1
        self.steps += 1
        if self.depth > limits.MAX_EXPRESSION_DEPTH:
            raise TooMuch(TOO_DEEP)
        if self.steps % _STEPS_BETWEEN_LOOKS == 0:
            current.look()

    def charge(self, value: Any) -> None:
        """Count a value that was created.

        Raises:
            TooMuch: it is too large, or all together are.
        """
        if isinstance(value, str):
            self.characters += len(value)
            if len(value) > limits.MAX_TEXT_LENGTH or self.characters > _MOST_CHARACTERS:
                raise TooMuch(f"text made here has at most {limits.MAX_TEXT_LENGTH} characters")
        elif isinstance(value, list):
            self.items += len(value)
            if len(value) > limits.MAX_RANGE_ITEMS or self.items > _MOST_ITEMS:
                raise TooMuch(f"a list made here has at most {limits.MAX_RANGE_ITEMS} items")
        elif isinstance(value, int) and value.bit_length() > _MAX_INTEGER_BITS:
            raise TooMuch("the number is too large")


class _Current(threading.local):
    """The evaluation of this thread, and when its time is used up, by `time.thread_time()`."""

    run: Run
    deadline: float = math.inf

    def look(self) -> None:
        """Check whether this thread's own time is used up.

        Raises:
            TooMuch: it is.
        """
        if time.thread_time() >= self.deadline:
            raise TooMuch(f"it took longer than {limits.MAX_EXPRESSION_MILLISECONDS} ms")


current = _Current()


@contextmanager
def bounded_time() -> Iterator[None]:
    """Bound the processor time that this thread spends on the block, whatever Python code it runs.

    Wall-clock time, or that of other threads, would make an expression fail because the machine was busy with something
    else. The timer counts the processor time of the whole process, so each time it fires the thread's own time is
    checked. Signals reach the main thread only, which is where Lambda runs a handler; in other threads every few steps
    check.
    """
    seconds = limits.MAX_EXPRESSION_MILLISECONDS / 1000
    has_timer = threading.current_thread() is threading.main_thread()
    current.deadline = time.thread_time() + seconds
    if has_timer:
        if signal.getsignal(signal.SIGPROF) is not ring:
            signal.signal(signal.SIGPROF, ring)
        signal.setitimer(signal.ITIMER_PROF, seconds, _RING_AGAIN)
    try:
        yield
    finally:
        current.deadline = math.inf
        if has_timer:
            signal.setitimer(signal.ITIMER_PROF, 0)


def ring(_number: int, _frame: Any) -> None:
    """Handle the timer's signal."""
    current.look()


def check_size(*values: Any, indented: bool = False) -> None:
    """Refuse values whose text would exceed the bound, counting shared parts each time.

    Raises:
        TooMuch: they are.
    """
    total = 0
    stack: list[tuple[Any, int]] = [(value, 0) for value in values]
    while stack:
        value, depth = stack.pop()
        total += 2 * depth if indented else 0
        if isinstance(value, str):
            total += len(value)
        elif isinstance(value, dict):
            total += len(value) + sum(map(len, value))
            stack.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, list):
            total += len(value)
            if len(value) <= limits.MAX_RANGE_ITEMS:
                stack.extend((item, depth + 1) for item in value)
        else:
            total += 1
        check_length(total)


def check_length(length: int) -> None:
    """Refuse text of that many characters.

    Raises:
        TooMuch: it is too long.
    """
    if length > limits.MAX_TEXT_LENGTH:
        raise TooMuch(f"the values have over {limits.MAX_TEXT_LENGTH} characters")
