"""What the console asks the API for, on the deployed stack with IAM on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx2

from tests.e2e.conftest import Caller
from tests.harness import edges

LOOP = {
    "nodes": [
        {"id": "list", "type": "transform", "config": {"value": [{"id": "a"}, {"id": "b"}]}},
        {
            "id": "each",
            "type": "for_each",
            "config": {"items": "{{ nodes.list }}"},
            "body": {"nodes": [{"id": "sum", "type": "transform", "config": {"value": "{{ item.id }}{{ index }}"}}]},
        },
        {"id": "send", "type": "http", "config": {"url": "http://10.0.0.1/{{ nodes.each[0].sum }}"}},
        {"id": "done", "type": "transform", "config": {"value": "{{ nodes.send.body }}"}},
    ],
    "edges": edges("list>each", "each>send", "send>done"),
}


def ended(admin: Caller, execution: dict[str, Any]) -> dict[str, Any]:
    """The execution once it has ended."""
    for _ in range(600):
        found: dict[str, Any] = admin.ok("GET", f"/api/executions/{execution['id']}")
        if found["completed_at"]:
            return found
        time.sleep(0.1)
    raise AssertionError(found)


def soon(look: Callable[[], Any]) -> Any:
    """What comes by the table's stream."""
    for _ in range(300):
        found = look()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("it does not come")


def is_known(admin: Caller, path: str) -> bool:
    """Whether an answer that the caller has already is not sent again."""
    tag = admin.request("GET", path).headers["etag"]
    again = admin.request("GET", path, headers={"if-none-match": tag})
    return (again.status_code, again.content) == (304, b"")


def test_test_run_can_be_inspected_and_publishes_no_events(admin: Caller):
    workflow = admin.workflow(LOOP, "Tried by the console")["id"]
    pins = {"send": {"output": {"body": "pinned"}}}
    run = ended(admin, admin.ok("POST", "/api/executions", json={"workflow_id": workflow, "pins": pins}))

    assert (run["test"], run["status"], run["result"]) == (True, "succeeded", {"done": "pinned"})
    assert [node["id"] for node in run["nodes"] if node["pinned"]] == ["send"]
    path = f"/api/executions/{run['id']}"
    assert soon(lambda: is_known(admin, path))
    definition = admin.ok("GET", f"{path}/definition")
    assert (definition["definition"]["nodes"], definition["pins"]["send"]["port"]) == (LOOP["nodes"], "main")
    inner = admin.ok("GET", f"{path}/nodes/each%5B1%5D.sum")
    assert (inner["evaluated"], inner["scope"]) == ({"value": "b1"}, {"item": {"id": "b"}, "index": 1})
    loop = admin.ok("GET", f"{path}/nodes/each", params={"limit": 1})
    assert (len(loop["iterations"]["items"]), loop["iterations"]["next_after"]) == (1, 0)
    assert admin.request("GET", f"{path}/nodes/nobody").status_code == 404
    until = admin.ok("POST", "/api/executions", json={"workflow_id": workflow, "until": "each"})
    assert ended(admin, until)["result"] == {"each": [{"sum": "a0"}, {"sum": "b1"}]}
    draft = {"nodes": [{"id": "a", "type": "transform", "config": {"value": "draft"}}, {"id": "unfinished"}]}
    refused = admin.request("POST", "/api/executions", json={"workflow_id": workflow, "draft": draft})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "invalid_definition")
    tried = admin.ok("POST", "/api/executions", json={"workflow_id": workflow, "draft": draft, "until": "a"})
    tried = ended(admin, tried)
    assert (tried["result"], tried["draft"], tried["workflow_version"]) == ({"a": "draft"}, True, None)
    shown = admin.ok("GET", f"/api/executions/{tried['id']}/definition")
    assert (shown["definition"]["nodes"], shown["until"]) == (draft["nodes"][:1], "a")
    wrong = admin.request("POST", "/api/executions", json={"workflow_id": workflow, "pins": {"x": {"output": 1}}})
    assert (wrong.status_code, wrong.json()["error"]["details"][0]["path"]) == (422, "pins.x")
    assert admin.request("POST", f"{path}/retry", json={}).json()["error"]["code"] == "test_run"

    preview = admin.ok(
        "POST", "/api/expressions", json={"text": "{{ item.id }}!", "execution_id": run["id"], "path": "each[1].sum"}
    )
    assert preview["value"] == "b!"
    samples = admin.ok("GET", f"/api/workflows/{workflow}/samples")
    assert samples["nodes"]["each"]["item"] == {"id": "a"}
    assert admin.ok("POST", "/api/expressions", json={"text": "{{ nodes.send.body }}", "workflow_id": workflow})[
        "found"
    ]


def test_runs_are_filtered_and_counted(admin: Caller):
    fails = {"nodes": [{"id": "a", "type": "fail", "config": {"message": "no"}}]}
    workflow = admin.workflow(fails, "Zebra counts")["id"]
    failed = admin.wait(admin.start(workflow)["id"])
    tried = ended(admin, admin.ok("POST", "/api/executions", json={"workflow_id": workflow, "test": True}))

    def ids(**wanted: str) -> list[str]:
        return [one["id"] for one in admin.ok("GET", "/api/executions", params=wanted)["items"]]

    assert soon(lambda: ids(status="failed,timed_out", q="zebra")) == [tried["id"], failed["id"]]
    assert ids(status="failed", workflow_id=workflow, test="false") == [failed["id"]]
    assert ids(status="open", q="zebra") == []
    assert ids(q=failed["id"][:-2]) == [failed["id"]]
    assert admin.request("GET", "/api/executions", params={"status": "lost"}).status_code == 422
    unknown = admin.request("GET", "/api/executions", params={"workflow": workflow})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (400, "unknown_parameter")
    lines = admin.ok("GET", f"/api/executions/{failed['id']}/logs", params={"level": "error"})["items"]
    assert {line["level"] for line in lines} == {"error"}

    def counted() -> Any:
        found = admin.ok("GET", "/api/stats", params={"by": "workflow", "workflow_id": workflow})["items"]
        return found if found and found[0]["runs"] and found[0]["tests"] else None

    (sums,) = soon(counted)
    assert (sums["workflow_name"], sums["runs"], sums["failed"], sums["tests"]) == ("Zebra counts", 1, 1, 1)
    assert sums["dollars"] > 0
    assert len(admin.ok("GET", "/api/stats")["items"]) == 30


def test_approvals_are_listed_decided_and_remembered(admin: Caller, other: Caller):
    ask = {
        "nodes": [{"id": "ask", "type": "approval", "name": "Ask", "config": {"message": "Pay {{ trigger.body }}?"}}]
    }
    execution = admin.start(admin.workflow(ask, "Approvals")["id"], 17)["id"]

    def mine(**wanted: str) -> list[dict[str, Any]]:
        query = {"mine": "true", "execution_id": execution, **wanted}
        found: list[dict[str, Any]] = admin.ok("GET", "/api/approvals", params=query)["items"]
        return found

    (approval,) = soon(mine)
    assert (approval["message"], approval["may_answer"]) == ("Pay 17?", True)
    assert admin.ok("GET", "/api/approvals/count", params={"mine": "true"})["count"] >= 1
    context = admin.ok("GET", f"/api/approvals/{approval['id']}")
    assert (context["input"], context["node_name"]) == (17, "Ask")
    assert other.request("GET", f"/api/approvals/{approval['id']}").status_code == 404
    admin.ok("POST", f"/api/executions/{execution}/signals/ask", json={"decision": "approved", "comment": "ok"})
    admin.wait(execution)
    assert mine() == []
    (decided,) = mine(state="decided")
    assert (decided["decision"], decided["comment"], decided["decided_by"]["email"]) == ("approved", "ok", admin.email)


def test_files_and_tables_are_listed_changed_and_deleted(admin: Caller, anonymous: httpx2.Client):
    name = "own reports/März 2026.csv"
    link = admin.ok("POST", "/api/files/upload", json={"name": name, "bytes": 5})
    assert httpx2.put(link["url"], content=b"hello", headers=link["headers"]).is_success
    listed = admin.ok("GET", "/api/files", params={"folders": "true"})
    assert "own reports/" in listed["folders"]
    assert [one["name"] for one in admin.ok("GET", "/api/files", params={"prefix": "own reports/"})["items"]] == [name]
    there = admin.ok("POST", "/api/files/download", json={"name": name})
    assert httpx2.get(there["url"]).content == b"hello"
    admin.ok("DELETE", "/api/files", params={"name": name})
    assert admin.request("POST", "/api/files/download", json={"name": name}).json()["error"]["code"] == "no_file"

    rows = "/api/data-tables/customers%20DE/rows"
    written = admin.request("PUT", rows, params={"key": "a/1"}, json={"value": {"n": 1}})
    assert (written.status_code, written.headers["etag"]) == (200, '"1"')
    stale = admin.request("PUT", rows, params={"key": "a/1"}, json={"value": 2}, headers={"if-match": '"7"'})
    assert (stale.status_code, stale.json()["error"]["details"]["row"]["value"]) == (412, {"n": 1})
    assert "customers DE" in [one["name"] for one in admin.ok("GET", "/api/data-tables")["items"]]
    csv = admin.request("GET", "/api/data-tables/customers%20DE/csv")
    assert csv.text.splitlines() == ["key,version,n", "a/1,1,1"]
    done = admin.ok("POST", "/api/data-tables/customers%20DE/csv", json={"csv": csv.text.replace(",1,1", ",1,5")})
    assert (done["updated"], done["problems"]) == (1, [])
    admin.ok("DELETE", "/api/data-tables/customers%20DE")
    assert admin.ok("GET", rows)["items"] == []


def test_catalogues_are_compressed_and_kept(admin: Caller):
    for path in (
        "/api/node-types",
        "/api/integration-types",
        "/api/trigger-types",
        "/api/workflow-schema",
        "/api/reference",
    ):
        answer = admin.request("GET", path, headers={"accept-encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip", path
        assert answer.json()
        again = admin.request("GET", path, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    pages = admin.ok("GET", "/api/reference")["pages"]
    assert {"node.http", "trigger.webhook", "limits"} <= {page["id"] for page in pages}
    preview = {"config": {"cron": "30 9 * * 1-5", "timezone": "Europe/Berlin"}, "language": "de"}
    shown = admin.ok("POST", "/api/schedules/preview", json=preview)
    assert (shown["words"], len(shown["times"])) == ("Um 09:30, Montag bis Freitag", 10)
