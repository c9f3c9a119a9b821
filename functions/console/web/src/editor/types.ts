/** The shapes of a definition as authors write it, and of the document that the editor works on. */

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

export interface Edge {
  from: string;
  port?: string;
  to: string;
}

export interface NodeDefinition {
  id: string;
  type: string;
  name?: string | null;
  notes?: string | null;
  config?: JsonObject;
  retry?: JsonObject | null;
  timeout_seconds?: number | null;
  on_error?: 'fail' | 'continue';
  delivery?: 'at_least_once' | 'at_most_once';
  body?: Body | null;
}

export interface Body {
  nodes: NodeDefinition[];
  edges?: Edge[];
  output?: Json;
}

export interface TriggerDefinition {
  id: string;
  type: string;
  name?: string | null;
  config?: JsonObject;
}

export interface Definition extends Body {
  vars?: JsonObject;
  timeout_seconds?: number | null;
  concurrency?: JsonObject | null;
  on_failure?: JsonObject | null;
  triggers?: TriggerDefinition[];
}

export interface Point {
  x: number;
  y: number;
}

export interface Pin {
  output: Json;
  port?: string;
}

/** What only the editor needs: it changes nothing of what runs. */
export interface Ui {
  positions?: Record<string, Point>;
  /** By the path of the step, such as `each.fetch`: what it gives in test runs instead of running. */
  pins?: Record<string, Pin>;
  /** With what test runs begin. */
  testInput?: Json;
  [key: string]: unknown;
}

export interface WorkflowDocument {
  name: string;
  description: string;
  definition: Definition;
  ui: Ui;
}

/** Where a node stands: in the workflow (`null`), or in the body of the loop of this id. */
export type Scope = string | null;

export const MAIN_PORT = 'main';
export const ERROR_PORT = 'error';

export function portOf(edge: Edge): string {
  return edge.port ?? MAIN_PORT;
}

/** One key for an edge, for React and for sets. */
export function edgeKey(edge: Edge): string {
  return `${edge.from}:${portOf(edge)}>${edge.to}`;
}
