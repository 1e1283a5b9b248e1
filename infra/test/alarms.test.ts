import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { resources, ROOT, templates } from './installed.ts';

const { stateless } = templates({ alarmEmail: 'ops@example.org' });
const alarms = Object.values(resources(stateless, 'AWS::CloudWatch::Alarm')).map((it) => it.Properties);

test('the promises that audit themselves have alarms on exactly the metrics that the functions write', () => {
  const own = alarms.filter((it) => it['Namespace'] === 'Carepath');
  assert.deepEqual(own.map((it) => it['MetricName']).sort(), [
    'duplicate_send',
    'parked',
    'reconcile_done',
    'reconcile_drift',
    'runs_without_wakeup',
    'sweep_lag_seconds',
    'unknown_open',
    'work_parked',
  ]);
  for (const it of own) assert.equal(it['Dimensions'], undefined);
});

test('one mail that went out twice, one run that nobody wakes and one parked piece of work are enough', () => {
  for (const name of ['duplicate_send', 'runs_without_wakeup', 'parked', 'reconcile_drift']) {
    const alarm = alarms.find((it) => it['MetricName'] === name);
    assert.deepEqual(
      [alarm?.['Threshold'], alarm?.['DatapointsToAlarm'], alarm?.['ComparisonOperator']],
      [1, 1, 'GreaterThanOrEqualToThreshold'],
      name,
    );
  }
});

test('unknown sends and work that lies parked are alarms after half an hour, in periods that always have a number', () => {
  for (const name of ['unknown_open', 'work_parked']) {
    const alarm = alarms.find((it) => it['MetricName'] === name);
    // The timer counts them each ten minutes.
    assert.ok((alarm?.['Period'] as number) > 600, name);
    assert.equal((alarm?.['Period'] as number) * (alarm?.['EvaluationPeriods'] as number), 1800, name);
    assert.deepEqual([alarm?.['Threshold'], alarm?.['TreatMissingData']], [1, 'ignore'], name);
  }
});

test('a proof of the reports that does not come to its end is an alarm, with silence as its sign', () => {
  const alarm = alarms.find((it) => it['MetricName'] === 'reconcile_done');
  assert.deepEqual([alarm?.['ComparisonOperator'], alarm?.['TreatMissingData']], ['LessThanThreshold', 'breaching']);
  // One is done each night, so that there is always one in so many hours.
  assert.ok((alarm?.['Period'] as number) * (alarm?.['EvaluationPeriods'] as number) > 86_400);
});

test('a sweep that says nothing is an alarm', () => {
  assert.equal(alarms.find((it) => it['MetricName'] === 'sweep_lag_seconds')?.['TreatMissingData'], 'breaching');
});

test('each queue of dead letters is watched', () => {
  const queues = Object.entries(resources(stateless, 'AWS::SQS::Queue')).filter(([, it]) =>
    String(it.Properties['QueueName']).endsWith('-dlq'),
  );
  const watched = alarms
    .filter((it) => it['MetricName'] === 'ApproximateNumberOfMessagesVisible')
    .map((it) => JSON.stringify(it['Dimensions']));
  assert.equal(queues.length, 4);
  for (const [id] of queues)
    assert.ok(
      watched.some((it) => it.includes(`"${id}"`)),
      id,
    );
});

test('bounces and complaints are told of before AWS looks into the account', () => {
  const limit = (name: string) => alarms.find((it) => it['MetricName'] === name)?.['Threshold'] as number;
  assert.ok(limit('Reputation.BounceRate') < 0.05);
  assert.ok(limit('Reputation.ComplaintRate') < 0.001);
});

test('each alarm reaches somebody, and is explained in the handbook', () => {
  const handbook = readFileSync(join(ROOT, 'docs/OPERATIONS.md'), 'utf8');
  for (const it of alarms) {
    assert.equal(it['AlarmActions'].length, 1, it['AlarmName']);
    const name = String(it['AlarmName']).replace('carepath-', '');
    const rows = handbook.split('\n').filter((line) => line.startsWith('| `'));
    const explained = rows.some(
      (line) =>
        line.split('|')[1]?.includes(`\`${name}\``) ||
        (/-(errors|throttles)$/.test(name) && line.split('|')[1]?.includes(name.replace(/^\w+/, '…'))),
    );
    assert.ok(explained, `docs/OPERATIONS.md does not say what to do about ${name}`);
  }
  stateless.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'ops@example.org' });
});

test('a topic that is there already is used instead of a new one', () => {
  const given = 'arn:aws:sns:eu-central-1:111122223333:ops';
  const other = templates({ alarmTopicArn: given }).stateless;
  other.resourceCountIs('AWS::SNS::Topic', 0);
  other.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: [given], OKActions: [given] });
});
