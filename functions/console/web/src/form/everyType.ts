/** For tests: every type that the API offers, and every schema that forms are made of. The handlers' own code gives them. */
import { execFileSync } from 'node:child_process';
import type { Schema } from './describe';

const WRITE = `
import json
from datetime import UTC, datetime
from engine.integrations.registry import IntegrationRegistry
from engine.nodes.registry import NodeExecutorFactory
from engine.triggers.catalogue import describe
from engine.triggers.types import TRIGGER_TYPES
from engine.workflow.definition import json_schema

nodes, integrations, now = NodeExecutorFactory(), IntegrationRegistry(), datetime.now(UTC)
schemas, types = {"workflow": json_schema()}, []
for name in nodes.names():
    told = nodes.describe(name)
    types.append(told)
    schemas["node " + name] = told["config_schema"]
    schemas["retry of " + name] = told["retry_schema"]
for name in integrations.names():
    told = integrations.describe(name)
    types.append(told)
    schemas["integration " + name] = told["config_schema"]
    for action in told["actions"]:
        types.append({**told, **action})
        schemas[f"action {name}.{action['name']}"] = action["input_schema"]
for name in TRIGGER_TYPES:
    told = describe(name, now)
    types.append(told)
    schemas["trigger " + name] = told["config_schema"]
fields = ("title", "description", "group", "icon")
print(json.dumps({"schemas": schemas, "types": [{field: one[field] for field in fields} for one in types]}))
`;

interface Told {
  schemas: Record<string, Schema>;
  types: { title: string; description: string; group: string; icon: string }[];
}

export const ROOT = new URL('../../../../../', import.meta.url).pathname;
const env = { ...process.env, AWS_DEFAULT_REGION: 'us-east-1' };
const told = JSON.parse(
  execFileSync('uv', ['run', '--quiet', 'python', '-c', WRITE], { cwd: ROOT, env, maxBuffer: 64 * 1024 * 1024 }).toString(),
) as Told;

/** By their place. */
export const SCHEMAS = Object.entries(told.schemas);
export const TYPES = told.types;
