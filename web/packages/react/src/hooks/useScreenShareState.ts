import { Track } from 'livekit-client';
import { type TrackState, useTrackState } from './useTrackState.js';

export function useScreenShareState(): TrackState {
  return useTrackState(Track.Source.ScreenShare);
}
