"""The stack as it is synthesized, once for all tests."""

from __future__ import annotations

import json

import aws_cdk
import pytest
from aws_cdk.assertions import Template

from infrastructure.stack.app import STACK_NAME, build_app
from infrastructure.stack.packaging import ROOT


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> aws_cdk.Stack:
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = build_app(context=context, outdir=tmp_path_factory.mktemp("cdk"))
    found = app.node.find_child(STACK_NAME)
    assert isinstance(found, aws_cdk.Stack)
    return found


@pytest.fixture(scope="session")
def template(stack: aws_cdk.Stack) -> Template:
    return Template.from_stack(stack)
