import { Duration, Fn, Stack } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Dashboard as Page,
  GraphWidget,
  type IMetric,
  PeriodOverride,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { Names } from '../names.ts';
import type { Stateful } from '../stateful/stack.ts';
import { type Alarms, own, reputation } from './alarms.ts';
import type { Functions } from './functions.ts';
import type { Api } from './http-api.ts';
import type { Queues } from './queues.ts';

const FIVE = Duration.minutes(5);

export interface Shown {
  readonly alarms: Alarms;
  readonly api: Api;
  readonly functions: Functions;
  readonly queues: Queues;
  readonly stateful: Stateful;
}

/** One page: what is wrong first, then what comes in, what is done, and what waits. */
export class Dashboard extends Construct {
  /** Where whoever may look at it finds it. */
  static url(scope: Construct, names: Names): string {
    const { region } = Stack.of(scope);
    const at = ['.console.aws.amazon.com/cloudwatch/home?region=', region, '#dashboards/dashboard/'];
    return Fn.join('', ['https://', region, ...at, names.of('overview')]);
  }

  constructor(scope: Construct, names: Names, shown: Shown) {
    super(scope, 'Dashboard');
    const { alarms, api, functions, queues, stateful } = shown;
    const channels = Object.entries({ work: queues.work, timers: queues.timers, engagement: queues.engagement });
    const page = new Page(this, 'Page', {
      dashboardName: names.of('overview'),
      defaultInterval: Duration.hours(6),
      periodOverride: PeriodOverride.AUTO,
    });
    page.addWidgets(new AlarmStatusWidget({ title: 'Alarms', alarms: alarms.all, width: 24, height: 4 }));
    page.addWidgets(
      graph('Promises', [
        own('duplicate_send', Stats.SUM, FIVE),
        own('unknown_open', Stats.MAXIMUM, FIVE),
        own('runs_without_wakeup', Stats.MAXIMUM, FIVE),
        own('work_parked', Stats.MAXIMUM, FIVE),
        own('reconcile_drift', Stats.MAXIMUM, FIVE),
      ]),
      graph('Sweep: seconds late', [own('sweep_lag_seconds', Stats.MAXIMUM, FIVE)]),
      graph('Standing with SES', [reputation('Reputation.BounceRate'), reputation('Reputation.ComplaintRate')]),
    );
    page.addWidgets(
      graph('API: requests, 4xx, 5xx', [
        api.api.metricCount(),
        api.api.metricClientError(),
        api.api.metricServerError(),
      ]),
      graph('API: milliseconds', [
        api.api.metricLatency({ statistic: 'p50' }),
        api.api.metricLatency({ statistic: 'p99' }),
      ]),
      graph(
        'Queues: waiting',
        channels.map(([label, it]) => it.queue.metricApproximateNumberOfMessagesVisible({ label })),
      ),
    );
    page.addWidgets(
      graph(
        'Functions: invocations',
        functions.all.map(([label, it]) => it.metricInvocations({ label })),
      ),
      graph(
        'Functions: errors',
        functions.all.map(([label, it]) => it.metricErrors({ label })),
      ),
      graph(
        'Functions: milliseconds (p99)',
        functions.all.map(([label, it]) => it.metricDuration({ label, statistic: 'p99' })),
      ),
    );
    page.addWidgets(
      graph(
        'Tables: write units',
        stateful.tables.all.map((it) => it.metricConsumedWriteCapacityUnits({ statistic: Stats.SUM })),
      ),
      graph(
        'Tables: read units',
        stateful.tables.all.map((it) => it.metricConsumedReadCapacityUnits({ statistic: Stats.SUM })),
      ),
      graph('Reports: milliseconds behind', [functions.projector.metric('IteratorAge', { statistic: Stats.MAXIMUM })]),
    );
  }
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8, height: 6 });
}
