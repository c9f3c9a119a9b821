"""S3-compatible storage: signed by botocore, sent through the guarded client."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar
from urllib.parse import quote, urlencode

from pydantic import Base64Bytes, Field, model_validator

from engine import limits
from engine.errors import NodeError
from engine.integrations.base import BaseIntegration, Params, action
from engine.integrations.http_auth import Secret
from engine.integrations.http_common import exchanged, status_error
from engine.integrations.rest import BaseUrl, RestConfig
from engine.security.filenames import FileName
from engine.security.hosts import Binding

Bucket = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
ObjectKey = Annotated[str, Field(min_length=1, max_length=1_024, pattern=r"^[^\x00]+$")]
_MAX_INLINE = limits.MAX_OUTPUT_BYTES // 2


class S3Config(RestConfig):
    """The storage and its access key."""

    endpoint_url: BaseUrl = Field(
        examples=["https://s3.eu-central-1.amazonaws.com", "https://minio.shop.example"],
        description="URL of the storage.",
    )
    region: str = Field(default="us-east-1", pattern=r"^[a-z0-9-]{1,40}$", description="Name of the region.")
    access_key_id: str = Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$", description="The key's id.")
    secret_access_key: Secret = Field(description="The key's secret. Kept encrypted; it cannot be read again.")


class PutObject(Params):
    """The object and its content: a text, bytes as base64, or a file of the workspace."""

    bucket: Bucket = Field(description="Name of the bucket.")
    key: ObjectKey = Field(description="Name of the object.")
    text: str | None = Field(default=None, description="Its content, as text.")
    base64: Base64Bytes | None = Field(default=None, description="Its content, as base64.")
    file: FileName | None = Field(default=None, description="Its content, from a file of the workspace.")
    content_type: str = Field(
        default="application/octet-stream", max_length=200, pattern=r"^[\x20-\x7e]+$", description="Its media type."
    )

    @model_validator(mode="after")
    def _one(self) -> PutObject:
        if sum(one is not None for one in (self.text, self.base64, self.file)) != 1:
            raise ValueError("give one of `text`, `base64` and `file`")
        return self


class GetObject(Params):
    """The object, and the file of the workspace to save it as."""

    bucket: Bucket = Field(description="Name of the bucket.")
    key: ObjectKey = Field(description="Name of the object.")
    save_as: FileName | None = Field(
        default=None, description="File to save the content as. Default: return it as base64."
    )


class ListObjects(Params):
    """Which ones."""

    bucket: Bucket = Field(description="Name of the bucket.")
    prefix: str = Field(default="", max_length=1_024, description="Only objects whose names begin with this text.")
    limit: int = Field(default=100, ge=1, le=1_000, description="Maximum number of objects.")
    cursor: str | None = Field(default=None, max_length=2_000, description="`next_cursor` of the previous page.")


class DeleteObject(Params):
    """Which one."""

    bucket: Bucket = Field(description="Name of the bucket.")
    key: ObjectKey = Field(description="Name of the object.")


class S3Storage(BaseIntegration):
    """Storage that speaks S3's protocol: AWS, MinIO, R2 and others."""

    Config = S3Config
    title: ClassVar[str] = "S3-compatible storage"
    group: ClassVar[str] = "Data"
    icon: ClassVar[str] = "hard-drive"
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "endpoint_url": "https://minio.shop.example",
            "access_key_id": "AKIAIOSFODNN7EXAMPLE",
            "secret_access_key": "…",
        },
    )

    @classmethod
    def binding(cls, config: Any) -> Binding:
        """Where it is."""
        return Binding.of_url(config.endpoint_url, trust=config.ca_certificate or "")

    @action(title="Store an object", effect="idempotent")
    async def put_object(self, params: PutObject) -> dict[str, Any]:
        """Gives `{bucket, key, bytes}`."""
        if params.file is not None:
            content = await self.runtime.read_file(params.file)
        else:
            content = params.text.encode() if params.text is not None else bytes(params.base64 or b"")
        await self._ask(
            "PUT", params.bucket, params.key, content=content, headers={"content-type": params.content_type}
        )
        return {"bucket": params.bucket, "key": params.key, "bytes": len(content)}

    @action(title="Fetch an object", effect="read")
    async def get_object(self, params: GetObject) -> dict[str, Any]:
        """Gives `{bytes, content_type}` with `base64`, or with the `file` that it was kept as."""
        most = limits.MAX_FILE_BYTES if params.save_as else _MAX_INLINE
        content, headers = await self._ask("GET", params.bucket, params.key, most=most)
        info = {"bytes": len(content), "content_type": headers.get("content-type")}
        if params.save_as is None:
            return {**info, "base64": base64.b64encode(content).decode()}
        return {**info, **await self.runtime.write_file(params.save_as, content)}

    @action(title="List objects", effect="read")
    async def list_objects(self, params: ListObjects) -> dict[str, Any]:
        """Gives `{items: [{key, bytes, modified_at}], next_cursor}`."""
        query = {"list-type": "2", "prefix": params.prefix, "max-keys": str(params.limit)}
        if params.cursor:
            query["continuation-token"] = params.cursor
        content, _ = await self._ask("GET", params.bucket, "", query=query)
        from xml.etree import ElementTree as ET

        try:
            root = ET.fromstring(content)  # noqa: S314
        except ET.ParseError:
            raise NodeError("the storage did not answer with a list", code="bad_response") from None
        space = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
        items = [
            {
                "key": one.findtext(f"{space}Key"),
                "bytes": int(one.findtext(f"{space}Size") or 0),
                "modified_at": one.findtext(f"{space}LastModified"),
            }
            for one in root.iter(f"{space}Contents")
        ]
        return {"items": items, "next_cursor": root.findtext(f"{space}NextContinuationToken") or None}

    @action(title="Delete an object", effect="idempotent")
    async def delete_object(self, params: DeleteObject) -> dict[str, Any]:
        """One that is not there is as good as deleted."""
        await self._ask("DELETE", params.bucket, params.key)
        return {"deleted": True}

    async def test(self) -> str:
        """Asks for the buckets."""
        await self._ask("GET", "", "")
        return "signed in"

    async def _ask(
        self,
        method: str,
        bucket: str,
        key: str,
        *,
        query: Mapping[str, str] | None = None,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        most: int = _MAX_INLINE,
    ) -> tuple[bytes, Mapping[str, str]]:
        import httpx2

        url = self._url(bucket, key, query)
        if not self.binding(self.config).allows(url):
            raise NodeError("the integration's secrets are not for that host", code="credentials_elsewhere")
        signed = self._signed(method, url, content, headers or {})
        client = await self.client()
        request = client.build_request(method, httpx2.URL(url), headers=signed, content=content, timeout=None)
        response, body = await exchanged(client, request, most)
        if response.status_code >= 300:  # noqa: PLR2004
            raise status_error(response, body.decode(errors="replace"))
        return body, response.headers

    def _url(self, bucket: str, key: str, query: Mapping[str, str] | None) -> str:
        path = "/".join(quote(part, safe="~") for part in (bucket, *key.split("/")) if part or bucket)
        path = path.replace("/./", "/%2E/").replace("/../", "/%2E%2E/")
        url = f"{self.config.endpoint_url}/{path}"
        return f"{url}?{urlencode(sorted(query.items()), quote_via=quote)}" if query else url

    def _signed(self, method: str, url: str, content: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        request = AWSRequest(method, url, headers=dict(headers), data=content)
        key = Credentials(self.config.access_key_id, self.config.secret_access_key.get_secret_value())
        S3SigV4Auth(key, "s3", self.config.region).add_auth(request)
        return {name: str(value) for name, value in request.headers.items()}
