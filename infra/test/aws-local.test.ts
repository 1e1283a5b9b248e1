import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { FUNCTIONS } from '../src/names.ts';
import { installed, resources, ROOT, scratch } from './installed.ts';

const PROGRAM = join(ROOT, 'tests/aws/stack.py');

/** A function that answers each request with its route and with what its environment tells it. */
const ECHO = `#!/usr/bin/env node
const base = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime/invocation/';
const told = Object.keys(process.env).filter((key) => key.startsWith('CAREPATH_')).sort();
async function answer() {
  const next = await fetch(base + 'next');
  const event = await next.json();
  const body = JSON.stringify({ route: event.routeKey, name: process.env.AWS_LAMBDA_FUNCTION_NAME, told });
  const id = next.headers.get('lambda-runtime-aws-request-id');
  await fetch(base + id + '/response', { method: 'POST', body: JSON.stringify({ statusCode: 200, body }) });
  return answer();
}
void answer();
`;

function echoes(): string {
  const folder = scratch();
  for (const name of FUNCTIONS) {
    mkdirSync(join(folder, `carepath-${name}`));
    const bootstrap = join(folder, `carepath-${name}`, 'bootstrap');
    writeFileSync(bootstrap, ECHO);
    chmodSync(bootstrap, 0o755);
  }
  return folder;
}

const file = join(scratch(), 'stack.json');
let running: ChildProcess | undefined;
let said = '';

before(async () => {
  running = spawn('python3', [PROGRAM, 'up', '--file', file, '--binaries', echoes()], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.stdout?.on('data', (part) => (said += String(part)));
  running.stderr?.on('data', (part) => (said += String(part)));
  const until = Date.now() + 170_000;
  while (!existsSync(file)) {
    assert.equal(running.exitCode, null, said);
    assert.ok(Date.now() < until, `not ready in time: ${said}`);
    await later(50);
  }
});

after(() => running?.kill('SIGKILL'));

const stack = () => JSON.parse(readFileSync(file, 'utf8')) as Record<string, any>;

test('this very app deploys on an AWS of this machine, and its functions answer', async () => {
  const { api_url } = stack();
  const answer = await fetch(`${api_url}/v1/workflows`);
  const { route, name, told } = (await answer.json()) as { route: string; name: string; told: string[] };
  assert.deepEqual([answer.status, route, name], [200, 'ANY /v1/{proxy+}', 'carepath-api']);
  assert.ok(told.includes('CAREPATH_WORK_QUEUE_URL'));
});

test('there too the gateway lets nobody in to the routes of people without a token', async () => {
  assert.equal((await fetch(`${stack()['api_url']}/people/v1/workflows`)).status, 401);
});

test('it says where everything is', () => {
  const { queue_urls, dead_letter_urls, tables, topic_arn, people } = stack();
  assert.deepEqual(Object.keys(queue_urls), ['work', 'timers', 'engagement']);
  assert.deepEqual(Object.keys(dead_letter_urls), ['work', 'timers', 'engagement', 'projector']);
  assert.deepEqual(tables, {
    contacts: 'carepath-contacts',
    runs: 'carepath-runs',
    config: 'carepath-config',
    reports: 'carepath-reports',
  });
  assert.match(topic_arn, /:carepath-ses-events$/);
  assert.match(people.user_pool_id, /^us-east-1_/);
});

test('whoever is killed leaves no process and no folder behind', async () => {
  const { endpoint, log, pid } = stack();
  assert.ok(existsSync(log));
  assert.equal(pid, running?.pid);
  running?.kill('SIGKILL');
  const until = Date.now() + 20_000;
  const answers = () =>
    fetch(`${endpoint}/_ministack/health`).then(
      () => true,
      () => false,
    );
  while ((await answers()) || existsSync(dirname(log))) {
    assert.ok(Date.now() < until, 'still there after 20 s');
    await later(50);
  }
  // The file is what is left; whoever asks to stop it finds nobody.
  assert.equal(spawnSync('python3', [PROGRAM, 'down', '--file', file]).status, 0);
});

test('the local stage is the same app, without what the emulator does not take', () => {
  const here = installed({ stage: 'local' });
  const there = installed();
  const types = (stack: Stack) =>
    new Set(
      Object.values(Template.fromStack(stack).toJSON()['Resources'] as Record<string, { Type: string }>).map(
        (it) => it.Type,
      ),
    );
  const missing = [...types(there.stateful)].filter((it) => !types(here.stateful).has(it));
  assert.deepEqual(missing.sort(), [
    'AWS::Backup::BackupPlan',
    'AWS::Backup::BackupSelection',
    'AWS::Backup::BackupVault',
  ]);
  assert.deepEqual(types(here.stateless), types(there.stateless));
  const projector = Object.values(resources(Template.fromStack(here.stateless), 'AWS::Lambda::Function')).find(
    (it) => it.Properties['FunctionName'] === 'carepath-projector',
  );
  assert.deepEqual(projector?.Properties['Environment'].Variables, {
    CAREPATH_TABLE_PREFIX: 'carepath-',
    CAREPATH_ONE_STREAM_SHARD: 'true',
  });
});
