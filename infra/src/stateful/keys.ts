import { ArnFormat, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { Names } from '../names.ts';

/**
 * Three keys, so that a service that may use one of them learns nothing of the others: what lies in tables, backups and the archive,
 * what is on its way through topics and queues, what is in logs.
 */
export class Keys extends Construct {
  readonly data: Key;
  readonly messages: Key;
  readonly logs: Key;

  constructor(scope: Construct, names: Names, removal: RemovalPolicy) {
    super(scope, 'Keys');
    const key = (id: string, name: string, holds: string) =>
      new Key(this, id, {
        alias: names.of(name),
        description: `Carepath: ${holds}`,
        enableKeyRotation: true,
        pendingWindow: Duration.days(30),
        removalPolicy: removal,
      });
    this.data = key('Data', 'data', 'contacts, runs, configuration, reports, their backups, what became of mails');
    this.messages = key('Messages', 'messages', 'events of the mail service, queues, alarms');
    this.logs = key('Logs', 'logs', 'log groups');
    for (const statement of onTheWay(Stack.of(this), names)) this.messages.addToResourcePolicy(statement);
    this.logs.addToResourcePolicy(ofLogs(Stack.of(this), names));
  }
}

const WRITE = ['kms:GenerateDataKey', 'kms:Decrypt'];

/** Which services write to topics and queues by themselves. */
function onTheWay(stack: Stack, names: Names): PolicyStatement[] {
  const sesEvents = stack.formatArn({ service: 'sns', resource: names.sesEvents });
  const alarms = stack.formatArn({
    service: 'cloudwatch',
    resource: 'alarm',
    resourceName: names.of('*'),
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  return [
    // SES says nowhere that it names the source in what it asks of KMS, and a condition that it does not meet makes its
    // events vanish without a word. That it writes for this account's configuration sets alone is held by the topic's
    // policy.
    new PolicyStatement({
      sid: 'SesWritesToItsTopic',
      principals: [new ServicePrincipal('ses.amazonaws.com')],
      actions: WRITE,
      resources: ['*'],
    }),
    new PolicyStatement({
      sid: 'TheTopicWritesToItsQueue',
      principals: [new ServicePrincipal('sns.amazonaws.com')],
      actions: WRITE,
      resources: ['*'],
      conditions: { ArnEquals: { 'aws:SourceArn': sesEvents } },
    }),
    new PolicyStatement({
      sid: 'AlarmsWriteToTheirTopic',
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: WRITE,
      resources: ['*'],
      conditions: { StringEquals: { 'aws:SourceAccount': stack.account }, ArnLike: { 'aws:SourceArn': alarms } },
    }),
  ];
}

function ofLogs(stack: Stack, names: Names): PolicyStatement {
  const group = (name: string) =>
    stack.formatArn({
      service: 'logs',
      resource: 'log-group',
      resourceName: name,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  return new PolicyStatement({
    sid: 'LogsOfThisInstallation',
    principals: [new ServicePrincipal(`logs.${stack.region}.amazonaws.com`)],
    actions: [
      'kms:Encrypt',
      'kms:Decrypt',
      'kms:ReEncryptFrom',
      'kms:ReEncryptTo',
      'kms:GenerateDataKey',
      'kms:DescribeKey',
    ],
    resources: ['*'],
    conditions: {
      ArnLike: {
        'kms:EncryptionContext:aws:logs:arn': [group(`/aws/lambda/${names.prefix}*`), group(names.accessLog)],
      },
    },
  });
}
