import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CfnResource, Stack } from 'aws-cdk-lib';
import { HIPAASecurityChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { ACKNOWLEDGED } from '../src/rules/acknowledged.ts';
import { CarepathChecks } from '../src/rules/checks.ts';
import { stacks } from '../src/app.ts';
import { settingsOf } from '../src/settings.ts';
import { appWith, installed, standIns } from './installed.ts';

interface Finding {
  readonly rule: string;
  readonly at: string;
}

/** What both packs find. */
function findings(scope: IConstruct): Finding[] {
  const packs = [new HIPAASecurityChecks(scope), new CarepathChecks(scope)];
  return packs
    .flatMap((pack) => pack.validateScope(scope).violations)
    .flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map((it) => ({ rule: ruleName, at: it.constructPath ?? '' })),
    );
}

test('the HIPAA pack and our own rules find nothing that was not acknowledged', () => {
  assert.deepEqual(findings(installed().app), []);
  const other = {
    timers: 'due',
    issuer: 'https://id.example.org',
    audience: 'carepath',
    mailDomain: 'mail.example.org',
    alarmEmail: 'ops@example.org',
    capacity: '10-2000',
  };
  assert.deepEqual(findings(installed(other).app), []);
  assert.deepEqual(findings(installed({ stopped: 'all' }).app), []);
});

test('each acknowledgment has a finding that needs it, and a reason', () => {
  const app = appWith({ binaries: standIns() });
  stacks(app, settingsOf(app.node));
  const found = findings(app);
  assert.ok(found.length > 10, `only ${found.length} findings: were they acknowledged?`);
  const named = ACKNOWLEDGED.filter(({ rule }) => /^(HIPAA|Carepath)/.test(rule));
  const idle = named.filter(({ rule, at }) => !found.some((it) => it.rule === rule && at.test(it.at)));
  assert.deepEqual(
    idle.map(({ rule }) => rule),
    [],
  );
  const bare = found.filter((it) => !named.some(({ rule, at }) => it.rule === rule && at.test(it.at)));
  assert.deepEqual(bare, []);
  assert.deepEqual(
    ACKNOWLEDGED.filter(({ why }) => why.length < 20),
    [],
  );
});

/** What our rules say of one resource, which may have neighbours. */
function said(of: [string, Record<string, unknown>], ...beside: [string, Record<string, unknown>][]): string[] {
  const app = appWith({});
  const stack = new Stack(app, 'S');
  [of, ...beside].forEach(([type, properties], at) => new CfnResource(stack, `R${at}`, { type, properties }));
  const found = new CarepathChecks(app).validateScope(app).violations;
  const here = found.filter((it) => it.violatingResources.some((resource) => resource.constructPath === 'S/R0'));
  return here.map((it) => it.ruleName.replace('Carepath-', '')).sort();
}

const THIS = { Ref: 'R0' };
const DENY_PLAIN = {
  Statement: [{ Effect: 'Deny', Principal: '*', Action: '*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }],
};

test('a queue without a key, TLS or dead letters is found, and one with them is not', () => {
  assert.deepEqual(said(['AWS::SQS::Queue', {}]), ['SqsDeadLetters', 'SqsKey', 'SqsTls']);
  const good = { KmsMasterKeyId: 'arn:aws:kms:::key/1', RedrivePolicy: { maxReceiveCount: 5 } };
  assert.deepEqual(
    said(['AWS::SQS::Queue', good], ['AWS::SQS::QueuePolicy', { Queues: [THIS], PolicyDocument: DENY_PLAIN }]),
    [],
  );
  assert.deepEqual(said(['AWS::SQS::Queue', { ...good, KmsMasterKeyId: 'alias/aws/sqs' }]), ['SqsKey', 'SqsTls']);
});

test('a policy that denies plain requests of another queue, or that allows, is no policy', () => {
  const good = { KmsMasterKeyId: 'arn:aws:kms:::key/1', RedrivePolicy: { maxReceiveCount: 5 } };
  const ofOther = ['AWS::SQS::QueuePolicy', { Queues: [{ Ref: 'R7' }], PolicyDocument: DENY_PLAIN }] as [
    string,
    Record<string, unknown>,
  ];
  assert.deepEqual(said(['AWS::SQS::Queue', good], ofOther), ['SqsTls']);
  const allow = { Statement: [{ ...DENY_PLAIN.Statement[0], Effect: 'Allow' }] };
  assert.deepEqual(
    said(['AWS::SQS::Queue', good], ['AWS::SQS::QueuePolicy', { Queues: [THIS], PolicyDocument: allow }]),
    ['SqsTls'],
  );
});

test('a queue that dead letters go to needs none of its own', () => {
  const bare = { KmsMasterKeyId: 'arn:aws:kms:::key/1' };
  const dead = { RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['R0', 'Arn'] }, maxReceiveCount: 5 } };
  assert.deepEqual(said(['AWS::SQS::Queue', bare], ['AWS::SQS::Queue', dead]), ['SqsTls']);
});

test('a topic that is reached without TLS is found', () => {
  assert.deepEqual(said(['AWS::SNS::Topic', {}]), ['SnsTls']);
  assert.deepEqual(
    said(['AWS::SNS::Topic', {}], ['AWS::SNS::TopicPolicy', { Topics: [THIS], PolicyDocument: DENY_PLAIN }]),
    [],
  );
});

test('a configuration set that may send without TLS, or that tells nobody, is found', () => {
  const set = 'AWS::SES::ConfigurationSet';
  const heard: [string, Record<string, unknown>] = [
    'AWS::SES::ConfigurationSetEventDestination',
    { ConfigurationSetName: THIS },
  ];
  assert.deepEqual(said([set, { DeliveryOptions: { TlsPolicy: 'OPTIONAL' } }]), ['SesEvents', 'SesTls']);
  assert.deepEqual(said([set, { DeliveryOptions: { TlsPolicy: 'REQUIRE' } }], heard), []);
});

test('a source that fails whole batches, or takes all of its function, is found', () => {
  const source = 'AWS::Lambda::EventSourceMapping';
  assert.deepEqual(said([source, {}]), ['PartialBatch', 'QueueConcurrency']);
  const partial = { FunctionResponseTypes: ['ReportBatchItemFailures'] };
  assert.deepEqual(said([source, { ...partial, ScalingConfig: { MaximumConcurrency: 5 } }]), []);
  assert.deepEqual(said([source, { ...partial, StartingPosition: 'LATEST' }]), []);
});

test('a function that leaves its log to Lambda is found', () => {
  assert.deepEqual(said(['AWS::Lambda::Function', {}]), ['FunctionLog']);
  const log = { LoggingConfig: { LogGroup: { Ref: 'R1' } } };
  assert.deepEqual(said(['AWS::Lambda::Function', log], ['AWS::Logs::LogGroup', {}]), []);
});

test('a table is found by each thing that it lacks, in both kinds of table', () => {
  const lacks = [
    'TableBackup',
    'TableProtected[DeletionProtection]',
    'TableProtected[Key]',
    'TableProtected[PointInTimeRecovery]',
  ];
  assert.deepEqual(said(['AWS::DynamoDB::Table', {}]), lacks);
  assert.deepEqual(said(['AWS::DynamoDB::GlobalTable', { Replicas: [{ Region: 'eu-central-1' }] }]), lacks);
  const whole = {
    DeletionProtectionEnabled: true,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    SSESpecification: { KMSMasterKeyId: 'arn:aws:kms:::key/1' },
  };
  const selected: [string, Record<string, unknown>] = [
    'AWS::Backup::BackupSelection',
    { BackupSelection: { Resources: [{ 'Fn::GetAtt': ['R0', 'Arn'] }] } },
  ];
  assert.deepEqual(said(['AWS::DynamoDB::Table', whole], selected), []);
  assert.deepEqual(
    said(
      ['AWS::DynamoDB::GlobalTable', { Replicas: [whole, { ...whole, DeletionProtectionEnabled: false }] }],
      selected,
    ),
    ['TableProtected[DeletionProtection]'],
  );
});

test('a policy that names no resource, or too many actions, is found; a denial may', () => {
  const policy = (statement: Record<string, unknown>) =>
    said(['AWS::IAM::ManagedPolicy', { PolicyDocument: { Statement: [statement] } }]);
  assert.deepEqual(policy({ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: '*' }), [
    'NoWildcard[AnyResource::sqs:SendMessage]',
  ]);
  assert.deepEqual(policy({ Effect: 'Allow', Action: ['sqs:*'], Resource: ['arn:x'] }), ['NoWildcard[Action::sqs:*]']);
  assert.deepEqual(policy({ Effect: 'Deny', Action: '*', Resource: '*' }), []);
  const inline = {
    Policies: [{ PolicyDocument: { Statement: [{ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: '*' }] } }],
  };
  assert.deepEqual(said(['AWS::IAM::Role', inline]), ['NoWildcard[AnyResource::sqs:SendMessage]']);
});

test('an open route, and a log with paths or addresses in it, are found', () => {
  assert.deepEqual(said(['AWS::ApiGatewayV2::Route', { AuthorizationType: 'NONE' }]), ['RouteAuthorized']);
  assert.deepEqual(said(['AWS::ApiGatewayV2::Route', { AuthorizationType: 'JWT' }]), []);
  const stage = (Format: string) => said(['AWS::ApiGatewayV2::Stage', { AccessLogSettings: { Format } }]);
  assert.deepEqual(stage('{"r":"$context.routeKey","s":"$context.status"}'), []);
  for (const part of [
    '$context.path',
    '$context.identity.sourceIp',
    '$context.authorizer.claims.sub',
    '$context.httpPath',
  ]) {
    assert.deepEqual(stage(`{"x":"${part}"}`), ['AccessLog'], part);
  }
  assert.deepEqual(said(['AWS::ApiGatewayV2::Stage', {}]), ['AccessLog']);
});
