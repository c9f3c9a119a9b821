"""One folder a Lambda function: decode the event, call a service of the engine, encode the answer."""
