"""DynamoDB and S3: keys, codec and repositories. The layout of items is known only in this package."""
