import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnSchedule, ScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import type { Names } from '../names.ts';
import type { Queues } from './queues.ts';

/** The clock: what ticks for ever, and the group in which runs have their own one-time schedules. */
export class Schedules extends Construct {
  /** Leaves messages in the queue of what is due, and may nothing else. */
  readonly role: Role;

  constructor(scope: Construct, names: Names, queues: Queues, key: IKey) {
    super(scope, 'Schedules');
    // Apart, so that whoever clears away the waits of runs does not stop the clock.
    this.group('Waits', names.scheduleGroup);
    const clock = this.group('Clock', names.of('clock'));
    const { account, region, urlSuffix } = Stack.of(this);
    const policy = new ManagedPolicy(this, 'Policy', {
      description: 'What the schedules may do',
      statements: [
        new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queues.timers.queue.queueArn] }),
        new PolicyStatement({
          actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
          resources: [key.keyArn],
          conditions: { StringEquals: { 'kms:ViaService': `sqs.${region}.${urlSuffix}` } },
        }),
      ],
    });
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': account } },
      }),
      managedPolicies: [policy],
    });
    const tick = (id: string, name: string, scheduleExpression: string, order: string) => {
      const schedule = new CfnSchedule(this, id, {
        name: names.of(name),
        groupName: clock.scheduleGroupName,
        scheduleExpression,
        scheduleExpressionTimezone: 'UTC',
        flexibleTimeWindow: { mode: 'OFF' },
        target: {
          arn: queues.timers.queue.queueArn,
          roleArn: this.role.roleArn,
          input: JSON.stringify({ do: order }),
          // The next tick does what this one could not.
          retryPolicy: { maximumRetryAttempts: 2, maximumEventAgeInSeconds: 60 },
        },
      });
      schedule.node.addDependency(clock);
    };
    tick('Sweep', 'sweep', 'rate(1 minute)', 'sweep');
    tick('Reconcile', 'reconcile', 'cron(30 2 * * ? *)', 'reconcile');
  }

  private group(id: string, scheduleGroupName: string): ScheduleGroup {
    return new ScheduleGroup(this, id, { scheduleGroupName, removalPolicy: RemovalPolicy.DESTROY });
  }
}
