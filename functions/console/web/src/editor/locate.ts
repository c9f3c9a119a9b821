/** Where a node stands in the document that the server checks, and which problems are its own. */

import type { Problem } from './api';
import type { Body, Definition } from './types';

/** `nodes[2]`, `nodes[0].body.nodes[1]`; undefined where there is no such node. */
export function pathOfNode(definition: Definition, id: string): string | undefined {
  const inside = (body: Body, where: string): string | undefined => {
    for (const [index, node] of body.nodes.entries()) {
      const at = `${where}nodes[${index}]`;
      if (node.id === id) return at;
      const deeper = node.body ? inside(node.body, `${at}.body.`) : undefined;
      if (deeper) return deeper;
    }
    return undefined;
  };
  return inside(definition, '');
}

/** Problems below a path, with what is left of their paths. */
export function below(problems: readonly Problem[], path: string | undefined): Problem[] {
  if (path === undefined) return [];
  return problems.flatMap((problem) => {
    const given = problem.path.replace(/^definition\./, '');
    if (given === path) return [{ ...problem, path: '' }];
    return given.startsWith(`${path}.`) ? [{ ...problem, path: given.slice(path.length + 1) }] : [];
  });
}
