"""DynamoDB for repositories: keys, the codec of items, conditions, writes. Independent of what is stored."""
