"""The storage: the key, the two tables, the bucket for large payloads, the secret of the signing keys."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from engine.storage.indexes import AUTOMATION_INDEXES
from infrastructure.stack.nag_findings import acknowledge

PAYLOAD_PREFIX = "payloads/"
FILE_PREFIX = "files/"
DRAFT_PREFIX = "drafts/"
LOST_PREFIX = "aws/lambda/"
"""Where Lambda stores records of a stream that its function could not accept after all retries."""
_LOST_KEPT = Duration.days(30)


class Storage(Construct):
    """The stored data, all of which outlives a deletion of the stack.

    Executions have no fixed lifetime, so no lifecycle rule can expire their payloads: these are removed with the
    records. `plain_http` is for an emulator without TLS, where a bucket that requires it could not be used.
    """

    def __init__(self, scope: Construct, construct_id: str, *, plain_http: bool) -> None:
        super().__init__(scope, construct_id)
        self.is_local = plain_http
        self.key = kms.Key(self, "Key", enable_key_rotation=True, removal_policy=RemovalPolicy.RETAIN)
        self.identity = self._table("Identity")
        _index(self.identity, "by-list", "user_list")
        self.automation = self._table("Automation", stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES)
        for name, (partition, sort, included) in AUTOMATION_INDEXES.items():
            _index(self.automation, name, partition, sort, included)
        self.payloads = s3.Bucket(
            self,
            "Payloads",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=not plain_http,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            cors=[
                # Browsers upload and download files at signed URLs, and send no other credentials.
                s3.CorsRule(
                    allowed_methods=[s3.HttpMethods.GET, s3.HttpMethods.PUT],
                    allowed_origins=["*"],
                    allowed_headers=["content-type"],
                    max_age=3600,
                )
            ],
            lifecycle_rules=[
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1)),
                s3.LifecycleRule(prefix=LOST_PREFIX, expiration=_LOST_KEPT),
            ],
            removal_policy=RemovalPolicy.RETAIN,
        )
        acknowledge(
            self.payloads,
            "AwsSolutions-S1",
            "Only the functions' roles reach this bucket, object by object; CloudTrail data events show who did, "
            "for those who want to pay for it.",
        )
        if plain_http:
            acknowledge(self.payloads, "AwsSolutions-S10", "The emulator listens on loopback, without TLS.")
        signing_secret = secretsmanager.Secret(
            self,
            "SigningKeys",
            description="Keys that sign access tokens: {current: key id, <key id>: key}",
            encryption_key=self.key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({"current": "k1"}),
                generate_string_key="k1",
                password_length=64,
                exclude_punctuation=True,
                exclude_characters="\"\\'@/ ",
            ),
            removal_policy=RemovalPolicy.RETAIN,
        )
        resource = signing_secret.node.default_child
        if not isinstance(resource, secretsmanager.CfnSecret):
            raise TypeError("a secret has a resource")
        self.signing_secret_arn = resource.attr_id  # as `Ref` is on AWS; an emulator's Ref may be the name
        acknowledge(
            signing_secret,
            "AwsSolutions-SMG4",
            "Rotation is adding a key and naming it current, which ends no session; a schedule for it is the "
            "company's choice.",
        )

    def _table(self, name: str, stream: dynamodb.StreamViewType | None = None) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            name,
            partition_key=dynamodb.Attribute(name="PK", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="SK", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self.key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute="expires_at",
            stream=stream,
            deletion_protection=True,
            removal_policy=RemovalPolicy.RETAIN,
        )


def _index(table: dynamodb.Table, name: str, partition: str, sort: str = "id", included: Sequence[str] = ()) -> None:
    """Add an index of keys, and of attributes that never change in it: other changes of an item cost no index write."""
    table.add_global_secondary_index(
        index_name=name,
        partition_key=dynamodb.Attribute(name=partition, type=dynamodb.AttributeType.STRING),
        sort_key=dynamodb.Attribute(name=sort, type=dynamodb.AttributeType.STRING),
        projection_type=dynamodb.ProjectionType.INCLUDE if included else dynamodb.ProjectionType.KEYS_ONLY,
        non_key_attributes=list(included) or None,
    )
