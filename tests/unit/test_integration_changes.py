"""Changing integrations: what is left out stays, and no secret comes to where it was not meant to go."""

from __future__ import annotations

from typing import Any, ClassVar

import boto3
import pytest
import trustme
from pydantic import SecretStr

from engine.errors import InvalidInput
from engine.integrations.base import BaseIntegration, IntegrationConfig
from engine.integrations.opener import Opener
from engine.integrations.registry import IntegrationRegistry
from engine.schemas.integrations import IntegrationBody, IntegrationChange
from engine.security.redaction import Redactor
from engine.security.secrets import SecretBox
from engine.services.integrations import IntegrationService
from engine.services.principal import Principal
from tests.stored import stored_workflow
from tests.unit.conftest import Aws

ANN = Principal("user", "session", "workspace", "owner", is_admin=False, email="ann@example.com")
SECRET = "a-secret-of-the-owner"
CA = trustme.CA().cert_pem.bytes().decode()


class OddConfig(IntegrationConfig):
    server_url: str
    callback_host: str = "a.example"
    key: SecretStr
    label: str = ""


class Odd(BaseIntegration):
    """A type of an extension that has forgotten to bind its secrets."""

    Config = OddConfig
    title: ClassVar[str] = "Odd"


HOSTS = {"hosts": ["api.example"]}
OAUTH = {**HOSTS, "token_url": "https://login.example/token", "client_id": "me", "client_secret": SECRET}
DATABASE = {"host": "db.example", "database": "d", "username": "u", "password": SECRET}
CONFIGS: dict[str, dict[str, Any]] = {
    "http_bearer": {**HOSTS, "token": SECRET},
    "http_basic": {**HOSTS, "username": "u", "password": SECRET},
    "http_api_key": {**HOSTS, "key": SECRET},
    "oauth2_client_credentials": OAUTH,
    "oauth2_authorization_code": {**OAUTH, "authorize_url": "https://login.example/authorize"},
    "postgresql": DATABASE,
    "mysql": DATABASE,
    "smtp": {"host": "mail.example", "username": "u", "password": SECRET, "from_address": "a@b.example"},
    "slack": {"token": SECRET},
    "telegram": {"token": SECRET},
    "github": {"token": SECRET},
    "openai": {"api_key": SECRET},
    "s3": {"endpoint_url": "https://s3.example", "access_key_id": "A", "secret_access_key": SECRET},
    "odd": {"server_url": "https://a.example", "key": SECRET},
}
ELSEWHERE = [
    *((kind, {"hosts": ["evil.example"]}) for kind in CONFIGS if "hosts" in CONFIGS[kind]),
    *((kind, {"plain_http": True}) for kind in CONFIGS if "hosts" in CONFIGS[kind]),
    *((kind, {"token_url": "https://login.example/another"}) for kind in CONFIGS if "token_url" in CONFIGS[kind]),
    ("oauth2_authorization_code", {"authorize_url": "https://evil.example"}),
    *((kind, {"host": "evil.example"}) for kind in ("postgresql", "mysql", "smtp")),
    *((kind, {"port": 4444}) for kind in ("postgresql", "mysql", "smtp")),
    *((kind, {"tls": "off"}) for kind in ("postgresql", "mysql")),
    ("smtp", {"security": "off"}),
    *((kind, {"ca_certificate": CA}) for kind in CONFIGS if kind != "odd"),
    *((kind, {"base_url": "https://evil.example"}) for kind in ("slack", "telegram", "github", "openai")),
    ("s3", {"endpoint_url": "https://evil.example"}),
    ("odd", {"server_url": "https://evil.example"}),
    ("odd", {"callback_host": "evil.example"}),
]  # fmt: skip


class Desk:
    """The service, and a look at what an integration is when it is open."""

    def __init__(self, aws: Aws) -> None:
        kms = boto3.client("kms")
        box = SecretBox(lambda: kms, kms.create_key()["KeyMetadata"]["KeyId"])
        registry = self.registry = IntegrationRegistry()
        registry.register("odd", Odd)

        async def nothing(*_: Any) -> Any:
            raise AssertionError("nothing is connected here")

        self.opener = Opener(aws.repositories.integrations, registry, box, nothing, nothing, aws.clock)
        self.service = IntegrationService(aws.repositories, registry, box, self.opener, aws.clock)
        self.aws = aws

    def make(self, kind: str) -> str:
        body = IntegrationBody(name=f"my {kind}", type=kind, config=CONFIGS[kind])
        return self.service.create(ANN, body).id

    def change(self, integration_id: str, **config: Any) -> dict[str, Any]:
        return dict(self.service.change(ANN, integration_id, IntegrationChange(config=config)).config)

    def secrets(self, integration_id: str) -> list[str]:
        found = self.aws.repositories.integrations.get("workspace", integration_id)
        return list(self.opener.opened(found, Redactor(), "").secrets())


@pytest.fixture
def desk(aws: Aws) -> Desk:
    return Desk(aws)


def test_changed_address_requires_the_secret_again(desk: Desk):
    made = {kind: desk.make(kind) for kind in CONFIGS}
    for kind, change in ELSEWHERE:
        with pytest.raises(InvalidInput, match="give it again: by") as caught:
            desk.change(made[kind], **change)
        (name,) = [name for name, value in CONFIGS[kind].items() if value == SECRET]
        assert caught.value.details[0]["path"] == f"config.{name}"
        assert desk.secrets(made[kind]) == [SECRET]
    for number, (kind, change) in enumerate(ELSEWHERE):
        (name,) = [name for name, value in CONFIGS[kind].items() if value == SECRET]
        desk.change(made[kind], **change, **{name: f"another-secret-{number}"})
        assert desk.secrets(made[kind]) == [f"another-secret-{number}"]


def test_omitted_fields_are_kept(desk: Desk):
    for kind, change in (
        ("http_basic", {"username": "bob"}),
        ("http_api_key", {"place": "query"}),
        ("oauth2_client_credentials", {"scope": "orders.read"}),
        ("postgresql", {"database": "other"}),
        ("smtp", {"from_address": "b@b.example"}),
        ("odd", {"label": "x"}),
        ("http_bearer", {}),
    ):
        made = desk.make(kind)
        before = dict(desk.service.get(ANN, made).config)
        assert desk.change(made, **change) == {**before, **change}
        assert desk.secrets(made) == [SECRET]


def test_null_removes_an_optional_field(desk: Desk):
    made = desk.make("smtp")
    assert desk.change(made, username=None, password=None)["username"] is None
    assert desk.secrets(made) == []
    assert desk.service.get(ANN, made).secrets == ()
    with pytest.raises(InvalidInput, match="`host` is required"):
        desk.change(made, host=None)


def test_fewer_hosts_need_no_secret(desk: Desk):
    body = IntegrationBody(
        name="two", type="http_bearer", config={"hosts": ["a.example", "b.example"], "token": SECRET}
    )
    made = desk.service.create(ANN, body).id
    assert desk.change(made, hosts=["b.example"])["hosts"] == ["b.example"]
    assert desk.secrets(made) == [SECRET]


def test_usages_name_the_nodes_of_both_versions_also_in_loops(desk: Desk):
    made = desk.make("http_bearer")
    name = desk.service.get(ANN, made).name
    inner = {"id": "call", "type": "http", "config": {"url": "https://api.example", "integration": made}}
    nodes = [
        {"id": "ask", "type": "http", "name": "Ask the shop", "config": {"url": "https://a", "integration": name}},
        {"id": "each", "type": "for_each", "config": {"items": [1]}, "body": {"nodes": [inner], "edges": []}},
        {"id": "other", "type": "http", "config": {"url": "https://a", "integration": "another"}},
    ]
    workflow = stored_workflow(desk.aws.repositories.workflows, {"nodes": nodes, "edges": []}, "workspace")

    (usage,) = desk.service.usages(ANN, made)

    assert (usage.workflow.id, usage.by) == (workflow.id, "id")
    assert [(node.id, node.name, node.type) for node in usage.nodes] == [
        ("ask", "Ask the shop", "http"),
        ("call", None, "http"),
    ]
