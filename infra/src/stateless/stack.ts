import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Names } from '../names.ts';
import type { Settings } from '../settings.ts';
import type { Stateful } from '../stateful/stack.ts';
import { Alarms } from './alarms.ts';
import { Console } from './console.ts';
import { Dashboard } from './dashboard.ts';
import { Functions } from './functions.ts';
import { Api, type Trust } from './http-api.ts';
import type { World } from './permissions.ts';
import { Queues } from './queues.ts';
import { Schedules } from './schedules.ts';
import { SignIn } from './sign-in.ts';
import { Sources } from './sources.ts';

/** All that can be made anew from the sources: it keeps nothing that a deployment could lose. */
export class Stateless extends Stack {
  constructor(scope: Construct, id: string, settings: Settings, stateful: Stateful) {
    super(scope, id, {
      stackName: `${settings.prefix}stateless`,
      description: 'Carepath: functions, queues, API, console, alarms',
    });
    const names = new Names(settings.prefix);
    const { messages } = stateful.keys;
    const queues = new Queues(this, names, messages, stateful.mail.events);
    const schedules = new Schedules(this, names, queues, messages);
    const scheduleRole = settings.timers === 'scheduler' ? schedules.role : undefined;
    const world: World = { names, settings, stateful, queues, scheduleRole };
    const functions = new Functions(this, world);
    new Sources(this, functions, queues, stateful.tables);
    const api = new Api(this, functions.api, world);
    const { trust, outputs } = this.people(world, api);
    api.open(trust);
    const alarms = new Alarms(this, names, settings, messages, { functions, queues, api });
    new Dashboard(this, names, { alarms, api, functions, queues, stateful });
    this.tell({
      ...outputs,
      ApiUrl: api.api.apiEndpoint,
      EventsTopicArn: stateful.mail.events.topicArn,
      WorkQueueUrl: queues.work.queue.queueUrl,
      TimersQueueUrl: queues.timers.queue.queueUrl,
      EngagementQueueUrl: queues.engagement.queue.queueUrl,
      WorkDeadLetterUrl: queues.work.dead.queueUrl,
      TimersDeadLetterUrl: queues.timers.dead.queueUrl,
      EngagementDeadLetterUrl: queues.engagement.dead.queueUrl,
      ProjectorDeadLetterUrl: queues.projectorDead.queueUrl,
    });
  }

  /** The console, and who signs people in to it. */
  private people(world: World, api: Api): { trust: Trust; outputs: Record<string, string> } {
    const { names, settings, stateful } = world;
    const pool = stateful.people === undefined ? undefined : new SignIn(this, names, stateful.people);
    const given = settings.signIn === undefined ? undefined : new URL(settings.signIn.token).origin;
    const console = new Console(this, api, world, pool === undefined ? given : SignIn.origin(this, names));
    const url = console.url(world);
    const own = pool?.allow(url);
    const trust = settings.identity ?? own?.trust;
    if (trust === undefined) throw new Error('neither an issuer nor a user pool');
    const auth = own?.signIn ?? settings.signIn;
    return {
      trust,
      outputs: {
        ConsoleUrl: url,
        ConsoleBucket: stateful.buckets.console.bucketName,
        ConsoleConfig: this.toJsonString({
          api: '/people/v1',
          ...(auth === undefined ? {} : { auth }),
          dashboard: Dashboard.url(this, names),
        }),
        PeopleIssuer: trust.issuer,
        PeopleAudience: trust.audience.join(','),
      },
    };
  }

  private tell(outputs: Record<string, string>): void {
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
