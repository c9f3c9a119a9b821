"""The stack as it is synthesized, once for all tests.

CDK starts a process of Node when it is imported: whoever only collects these tests need not wait for that.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from infrastructure.stack.packaging import ROOT

if TYPE_CHECKING:
    import aws_cdk
    from aws_cdk.assertions import Template


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, str]], aws_cdk.Stack]:
    """Makes the stack that some context gives, beside that of `cdk.json`."""
    import aws_cdk

    from infrastructure.stack.app import STACK_NAME, build_app

    def synthesize(chosen: dict[str, str]) -> aws_cdk.Stack:
        context = json.loads((ROOT / "cdk.json").read_text())["context"] | chosen
        found = build_app(context=context, outdir=tmp_path_factory.mktemp("cdk")).node.find_child(STACK_NAME)
        assert isinstance(found, aws_cdk.Stack)
        return found

    return synthesize


@pytest.fixture(scope="session")
def stack(synthesized: Callable[[dict[str, str]], aws_cdk.Stack]) -> aws_cdk.Stack:
    return synthesized({})


@pytest.fixture(scope="session")
def template(stack: aws_cdk.Stack) -> Template:
    from aws_cdk.assertions import Template

    return Template.from_stack(stack)
