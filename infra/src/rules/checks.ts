import type { CfnResource } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { NagMessageLevel, NagPack, NagRuleCompliance, type NagRuleResult } from 'cdk-nag';
import { listOf, neighbours, propertiesOf, speaksOf, statementsOf } from './resolved.ts';

type Properties = Record<string, unknown>;

interface Rule {
  readonly name: string;
  readonly types: readonly string[];
  readonly info: string;
  readonly because: string;
  /** Whether a resource keeps the rule, or what of it does not. */
  readonly kept: (properties: Properties, node: CfnResource) => boolean | string[];
}

const TABLES = ['AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable'];

/** What the HIPAA pack does not look at. */
const RULES: readonly Rule[] = [
  {
    name: 'SqsKey',
    types: ['AWS::SQS::Queue'],
    info: 'The queue is not encrypted under a key of the installation',
    because: 'Events of the mail service name recipients.',
    kept: ({ KmsMasterKeyId: key }) => key !== undefined && !String(key).startsWith('alias/aws/'),
  },
  {
    name: 'SqsTls',
    types: ['AWS::SQS::Queue'],
    info: 'The queue may be reached without TLS',
    because: 'As above, on the way.',
    kept: (_, node) => refusesPlain(neighbours(node, 'AWS::SQS::QueuePolicy'), 'Queues', node),
  },
  {
    name: 'SqsDeadLetters',
    types: ['AWS::SQS::Queue'],
    info: 'The queue has nowhere to put what nobody can read, and is no such place itself',
    because: 'A message that fails for ever would be tried until it is forgotten.',
    kept: ({ RedrivePolicy: own }, node) => own !== undefined || isForTheDead(node),
  },
  {
    name: 'SnsTls',
    types: ['AWS::SNS::Topic'],
    info: 'The topic may be reached without TLS',
    because: 'Events of the mail service name recipients.',
    kept: (_, node) => refusesPlain(neighbours(node, 'AWS::SNS::TopicPolicy'), 'Topics', node),
  },
  {
    name: 'SesTls',
    types: ['AWS::SES::ConfigurationSet'],
    info: 'Mails of the configuration set may be handed over without TLS',
    because: 'A mail says that somebody is a patient.',
    kept: ({ DeliveryOptions: options }) => (options as Properties | undefined)?.['TlsPolicy'] === 'REQUIRE',
  },
  {
    name: 'SesEvents',
    types: ['AWS::SES::ConfigurationSet'],
    info: 'Nobody hears what becomes of the mails of the configuration set',
    because: 'Bounces and complaints close addresses, and what is sent is evidence for what is unknown.',
    kept: (_, node) =>
      neighbours(node, 'AWS::SES::ConfigurationSetEventDestination').some((it) => speaksOf(propertiesOf(it), node)),
  },
  {
    name: 'PartialBatch',
    types: ['AWS::Lambda::EventSourceMapping'],
    info: 'One bad record fails its whole batch',
    because: 'What was done would be done again, and what is good would end among the dead letters.',
    kept: ({ FunctionResponseTypes: types }) => listOf(types).includes('ReportBatchItemFailures'),
  },
  {
    name: 'QueueConcurrency',
    types: ['AWS::Lambda::EventSourceMapping'],
    info: 'The queue may take all there may be of its function',
    because: 'A message that finds no function free counts as tried.',
    kept: ({ ScalingConfig: limits, StartingPosition: stream }) => stream !== undefined || limits !== undefined,
  },
  {
    name: 'FunctionLog',
    types: ['AWS::Lambda::Function'],
    info: 'The function has no log group of the stack',
    because: 'The one that Lambda makes by itself keeps lines for ever, under no key.',
    kept: ({ LoggingConfig: log }, node) =>
      neighbours(node, 'AWS::Logs::LogGroup').some((group) => speaksOf(log, group)),
  },
  {
    name: 'TableProtected',
    types: TABLES,
    info: 'The table lacks points in time, a key of the installation or protection from deletion',
    because: 'The pack looks at the older kind of table alone, and at points in time alone.',
    kept: (properties) => protections(properties),
  },
  {
    name: 'TableBackup',
    types: TABLES,
    info: 'No backup plan selects the table',
    because: 'The pack takes a plan for granted where a table is of the newer kind.',
    kept: (_, node) => neighbours(node, 'AWS::Backup::BackupSelection').some((it) => speaksOf(propertiesOf(it), node)),
  },
  {
    name: 'NoWildcard',
    types: ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy', 'AWS::IAM::Role'],
    info: 'A policy allows any action or any resource',
    because: 'A function may do what it needs.',
    kept: (properties) => wildcards(properties),
  },
  {
    name: 'RouteAuthorized',
    types: ['AWS::ApiGatewayV2::Route'],
    info: 'The gateway lets anybody through to the function',
    because: 'Closed by default (S27).',
    kept: ({ AuthorizationType: type }) => type !== undefined && type !== 'NONE',
  },
  {
    name: 'AccessLog',
    types: ['AWS::ApiGatewayV2::Stage'],
    info: 'The access log is missing, or has paths or addresses of callers in it',
    because: 'A path names a contact or carries a token (S24).',
    kept: ({ AccessLogSettings: log }) => {
      const format = (log as Properties | undefined)?.['Format'];
      return (
        typeof format === 'string' &&
        !/\$context\.(path|identity|authorizer|customDomain)|\$context\.(http)?[pP]ath/.test(format)
      );
    },
  },
];

/** Our own rules, applied and acknowledged like those of the pack. */
export class CarepathChecks extends NagPack {
  readonly name = 'Carepath';

  constructor(scope?: IConstruct) {
    super(scope);
    this.packName = 'Carepath';
  }

  protected override checkResource(node: CfnResource): void {
    for (const { name, types, info, because, kept } of RULES) {
      if (!types.includes(node.cfnResourceType)) continue;
      const rule = (it: CfnResource) => verdict(kept(propertiesOf(it), it));
      this.applyRule({
        ruleSuffixOverride: name,
        info: `${info}.`,
        explanation: because,
        level: NagMessageLevel.ERROR,
        node,
        rule,
      });
    }
  }
}

function verdict(kept: boolean | string[]): NagRuleResult {
  if (typeof kept !== 'boolean') return kept.length === 0 ? NagRuleCompliance.COMPLIANT : kept;
  return kept ? NagRuleCompliance.COMPLIANT : NagRuleCompliance.NON_COMPLIANT;
}

/** Whether one of the policies of a queue or topic denies everybody what comes without TLS. */
function refusesPlain(policies: CfnResource[], of: 'Queues' | 'Topics', node: CfnResource): boolean {
  const documents = policies.map(propertiesOf).filter((it) => speaksOf(it[of], node));
  return documents
    .flatMap((it) => statementsOf(it['PolicyDocument']))
    .some((statement) => {
      const condition = JSON.stringify(statement['Condition'] ?? {});
      return statement['Effect'] === 'Deny' && condition.includes('"aws:SecureTransport":"false"');
    });
}

function isForTheDead(node: CfnResource): boolean {
  const mappings = neighbours(node, 'AWS::Lambda::EventSourceMapping').map(
    (it) => propertiesOf(it)['DestinationConfig'],
  );
  const queues = neighbours(node, 'AWS::SQS::Queue').map((it) => propertiesOf(it)['RedrivePolicy']);
  return [...mappings, ...queues].some((it) => speaksOf(it, node));
}

/** What a table lacks; of the newer kind each replica must have it. */
function protections(properties: Properties): string[] {
  const copies = properties['Replicas'] === undefined ? [properties] : (listOf(properties['Replicas']) as Properties[]);
  return copies.flatMap((copy) => {
    const key = (copy['SSESpecification'] as Properties | undefined)?.['KMSMasterKeyId'];
    const points = (copy['PointInTimeRecoverySpecification'] as Properties | undefined)?.['PointInTimeRecoveryEnabled'];
    return [
      ...(points === true ? [] : ['PointInTimeRecovery']),
      ...(key === undefined ? ['Key'] : []),
      ...(copy['DeletionProtectionEnabled'] === true ? [] : ['DeletionProtection']),
    ];
  });
}

/** What a policy allows without naming it. */
function wildcards(properties: Properties): string[] {
  const inline = listOf(properties['Policies']).map((it) => (it as Properties)['PolicyDocument']);
  const statements = [properties['PolicyDocument'], ...inline].flatMap(statementsOf);
  return statements
    .filter((it) => it['Effect'] === 'Allow')
    .flatMap((statement) => {
      const actions = listOf(statement['Action']).map(String);
      const any = listOf(statement['Resource']).includes('*');
      return [
        ...actions.filter((it) => it.includes('*')).map((it) => `Action::${it}`),
        ...(any ? actions.map((it) => `AnyResource::${it}`) : []),
      ];
    });
}
