"""Integrations, for those who own them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import SecretStr, ValidationError

from engine import limits
from engine.clock import Clock, format_time
from engine.errors import Conflict, InvalidInput, MainspringError, NodeError, NotFound
from engine.ids import new_id
from engine.integrations.base import BaseIntegration, IntegrationConfig
from engine.integrations.opener import Opener
from engine.integrations.registry import IntegrationRegistry
from engine.json_value import dumps
from engine.schemas.integrations import IntegrationBody, IntegrationChange
from engine.security.hosts import Binding
from engine.security.redaction import Redactor
from engine.security.secrets import MAX_SECRET_BYTES, SecretBox, integration_context
from engine.services.mail.outbox import check_no_mail_by
from engine.services.principal import Principal
from engine.storage.integrations import Integration
from engine.storage.repositories import Repositories
from engine.storage.workflow_records import Workflow
from engine.validation_messages import sentence
from engine.workflow.references import nodes_in


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of trying an integration; without a code it works."""

    code: str | None
    message: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class UsingNode:
    """A node that names an integration."""

    id: str
    name: str | None
    type: str


@dataclass(frozen=True, slots=True)
class IntegrationUsage:
    """A workflow that names an integration, whether by name or by id, and in which nodes."""

    workflow: Workflow
    by: Literal["name", "id"]
    nodes: tuple[UsingNode, ...]


class IntegrationService:
    """Everything about integrations, for one caller at a time."""

    def __init__(
        self, repositories: Repositories, registry: IntegrationRegistry, box: SecretBox, opener: Opener, clock: Clock
    ) -> None:
        self._repositories = repositories
        self._integrations = repositories.integrations
        self._registry = registry
        self._box = box
        self._opener = opener
        self._clock = clock

    def create(self, principal: Principal, body: IntegrationBody) -> Integration:
        """A new integration, its secrets encrypted.

        Raises:
            InvalidInput: there is no such type, or the config does not fit it.
            Conflict: the name is taken, or the workspace has as many as it may.
        """
        integration_class = self._class(body.type)
        config = _checked(integration_class, body.config)
        if len(self._integrations.of_workspace(principal.workspace_id)) >= limits.MAX_INTEGRATIONS:
            message = f"a workspace has at most {limits.MAX_INTEGRATIONS} integrations; delete one first"
            raise Conflict(message, code="limit_reached")
        integration_id, now = new_id(), format_time(self._clock.now())
        shown, secrets = _split(config)
        integration = Integration(
            id=integration_id,
            workspace_id=principal.workspace_id,
            name=body.name,
            type=body.type,
            description=body.description,
            config=shown,
            secrets=tuple(sorted(secrets)),
            sealed=self._sealed(principal.workspace_id, integration_id, secrets),
            version=1,
            created_at=now,
            updated_at=now,
        )
        self._integrations.create(integration)
        return integration

    def all(self, principal: Principal) -> list[Integration]:
        """All of the workspace."""
        return self._integrations.of_workspace(principal.workspace_id)

    def get(self, principal: Principal, integration_id: str) -> Integration:
        """Raises NotFound."""
        return self._integrations.get(principal.workspace_id, integration_id)

    def hosts(self, integration: Integration) -> Sequence[str]:
        """Where its secrets may be sent; none where its type is not installed any more."""
        try:
            integration_class = self._registry.integration_class(integration.type)
        except NotFound:
            return ()
        return _binding(integration_class, integration.config).patterns

    def change(self, principal: Principal, integration_id: str, body: IntegrationChange) -> Integration:
        """Change what is given. Of the config what is left out stays, and what is null is as if never given.

        Secrets that are left out stay, unless they could then be sent to where they could not be sent before.

        Raises:
            NotFound: there is no such integration.
            InvalidInput: the config does not fit the type, or its secrets have to be given again.
            Conflict: the name is taken, workflows use the old name, or it was changed meanwhile.
        """
        integration = self._integrations.get(principal.workspace_id, integration_id)
        changes: dict[str, Any] = {"updated_at": format_time(self._clock.now())}
        if "description" in body.model_fields_set:
            changes["description"] = body.description
        if body.config is not None:
            changes |= self._reconfigured(integration, body.config)
        renamed = body.name if body.name != integration.name else None
        if renamed is not None:
            users = [workflow for workflow, by in self._users(integration) if by == "name"]
            if users:
                raise _in_use("workflows name it; change them first, or name it by its id", users)
        return self._integrations.change(integration, changes, name=renamed)

    def delete(self, principal: Principal, integration_id: str, *, force: bool) -> None:
        """Forget an integration and its secrets.

        Raises:
            NotFound: there is no such integration.
            Conflict: code `in_use`: workflows name it, or the workspace sends its mail by it, and it was not said that
                this does not matter.
        """
        integration = self._integrations.get(principal.workspace_id, integration_id)
        users = [workflow for workflow, _ in self._users(integration)]
        if users and not force:
            raise _in_use("workflows use it; change them first, or delete it with `?force=true`", users)
        if not force:
            check_no_mail_by(self._repositories.workspace_settings, principal.workspace_id, integration.id)
        self._integrations.delete(integration)

    def usages(self, principal: Principal, integration_id: str) -> list[IntegrationUsage]:
        """The workflows that name it, with the nodes that do. Raises NotFound.

        Nodes are read for the first workflows only, since each is a read of a definition.
        """
        integration = self._integrations.get(principal.workspace_id, integration_id)
        return [
            IntegrationUsage(workflow, by, self._nodes(workflow, integration) if number < limits.MAX_PAGE_SIZE else ())
            for number, (workflow, by) in enumerate(self._users(integration))
        ]

    async def test(self, principal: Principal, integration_id: str) -> Trial:
        """Try whether it works. Raises NotFound."""
        integration = self._integrations.get(principal.workspace_id, integration_id)
        redactor, begin = Redactor(), time.monotonic()
        code: str | None = None
        try:
            opened = self._opener.opened(integration, redactor, f"test/{new_id()}")
            async with asyncio.timeout(limits.ANSWER_SECONDS):
                message = await opened.test()
        except TimeoutError:
            code, message = "timeout", f"there was no answer within {limits.ANSWER_SECONDS:g} seconds"
        except NodeError as error:
            code, message = error.code, error.message
        return Trial(code, redactor.shown(message, 1_000), round((time.monotonic() - begin) * 1_000))

    # -- what they share -----------------------------------------------------------------------------------

    def _class(self, name: str) -> type[BaseIntegration]:
        try:
            return self._registry.integration_class(name)
        except NotFound as error:
            raise InvalidInput.at("type", error.message) from None

    def _reconfigured(self, integration: Integration, given: Mapping[str, Any]) -> dict[str, Any]:
        integration_class = self._class(integration.type)
        fields = integration_class.Config.secret_fields()
        kept: dict[str, str] = {}
        missing = set(integration.secrets) - given.keys()
        if missing and integration.sealed is not None:
            context = integration_context(integration.workspace_id, integration.id)
            known = json.loads(self._box.open(bytes(integration.sealed), context))
            kept = {name: known[name] for name in missing if name in known}
        merged = {**integration.config, **kept, **given}
        config = _checked(integration_class, {name: value for name, value in merged.items() if value is not None})
        beyond = integration_class.bound_to(config).beyond(_binding(integration_class, integration.config))
        shown, secrets = _split(config)
        if kept and beyond:
            message = f"give it again: by {beyond[0]} it could be sent where it was not meant to go"
            raise InvalidInput.at(f"config.{min(kept)}", message)
        changes: dict[str, Any] = {"config": dumps(shown), "secrets": sorted(secrets)}
        if fields & given.keys() or set(integration.secrets) != set(secrets):
            changes["sealed"] = self._sealed(integration.workspace_id, integration.id, secrets)
        if integration.connection is not None and shown != integration.config:
            changes["connection"] = None  # tokens of one client are worth nothing to another
        return changes

    def _sealed(self, workspace_id: str, integration_id: str, secrets: Mapping[str, str]) -> bytes | None:
        if not secrets:
            return None
        text = dumps(secrets)
        if len(text.encode()) > MAX_SECRET_BYTES:
            raise InvalidInput.at("config", f"its secrets have at most {MAX_SECRET_BYTES} bytes together")
        return self._box.seal(text, integration_context(workspace_id, integration_id))

    def _users(self, integration: Integration) -> list[tuple[Workflow, Literal["name", "id"]]]:
        found: list[tuple[Workflow, Literal["name", "id"]]] = []
        cursor: str | None = None
        while True:
            page = self._repositories.workflows.page(integration.workspace_id, cursor, limits.MAX_PAGE_SIZE)
            for workflow in page.items:
                if integration.id in workflow.integrations:
                    found.append((workflow, "id"))
                elif integration.name in workflow.integrations:
                    found.append((workflow, "name"))
            cursor = page.next_cursor
            if cursor is None:
                return found

    def _nodes(self, workflow: Workflow, integration: Integration) -> tuple[UsingNode, ...]:
        """Of the newest and the published version."""
        found: dict[str, UsingNode] = {}
        for version in sorted({workflow.version, workflow.published_version} - {0}, reverse=True):
            try:
                definition = self._repositories.workflows.get_version(workflow.id, version).definition
            except NotFound:  # the workflow was deleted meanwhile
                continue
            for _, node in nodes_in(definition):
                if node.get("config", {}).get("integration") in (integration.id, integration.name):
                    using = UsingNode(str(node["id"]), node.get("name"), str(node["type"]))
                    found.setdefault(using.id, using)
        return tuple(found.values())


def _in_use(message: str, users: Sequence[Workflow]) -> MainspringError:
    listed = [{"workflow_id": workflow.id, "name": workflow.name} for workflow in users[: limits.MAX_PAGE_SIZE]]
    return Conflict(message, code="in_use", details=listed)


def _checked(integration_class: type[BaseIntegration], given: Mapping[str, Any]) -> IntegrationConfig:
    if len(dumps(given).encode()) > limits.MAX_INTEGRATION_BYTES:
        raise InvalidInput.at("config", f"it has at most {limits.MAX_INTEGRATION_BYTES} bytes")
    try:
        return integration_class.Config.model_validate(given)
    except ValidationError as error:
        details = [
            {
                "path": ".".join(["config", *map(str, one["loc"])]),
                "code": str(one["type"]),
                "message": sentence(one),
            }
            for one in error.errors(include_url=False, include_input=False)[: limits.MAX_PAGE_SIZE]
        ]
        first = details[0]
        raise InvalidInput(f"{first['path']}: {first['message']}", details=details) from None


def _split(config: IntegrationConfig) -> tuple[dict[str, Any], dict[str, str]]:
    """What may be shown, as it was given, and the secrets."""
    names = config.secret_fields()
    secrets = {
        name: value.get_secret_value() for name in names if isinstance(value := getattr(config, name), SecretStr)
    }
    return config.model_dump(mode="json", exclude=set(names)), secrets


def _binding(integration_class: type[BaseIntegration], shown: Mapping[str, Any]) -> Binding:
    """The hosts of a config of which only what may be shown is known."""
    blanks = dict.fromkeys(integration_class.Config.secret_fields(), SecretStr(""))
    config = integration_class.Config.model_construct(**{**blanks, **shown})
    return integration_class.bound_to(config)
