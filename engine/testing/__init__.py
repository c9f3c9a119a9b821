"""Testing nodes and workflows in memory, with fakes and a clock that one sets: for whoever writes either.

    def test_a_large_order_is_reviewed():
        run = run_workflow(definition, {"total": 5000}, nodes={"tell": {"output": {"status": 200}}})
        assert run.execution.status == "succeeded"
        assert run.ran == ["large", "review", "tell"]

    def test_it_shouts():
        assert run_node(ShoutNode, {"text": "{{ trigger.body }}"}, trigger="hi").output == "HI"

Time jumps: a wait of a month takes no longer than one of a second. `mainspring test FILE` is the same for files.
"""

from engine.testing.clock import VirtualClock
from engine.testing.files import MemoryFiles
from engine.testing.mocks import Mock
from engine.testing.nodes import NodeRun, run_node
from engine.testing.workflows import WorkflowRun, run_workflow

__all__ = ["MemoryFiles", "Mock", "NodeRun", "VirtualClock", "WorkflowRun", "run_node", "run_workflow"]
