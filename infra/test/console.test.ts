import assert from 'node:assert/strict';
import { test } from 'node:test';
import vm from 'node:vm';
import { resources, templates } from './installed.ts';

const { stateless } = templates();
const first = (type: string) => Object.values(resources(stateless, type))[0]?.Properties ?? {};

/** What the function at the edge makes of an address. */
function asked(uri: string): string {
  const code = String(first('AWS::CloudFront::Function')['FunctionCode']);
  const request = { uri, querystring: { contact: { value: 'ann' } } };
  const after = vm.runInNewContext(`${code}; handler(event)`, { event: { request } }) as typeof request;
  assert.deepEqual({ ...after.querystring }, {}, 'what was asked for beside the path stays at the edge');
  return after.uri;
}

test('the bucket and its access log never learn which contact a page was about (S24)', () => {
  for (const page of ['/', '/contacts/ann', '/contacts/ann/', '/workflows/welcome/versions/3'])
    assert.equal(asked(page), '/index.html');
  for (const file of ['/index.html', '/assets/index-B1x.js', '/config.json', '/icon.svg'])
    assert.equal(asked(file), file);
  assert.equal(asked('/contacts/ann.lee@example.org'), '/index.html');
  assert.equal(asked('/contacts/mrn.12345'), '/index.html');
});

test('a page of the console loads what it brings itself, talks to its own origin and to where people sign in', () => {
  const config = first('AWS::CloudFront::ResponseHeadersPolicy')['ResponseHeadersPolicyConfig'].SecurityHeadersConfig;
  const joined = JSON.stringify(config.ContentSecurityPolicy.ContentSecurityPolicy);
  for (const part of [
    "default-src 'none'",
    "script-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ]) {
    assert.ok(joined.includes(part), part);
  }
  assert.doesNotMatch(joined, /unsafe|https:\/\/\*|\*\./);
  assert.match(joined, /connect-src 'self' https:\/\/.*amazoncognito\.com;/);
  assert.equal(config.FrameOptions.FrameOption, 'DENY');
  assert.equal(config.ReferrerPolicy.ReferrerPolicy, 'no-referrer');
  assert.ok(config.StrictTransportSecurity.AccessControlMaxAgeSec >= 31_536_000);
});

test('the console is told where people sign in: at the pool, at the provider that was given, or nowhere', () => {
  const told = (settings: Record<string, string>) => {
    const template = templates(settings).stateless;
    const { ConsoleConfig } = template.findOutputs('ConsoleConfig') as Record<string, { Value: unknown }>;
    const value = ConsoleConfig?.Value;
    const text =
      typeof value === 'string'
        ? value
        : (value as { 'Fn::Join': [string, unknown[]] })['Fn::Join'][1]
            .map((it) => (typeof it === 'string' ? it : 'X'))
            .join('');
    const policy = JSON.stringify(Object.values(resources(template, 'AWS::CloudFront::ResponseHeadersPolicy')));
    return { config: JSON.parse(text) as unknown, connects: /connect-src ([^;]*);/.exec(policy)?.[1] };
  };
  const host = 'https://carepath-X.auth.X.amazoncognito.com';
  const dashboard = 'https://X.console.aws.amazon.com/cloudwatch/home?region=X#dashboards/dashboard/carepath-overview';
  assert.deepEqual(told({}).config, {
    api: '/people/v1',
    auth: {
      authorize: `${host}/oauth2/authorize`,
      token: `${host}/oauth2/token`,
      client: 'X',
      logout: `${host}/logout`,
    },
    dashboard,
  });
  const given = { issuer: 'https://id.example.org', audience: 'carepath' };
  assert.deepEqual(told(given), { config: { api: '/people/v1', dashboard }, connects: "'self'" });
  const at = {
    authorizeUrl: 'https://id.example.org/authorize',
    tokenUrl: 'https://tokens.example.org/t',
    consoleClient: 'c1',
    logoutUrl: 'https://id.example.org/logout',
  };
  assert.deepEqual(told({ ...given, ...at }), {
    config: {
      api: '/people/v1',
      auth: { authorize: at.authorizeUrl, token: at.tokenUrl, client: 'c1', logout: at.logoutUrl },
      dashboard,
    },
    connects: "'self' https://tokens.example.org",
  });
});

test('files come from a closed bucket, and the API of people is beside them, never cached', () => {
  const {
    DefaultCacheBehavior: files,
    CacheBehaviors: others,
    Origins: origins,
    Logging,
  } = first('AWS::CloudFront::Distribution')['DistributionConfig'];
  assert.equal(files.ViewerProtocolPolicy, 'redirect-to-https');
  assert.deepEqual(
    others.map((it: { PathPattern: string }) => it.PathPattern),
    ['/people/*'],
  );
  // The managed policy CachingDisabled.
  assert.equal(others[0].CachePolicyId, '4135ea2d-6df8-44a3-9df3-4b5a84be39ad');
  assert.ok(origins.some((it: Record<string, unknown>) => it['OriginAccessControlId'] !== undefined));
  assert.ok(
    origins.some(
      (it: { CustomOriginConfig?: { OriginProtocolPolicy: string } }) =>
        it.CustomOriginConfig?.OriginProtocolPolicy === 'https-only',
    ),
  );
  assert.equal(Logging, undefined, 'a log of CloudFront has paths in it');
});

test('under a name of its own the console speaks TLS 1.2 at least', () => {
  const certificate = 'arn:aws:acm:us-east-1:111122223333:certificate/11111111-2222-3333-4444-555555555555';
  const other = templates({ consoleDomain: 'care.example.org', consoleCertificateArn: certificate }).stateless;
  const { Aliases, ViewerCertificate } = Object.values(resources(other, 'AWS::CloudFront::Distribution'))[0]
    ?.Properties['DistributionConfig'];
  assert.deepEqual([Aliases, ViewerCertificate.MinimumProtocolVersion], [['care.example.org'], 'TLSv1.2_2021']);
});
