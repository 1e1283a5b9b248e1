import { Aws, Duration, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { ManagedLoginVersion, OAuthScope, UserPoolClient, UserPoolDomain } from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';
import type { Names } from '../names.ts';
import type { People } from '../stateful/people.ts';
import type { SignInAt } from '../settings.ts';
import type { Trust } from './http-api.ts';

/**
 * Where people sign in at the installation's own user pool. It has no secret to lose: the console proves itself by
 * PKCE.
 */
export class SignIn extends Construct {
  private readonly names: Names;
  private readonly people: People;

  constructor(scope: Construct, names: Names, people: People) {
    super(scope, 'SignIn');
    this.names = names;
    this.people = people;
    new UserPoolDomain(this, 'Domain', {
      userPool: people.pool,
      cognitoDomain: { domainPrefix: `${names.prefix}${Aws.ACCOUNT_ID}` },
      managedLoginVersion: ManagedLoginVersion.CLASSIC_HOSTED_UI,
    });
  }

  /** The origin of the sign-in pages. */
  static origin(scope: Construct, names: Names): string {
    const { account, region } = Stack.of(scope);
    return Fn.join('', ['https://', names.prefix, account, '.auth.', region, '.amazoncognito.com']);
  }

  /** Lets the console at an address sign people in. */
  allow(console: string): { trust: Trust; signIn: SignInAt } {
    const client = new UserPoolClient(this, 'Console', {
      userPool: this.people.pool,
      generateSecret: false,
      preventUserExistenceErrors: true,
      enableTokenRevocation: true,
      accessTokenValidity: Duration.minutes(30),
      idTokenValidity: Duration.minutes(30),
      refreshTokenValidity: Duration.hours(12),
      authFlows: {},
      oAuth: {
        flows: { authorizationCodeGrant: true },
        scopes: [OAuthScope.OPENID, OAuthScope.EMAIL],
        callbackUrls: [`${console}/`],
        logoutUrls: [`${console}/`],
      },
    });
    client.applyRemovalPolicy(RemovalPolicy.DESTROY);
    // What CloudFormation calls ProviderURL; the emulator knows the name alone.
    const issuer = Fn.join('', ['https://', this.people.pool.userPoolProviderName]);
    const origin = SignIn.origin(this, this.names);
    const at = (path: string) => Fn.join('', [origin, path]);
    return {
      trust: { issuer, audience: [client.userPoolClientId] },
      signIn: {
        authorize: at('/oauth2/authorize'),
        token: at('/oauth2/token'),
        client: client.userPoolClientId,
        logout: at('/logout'),
      },
    };
  }
}
