import { CfnResource, type Stack, Validations } from 'aws-cdk-lib';

/** A finding that we live with. */
export interface Acknowledgment {
  /** Of cdk-nag's packs, of the CDK's own annotations, or of checkov (`CKV…`). */
  readonly rule: string;
  /** Which constructs, by their path. */
  readonly at: RegExp;
  readonly why: string;
}

const A_FUNCTION = /^Stateless\/Functions\/\w+\/Function\/Resource$/;
const A_BUCKET = /^Stateful\/Buckets\/(AccessLogs|Console)\/Resource$/;
const DISTRIBUTION = /^Stateless\/Console\/Distribution\/Resource$/;

/** All of them. A test holds that each is needed, and that there is no finding beside them. */
export const ACKNOWLEDGED: readonly Acknowledgment[] = [
  {
    rule: 'HIPAA.Security-LambdaInsideVPC',
    at: A_FUNCTION,
    why: 'Nothing listens: a function calls the APIs of AWS over TLS, and webhooks of public addresses. A network of its own would add a NAT gateway to get out and no wall to what comes in.',
  },
  {
    rule: 'HIPAA.Security-LambdaDLQ',
    at: A_FUNCTION,
    why: 'A dead-letter queue of a function is for asynchronous calls, and nobody makes any: the queues and the stream that call it have their own.',
  },
  {
    rule: 'HIPAA.Security-S3BucketReplicationEnabled',
    at: A_BUCKET,
    why: 'The console is built from the sources at each deployment, and who asked for its files need not outlive a region.',
  },
  {
    rule: 'HIPAA.Security-S3BucketReplicationEnabled',
    at: /^Stateful\/Archive\/Bucket\/Resource$/,
    why: 'What SES told lies there for two weeks, to be asked about mails of the last day. A copy would be contact data in a second region; without the archive unknown sends count as sent.',
  },
  {
    rule: 'HIPAA.Security-S3DefaultEncryptionKMS',
    at: A_BUCKET,
    why: 'The files of a public page; S3 delivers its access logs under its own encryption alone. Neither has contact data.',
  },
  {
    rule: 'CKV_AWS_117',
    at: A_FUNCTION,
    why: 'As HIPAA.Security-LambdaInsideVPC.',
  },
  {
    rule: 'CKV_AWS_116',
    at: A_FUNCTION,
    why: 'As HIPAA.Security-LambdaDLQ.',
  },
  {
    rule: 'CKV_AWS_173',
    at: A_FUNCTION,
    why: 'The variables are names of queues, tables and roles, and no secret: Lambda encrypts them under its own key.',
  },
  {
    rule: 'CKV_AWS_18',
    at: /^Stateful\/Buckets\/AccessLogs\/Resource$/,
    why: 'It is the bucket of the access logs: a log of its own would write into itself.',
  },
  {
    rule: 'CKV_AWS_86',
    at: DISTRIBUTION,
    why: 'A log of CloudFront has the paths that people asked for, and the path of a page names a contact (S24).',
  },
  {
    rule: 'CKV_AWS_68',
    at: DISTRIBUTION,
    why: 'What it serves is public files, and an API that lets nobody in without a token. An installation that has a web ACL names it (webAclArn).',
  },
  {
    rule: 'CKV_AWS_174',
    at: DISTRIBUTION,
    why: 'CloudFront decides the protocol of its own name; under a name of the installation (consoleDomain) it is TLS 1.2 at least.',
  },
  {
    rule: '@aws-cdk/aws-cloudfront-origins:updateImportedBucketPolicyOac',
    at: /^Stateless\/Console\/Distribution\/Origin1$/,
    why: 'The policy is written where the bucket is made, in the stack below.',
  },
  {
    rule: 'Carepath-NoWildcard[AnyResource::ses:GetAccount]',
    at: /^Stateless\/Functions\/Executor\/Policy\/Resource$/,
    why: 'SES knows no resource for the limits of an account.',
  },
  {
    rule: 'Carepath-NoWildcard[AnyResource::dynamodb:ListStreams]',
    at: /^Stateless\/Functions\/Projector\/Policy\/Resource$/,
    why: 'DynamoDB knows no resource for the list of streams.',
  },
  {
    rule: 'Carepath-RouteAuthorized',
    at: /^Stateless\/HttpApi\/Api\/(ANY|GET|HEAD)--(v1|segment|fhir|healthz)[^/]*\/Resource$/,
    why: 'Machines bring a key, which is no token: the function checks it, and knows the role that each route needs.',
  },
  {
    rule: 'Carepath-RouteAuthorized',
    at: /^Stateless\/HttpApi\/Api\/(GET|HEAD|POST)--[uf]--[^/]*\/Resource$/,
    why: 'For whoever holds a sealed link, or fills in a form; the stage gives them a small share.',
  },
];

/** Writes down, in the constructs, which findings we live with and why. */
export function acknowledge(...stacks: Stack[]): void {
  for (const node of stacks.flatMap((stack) => stack.node.findAll())) {
    const here = ACKNOWLEDGED.filter(({ at }) => at.test(node.node.path));
    const [checkov, others] = [here.filter(isCheckov), here.filter((it) => !isCheckov(it))];
    for (const { rule, why } of others) Validations.of(node).acknowledge({ id: rule, reason: why });
    if (checkov.length > 0 && CfnResource.isCfnResource(node)) {
      node.addMetadata('checkov', { skip: checkov.map(({ rule, why }) => ({ id: rule, comment: why })) });
    }
  }
}

function isCheckov({ rule }: Acknowledgment): boolean {
  return rule.startsWith('CKV');
}
