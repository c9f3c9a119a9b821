import { expect, test } from 'vitest';
import { forConsole, needsOf, stepsOf, stepTypes, templates } from './examples';

test('every example is a template with a name, a description and steps', () => {
  expect(templates.length).toBeGreaterThan(20);
  for (const template of templates) {
    expect(template.name && template.description, template.id).toBeTruthy();
    expect(stepTypes(template).length, template.id).toBeGreaterThan(0);
  }
});

test('the test cases of an example are shown with it', () => {
  const [one] = templates.filter(({ id }) => id === 'form_to_sheet_with_approval');
  expect(one?.cases.map(({ name }) => name)).toContain('what is approved becomes a row');
  expect(one && needsOf(one)).toEqual(['team Slack']);
});

test('steps in loops are steps, too', () => {
  const body = { nodes: [{ id: 'b', type: 'http', config: { integration: 'shop' } }], edges: [] };
  const definition = { nodes: [{ id: 'a', type: 'for_each', body }], edges: [] };
  expect(stepsOf({ definition }).map(({ id }) => id)).toEqual(['a', 'b']);
  expect(needsOf({ definition })).toEqual(['shop']);
});

test('what is said of the command line is left out', () => {
  expect(forConsole('Asks somebody. `mainspring answer` is quicker. Ends succeeded; fine.')).toBe('Asks somebody.');
  expect(forConsole('Calls it at 7:30 and so on. Run by hand with the input below; ends succeeded.')).toBe('Calls it at 7:30 and so on.');
  expect(templates.filter(({ description }) => description.length < 20)).toEqual([]);
});
