"""DynamoDB and S3: keys, codec and repositories. Nothing outside this package knows how items look."""
