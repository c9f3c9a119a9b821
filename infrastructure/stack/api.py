"""The HTTP API: one route for each operation of the handlers, and a refusal for everything else."""

from __future__ import annotations

import json
from collections.abc import Mapping

import jsii
from aws_cdk import Duration, RemovalPolicy, Tags
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from functions.console.handler import ROUTE_KEYS as CONSOLE_ROUTES
from functions.public_routes import PUBLIC_ROUTES
from infrastructure.stack.nag_findings import acknowledge

_PUBLIC = PUBLIC_ROUTES | set(CONSOLE_ROUTES)
_LOG_FIELDS = {
    "time": "$context.requestTime",
    "request_id": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "route": "$context.routeKey",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "latency": "$context.responseLatency",
    "integration_error": "$context.integrationErrorMessage",
    "authorizer_error": "$context.authorizer.error",
}


@jsii.implements(apigw.IAccessLogSettings)
class _AccessLogs:
    def __init__(self, destination: apigw.IAccessLogDestination, log_format: apigateway.AccessLogFormat) -> None:
        self._destination = destination
        self._format = log_format

    @property
    def destination(self) -> apigw.IAccessLogDestination:
        return self._destination

    @property
    def format(self) -> apigateway.AccessLogFormat:
        return self._format


class Api(Construct):
    """The HTTP API of the platform.

    Args:
        scope: the stack.
        construct_id: the construct's id in the stack.
        handlers: each API function with the route keys that it serves.
        fallback: the function that responds at every other address.
        authorizer: the function that identifies the caller.
        local_id: the API's id on an emulator, so that its address stays the same; None on AWS.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        handlers: Mapping[lambda_.IFunction, list[str]],
        fallback: lambda_.IFunction,
        authorizer: lambda_.IFunction,
        local_id: str | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.api = apigw.HttpApi(self, "Http", create_default_stage=False, description="Mainspring")
        if local_id:
            Tags.of(self.api).add("ms-custom-id", local_id)
        self._authorizer = authorizers.HttpLambdaAuthorizer(
            "Caller",
            authorizer,
            identity_source=[],
            results_cache_ttl=Duration.seconds(0),
            response_types=[authorizers.HttpLambdaResponseType.SIMPLE],
        )
        for function, route_keys in handlers.items():
            integration = self._integration(function)
            for route_key in route_keys:
                method, _, path = route_key.partition(" ")
                key = apigw.HttpRouteKey.with_(path, apigw.HttpMethod[method])
                self._route(key, integration, public=route_key in _PUBLIC)
        # The ARN of a call of this route has two parts after the API's id, `$default/$default`, those of others three:
        # a permission for all routes does not include it.
        elsewhere = integrations.HttpLambdaIntegration("Elsewhere", fallback, scope_permission_to_route=True)
        self._route(apigw.HttpRouteKey.DEFAULT, elsewhere, public=False)
        self._stage()

    @property
    def url(self) -> str:
        """The API's address on AWS."""
        return self.api.api_endpoint

    def _integration(self, function: lambda_.IFunction) -> integrations.HttpLambdaIntegration:
        name = function.node.scope.node.id if function.node.scope else function.node.id
        return integrations.HttpLambdaIntegration(name, function, scope_permission_to_route=False)

    def _route(self, key: apigw.HttpRouteKey, integration: integrations.HttpLambdaIntegration, *, public: bool) -> None:
        name = "Elsewhere" if key is apigw.HttpRouteKey.DEFAULT else key.key
        authorizer = apigw.HttpNoneAuthorizer() if public else self._authorizer
        route = apigw.HttpRoute(
            self,
            name.replace("/", " "),
            http_api=self.api,
            route_key=key,
            integration=integration,
            authorizer=authorizer,
        )
        if public:
            acknowledge(
                route,
                "AwsSolutions-APIG4",
                "Signing in, the console's files, health and the document are for everybody.",
            )

    def _stage(self) -> None:
        log_group = logs.LogGroup(
            self, "AccessLogs", retention=logs.RetentionDays.THREE_MONTHS, removal_policy=RemovalPolicy.DESTROY
        )
        apigw.HttpStage(
            self,
            "Stage",
            http_api=self.api,
            auto_deploy=True,
            throttle=apigw.ThrottleSettings(burst_limit=200, rate_limit=100),
            access_log_settings=_AccessLogs(
                apigw.LogGroupLogDestination(log_group), apigateway.AccessLogFormat.custom(json.dumps(_LOG_FIELDS))
            ),
        )
