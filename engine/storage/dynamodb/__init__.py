"""DynamoDB as repositories see it: keys, the codec of items, conditions, writes. Knows nothing of what is stored."""
