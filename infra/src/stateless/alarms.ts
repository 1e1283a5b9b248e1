import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { NAMESPACE, type Metric as Own, type Names } from '../names.ts';
import type { Settings } from '../settings.ts';
import type { Functions } from './functions.ts';
import type { Api } from './http-api.ts';
import type { Queues } from './queues.ts';

const MINUTE = Duration.minutes(1);
const FIVE = Duration.minutes(5);

/** One of our own numbers. They have no dimensions, since a name in one would be a name in a metric. */
export function own(metricName: Own, statistic: string, period: Duration): Metric {
  return new Metric({ namespace: NAMESPACE, metricName, statistic, period });
}

/** A number of the account's standing with SES. */
export function reputation(metricName: 'Reputation.BounceRate' | 'Reputation.ComplaintRate'): Metric {
  return new Metric({ namespace: 'AWS/SES', metricName, statistic: Stats.AVERAGE, period: Duration.minutes(15) });
}

interface Rule {
  readonly name: string;
  readonly why: string;
  readonly metric: IMetric;
  readonly from: number;
  /** It is the alarm to be below the number, not at or above it. */
  readonly below?: boolean;
  /** How many of the last periods; one where it is left out. */
  readonly of?: { readonly periods: number; readonly bad: number };
  /** What no data means: that all is well, that nothing changed, or that whoever measures has stopped. */
  readonly missing?: TreatMissingData;
}

/** What somebody is told of; docs/OPERATIONS.md says for each what to do. */
export class Alarms extends Construct {
  readonly all: Alarm[] = [];

  constructor(
    scope: Construct,
    names: Names,
    settings: Settings,
    key: IKey,
    watched: { functions: Functions; queues: Queues; api: Api },
  ) {
    super(scope, 'Alarms');
    const topic = this.topic(names, settings, key);
    const { functions, queues, api } = watched;
    for (const rule of [...promises(), ...dead(queues), ...standing(), ...health(functions, queues, api)]) {
      const alarm = new Alarm(this, rule.name, {
        alarmName: names.of(rule.name),
        alarmDescription: `${rule.why}. See docs/OPERATIONS.md, "${rule.name}".`,
        metric: rule.metric,
        threshold: rule.from,
        comparisonOperator:
          rule.below === true
            ? ComparisonOperator.LESS_THAN_THRESHOLD
            : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluationPeriods: rule.of?.periods ?? 1,
        datapointsToAlarm: rule.of?.bad ?? 1,
        treatMissingData: rule.missing ?? TreatMissingData.NOT_BREACHING,
      });
      alarm.addAlarmAction(new SnsAction(topic));
      alarm.addOkAction(new SnsAction(topic));
      this.all.push(alarm);
    }
  }

  private topic(names: Names, settings: Settings, key: IKey): ITopic {
    if (settings.alarmTopicArn !== undefined) return Topic.fromTopicArn(this, 'Given', settings.alarmTopicArn);
    const topic = new Topic(this, 'Topic', { topicName: names.alarms, masterKey: key, enforceSSL: true });
    if (settings.alarmEmail !== undefined) topic.addSubscription(new EmailSubscription(settings.alarmEmail));
    return topic;
  }
}

/** The promises of docs/SEMANTICS.md that audit themselves. */
function promises(): Rule[] {
  return [
    {
      name: 'duplicate-send',
      why: 'One visit has two message ids: somebody got a mail twice (S9)',
      metric: own('duplicate_send', Stats.SUM, FIVE),
      from: 1,
    },
    {
      // Counted each ten minutes: in a quarter of an hour there is always a number.
      name: 'unknown-open',
      why: 'Of some mails nobody knows whether they were sent (S8)',
      metric: own('unknown_open', Stats.MAXIMUM, Duration.minutes(15)),
      from: 1,
      of: { periods: 2, bad: 2 },
      missing: TreatMissingData.IGNORE,
    },
    {
      // Counted once a night: between two nights nothing changes.
      name: 'runs-without-wakeup',
      why: 'Runs that have not ended stand in no index and would wait for ever (S5)',
      metric: own('runs_without_wakeup', Stats.MAXIMUM, Duration.hours(1)),
      from: 1,
      missing: TreatMissingData.IGNORE,
    },
    {
      name: 'parked',
      why: 'Work that no trial could do was put aside',
      metric: own('parked', Stats.SUM, FIVE),
      from: 1,
    },
    {
      // The event above is over after five minutes; this lasts for as long as something lies there. Counted each ten minutes.
      name: 'work-parked',
      why: 'Work lies parked and waits for somebody',
      metric: own('work_parked', Stats.MAXIMUM, Duration.minutes(15)),
      from: 1,
      of: { periods: 2, bad: 2 },
      missing: TreatMissingData.IGNORE,
    },
    {
      // Counted once a night: between two nights nothing changes.
      name: 'reports-drift',
      why: 'What reports keep is not what the runs come to (S22)',
      metric: own('reconcile_drift', Stats.MAXIMUM, Duration.hours(1)),
      from: 1,
      missing: TreatMissingData.IGNORE,
    },
    {
      // Each night one is done. A day and some hours without it is one that does not come to its end.
      name: 'reports-unproved',
      why: 'The nightly comparison of reports with runs has not come to its end (S22)',
      metric: own('reconcile_done', Stats.SUM, Duration.hours(6)),
      below: true,
      from: 1,
      of: { periods: 5, bad: 5 },
      missing: TreatMissingData.BREACHING,
    },
    {
      // Silence is the worst of it: nobody sweeps.
      name: 'sweep-lag',
      why: 'What is due is taken up late, or the sweep does not run at all',
      metric: own('sweep_lag_seconds', Stats.MAXIMUM, MINUTE),
      from: 300,
      of: { periods: 10, bad: 5 },
      missing: TreatMissingData.BREACHING,
    },
  ];
}

function dead(queues: Queues): Rule[] {
  const lies = {
    work: queues.work.dead,
    timers: queues.timers.dead,
    engagement: queues.engagement.dead,
    projector: queues.projectorDead,
  };
  return Object.entries(lies).map(([name, queue]) => ({
    name: `${name}-dead-letters`,
    why: `Messages that nobody could read or do lie in the dead-letter queue of ${name}`,
    metric: queue.metricApproximateNumberOfMessagesVisible({ period: FIVE, statistic: Stats.MAXIMUM }),
    from: 1,
    missing: TreatMissingData.IGNORE,
  }));
}

/** AWS looks into an account from 5 % bounces or 0.1 % complaints, and stops it at twice and five times that. */
function standing(): Rule[] {
  return [
    {
      name: 'bounces',
      why: 'The bounce rate nears the 5 % at which AWS reviews the account',
      metric: reputation('Reputation.BounceRate'),
      from: 0.04,
      missing: TreatMissingData.IGNORE,
    },
    {
      name: 'complaints',
      why: 'The complaint rate nears the 0.1 % at which AWS reviews the account',
      metric: reputation('Reputation.ComplaintRate'),
      from: 0.0008,
      missing: TreatMissingData.IGNORE,
    },
  ];
}

function health(functions: Functions, queues: Queues, api: Api): Rule[] {
  return [
    ...functions.all.map(([name, it]) => ({
      name: `${name}-errors`,
      why: `Invocations of ${name} fail or are cut off`,
      metric: it.metricErrors({ period: FIVE, statistic: Stats.SUM }),
      from: 5,
    })),
    ...functions.all.map(([name, it]) => ({
      name: `${name}-throttles`,
      why: `There are not enough of ${name} for what comes in`,
      metric: it.metricThrottles({ period: FIVE, statistic: Stats.SUM }),
      from: 1,
      of: { periods: 3, bad: 3 },
    })),
    ...Object.entries({ work: queues.work, timers: queues.timers, engagement: queues.engagement }).map(
      ([name, channel]) => ({
        name: `${name}-waits`,
        why: `Messages wait for ${name} for more than ten minutes`,
        metric: channel.queue.metricApproximateAgeOfOldestMessage({ period: FIVE, statistic: Stats.MAXIMUM }),
        from: 600,
        of: { periods: 2, bad: 2 },
      }),
    ),
    {
      name: 'reports-late',
      why: 'The reports are an hour behind; the stream keeps a day',
      metric: functions.projector.metric('IteratorAge', { period: FIVE, statistic: Stats.MAXIMUM }),
      from: 3_600_000,
    },
    {
      name: 'api-faults',
      why: 'The API answers 5xx',
      metric: api.api.metricServerError({ period: FIVE, statistic: Stats.SUM }),
      from: 5,
    },
  ];
}
