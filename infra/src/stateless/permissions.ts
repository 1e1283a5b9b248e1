import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { type IRole, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { CLASSES, type FunctionName, type Names } from '../names.ts';
import type { Settings } from '../settings.ts';
import { SHAPES, type TableName } from '../stateful/tables.ts';
import type { Stateful } from '../stateful/stack.ts';
import type { Queues } from './queues.ts';

/** What policies speak of. */
export interface World {
  readonly names: Names;
  readonly settings: Settings;
  readonly stateful: Stateful;
  readonly queues: Queues;
  /** The role in which schedules leave work; missing where waits have no schedules. */
  readonly scheduleRole: IRole | undefined;
}

const READ = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'];
const SCAN = ['dynamodb:Scan'];
const WRITE = ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem', 'dynamodb:BatchWriteItem'];

/** The one policy of a function: what it may, and nothing by inheritance. */
export function policyOf(scope: Construct, name: FunctionName, world: World): ManagedPolicy {
  const statements = { api, engagement, timer, executor, projector }[name](scope, world);
  return new ManagedPolicy(scope, 'Policy', {
    description: `What ${world.names.of(name)} may do`,
    statements: [ownLog(scope, name, world), ...statements],
  });
}

function api(scope: Construct, world: World): PolicyStatement[] {
  const { queues } = world;
  return [
    ...store(scope, world, [...READ, ...SCAN, ...WRITE]),
    ...reports(scope, world, READ),
    ...queueing(scope, world, [queues.work.queue]),
  ];
}

function engagement(scope: Construct, world: World): PolicyStatement[] {
  const { queues } = world;
  return [
    ...store(scope, world, [...READ, ...WRITE]),
    ...polling(queues.engagement.queue),
    ...queueing(scope, world, [queues.work.queue, queues.engagement.dead]),
  ];
}

function timer(scope: Construct, world: World): PolicyStatement[] {
  const { queues } = world;
  return [
    ...store(scope, world, [...READ, ...SCAN, ...WRITE]),
    ...polling(queues.timers.queue),
    ...queueing(scope, world, [queues.work.queue, queues.timers.dead]),
  ];
}

function executor(scope: Construct, world: World): PolicyStatement[] {
  const { queues } = world;
  return [
    ...store(scope, world, [...READ, ...SCAN, ...WRITE]),
    // Tasks compare the reports with the runs, and put them right.
    ...reports(scope, world, [...READ, ...WRITE]),
    ...polling(queues.work.queue),
    ...queueing(scope, world, [queues.work.queue, queues.work.dead]),
    ...mailing(scope, world),
    ...asking(scope, world),
    // How much the account may send. SES knows no resource for this question.
    new PolicyStatement({ sid: 'AskForLimits', actions: ['ses:GetAccount'], resources: ['*'] }),
  ];
}

function projector(scope: Construct, world: World): PolicyStatement[] {
  const { queues, stateful } = world;
  const { runs } = stateful.tables.inUse;
  const streams = ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'];
  return [
    new PolicyStatement({ sid: 'FollowRuns', actions: streams, resources: [runs.tableStreamArn ?? ''] }),
    // Lambda asks which streams there are; DynamoDB knows no resource for this question.
    new PolicyStatement({ sid: 'FindStreams', actions: ['dynamodb:ListStreams'], resources: ['*'] }),
    ...reports(scope, world, [...READ, ...WRITE]),
    ...through(scope, 'LeaveWhatFailed', 'sqs', stateful.keys.messages),
    new PolicyStatement({ sid: 'Give', actions: ['sqs:SendMessage'], resources: [queues.projectorDead.queueArn] }),
  ];
}

/** What the use cases keep: contacts, runs, and what was published. */
function store(scope: Construct, { stateful }: World, actions: string[]): PolicyStatement[] {
  const { contacts, runs, config } = stateful.tables.inUse;
  const resources = [
    ...withIndexes(contacts, 'contacts'),
    ...withIndexes(runs, 'runs'),
    ...withIndexes(config, 'config'),
  ];
  return [
    new PolicyStatement({ sid: 'Store', actions, resources }),
    ...through(scope, 'StoreKey', 'dynamodb', stateful.keys.data),
  ];
}

function reports(scope: Construct, { stateful }: World, actions: string[]): PolicyStatement[] {
  const { reports: table } = stateful.tables.inUse;
  return [
    new PolicyStatement({ sid: 'Reports', actions, resources: withIndexes(table, 'reports') }),
    ...through(scope, 'StoreKey', 'dynamodb', stateful.keys.data),
  ];
}

function withIndexes(table: ITable, name: TableName): string[] {
  return [table.tableArn, ...SHAPES[name].indexes.map((index) => `${table.tableArn}/index/${index.name}`)];
}

/** The use of a key through one service, never by hand. */
function through(scope: Construct, sid: string, service: 'dynamodb' | 'sqs', key: IKey): PolicyStatement[] {
  const { region, urlSuffix } = Stack.of(scope);
  const forTables = ['kms:Encrypt', 'kms:ReEncryptFrom', 'kms:ReEncryptTo', 'kms:DescribeKey'];
  return [
    new PolicyStatement({
      sid,
      actions: ['kms:Decrypt', 'kms:GenerateDataKey', ...(service === 'dynamodb' ? forTables : [])],
      resources: [key.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': `${service}.${region}.${urlSuffix}` } },
    }),
  ];
}

function polling(queue: IQueue): PolicyStatement[] {
  const actions = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'];
  return [new PolicyStatement({ sid: 'Take', actions, resources: [queue.queueArn] })];
}

/** Leaving messages in queues, and, where waits have schedules, work that is due later. */
function queueing(scope: Construct, { names, stateful, scheduleRole }: World, queues: IQueue[]): PolicyStatement[] {
  const give = [
    new PolicyStatement({
      sid: 'Give',
      actions: ['sqs:SendMessage'],
      resources: queues.map((queue) => queue.queueArn),
    }),
    ...through(scope, 'QueueKey', 'sqs', stateful.keys.messages),
  ];
  if (scheduleRole === undefined) return give;
  const schedules = Stack.of(scope).formatArn({
    service: 'scheduler',
    resource: 'schedule',
    resourceName: `${names.scheduleGroup}/*`,
  });
  return [
    ...give,
    new PolicyStatement({ sid: 'MakeSchedules', actions: ['scheduler:CreateSchedule'], resources: [schedules] }),
    new PolicyStatement({
      sid: 'HandRoleToSchedules',
      actions: ['iam:PassRole'],
      resources: [scheduleRole.roleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' } },
    }),
  ];
}

/** Sending, from the installation's domain where it is known, in the installation's configuration sets. */
function mailing(scope: Construct, { names, settings }: World): PolicyStatement[] {
  const ses = (resource: string, resourceName: string) =>
    Stack.of(scope).formatArn({ service: 'ses', resource, resourceName });
  return [
    new PolicyStatement({
      sid: 'Send',
      actions: ['ses:SendEmail', 'ses:SendRawEmail'],
      resources: [
        ses('identity', settings.mailDomain ?? '*'),
        ...CLASSES.map((name) => ses('configuration-set', names.of(name))),
      ],
    }),
  ];
}

/** What became of a mail of which nobody heard: what SES told by its second way, and what of the first still waits. */
function asking(scope: Construct, { queues, stateful }: World): PolicyStatement[] {
  const { bucket } = stateful.archive;
  const { region, urlSuffix } = Stack.of(scope);
  const { queue, dead } = queues.engagement;
  return [
    new PolicyStatement({ sid: 'ListMailEvents', actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }),
    new PolicyStatement({
      sid: 'ReadMailEvents',
      actions: ['s3:GetObject'],
      resources: [bucket.arnForObjects('events/*')],
    }),
    new PolicyStatement({
      sid: 'MailEventsKey',
      actions: ['kms:Decrypt'],
      resources: [stateful.keys.data.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': `s3.${region}.${urlSuffix}` } },
    }),
    new PolicyStatement({
      sid: 'CountMailEvents',
      actions: ['sqs:GetQueueAttributes'],
      resources: [queue.queueArn, dead.queueArn],
    }),
  ];
}

function ownLog(scope: Construct, name: FunctionName, { names }: World): PolicyStatement {
  const group = Stack.of(scope).formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: `${names.functionLog(name)}:*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  return new PolicyStatement({
    sid: 'Log',
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    resources: [group],
  });
}
