import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type Installation, stacks } from '../src/app.ts';
import { FUNCTIONS } from '../src/names.ts';
import { acknowledge } from '../src/rules/acknowledged.ts';
import { type Settings, settingsOf } from '../src/settings.ts';

export const ROOT = new URL('../../', import.meta.url).pathname;

export type Resource = { Type: string; Properties: Record<string, any>; DependsOn?: string[]; [key: string]: unknown };

// The CDK's own rules cost seconds at each synthesis: linters.test.ts applies them once.
process.env['CDK_VALIDATION'] = 'false';

const made: string[] = [];
process.on('exit', () => made.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A folder that is gone when the tests are over. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'carepath-infra-'));
  made.push(folder);
  return folder;
}

/** Files that stand where the functions would, since what is in them is not what these tests are about. */
export function standIns(): string {
  const folder = scratch();
  for (const name of FUNCTIONS) {
    mkdirSync(join(folder, `carepath-${name}`));
    const file = join(folder, `carepath-${name}`, 'bootstrap');
    writeFileSync(file, `#!/bin/sh\n# ${name}\nexit 1\n`);
    chmodSync(file, 0o755);
  }
  return folder;
}

/** An app with the context of cdk.json, as the command makes it. */
export function appWith(context: Record<string, string>): App {
  const json = JSON.parse(readFileSync(join(ROOT, 'infra/cdk.json'), 'utf8')) as { context: Record<string, unknown> };
  return new App({ outdir: join(scratch(), 'out'), context: { ...json.context, ...context } });
}

export interface Installed extends Installation {
  readonly app: App;
  readonly settings: Settings;
}

/** The stacks of an installation with these settings; the rules they are held against are a test of their own. */
export function installed(settings: Record<string, string> = {}): Installed {
  const app = appWith({ binaries: standIns(), ...settings });
  const read = settingsOf(app.node);
  const made = stacks(app, read);
  acknowledge(made.stateful, made.stateless);
  return { app, settings: read, ...made };
}

/** The templates of both stacks. */
export function templates(settings: Record<string, string> = {}): { stateful: Template; stateless: Template } {
  const { stateful, stateless } = installed(settings);
  return { stateful: Template.fromStack(stateful), stateless: Template.fromStack(stateless) };
}

/** The resources of a type, by their logical ids. */
export function resources(template: Template, type: string): Record<string, Resource> {
  return template.findResources(type) as Record<string, Resource>;
}

/** The one resource of a type with these properties. */
export function one(template: Template, type: string, properties: Record<string, unknown>): Resource {
  const found = Object.values(template.findResources(type, { Properties: properties }) as Record<string, Resource>);
  if (found.length !== 1 || found[0] === undefined)
    throw new Error(`${found.length} of ${type} with ${JSON.stringify(properties)}`);
  return found[0];
}
