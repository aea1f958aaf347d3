import { createHmac } from 'node:crypto';

export interface UserTokenRequest {
  user_id: string;
  /** How long the token is good for; an hour by default. */
  validity_in_seconds?: number;
  /** Restricts the token to these calls, as `type:id`. */
  call_cids?: string[];
}

const HOUR_SECONDS = 3600;

/** A token for one user, to be handed to that user's page. `nowSeconds`: since 1970. */
export function userToken(secret: string, request: UserTokenRequest, nowSeconds: number): string {
  const { user_id, validity_in_seconds = HOUR_SECONDS, call_cids } = request;
  if (user_id === '') throw new RangeError('user_id must not be empty');
  if (!(validity_in_seconds > 0)) throw new RangeError('validity_in_seconds must be above 0');
  const iat = Math.floor(nowSeconds);
  return sign(secret, { user_id, iat, exp: iat + Math.floor(validity_in_seconds), call_cids });
}

/** A token that may do everything; it must never leave the server. */
export function serverToken(secret: string): string {
  return sign(secret, { server: true });
}

/** A JWT signed with HS256 (RFC 7519, RFC 7515 section 3.1). */
function sign(secret: string, claims: Record<string, unknown>): string {
  const unsigned = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${unsigned}.${createHmac('sha256', secret).update(unsigned).digest('base64url')}`;
}

function encode(part: Record<string, unknown>): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
