import { App, Tags, Validations } from 'aws-cdk-lib';
import { HIPAASecurityChecks } from 'cdk-nag';
import { acknowledge } from './rules/acknowledged.ts';
import { CarepathChecks } from './rules/checks.ts';
import type { Settings } from './settings.ts';
import { Stateful } from './stateful/stack.ts';
import { Stateless } from './stateless/stack.ts';

export interface Installation {
  readonly stateful: Stateful;
  readonly stateless: Stateless;
}

/** The two stacks of an installation. */
export function stacks(app: App, settings: Settings): Installation {
  const stateful = new Stateful(app, 'Stateful', settings);
  const stateless = new Stateless(app, 'Stateless', settings, stateful);
  Tags.of(app).add('application', 'carepath');
  return { stateful, stateless };
}

/**
 * The two stacks, held against the HIPAA pack and our own rules when they are synthesized; the emulator's lack what it
 * does not take.
 */
export function install(app: App, settings: Settings): Installation {
  const made = stacks(app, settings);
  acknowledge(made.stateful, made.stateless);
  if (settings.stage === 'aws') Validations.of(app).addPlugins(new HIPAASecurityChecks(app), new CarepathChecks(app));
  return made;
}
