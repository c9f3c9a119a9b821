"""The CDK app: `cdk deploy` deploys Mainspring to an AWS account.

Context, with `-c name=value`: `open_registration` (true lets anybody register), `allowed_networks` (private networks
that nodes may reach, as `10.0.0.0/16,…`), `retention_days` (of finished executions), `resources` (AWS resources that
nodes may use, separated by commas: `WORKSPACE=ARN`, or `ARN` alone for the first administrator's workspace),
`extensions` (folders of Python packages with node or integration types, also separated by commas), `mail_sender` (the
address, verified in Amazon SES, that sends mail to people for workspaces that have not chosen a `mail_integration`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from aws_cdk import App, CliCredentialsStackSynthesizer, Validations
from cdk_nag import AwsSolutionsChecks

from infrastructure.stack.bytecode import NO_INTERPRETER, deployed_interpreter
from infrastructure.stack.console_build import build_console
from infrastructure.stack.named_resources import ResourceError, by_workspace
from infrastructure.stack.packaging import (
    ROOT,
    build_extension_layer,
    build_functions,
    build_layer,
    build_node_layer,
    build_sandbox,
)
from infrastructure.stack.platform_stack import Options, PlatformStack
from infrastructure.stack.uv_command import PackagingError

STACK_NAME = "Mainspring"
LEAST_RETENTION_DAYS = 8


def build_app(*, context: Mapping[str, Any] | None = None, outdir: Path | None = None) -> App:
    """Return the app with its one stack, layer and code built.

    Two more options are for the local stack: `local_api_id` targets this machine's emulator, `build` names the folder
    to build in.
    """
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # the handlers create clients when they are imported
    app = App(
        context=dict(context or {}),
        outdir=str(outdir) if outdir else None,
        analytics_reporting=False,
        auto_synth=False,
    )

    def choice(name: str, default: str = "") -> str:
        value = app.node.try_get_context(name)
        return default if value is None else str(value)

    target = Path(choice("build") or ROOT / "build")
    local = bool(choice("local_api_id"))
    retention_days = int(choice("retention_days", "90"))
    if retention_days < LEAST_RETENTION_DAYS:
        raise PackagingError(
            f"retention_days is at least {LEAST_RETENTION_DAYS}: repeated deliveries are known so long"
        )
    mail_sender = choice("mail_sender")
    if mail_sender and "@" not in parseaddr(mail_sender)[1]:
        raise PackagingError(f"mail_sender={mail_sender!r} is no address, such as `Mainspring <flows@company.example>`")
    resources = by_workspace(choice("resources").replace(",", " ").split())
    extensions = [ROOT / folder for folder in choice("extensions").split(",") if folder]
    with ThreadPoolExecutor(2) as pool:
        sandbox = pool.submit(build_sandbox, target, local=local)  # compiles, while the others install
        console = pool.submit(build_console, target)  # waits for the network, then for Node
        layer = build_layer(target, local=local)
        node_layer = build_node_layer(target, local=local)
        extension_layer = build_extension_layer(target, extensions, local=local) if extensions else None
        functions = build_functions(target, local=local)
    options = Options(
        layer=layer,
        node_layer=node_layer,
        extension_layer=extension_layer,
        functions=functions,
        sandbox=sandbox.result(),
        console=console.result(),
        open_registration=choice("open_registration").lower() == "true",
        allowed_networks=choice("allowed_networks"),
        retention_days=retention_days,
        mail_sender=mail_sender,
        resources=resources,
        local_api_id=choice("local_api_id") or None,
        api_url=choice("api_url") or None,
    )
    synthesizer = CliCredentialsStackSynthesizer() if local else None
    PlatformStack(app, STACK_NAME, options, synthesizer=synthesizer, description="Mainspring")
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


if __name__ == "__main__":
    try:
        build_app().synth()
        if deployed_interpreter() is None:
            sys.stderr.write(f"WARNING: {NO_INTERPRETER}\n")
    except (PackagingError, ResourceError) as error:
        sys.exit(str(error))
