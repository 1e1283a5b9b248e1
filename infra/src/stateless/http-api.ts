import { RemovalPolicy } from 'aws-cdk-lib';
import { CfnStage, HttpApi, HttpMethod, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import type { Function } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { World } from './permissions.ts';

/** Who signs people in, and for whom. */
export interface Trust {
  readonly issuer: string;
  readonly audience: readonly string[];
}

/** Machines bring a key that the function checks; so these routes have no authorizer. */
const MACHINES: readonly [string, HttpMethod[]][] = [
  ['/v1/{proxy+}', [HttpMethod.ANY]],
  ['/segment/v1/{proxy+}', [HttpMethod.ANY]],
  ['/fhir', [HttpMethod.ANY]],
  ['/fhir/{proxy+}', [HttpMethod.ANY]],
  ['/healthz', [HttpMethod.GET, HttpMethod.HEAD]],
];

/** Anybody may call these: links in mails and hosted forms. */
const ANYBODY: readonly [string, HttpMethod[]][] = [
  ['/u/{token}', [HttpMethod.GET, HttpMethod.HEAD, HttpMethod.POST]],
  ['/f/{form}', [HttpMethod.POST]],
];

/**
 * No path, since a path names a contact or carries a token; no address of a caller; only the route as it is written
 * here.
 */
const LOGGED = {
  at: '$context.requestTime',
  request: '$context.requestId',
  route: '$context.routeKey',
  status: '$context.status',
  bytes: '$context.responseLength',
  millis: '$context.responseLatency',
  integrationMillis: '$context.integrationLatency',
  error: '$context.error.responseType',
};

/** The way in: an HTTP API in front of one function. */
export class Api extends Construct {
  readonly api: HttpApi;
  private readonly integration: HttpLambdaIntegration;

  constructor(scope: Construct, target: Function, { names, settings, stateful }: World) {
    super(scope, 'HttpApi');
    this.api = new HttpApi(this, 'Api', {
      apiName: names.of('api'),
      description: 'Carepath',
      createDefaultStage: false,
    });
    this.integration = new HttpLambdaIntegration('Function', target, { scopePermissionToRoute: false });
    const logGroup = new LogGroup(this, 'Log', {
      logGroupName: names.accessLog,
      encryptionKey: stateful.keys.logs,
      retention: RetentionDays.ONE_YEAR,
      removalPolicy: settings.stage === 'local' ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    });
    const stage = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      detailedMetricsEnabled: true,
      throttle: { rateLimit: 500, burstLimit: 1000 },
      accessLogSettings: {
        destination: new LogGroupLogDestination(logGroup),
        format: AccessLogFormat.custom(JSON.stringify(LOGGED)),
      },
    });
    for (const [path, methods] of MACHINES) this.api.addRoutes({ path, methods, integration: this.integration });
    const open = ANYBODY.flatMap(([path, methods]) =>
      this.api.addRoutes({ path, methods, integration: this.integration }),
    );
    slower(stage);
    // A stage is refused that limits routes which are not there yet.
    stage.node.addDependency(...open);
  }

  /** People come by routes of their own, and with a token of somebody whom the gateway trusts. */
  open(trust: Trust): void {
    const authorizer = new HttpJwtAuthorizer('People', trust.issuer, { jwtAudience: [...trust.audience] });
    this.api.addRoutes({
      path: '/people/v1/{proxy+}',
      methods: [HttpMethod.ANY],
      integration: this.integration,
      authorizer,
    });
  }
}

/** What anybody may call has a small share of the whole. */
function slower(stage: HttpStage): void {
  const settings = (rate: number, burst: number) => ({
    ThrottlingRateLimit: rate,
    ThrottlingBurstLimit: burst,
    DetailedMetricsEnabled: true,
  });
  (stage.node.defaultChild as CfnStage).routeSettings = {
    'POST /f/{form}': settings(10, 20),
    'GET /u/{token}': settings(100, 200),
    'HEAD /u/{token}': settings(100, 200),
    'POST /u/{token}': settings(100, 200),
  };
}
