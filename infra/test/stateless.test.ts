import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { FUNCTIONS } from '../src/names.ts';
import { SHAPES } from '../src/stateless/shapes.ts';
import { one, resources, templates } from './installed.ts';

const { stateless } = templates();
const due = templates({ timers: 'due' }).stateless;

const functionOf = (name: string, template = stateless) =>
  one(template, 'AWS::Lambda::Function', { FunctionName: `carepath-${name}` });
const policyOf = (name: string, template = stateless) =>
  one(template, 'AWS::IAM::ManagedPolicy', { Description: `What carepath-${name} may do` }).Properties['PolicyDocument']
    .Statement as Record<string, any>[];
const actionsOf = (name: string, template = stateless) =>
  new Set(policyOf(name, template).flatMap((it) => it['Action'] as string | string[]));

test('each function finds what it works with in its environment', () => {
  const keys = (name: string, template = stateless) =>
    Object.keys(functionOf(name, template).Properties['Environment'].Variables).sort();
  const queue = ['CAREPATH_TABLE_PREFIX', 'CAREPATH_TIMERS', 'CAREPATH_WORK_QUEUE_URL'];
  const schedules = ['CAREPATH_SCHEDULE_GROUP', 'CAREPATH_SCHEDULE_ROLE_ARN', 'CAREPATH_TIMER_QUEUE_ARN'];
  assert.deepEqual(keys('projector'), ['CAREPATH_TABLE_PREFIX']);
  assert.deepEqual(keys('api'), [...queue, ...schedules].sort());
  assert.deepEqual(
    keys('executor'),
    [
      ...queue,
      ...schedules,
      'CAREPATH_CONFIGURATION_SET_PREFIX',
      'CAREPATH_DEAD_LETTER_URL',
      'CAREPATH_ENGAGEMENT_DEAD_LETTER_URL',
      'CAREPATH_ENGAGEMENT_QUEUE_URL',
      'CAREPATH_MAIL_EVENTS_BUCKET',
    ].sort(),
  );
  for (const name of ['timer', 'engagement'])
    assert.deepEqual(keys(name), [...queue, ...schedules, 'CAREPATH_DEAD_LETTER_URL'].sort());
  assert.deepEqual(keys('timer', due), [...queue, 'CAREPATH_DEAD_LETTER_URL'].sort());
});

test('without schedules nobody may make any, or hand a role to them', () => {
  for (const name of FUNCTIONS) {
    const made = ['scheduler:CreateSchedule', 'iam:PassRole'];
    const may = (template: typeof stateless) => made.filter((it) => actionsOf(name, template).has(it));
    assert.deepEqual(may(stateless), name === 'projector' ? [] : made, name);
    assert.deepEqual(may(due), [], name);
  }
});

test('only the executor may send, and only the projector follows the stream', () => {
  const who = (action: string) => FUNCTIONS.filter((name) => actionsOf(name).has(action));
  assert.deepEqual(who('ses:SendEmail'), ['executor']);
  assert.deepEqual(who('dynamodb:GetRecords'), ['projector']);
  assert.deepEqual(who('sqs:ReceiveMessage'), ['engagement', 'timer', 'executor']);
});

test('only the executor reads what SES told of mails, and it takes nothing out of the queue that it counts', () => {
  const who = (action: string) => FUNCTIONS.filter((name) => actionsOf(name).has(action));
  for (const action of ['s3:ListBucket', 's3:GetObject']) assert.deepEqual(who(action), ['executor']);
  const of = (sid: string) => policyOf('executor').filter((it) => it['Sid'] === sid);
  assert.match(JSON.stringify(of('ReadMailEvents')[0]?.['Resource']), /ArchiveBucket.*\/events\/\*/);
  assert.deepEqual(of('MailEventsKey')[0]?.['Action'], 'kms:Decrypt');
  assert.match(JSON.stringify(of('MailEventsKey')[0]?.['Condition']), /kms:ViaService.*s3\./);
  assert.equal(of('CountMailEvents')[0]?.['Action'], 'sqs:GetQueueAttributes');
  assert.match(JSON.stringify(of('CountMailEvents')[0]?.['Resource']), /QueuesEngagement.*QueuesEngagementDead/);
  assert.doesNotMatch(JSON.stringify(of('Take')), /QueuesEngagement/);
});

test('the projector writes reports and nothing else', () => {
  const writes = policyOf('projector').filter((it) =>
    /PutItem|UpdateItem|DeleteItem|BatchWriteItem/.test(JSON.stringify(it['Action'])),
  );
  assert.equal(writes.length, 1);
  assert.match(JSON.stringify(writes[0]?.['Resource']), /TablesReports/);
  assert.doesNotMatch(JSON.stringify(writes[0]?.['Resource']), /TablesRuns|TablesContacts|TablesConfig/);
  assert.doesNotMatch(JSON.stringify(policyOf('projector')), /TablesContacts/);
});

test('reports are written by the projector, and by the executor, whose tasks put them right', () => {
  const who = FUNCTIONS.filter((name) =>
    policyOf(name).some(
      (it) =>
        /PutItem|UpdateItem|DeleteItem|BatchWriteItem/.test(JSON.stringify(it['Action'])) &&
        /TablesReports/.test(JSON.stringify(it['Resource'])),
    ),
  );
  assert.deepEqual(who, ['executor', 'projector']);
  // To compare, the executor reads all runs.
  assert.ok(actionsOf('executor').has('dynamodb:Scan'));
});

test('no role has an inline policy, or one that AWS wrote', () => {
  assert.deepEqual(resources(stateless, 'AWS::IAM::Policy'), {});
  for (const role of Object.values(resources(stateless, 'AWS::IAM::Role'))) {
    assert.equal(role.Properties['Policies'], undefined);
    assert.ok(
      (role.Properties['ManagedPolicyArns'] as unknown[]).every(
        (it) => typeof it === 'object' && it !== null && 'Ref' in it,
      ),
    );
  }
});

test('the executor and the timer may feed themselves, and nobody else', () => {
  const loops = Object.fromEntries(FUNCTIONS.map((name) => [name, functionOf(name).Properties['RecursiveLoop']]));
  assert.deepEqual(loops, {
    api: 'Terminate',
    engagement: 'Terminate',
    timer: 'Allow',
    executor: 'Allow',
    projector: 'Terminate',
  });
});

test('a queue hides what is worked on for six times as long as its function may take', () => {
  for (const [queue, name] of [
    ['work', 'executor'],
    ['timers', 'timer'],
    ['engagement', 'engagement'],
  ] as const) {
    const { VisibilityTimeout } = one(stateless, 'AWS::SQS::Queue', { QueueName: `carepath-${queue}` }).Properties;
    assert.equal(VisibilityTimeout, 6 * functionOf(name).Properties['Timeout']);
  }
});

test('functions that are stopped cannot be called by anybody', () => {
  const concurrency = (stopped: string) => {
    const template = templates({ stopped }).stateless;
    return Object.fromEntries(
      FUNCTIONS.map((name) => [name, functionOf(name, template).Properties['ReservedConcurrentExecutions']]),
    );
  };
  assert.deepEqual(concurrency('all'), { api: 0, engagement: 0, timer: 0, executor: 0, projector: 0 });
  assert.deepEqual(concurrency('timer,executor'), { api: 50, engagement: 20, timer: 0, executor: 0, projector: 20 });
});

test('queues never take all there may be of a function', () => {
  const sources = Object.values(resources(stateless, 'AWS::Lambda::EventSourceMapping'));
  const limited = sources.filter((it) => it.Properties['ScalingConfig'] !== undefined);
  assert.equal(limited.length, 3);
  for (const it of limited) {
    const target = stateless.toJSON()['Resources'][it.Properties['FunctionName'].Ref];
    assert.ok(it.Properties['ScalingConfig'].MaximumConcurrency < target.Properties.ReservedConcurrentExecutions);
  }
  const reserved = Object.values(SHAPES).reduce((sum, it) => sum + it.concurrency, 0);
  assert.ok(reserved <= 200, `${reserved} of an account's 1,000`);
});

test('the stream is followed shard by shard, and a record that cannot be counted is laid down before the shard forgets others', () => {
  const source = one(stateless, 'AWS::Lambda::EventSourceMapping', { StartingPosition: 'TRIM_HORIZON' }).Properties;
  const {
    BatchSize,
    BisectBatchOnFunctionError,
    MaximumBatchingWindowInSeconds,
    MaximumRetryAttempts,
    ParallelizationFactor,
    TumblingWindowInSeconds,
  } = source;
  assert.deepEqual(
    {
      BatchSize,
      BisectBatchOnFunctionError,
      MaximumBatchingWindowInSeconds,
      MaximumRetryAttempts,
      ParallelizationFactor,
      TumblingWindowInSeconds,
    },
    {
      BatchSize: 100,
      BisectBatchOnFunctionError: true,
      MaximumBatchingWindowInSeconds: 5,
      MaximumRetryAttempts: -1,
      ParallelizationFactor: 1,
      TumblingWindowInSeconds: 60,
    },
  );
  assert.ok(source['MaximumRecordAgeInSeconds'] <= 12 * 3600);
  assert.match(JSON.stringify(source['DestinationConfig']), /ProjectorDead/);
});

test('the clock ticks each minute and each night, for the timer', () => {
  const ticks = Object.values(resources(stateless, 'AWS::Scheduler::Schedule')).map(({ Properties: it }) => [
    it['ScheduleExpression'],
    it['Target'].Input,
  ]);
  assert.deepEqual(ticks, [
    ['rate(1 minute)', '{"do":"sweep"}'],
    ['cron(30 2 * * ? *)', '{"do":"reconcile"}'],
  ]);
});

test('a schedule waits for the group that it is in', () => {
  const groups = Object.entries(resources(stateless, 'AWS::Scheduler::ScheduleGroup'));
  for (const schedule of Object.values(resources(stateless, 'AWS::Scheduler::Schedule'))) {
    const [id] = groups.find(([, it]) => it.Properties['Name'] === schedule.Properties['GroupName']) ?? [];
    assert.deepEqual(schedule.DependsOn, [id]);
  }
});

test('the topic of SES reaches the engagement queue bare, and nothing else does', () => {
  const subscription = one(stateless, 'AWS::SNS::Subscription', { Protocol: 'sqs' }).Properties;
  assert.equal(subscription['RawMessageDelivery'], true);
  assert.match(JSON.stringify(subscription['RedrivePolicy']), /EngagementDead/);
  const policies = Object.values(resources(stateless, 'AWS::SQS::QueuePolicy')).flatMap(
    (it) => it.Properties['PolicyDocument'].Statement as Record<string, any>[],
  );
  for (const it of policies.filter((statement) => statement['Effect'] === 'Allow')) {
    assert.deepEqual(it['Principal'], { Service: 'sns.amazonaws.com' });
    assert.match(JSON.stringify(it['Condition']), /"aws:SourceArn":.*MailEvents/);
  }
});

test('machines come by routes without an authorizer, people by routes with one', () => {
  const routes = Object.values(resources(stateless, 'AWS::ApiGatewayV2::Route')).map(({ Properties: it }) => [
    it['RouteKey'],
    it['AuthorizationType'] ?? 'NONE',
  ]);
  assert.deepEqual(Object.fromEntries(routes), {
    'ANY /v1/{proxy+}': 'NONE',
    'ANY /segment/v1/{proxy+}': 'NONE',
    'ANY /fhir': 'NONE',
    'ANY /fhir/{proxy+}': 'NONE',
    'GET /healthz': 'NONE',
    'HEAD /healthz': 'NONE',
    'GET /u/{token}': 'NONE',
    'HEAD /u/{token}': 'NONE',
    'POST /u/{token}': 'NONE',
    'POST /f/{form}': 'NONE',
    'ANY /people/v1/{proxy+}': 'JWT',
  });
});

test('limits of single routes wait for their routes', () => {
  const stage = Object.values(resources(stateless, 'AWS::ApiGatewayV2::Stage'))[0];
  const all = resources(stateless, 'AWS::ApiGatewayV2::Route');
  const awaited = (stage?.DependsOn ?? []).map((id) => all[id]?.Properties['RouteKey']);
  for (const key of Object.keys(stage?.Properties['RouteSettings'])) assert.ok(awaited.includes(key), key);
});

test('who signs people in may be given, and then there is no pool', () => {
  const { stateful, stateless: other } = templates({ issuer: 'https://id.example.org/', audience: 'carepath,console' });
  stateful.resourceCountIs('AWS::Cognito::UserPool', 0);
  other.resourceCountIs('AWS::Cognito::UserPoolClient', 0);
  other.hasResourceProperties('AWS::ApiGatewayV2::Authorizer', {
    JwtConfiguration: { Issuer: 'https://id.example.org/', Audience: ['carepath', 'console'] },
  });
});

test('logs are kept for a year, and who looked at whom for six', () => {
  const groups = Object.values(resources(stateless, 'AWS::Logs::LogGroup')).map(({ Properties: it }) => [
    it['LogGroupName'],
    it['RetentionInDays'] >= (it['LogGroupName'] === '/aws/lambda/carepath-api' ? 2192 : 365),
  ]);
  assert.equal(groups.length, 6);
  assert.deepEqual(
    groups.filter(([, long]) => long !== true),
    [],
  );
  for (const name of FUNCTIONS)
    stateless.hasResourceProperties('AWS::Logs::LogGroup', {
      LogGroupName: `/aws/lambda/carepath-${name}`,
      KmsKeyId: Match.anyValue(),
    });
});
