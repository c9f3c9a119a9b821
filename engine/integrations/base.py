"""The contract of an integration type: a config model, `__init__(config)`, typed actions, `execute` and `test`.

    class Post(Params):
        text: str

    class Chat(BaseIntegration):
        '''A chat server of our own.'''

        class Config(IntegrationConfig):
            base_url: str
            token: SecretStr          # a secret: encrypted, never shown again

        @action(title="Post a message", effect="write")
        async def post(self, params: Post) -> dict[str, Any]:
            client = await self.runtime.http()      # every connection passes the egress guard
            …

A package offers its types through the entry point group `mainspring.integrations`.
"""

from __future__ import annotations

import inspect
import re
from abc import ABC
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter

from engine.errors import NodeError
from engine.field_titles import with_titles
from engine.security.hosts import Binding
from engine.type_catalogue import Effect
from engine.workflow.expressions.config_values import Misfit, fitted

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from engine.aws.assumed_role import Role
    from engine.integrations.oauth_tokens import TokenStore

_PLACE = re.compile(r"(^|_)(hosts?|ur[li]s?|endpoints?|servers?|domain|proxy)(_|$)", re.IGNORECASE)
_PLACE_OR_PORT = re.compile(rf"{_PLACE.pattern}|(^|_)port(_|$)", re.IGNORECASE)

Method = TypeVar("Method", bound=Callable[..., Any])


class IntegrationConfig(BaseModel):
    """Base of every type's config. Fields of type SecretStr are secrets; all others can be read by the workspace."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)

    @classmethod
    def secret_fields(cls) -> frozenset[str]:
        """The names of the fields that are secrets."""
        return frozenset(name for name, one in cls.model_fields.items() if _is_secret(one.annotation))


class Params(BaseModel):
    """Base of the parameters of an action."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is added to a request to authenticate it."""

    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Action:
    """Something that an integration can do. `output` is a JSON Schema."""

    name: str
    title: str
    description: str
    effect: Effect
    params: type[BaseModel]
    output: Mapping[str, Any]

    def describe(self) -> dict[str, Any]:
        """For forms and documentation."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "effect": self.effect,
            "input_schema": with_titles(self.params.model_json_schema()),
            "output_schema": dict(self.output),
        }


async def _no_network(*_: Any) -> Any:
    raise NodeError("this engine runs without access to the network", code="config")


async def _no_files(*_: Any) -> Any:
    raise NodeError("this engine runs without files", code="config")


@dataclass(frozen=True)
class Runtime:
    """What an open integration works with.

    `http` gives the guarded client; `addresses` the checked addresses of a host, for whatever is not HTTP. `reveal` is
    told each further secret that comes up, such as a token. `identity` names this state of the integration: what is
    kept open under it is not used after a change. `tokens` keeps those of OAuth 2. `read_file` and `write_file` work on
    the workspace's files; `aws` calls AWS as a role: service, operation, params.
    """

    http: Callable[..., Awaitable[AsyncClient]] = _no_network
    addresses: Callable[[str, int], Awaitable[Sequence[str]]] = _no_network
    reveal: Callable[[str], None] = lambda _: None
    identity: str = ""
    integration_id: str = ""
    idempotency_key: str = ""
    tokens: TokenStore | None = None
    read_file: Callable[[str], Awaitable[bytes]] = _no_files
    write_file: Callable[[str, bytes], Awaitable[dict[str, Any]]] = _no_files
    aws: Callable[[Role, str, str, Mapping[str, Any]], Awaitable[dict[str, Any]]] = _no_network


class BaseIntegration(ABC):
    """One type of integrations. An instance is one that is open: it knows its secrets."""

    Config: ClassVar[type[IntegrationConfig]]
    title: ClassVar[str]
    group: ClassVar[str] = "Extensions"
    icon: ClassVar[str] = "puzzle"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ()
    """Configs that are right, for forms and documentation."""
    is_connected_by_people: ClassVar[bool] = False
    """Whether somebody has to agree in a browser before it can be used."""

    def __init__(self, config: Any) -> None:
        self.config = config
        self.runtime = Runtime()

    @classmethod
    def binding(cls, config: Any) -> Binding:
        """The hosts that its secrets may be sent to, and no others."""
        del config
        return Binding(())

    @classmethod
    def bound_to(cls, config: Any) -> Binding:
        """All that says where its secrets may go; with more than that they have to be given again.

        Beside `binding` these are all URLs of the config, and fields that are named like a place, so that a type that
        forgets to bind its secrets does not let them go.
        """
        binding = cls.binding(config)
        values = config.model_dump(mode="json", exclude=set(cls.Config.secret_fields()))
        names = _PLACE if binding.patterns else _PLACE_OR_PORT
        found = {
            f"{name}={value}"
            for name, given in values.items()
            for value in _texts(given)
            if "://" in value or names.search(name)
        }
        return replace(binding, addresses=binding.addresses | found)

    async def credentials(self) -> Credentials:
        """What an `http` node that names this integration adds to its request.

        Raises:
            NodeError: this type is for no requests of one's own, or its token cannot be had.
        """
        raise NodeError(f"an integration of type {self.title} signs no HTTP requests", code="config")

    async def refused(self) -> bool:
        """The other side did not accept the credentials; says whether another attempt has others."""
        return False

    async def execute(self, action: str, params: Mapping[str, Any]) -> Any:
        """Do something.

        Args:
            action: its name.
            params: what it takes, as its input model says.

        Returns:
            JSON, as its output schema says.

        Raises:
            NodeError: there is no such action, the params do not fit (code `config`), or it failed.
        """
        known = self.actions()
        if action not in known:
            listed = ", ".join(f"`{name}`" for name in known) or "none"
            raise NodeError(f"{self.title} has no action `{action}`; it has {listed}", code="config")
        try:
            model = fitted(known[action].params, params, root="params")
        except Misfit as misfit:
            details = {"field": misfit.problems[0]["field"], "problems": misfit.problems}
            raise NodeError(str(misfit), code="config", details=details) from None
        found = await getattr(self, action)(model)
        return found.model_dump(mode="json") if isinstance(found, BaseModel) else found

    async def test(self) -> str:
        """Find out whether it works, changing nothing; gives a sentence about what was found.

        Raises:
            NodeError: it does not.
        """
        raise NodeError(f"an integration of type {self.title} cannot be tried by itself", code="not_testable")

    async def client(self) -> AsyncClient:
        """The guarded HTTP client; it trusts the `ca_certificate` of the config besides, where there is one."""
        ca_certificate = getattr(self.config, "ca_certificate", None)
        return await (self.runtime.http(ca_certificate) if ca_certificate else self.runtime.http())

    def secrets(self) -> Iterator[str]:
        """The values that must appear nowhere."""
        for name in self.config.secret_fields():
            value = getattr(self.config, name)
            if isinstance(value, SecretStr):
                yield value.get_secret_value()

    @classmethod
    def actions(cls) -> dict[str, Action]:
        """What it can do, by name."""
        return _actions_of(cls)


def action(*, title: str, effect: Effect = "write") -> Callable[[Method], Method]:
    """Make a method `async def name(self, params: Model) -> Result` an action; its docstring describes it."""

    def mark(method: Method) -> Method:
        method.__action__ = (title, effect)  # type: ignore[attr-defined]
        return method

    return mark


@lru_cache(maxsize=256)
def _actions_of(cls: type[BaseIntegration]) -> dict[str, Action]:
    found = {}
    for name, method in inspect.getmembers(cls, inspect.isfunction):
        if not hasattr(method, "__action__"):
            continue
        title, effect = method.__action__
        hints = get_type_hints(method)
        output = TypeAdapter(hints["return"]).json_schema(mode="serialization")
        found[name] = Action(name, title, inspect.getdoc(method) or "", effect, hints["params"], output)
    return found


def _is_secret(annotation: Any) -> bool:
    """Whether a field is a secret, or may be one, with whatever constraints."""
    return annotation is SecretStr or any(_is_secret(one) for one in get_args(annotation))


def _texts(value: Any) -> Iterator[str]:
    """The texts and numbers in any JSON."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif value is not None:
        yield str(value)
