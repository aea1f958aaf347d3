// For the documentation's pictures: a drawn person in the camera's place, `window.portrait` says who.
(() => {
  const PEOPLE = {
    'dr-lecter': {
      wall: '#b8a88f', light: '#d3c6ae', shelf: '#93826a', skin: '#eec4a2', shade: '#d9a883',
      hair: '#6d6a66', clothes: '#f5f3ee', inner: '#7fa3b8', glasses: true,
    },
    bill: {
      wall: '#8ea39b', light: '#b4c6bf', shelf: '#6f877e', skin: '#d8a988', shade: '#bd8a69',
      hair: '#3b2a20', clothes: '#2f4a45', inner: '#2f4a45', glasses: false,
    },
  };

  function draw(pen, who) {
    const fill = (color, path) => {
      pen.fillStyle = color;
      pen.fill(new Path2D(path));
    };
    fill(who.wall, 'M0 0h640v480h-640z');
    fill(who.light, 'M48 36h150v210h-150z');
    fill(who.wall, 'M119 36h8v210h-8z M48 136h150v8h-150z');
    fill(who.shelf, 'M470 120h170v10h-170z M486 66h18v54h-18z M510 78h16v42h-16z M532 60h22v60h-22z M566 88h40v32h-40z');
    fill(who.clothes, 'M120 480c6-104 78-150 200-150s194 46 200 150z');
    fill(who.inner, 'M282 330l38 74 38-74z');
    fill(who.shade, 'M280 276h80v64c0 26-80 26-80 0z');
    fill(who.skin, 'M236 208c0-76 36-116 84-116s84 40 84 116c0 68-40 122-84 122s-84-54-84-122z');
    fill(who.skin, 'M226 206c-10 0-12 40 6 48z M414 206c10 0 12 40-6 48z');
    fill(who.hair, 'M230 214c-18-104 40-150 92-150 66 0 104 42 88 150-8-52-26-76-52-88-44 20-106 16-128 88z');
    pen.strokeStyle = '#3d322c';
    pen.lineWidth = 5;
    pen.lineCap = 'round';
    pen.stroke(new Path2D('M270 196c10-8 24-8 34-2 M336 194c10-6 24-6 34 2 M292 284c18 12 38 12 56 0'));
    pen.fillStyle = '#3d322c';
    for (const x of [288, 352]) {
      pen.beginPath();
      pen.arc(x, 216, 6, 0, 7);
      pen.fill();
    }
    pen.strokeStyle = who.shade;
    pen.stroke(new Path2D('M320 214c2 16 10 28 2 36h-10'));
    if (!who.glasses) return;
    pen.strokeStyle = '#4a4540';
    pen.lineWidth = 4;
    pen.stroke(new Path2D('M262 202h52v26a26 22 0 0 1-52 0z M326 202h52v26a26 22 0 0 1-52 0z M314 212h12'));
  }

  const devices = navigator.mediaDevices;
  const native = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints) => {
    if (!constraints.video) return native(constraints);
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 });
    const pen = canvas.getContext('2d');
    const redraw = () => draw(pen, PEOPLE[window.portrait]);
    redraw();
    setInterval(redraw, 100);
    const stream = canvas.captureStream(10);
    if (constraints.audio) for (const track of (await native({ audio: true })).getTracks()) stream.addTrack(track);
    return stream;
  };
})();
