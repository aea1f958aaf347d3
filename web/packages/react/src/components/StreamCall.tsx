import type { Call } from '@callclock/client';
import { RoomContext } from '@livekit/components-react';
import { Room } from 'livekit-client';
import { type ReactNode, useState, useSyncExternalStore } from 'react';
import { CallContext } from '../contexts.js';

export interface StreamCallProps {
  call: Call;
  children?: ReactNode;
}

/** Gives the call, and LiveKit's room, to everything inside. Neither joins nor leaves. */
export function StreamCall({ call, children }: StreamCallProps) {
  // Hooks of @livekit/components-react want a room before there is one, and in calls without media.
  const [unconnected] = useState(() => new Room());
  const room = useSyncExternalStore(
    call.state.subscribe,
    () => call.state.getSnapshot().room,
    () => undefined,
  );
  return (
    <CallContext value={call}>
      <RoomContext.Provider value={room ?? unconnected}>{children}</RoomContext.Provider>
    </CallContext>
  );
}
