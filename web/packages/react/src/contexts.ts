import type { Call, StreamVideoClient } from '@callclock/client';
import { createContext } from 'react';

export const ClientContext = createContext<StreamVideoClient | undefined>(undefined);
export const CallContext = createContext<Call | undefined>(undefined);
