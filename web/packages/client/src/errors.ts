import type { FieldProblem, ProblemResponse } from './wire.js';

/** Codes of failures that no server answered; every other code comes from the server's one table of errors. */
export const ClientErrorCode = {
  /** The request never reached the server, or its answer never reached us. */
  NETWORK: 'network-unreachable',
  /** No answer within the time allowed. */
  TIMEOUT: 'request-timeout',
  /** Something between us and the server answered with what is not a problem document. */
  UNEXPECTED_ANSWER: 'unexpected-answer',
  /** `leave()` was called before `join()` had finished. */
  LEFT_BEFORE_JOINED: 'left-before-joined',
  /** The server let us in but the media room could not be reached. */
  MEDIA_UNREACHABLE: 'media-unreachable',
  /** The SDK was set up without something it needs. */
  INVALID_OPTIONS: 'invalid-options',
  /** A record is not, or not any more, what the server signed. */
  SIGNATURE_INVALID: 'signature-invalid',
} as const;

export interface CallclockErrorDetails {
  code: string;
  message: string;
  status?: number;
  errors?: FieldProblem[];
  capability?: string | undefined;
  requestId?: string;
  cause?: unknown;
}

/** Every failure of the SDK. `code` is stable; `message` is for people. */
export class CallclockError extends Error {
  override readonly name = 'CallclockError';
  readonly code: string;
  /** HTTP status, or 0 when no server answered. */
  readonly status: number;
  /** What was wrong with which field, for 422. */
  readonly errors: readonly FieldProblem[];
  /** The right that was missing, for `missing-capability`. */
  readonly capability: string | undefined;
  readonly requestId: string | undefined;

  constructor(details: CallclockErrorDetails) {
    super(details.message, { cause: details.cause });
    this.code = details.code;
    this.status = details.status ?? 0;
    this.errors = details.errors ?? [];
    this.capability = details.capability;
    this.requestId = details.requestId;
  }

  static fromProblem(problem: ProblemResponse): CallclockError {
    return new CallclockError({
      code: problem.code,
      message: problem.detail || problem.title,
      status: problem.status,
      errors: problem.errors ?? [],
      capability: problem.capability ?? undefined,
      requestId: problem.request_id,
    });
  }

  /** True when trying again later can help: nothing was said about the request itself. */
  get isTransient(): boolean {
    return this.code === ClientErrorCode.NETWORK || this.code === ClientErrorCode.TIMEOUT || this.status >= 500;
  }
}

/** The error as a `CallclockError`, whatever was thrown. */
export function asCallclockError(thrown: unknown, fallbackCode: string): CallclockError {
  if (thrown instanceof CallclockError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new CallclockError({ code: fallbackCode, message, cause: thrown });
}
