// Lets a test cut the event stream, and keep it cut, without touching the media's own sockets.
(() => {
  const Native = window.WebSocket;
  const streams = [];
  window.WebSocket = class extends Native {
    constructor(url, protocols) {
      const isEvents = String(url).endsWith('/v1/events');
      super(isEvents && window.eventsAreCut ? `${url}-cut` : url, protocols);
      if (isEvents) streams.push(this);
    }
  };
  window.cutEvents = () => {
    window.eventsAreCut = true;
    for (const stream of streams) stream.close();
  };
})();
