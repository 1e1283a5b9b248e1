import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Subscription, SubscriptionProtocol, type ITopic } from 'aws-cdk-lib/aws-sns';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Names } from '../names.ts';
import { SHAPES as FUNCTION_SHAPES } from './shapes.ts';

/** A queue, and where its messages go that nobody can read or do. */
export interface Channel {
  readonly queue: Queue;
  readonly dead: Queue;
}

/** After so many trials a message lies with the dead ones. */
const TRIALS = 5;

export class Queues extends Construct {
  /** What is to be done now, for the executor. */
  readonly work: Channel;
  /** What is due, and the ticks of the clock, for the timer. */
  readonly timers: Channel;
  /** What SES tells of mails, for engagement. */
  readonly engagement: Channel;
  /** Records of the stream that the projector gave up on. */
  readonly projectorDead: Queue;

  constructor(scope: Construct, names: Names, key: IKey, events: ITopic) {
    super(scope, 'Queues');
    const queue = (id: string, name: string, more: { visibilityTimeout?: Duration; dead?: Queue }) =>
      new Queue(this, id, {
        queueName: names.of(name),
        encryption: QueueEncryption.KMS,
        encryptionMasterKey: key,
        enforceSSL: true,
        retentionPeriod: Duration.days(more.dead === undefined ? 14 : 4),
        ...(more.visibilityTimeout === undefined ? {} : { visibilityTimeout: more.visibilityTimeout }),
        ...(more.dead === undefined ? {} : { deadLetterQueue: { queue: more.dead, maxReceiveCount: TRIALS } }),
      });
    const channel = (id: string, name: string, seconds: number): Channel => {
      const dead = queue(`${id}Dead`, `${name}-dlq`, {});
      // What Lambda's documentation asks for: a message that is worked on is not given to anybody else.
      return { dead, queue: queue(id, name, { visibilityTimeout: Duration.seconds(6 * seconds), dead }) };
    };
    this.work = channel('Work', 'work', FUNCTION_SHAPES.executor.seconds);
    this.timers = channel('Timers', 'timers', FUNCTION_SHAPES.timer.seconds);
    this.engagement = channel('Engagement', 'engagement', FUNCTION_SHAPES.engagement.seconds);
    this.projectorDead = queue('ProjectorDead', 'projector-dlq', {});
    this.subscribe(events);
  }

  /** SNS may write to the queue for this one topic; what it cannot deliver lies with the dead letters of the queue. */
  private subscribe(events: ITopic): void {
    const { queue, dead } = this.engagement;
    queue.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('sns.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [queue.queueArn],
        conditions: { ArnEquals: { 'aws:SourceArn': events.topicArn } },
      }),
    );
    const subscription = new Subscription(this, 'SesEvents', {
      topic: events,
      protocol: SubscriptionProtocol.SQS,
      endpoint: queue.queueArn,
      rawMessageDelivery: true,
      deadLetterQueue: dead,
      region: Stack.of(this).region,
    });
    const policy = queue.node.findChild('Policy');
    subscription.node.addDependency(policy);
  }
}
