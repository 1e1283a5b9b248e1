import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function, RecursiveLoop, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { FUNCTIONS, type FunctionName } from '../names.ts';
import { policyOf, type World } from './permissions.ts';
import { SHAPES } from './shapes.ts';

/** The API's log says who looked at which contact: the HIPAA rules want such records for six years. */
const KEPT: Record<FunctionName, RetentionDays> = {
  api: RetentionDays.SIX_YEARS,
  engagement: RetentionDays.ONE_YEAR,
  timer: RetentionDays.ONE_YEAR,
  executor: RetentionDays.ONE_YEAR,
  projector: RetentionDays.ONE_YEAR,
};

/**
 * Lambda takes a queue that feeds itself for a mistake and stops it after 16 rounds. These do so by design, and runs
 * have a cap of their own.
 */
const FEEDS_ITSELF: readonly FunctionName[] = ['executor', 'timer'];

/** The five functions, each with a role, a policy and a log of its own. */
export class Functions extends Construct {
  readonly api: Function;
  readonly engagement: Function;
  readonly timer: Function;
  readonly executor: Function;
  readonly projector: Function;

  constructor(scope: Construct, world: World) {
    super(scope, 'Functions');
    this.api = this.made('api', world);
    this.engagement = this.made('engagement', world);
    this.timer = this.made('timer', world);
    this.executor = this.made('executor', world);
    this.projector = this.made('projector', world);
  }

  get all(): [FunctionName, Function][] {
    return FUNCTIONS.map((name) => [name, this[name]]);
  }

  private made(name: FunctionName, world: World): Function {
    const { names, settings, stateful } = world;
    const own = new Construct(this, name[0]?.toUpperCase() + name.slice(1));
    const logGroup = new LogGroup(own, 'Log', {
      logGroupName: names.functionLog(name),
      encryptionKey: stateful.keys.logs,
      retention: KEPT[name],
      removalPolicy: settings.stage === 'local' ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    });
    const role = new Role(own, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      managedPolicies: [policyOf(own, name, world)],
    });
    const { memory, seconds, concurrency, does } = SHAPES[name];
    const made = new Function(own, 'Function', {
      functionName: names.of(name),
      description: `Carepath: ${does}`,
      runtime: Runtime.PROVIDED_AL2023,
      architecture: settings.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
      handler: 'bootstrap',
      code: codeOf(name, settings.binaries),
      memorySize: memory,
      timeout: Duration.seconds(seconds),
      reservedConcurrentExecutions: settings.stopped.includes(name) ? 0 : concurrency,
      // Whoever grants something later would do it by an inline policy: the policy above is all there is.
      role: role.withoutPolicyUpdates(),
      logGroup,
      recursiveLoop: FEEDS_ITSELF.includes(name) ? RecursiveLoop.ALLOW : RecursiveLoop.TERMINATE,
      environment: environmentOf(name, world),
    });
    if (settings.stopped.includes(name)) {
      const reason = 'None of it may run for now: the rule takes that for no limit.';
      Validations.of(made).acknowledge({ id: 'HIPAA.Security-LambdaConcurrency', reason });
    }
    return made;
  }
}

function codeOf(name: FunctionName, binaries: string): Code {
  const folder = join(binaries, `carepath-${name}`);
  if (!existsSync(join(folder, 'bootstrap')))
    throw new Error(`${folder}/bootstrap is not there: build the functions first`);
  return Code.fromAsset(folder);
}

/** Where a function finds what it works with; docs/OPERATIONS.md has the table. */
function environmentOf(name: FunctionName, world: World): Record<string, string> {
  const { names, queues, scheduleRole, settings, stateful } = world;
  const environment: Record<string, string> = {
    CAREPATH_TABLE_PREFIX: settings.restored?.prefix ?? names.prefix,
  };
  if (name === 'projector') {
    // The emulator does not say which shard a record is of, and has one.
    if (settings.stage === 'local') environment['CAREPATH_ONE_STREAM_SHARD'] = 'true';
    return environment;
  }
  environment['CAREPATH_WORK_QUEUE_URL'] = queues.work.queue.queueUrl;
  environment['CAREPATH_TIMERS'] = settings.timers;
  if (scheduleRole !== undefined) {
    environment['CAREPATH_SCHEDULE_GROUP'] = names.scheduleGroup;
    environment['CAREPATH_SCHEDULE_ROLE_ARN'] = scheduleRole.roleArn;
    environment['CAREPATH_TIMER_QUEUE_ARN'] = queues.timers.queue.queueArn;
    if (settings.longestDelay !== undefined) environment['CAREPATH_LONGEST_DELAY_SECONDS'] = settings.longestDelay;
  }
  if (name === 'executor') {
    environment['CAREPATH_CONFIGURATION_SET_PREFIX'] = names.prefix;
    environment['CAREPATH_MAIL_EVENTS_BUCKET'] = stateful.archive.bucket.bucketName;
    environment['CAREPATH_ENGAGEMENT_QUEUE_URL'] = queues.engagement.queue.queueUrl;
    environment['CAREPATH_ENGAGEMENT_DEAD_LETTER_URL'] = queues.engagement.dead.queueUrl;
  }
  if (name !== 'api') {
    const channel = { executor: queues.work, timer: queues.timers, engagement: queues.engagement }[name];
    environment['CAREPATH_DEAD_LETTER_URL'] = channel.dead.queueUrl;
  }
  return environment;
}
