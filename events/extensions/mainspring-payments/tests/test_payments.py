"""The extension's own tests, with Mainspring's testing helper."""

from __future__ import annotations

from mainspring_payments.iban_check import IbanCheckNode

from engine.testing import run_node, run_workflow


def test_an_iban_is_checked():
    good = run_node(IbanCheckNode, {"iban": "{{ trigger.body }}"}, trigger="de89 3704 0044 0532 0130 00")
    assert (good.port, good.output["country"]) == ("main", "DE")
    assert run_node(IbanCheckNode, {"iban": "DE89370400440532013001"}).port == "invalid"


def test_a_workflow_pays_only_what_can_be_paid():
    definition = {
        "nodes": [
            {"id": "check", "type": "iban_check", "config": {"iban": "{{ trigger.body.iban }}"}},
            {
                "id": "pay",
                "type": "integration",
                "config": {
                    "integration": "bank",
                    "action": "pay",
                    "params": {"iban": "{{ nodes.check.iban }}", "cents": "{{ trigger.body.cents }}"},
                },
            },
        ],
        "edges": [{"from": "check", "to": "pay"}],
    }
    nodes = {"pay": {"output": {"payment_id": "P-1"}}}
    paid = run_workflow(definition, {"iban": "DE89370400440532013000", "cents": 4200}, nodes=nodes)
    assert paid.execution.result == {"pay": {"payment_id": "P-1"}}
    refused = run_workflow(definition, {"iban": "DE00", "cents": 1}, nodes=nodes)
    assert refused.ran == ["check"]
