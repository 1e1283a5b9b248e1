import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { AccountRecovery, CfnUserPoolGroup, FeaturePlan, Mfa, UserPool } from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';
import type { Names } from '../names.ts';

/** The roles of people; a person's groups are in their token as `cognito:groups`. */
export const ROLES = ['viewer', 'editor', 'admin'] as const;

/**
 * Who may use the console, where the organisation has no identity provider of its own: by invitation, with a second
 * factor.
 */
export class People extends Construct {
  readonly pool: UserPool;

  constructor(scope: Construct, names: Names, removal: RemovalPolicy) {
    super(scope, 'People');
    this.pool = new UserPool(this, 'Pool', {
      userPoolName: names.of('people'),
      featurePlan: FeaturePlan.ESSENTIALS,
      selfSignUpEnabled: false,
      signInAliases: { email: true },
      signInCaseSensitive: false,
      mfa: Mfa.REQUIRED,
      mfaSecondFactor: { otp: true, sms: false },
      accountRecovery: AccountRecovery.EMAIL_ONLY,
      passwordPolicy: {
        minLength: 14,
        requireDigits: true,
        requireLowercase: true,
        requireUppercase: true,
        requireSymbols: true,
        tempPasswordValidity: Duration.days(3),
      },
      deletionProtection: removal === RemovalPolicy.RETAIN,
      removalPolicy: removal,
    });
    for (const groupName of ROLES) {
      new CfnUserPoolGroup(this, groupName, { userPoolId: this.pool.userPoolId, groupName });
    }
  }
}
