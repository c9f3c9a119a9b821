"""GitHub, through its REST API."""

from __future__ import annotations

import base64
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import AfterValidator, Field, JsonValue

from engine.errors import NodeError
from engine.integrations.base import Params, action
from engine.integrations.http_auth import Secret
from engine.integrations.rest import BaseUrl, BearerIntegration, RestConfig

_VERSION = "2022-11-28"


def no_dots(path: str) -> str:
    """A path that leads nowhere else.

    Raises:
        ValueError: it has a part `.` or `..`.
    """
    if {".", ".."} & set(path.split("/")):
        raise ValueError("no part of it is `.` or `..`")
    return path


Repository = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}$", examples=["shop/web"], description="owner/name"),
    AfterValidator(no_dots),
]


class GithubConfig(RestConfig):
    """A fine-grained personal access token, or that of an app."""

    token: Secret = Field(description="The token. Kept encrypted; it cannot be read again.")
    base_url: BaseUrl = Field(
        default="https://api.github.com", description="URL of the API; another one for Enterprise Server."
    )


class CreateIssue(Params):
    """The issue."""

    repository: Repository
    title: str = Field(min_length=1, max_length=256, description="The issue's title.")
    body: str = Field(default="", max_length=65_536, description="Its text, in Markdown.")
    labels: list[str] = Field(default_factory=list, max_length=100, description="Names of labels.")
    assignees: list[str] = Field(default_factory=list, max_length=10, description="Login names of the assignees.")


class UpdateIssue(Params):
    """The issue and its changes."""

    repository: Repository
    number: int = Field(ge=1, description="Of the issue.")
    title: str | None = Field(default=None, min_length=1, max_length=256, description="Its new title.")
    body: str | None = Field(default=None, max_length=65_536, description="Its new text, in Markdown.")
    state: Literal["open", "closed"] | None = Field(default=None, description="Open or close it.")
    labels: list[str] | None = Field(default=None, max_length=100, description="Replaces its labels.")


class Comment(Params):
    """The issue or pull request, and the comment."""

    repository: Repository
    number: int = Field(ge=1, description="Number of the issue or pull request.")
    body: str = Field(min_length=1, max_length=65_536, description="The comment, in Markdown.")


class ListIssues(Params):
    """Which ones."""

    repository: Repository
    state: Literal["open", "closed", "all"] = Field(default="open", description="Only those in this state.")
    labels: list[str] = Field(
        default_factory=list, max_length=20, description="Only those that have all of these labels."
    )
    page: int = Field(default=1, ge=1, description="Which page, from 1 on.")
    per_page: int = Field(default=30, ge=1, le=100, description="Number of items per page.")


class Dispatch(Params):
    """A workflow of GitHub Actions and its inputs."""

    repository: Repository
    workflow: Annotated[str, AfterValidator(no_dots)] = Field(
        min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_.-]+$", description="File name or id of the workflow."
    )
    ref: str = Field(default="main", min_length=1, max_length=250, description="A branch or tag.")
    inputs: dict[str, str] = Field(
        default_factory=dict, max_length=25, description="The inputs that the workflow declares."
    )


class GetFile(Params):
    """Which file."""

    repository: Repository
    path: Annotated[str, AfterValidator(no_dots)] = Field(
        min_length=1,
        max_length=1_000,
        pattern=r"^[^/\x00-\x1f][^\x00-\x1f]*$",
        description="Path of the file in the repository.",
    )
    ref: str | None = Field(
        default=None, max_length=250, description="A branch, tag or commit. Default: the main branch."
    )


class Github(BearerIntegration):
    """GitHub, as the owner of the token."""

    Config = GithubConfig
    title: ClassVar[str] = "GitHub"
    group: ClassVar[str] = "Development"
    icon: ClassVar[str] = "github"
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"token": "github_pat_…"},)

    @action(title="Create an issue", effect="write")
    async def create_issue(self, params: CreateIssue) -> dict[str, Any]:
        """Gives `{number, url}`."""
        body = params.model_dump(exclude={"repository"})
        made = await self._ask("POST", f"repos/{params.repository}/issues", body)
        return {"number": made["number"], "url": made["html_url"]}

    @action(title="Change an issue", effect="idempotent")
    async def update_issue(self, params: UpdateIssue) -> dict[str, Any]:
        """Gives `{number, url, state}`."""
        body = params.model_dump(exclude={"repository", "number"}, exclude_none=True)
        made = await self._ask("PATCH", f"repos/{params.repository}/issues/{params.number}", body)
        return {"number": made["number"], "url": made["html_url"], "state": made["state"]}

    @action(title="Comment", effect="write")
    async def comment(self, params: Comment) -> dict[str, Any]:
        """On an issue or a pull request; gives `{id, url}`."""
        path = f"repos/{params.repository}/issues/{params.number}/comments"
        made = await self._ask("POST", path, {"body": params.body})
        return {"id": made["id"], "url": made["html_url"]}

    @action(title="List issues", effect="read")
    async def list_issues(self, params: ListIssues) -> list[dict[str, JsonValue]]:
        """One page of them, pull requests among them: `{number, title, state, url, labels, author}`."""
        query = {"state": params.state, "page": str(params.page), "per_page": str(params.per_page)}
        if params.labels:
            query["labels"] = ",".join(params.labels)
        found = await self._ask("GET", f"repos/{params.repository}/issues", query=query)
        return [
            {
                "number": one["number"],
                "title": one["title"],
                "state": one["state"],
                "url": one["html_url"],
                "labels": [label["name"] for label in one.get("labels", [])],
                "author": (one.get("user") or {}).get("login"),
            }
            for one in found
        ]

    @action(title="Run a workflow of GitHub Actions", effect="write")
    async def dispatch_workflow(self, params: Dispatch) -> dict[str, Any]:
        """Starts it, and does not wait for it."""
        body = {"ref": params.ref, "inputs": params.inputs}
        await self._ask("POST", f"repos/{params.repository}/actions/workflows/{params.workflow}/dispatches", body)
        return {"started": True}

    @action(title="Read a file", effect="read")
    async def get_file(self, params: GetFile) -> dict[str, Any]:
        """Up to 1 MB; gives `{path, sha, text}`, or `base64` where it is no text."""
        query = {"ref": params.ref} if params.ref else None
        found = await self._ask("GET", f"repos/{params.repository}/contents/{quote(params.path)}", query=query)
        if not isinstance(found, dict) or found.get("type", "file") != "file":
            raise NodeError(f"{params.path!r} is no file", code="not_a_file")
        if found.get("encoding", "base64") != "base64":
            raise NodeError(
                f"GitHub does not give the content of {params.path!r}: it has over 1 MB", code="file_too_large"
            )
        raw = base64.b64decode(found["content"])
        try:
            content = {"text": raw.decode()}
        except UnicodeDecodeError:
            content = {"base64": base64.b64encode(raw).decode()}
        return {"path": found["path"], "sha": found["sha"], **content}

    async def test(self) -> str:
        """Asks who the token is of."""
        return f"signed in as {(await self._ask('GET', 'user')).get('login')}"

    async def _ask(self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None) -> Any:
        headers = {"accept": "application/vnd.github+json", "x-github-api-version": _VERSION}
        url = f"{self.config.base_url}/{path}"
        return await self.call(method, url, json_body=body, headers=headers, query=query)
