import { expect, test } from 'vitest';
import { stepTypes, templates } from './examples';

test('every example is a template with a name, a description and steps', () => {
  expect(templates.length).toBeGreaterThan(20);
  for (const template of templates) {
    expect(template.name && template.description, template.id).toBeTruthy();
    expect(stepTypes(template).length, template.id).toBeGreaterThan(0);
  }
});
