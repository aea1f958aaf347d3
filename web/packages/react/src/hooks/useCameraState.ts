import { Track } from 'livekit-client';
import { type TrackState, useTrackState } from './useTrackState.js';

export function useCameraState(): TrackState {
  return useTrackState(Track.Source.Camera);
}
