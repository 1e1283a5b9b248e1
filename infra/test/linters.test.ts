import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { ACKNOWLEDGED } from '../src/rules/acknowledged.ts';
import { ROOT, scratch, standIns } from './installed.ts';

const out = join(ROOT, 'target/cdk.out');

interface Answer {
  readonly status: number | null;
  readonly said: string;
  readonly told: string;
}

function run(command: string, args: string[], env: Record<string, string> = {}): Answer {
  if (command.includes('/')) assert.ok(existsSync(command), `${command} is not there: make synth puts it there`);
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: join(ROOT, 'infra'),
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 170_000,
    maxBuffer: 64 << 20,
  });
  return { status, said: stdout, told: `${stdout}\n${stderr}`.slice(0, 8_000) };
}

/** An environment that knows no account, and from which nothing can be reached. */
function nowhere(): Record<string, string> {
  const none = join(scratch(), 'none');
  return {
    AWS_CONFIG_FILE: none,
    AWS_SHARED_CREDENTIALS_FILE: none,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ACCESS_KEY_ID: '',
    AWS_SECRET_ACCESS_KEY: '',
    AWS_PROFILE: '',
    AWS_REGION: '',
    AWS_DEFAULT_REGION: '',
    HTTPS_PROXY: 'http://127.0.0.1:9',
    HTTP_PROXY: 'http://127.0.0.1:9',
    CI: '1',
    CDK_VALIDATION: 'true',
  };
}

before(() => {
  const args = [
    'synth',
    '--quiet',
    '--strict',
    '--no-lookups',
    '--no-notices',
    '--output',
    out,
    '--context',
    `binaries=${standIns()}`,
  ];
  const { status, told } = run('node_modules/.bin/cdk', args, nowhere());
  assert.equal(status, 0, told);
});

const templates = () =>
  readdirSync(out)
    .filter((name) => name.endsWith('.template.json'))
    .map((name) => join(out, name));

test('the app synthesizes without an account, a network or a warning', () => {
  assert.deepEqual(
    templates().map((it) => it.replace(`${out}/`, '')),
    ['Stateful.template.json', 'Stateless.template.json'],
  );
});

test('cfn-lint finds nothing in the templates', () => {
  const { status, told } = run(join(ROOT, 'target/venv/bin/cfn-lint'), [
    '--config-file',
    'cfnlintrc.yaml',
    '--',
    ...templates(),
  ]);
  assert.equal(status, 0, told);
});

test('checkov finds nothing but what is acknowledged, and all of that', () => {
  const args = [
    '--directory',
    out,
    '--framework',
    'cloudformation',
    '--skip-download',
    '--compact',
    '--output',
    'json',
  ];
  const { said, told } = run(join(ROOT, 'target/venv-checkov/bin/checkov'), args);
  const { results, summary } = JSON.parse(said) as {
    results: { failed_checks: { check_id: string; resource: string }[]; skipped_checks: { check_id: string }[] };
    summary: { passed: number };
  };
  assert.ok(summary.passed > 100, told);
  assert.deepEqual(
    results.failed_checks.map((it) => `${it.check_id} ${it.resource}`),
    [],
  );
  const skipped = new Set(results.skipped_checks.map((it) => it.check_id));
  assert.deepEqual(
    [...skipped].sort(),
    ACKNOWLEDGED.map(({ rule }) => rule)
      .filter((it) => it.startsWith('CKV'))
      .sort(),
  );
});
