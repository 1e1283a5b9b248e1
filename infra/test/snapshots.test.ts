import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Template } from 'aws-cdk-lib/assertions';
import { ROOT, templates } from './installed.ts';

/** A template as it is reviewed: without what changes with every build of the functions. */
function reviewed(template: Template): string {
  const text = JSON.stringify(template.toJSON(), null, 2);
  return `${text.replaceAll(/[0-9a-f]{64}\.zip/g, '<functions>.zip')}\n`;
}

const made = templates();

for (const name of ['stateful', 'stateless'] as const) {
  test(`the ${name} stack is the one that was reviewed`, () => {
    const path = join(ROOT, `infra/test/snapshots/${name}.json`);
    const now = reviewed(made[name]);
    if (process.env['UPDATE_SNAPSHOTS'] !== undefined) writeFileSync(path, now);
    assert.equal(now, readFileSync(path, 'utf8'), 'UPDATE_SNAPSHOTS=1 writes it anew');
  });
}
