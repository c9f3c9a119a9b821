"""One folder per Lambda function: decode the event, call a service of the engine, encode the answer."""
