"""A bank's payment API."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, SecretStr

from engine.integrations.base import Credentials, IntegrationConfig, Params, action
from engine.integrations.rest import BaseUrl, RestIntegration


class PaymentsConfig(IntegrationConfig):
    """Where the bank is, and our key."""

    base_url: BaseUrl
    api_key: Annotated[SecretStr, Field(min_length=1, max_length=500)]


class Pay(Params):
    """Whom to pay, and how much."""

    iban: str = Field(min_length=15, max_length=34)
    cents: int = Field(gt=0)
    reference: str = Field(default="", max_length=140)


class Payments(RestIntegration):
    """Payments from the company's account."""

    Config = PaymentsConfig
    title: ClassVar[str] = "Payments"
    group: ClassVar[str] = "Payments"
    icon: ClassVar[str] = "landmark"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"base_url": "https://bank.example/v1", "api_key": "…"},)

    async def credentials(self) -> Credentials:
        """Our key."""
        return Credentials({"x-api-key": self.config.api_key.get_secret_value()})

    @action(title="Pay", effect="idempotent")
    async def pay(self, params: Pay) -> dict[str, Any]:
        """Pay once, however often it is tried; gives `{payment_id}`."""
        headers = {"idempotency-key": self.runtime.idempotency_key}
        url = f"{self.config.base_url}/payments"
        answer = await self.call("POST", url, json_body=params.model_dump(), headers=headers)
        return {"payment_id": answer["id"]}
