import { Duration, Fn, Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import {
  AllowedMethods,
  CachePolicy,
  Distribution,
  Function as EdgeFunction,
  FunctionCode,
  FunctionEventType,
  FunctionRuntime,
  HeadersFrameOption,
  HeadersReferrerPolicy,
  HttpVersion,
  OriginRequestPolicy,
  PriceClass,
  ResponseHeadersPolicy,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin, S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Api } from './http-api.ts';
import type { World } from './permissions.ts';

/**
 * What the console shows stands behind the `#` of its address, which nobody sends. An address that somebody made up or
 * kept may name a contact all the same, and one that leads back from the sign-in carries a code: the same file is the
 * answer, asked for under its own name, so that neither the bucket nor its access log learns them.
 */
const ONE_PAGE = `
function handler(event) {
  var request = event.request;
  if (!/^\\/(assets\\/)?[^\\/]+\\.[a-z0-9]+$/.test(request.uri)) request.uri = '/index.html';
  request.querystring = {};
  return request;
}
`;

/**
 * The web console: files in a bucket, and the API of people beside them under one name, so that nothing is cross-
 * origin.
 */
export class Console extends Construct {
  readonly distribution: Distribution;

  constructor(scope: Construct, api: Api, world: World, signIn: string | undefined) {
    super(scope, 'Console');
    const { names, settings, stateful } = world;
    const { region, urlSuffix } = Stack.of(this);
    const onePage = new EdgeFunction(this, 'OnePage', {
      functionName: names.of('console-one-page'),
      runtime: FunctionRuntime.JS_2_0,
      code: FunctionCode.fromInline(ONE_PAGE.trim()),
    });
    const { bucketName, bucketRegionalDomainName } = stateful.buckets.console;
    const bucket = Bucket.fromBucketAttributes(this, 'Files', { bucketName, bucketRegionalDomainName });
    const shared = { viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS, compress: true };
    this.distribution = new Distribution(this, 'Distribution', {
      comment: `${names.of('console')}`,
      defaultRootObject: 'index.html',
      httpVersion: HttpVersion.HTTP2_AND_3,
      priceClass: PriceClass.PRICE_CLASS_100,
      ...(settings.webAclArn === undefined ? {} : { webAclId: settings.webAclArn }),
      ...(settings.consoleDomain === undefined
        ? {}
        : {
            domainNames: [settings.consoleDomain.name],
            minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
            certificate: Certificate.fromCertificateArn(this, 'Certificate', settings.consoleDomain.certificateArn),
          }),
      defaultBehavior: {
        ...shared,
        origin: S3BucketOrigin.withOriginAccessControl(bucket),
        allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
        cachePolicy: CachePolicy.CACHING_OPTIMIZED,
        responseHeadersPolicy: headers(this, names.of('console'), signIn),
        functionAssociations: [{ eventType: FunctionEventType.VIEWER_REQUEST, function: onePage }],
      },
      additionalBehaviors: {
        '/people/*': {
          ...shared,
          origin: new HttpOrigin(`${api.api.apiId}.execute-api.${region}.${urlSuffix}`),
          allowedMethods: AllowedMethods.ALLOW_ALL,
          cachePolicy: CachePolicy.CACHING_DISABLED,
          originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
        },
      },
    });
  }

  /** Where the console is. */
  url(world: World): string {
    const name = world.settings.consoleDomain?.name ?? this.distribution.distributionDomainName;
    return Fn.join('', ['https://', name]);
  }
}

/**
 * Nothing but what the console brings itself, and where people sign in. Mails are shown in frames, which inherit this.
 */
function headers(scope: Construct, name: string, signIn: string | undefined): ResponseHeadersPolicy {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self'${signIn === undefined ? '' : ` ${signIn}`}`,
    "frame-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return new ResponseHeadersPolicy(scope, 'Headers', {
    responseHeadersPolicyName: name,
    securityHeadersBehavior: {
      contentSecurityPolicy: { contentSecurityPolicy: policy.join('; '), override: true },
      contentTypeOptions: { override: true },
      frameOptions: { frameOption: HeadersFrameOption.DENY, override: true },
      referrerPolicy: { referrerPolicy: HeadersReferrerPolicy.NO_REFERRER, override: true },
      strictTransportSecurity: { accessControlMaxAge: Duration.days(730), includeSubdomains: true, override: true },
    },
    customHeadersBehavior: {
      customHeaders: [
        { header: 'Cross-Origin-Opener-Policy', value: 'same-origin', override: true },
        { header: 'Permissions-Policy', value: 'camera=(), geolocation=(), microphone=()', override: true },
      ],
    },
  });
}
