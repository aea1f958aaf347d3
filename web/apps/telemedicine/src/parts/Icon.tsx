const PATHS = {
  mic: 'M12 3.5a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0v-5a3 3 0 0 1 3-3ZM5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3',
  'mic-off': 'M15 9V6.500a3 3 0 0 0-5.700-1.300M9 9v2.500a3 3 0 0 0 4.600 2.500M5.500 11.500a6.500 6.500 0 0 0 10.700 5M18.500 11.500c0 .8-.15 1.600-.4 2.300M12 18v3M4 3.500l16 17',
  camera: 'M4.500 6.500h9a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-9a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2ZM15.500 10.500l6-3v9l-6-3',
  'camera-off': 'M9.500 6.500h4a2 2 0 0 1 2 2v3.500l6 4.500v-9l-6 3M15 16.700a2 2 0 0 1-1.500.8h-9a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2h.500M4 3.500l16 17',
  screen: 'M4.500 4.500h15a1.500 1.500 0 0 1 1.500 1.500v9a1.500 1.500 0 0 1-1.500 1.500h-15a1.500 1.500 0 0 1-1.500-1.500v-9a1.500 1.500 0 0 1 1.500-1.500ZM8.500 20h7M12 13.500v-6M9 10l3-3 3 3',
  leave: 'M14 4.500h-7a1.500 1.500 0 0 0-1.500 1.500v12a1.500 1.500 0 0 0 1.500 1.500h7M10.500 12h10M17 8.500l3.500 3.500-3.500 3.500',
  plus: 'M12 5v14M5 12h14',
  clock: 'M12 3.500a8.500 8.500 0 1 1 0 17 8.500 8.500 0 0 1 0-17ZM12 7.500v5l3 2',
  close: 'M6 6l12 12M18 6L6 18',
  chevron: 'M6.500 9.500l5.500 5.500 5.500-5.500',
  link: 'M9.500 14.500l5-5M10.500 7l1.800-1.800a4.200 4.200 0 0 1 6 6L16.500 13M13.500 17l-1.800 1.800a4.200 4.200 0 0 1-6-6L7.500 11',
  end: 'M12 4v8M7.500 6.500a7.500 7.500 0 1 0 9 0',
  check: 'M5 12.500l4.500 4.500L19 7.500',
} as const;

export type IconName = keyof typeof PATHS;

/** A drawn sign. Never the only bearer of a meaning: the words stand beside it or in the button's label. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="tm-icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
