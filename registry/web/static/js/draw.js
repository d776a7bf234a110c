// Draws a QR symbol on a canvas: black on white whatever the theme, each module a whole number of
// the screen's pixels.

const quiet = 4; // modules of white around it, ISO/IEC 18004 section 6.3.8

// draw makes the symbol as large as fits into width (CSS pixels).
export function draw(canvas, symbol, width) {
  const density = window.devicePixelRatio || 1;
  const across = symbol.size + 2 * quiet;
  const module = Math.max(1, Math.floor((width * density) / across));
  canvas.width = canvas.height = module * across;
  canvas.style.width = canvas.style.height = `${canvas.width / density}px`;
  const context = canvas.getContext("2d", { alpha: false });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "#000";
  symbol.modules.forEach((dark, i) => {
    if (!dark) return;
    const x = (i % symbol.size) + quiet;
    const y = Math.floor(i / symbol.size) + quiet;
    context.fillRect(x * module, y * module, module, module);
  });
}
