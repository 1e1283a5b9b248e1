import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { settingsOf } from '../src/settings.ts';
import { appWith, installed, scratch, standIns } from './installed.ts';

const read = (context: Record<string, string>) => settingsOf(appWith({ binaries: 'somewhere', ...context }).node);

function fileWith(settings: unknown): string {
  const path = join(scratch(), 'hospital.json');
  writeFileSync(path, JSON.stringify(settings));
  return path;
}

test('without a word an installation is carepath, on arm64, with schedules and a user pool', () => {
  assert.deepEqual(read({}), {
    prefix: 'carepath-',
    binaries: 'somewhere',
    architecture: 'arm64',
    stage: 'aws',
    stopped: [],
    timers: 'scheduler',
  });
});

test('a file has the settings of an installation, and the command line goes before it', () => {
  const settings = fileWith({ prefix: 'north-', timers: 'due', alarmEmail: 'ops@example.org' });
  const { prefix, timers, alarmEmail } = read({ settings, prefix: 'south-' });
  assert.deepEqual({ prefix, timers, alarmEmail }, { prefix: 'south-', timers: 'due', alarmEmail: 'ops@example.org' });
});

test('a setting that is unknown, malformed or half is refused by its name', () => {
  assert.throws(() => read({ settings: fileWith({ alarmMail: 'ops@example.org' }) }), /no setting `alarmMail`/);
  assert.throws(() => read({ settings: fileWith({ prefix: 7 }) }), /`prefix` is not a text/);
  assert.throws(() => read({ settings: fileWith([]) }), /not a JSON object/);
  assert.throws(() => read({ prefix: 'Carepath' }), /setting prefix/);
  assert.throws(() => read({ stopped: 'api,mailer' }), /no function mailer/);
  assert.throws(() => read({ timers: 'cron' }), /setting timers/);
  assert.throws(() => read({ capacity: '10' }), /setting capacity/);
  assert.throws(() => read({ capacity: '20-10' }), /begins above its end/);
  assert.throws(() => read({ capacity: '10-20', stage: 'local' }), /emulator knows nothing of capacity/);
  assert.throws(() => read({ issuer: 'https://id.example.org' }), /issuer and audience/);
  assert.throws(() => read({ authorizeUrl: 'https://id.example.org/a' }), /authorizeUrl and tokenUrl/);
  const signIn = { authorizeUrl: 'https://id.example.org/a', tokenUrl: 'https://id.example.org/t', consoleClient: 'c' };
  assert.throws(() => read(signIn), /authorizeUrl and issuer/);
  assert.throws(() => read({ consoleDomain: 'care.example.org' }), /consoleDomain and consoleCertificateArn/);
  assert.throws(
    () => read({ alarmEmail: 'ops@example.org', alarmTopicArn: 'arn:aws:sns:eu-central-1:1:ops' }),
    /choose one/,
  );
  assert.throws(() => settingsOf(appWith({}).node), /setting binaries/);
});

test('functions that were not built are named before anything is made', () => {
  assert.throws(() => installed({ binaries: scratch() }), /carepath-api\/bootstrap is not there/);
});

test('two installations in one account share no name', () => {
  const names = (prefix: string) => {
    const { stateful, stateless } = installed({ prefix, binaries: standIns() });
    const all = [...stateful.node.findAll(), ...stateless.node.findAll()];
    const texts = all.flatMap((it) =>
      Object.entries(it)
        .filter(([key]) => /^(\w+Name|name)$/.test(key))
        .map(([, value]) => value),
    );
    return new Set(texts.filter((it): it is string => typeof it === 'string' && it.startsWith(prefix)));
  };
  const [north, south] = [names('north-'), names('south-')];
  assert.ok(north.size > 40, `only ${north.size} names found`);
  assert.deepEqual([...north].map((it) => it.replace('north-', 'south-')).sort(), [...south].sort());
});
