import type { StreamVideoClient } from '@callclock/client';
import type { ReactNode } from 'react';
import { ClientContext } from '../contexts.js';

export interface StreamVideoProps {
  client: StreamVideoClient;
  children?: ReactNode;
}

/** Gives the client to everything inside. Neither connects nor closes it: whoever made it does. */
export function StreamVideo({ client, children }: StreamVideoProps) {
  return <ClientContext value={client}>{children}</ClientContext>;
}
