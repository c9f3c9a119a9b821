"""What can be wrong with a definition; each problem has a path, one of these codes, and a sentence."""

from __future__ import annotations

from engine.reference.error_codes.base import ErrorCode

CODES: dict[str, ErrorCode] = {
    "missing": ErrorCode(
        "A field is missing.",
        "The node type or the definition needs it.",
        "Add the field at the path of the problem.",
    ),
    "unknown_integration": ErrorCode(
        "The workspace has no integration of this name.",
        "A typing error, or it was deleted or renamed.",
        "Make it, or name another one.",
    ),
    "wrong_integration_type": ErrorCode(
        "The integration is of a type that the node does not work with.",
        "Another integration was meant.",
        "Name one of the types that the message lists.",
    ),
    "unknown_key": ErrorCode(
        "There is no such field here.",
        "A typing error, or a field of another node type.",
        "Remove it, or write it as the schema does.",
    ),
    "invalid_config": ErrorCode(
        "The config of a node does not fit its type.",
        "A value has a wrong type or is out of its bounds.",
        "Write what the message says; see the node type.",
    ),
    "malformed_id": ErrorCode(
        "An id is not well-formed.",
        "It has other characters, begins with a digit, or is too long.",
        "Use letters, digits and `_`, at most 64, not first a digit.",
    ),
    "duplicate_id": ErrorCode(
        "Two nodes have the same id.",
        "A node was copied.",
        "Give one of them another id.",
    ),
    "duplicate_edge": ErrorCode(
        "Two edges have the same source, port and target.",
        "An edge was copied.",
        "Remove one of them.",
    ),
    "unknown_node": ErrorCode(
        "There is no node of this id.",
        "A typing error, or the node was removed.",
        "Correct the id in the edge or the template.",
    ),
    "unknown_port": ErrorCode(
        "The node has no such port.",
        "The port belongs to another type, or to a case that was removed.",
        "Use one of the ports that the message lists.",
    ),
    "unknown_type": ErrorCode(
        "There is no node type of this name.",
        "A typing error, or an extension that is not deployed.",
        "Use a known type, or deploy its extension.",
    ),
    "cycle": ErrorCode(
        "Nodes wait for each other.",
        "Edges form a circle.",
        "Remove an edge, or use `while` or `for_each` to repeat.",
    ),
    "unreachable": ErrorCode(
        "The node can never run.",
        "Each way to it leads through a cycle.",
        "Remove the cycle, or add an edge.",
    ),
    "not_before": ErrorCode(
        "A template uses the output of a node that cannot have run before.",
        "No path of edges leads from that node to this one.",
        "Add an edge, or use another node.",
    ),
    "unknown_name": ErrorCode(
        "A template uses a name that is not known here.",
        "`item` outside a loop, or a typing error.",
        "Use one of the names that the message lists.",
    ),
    "template_syntax": ErrorCode(
        "A template cannot be parsed.",
        "A mistake in JSONata, or braces that are not closed.",
        "Correct it at the place that the message names.",
    ),
    "template_in_key": ErrorCode(
        "A key of an object holds a template.",
        "Keys cannot hold templates.",
        "Write the whole object as one template: `{{ {name: value} }}`.",
    ),
    "too_complex": ErrorCode(
        "The templates take too long to check.",
        "There are too many, or they are too large.",
        "Simplify them, or move parts into a sub-workflow.",
    ),
    "too_deep": ErrorCode(
        "Something is nested too deep.",
        "Loops in loops, values in values, or executions that start executions.",
        "Nest less; see the limits.",
    ),
    "too_many": ErrorCode(
        "The definition has too many of these.",
        "More nodes, edges or triggers than the bound.",
        "Split the workflow with `sub_workflow`.",
    ),
}
