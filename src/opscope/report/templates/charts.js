// Draws each chart when it is about to be seen, in the colours that the reader's system asks for.
"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const palette = read("palette");
  const figures = read("figures");
  const boxes = [...document.querySelectorAll(".chart")];
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const config = { displayModeBar: false, responsive: true, scrollZoom: false };
  const PRINTED = { width: 660, height: 900 }; // fits a page, A4 or letter
  const NARROW = 480;
  const FRAME = { l: 62, r: 14, t: 12, b: 48 };

  // Names of configurations take a second line where they would leave bars no room.
  function named(given) {
    if (!given.ticktext || window.innerWidth > NARROW) return given;
    return { ...given, tickfont: { size: 11 }, ticktext: given.ticktext.map((name) => name.replace(", ", ",<br>")) };
  }

  function axis(given, theme) {
    return {
      automargin: true, gridcolor: theme.grid, linecolor: theme.grid, zerolinecolor: theme.grid,
      fixedrange: "ontouchstart" in window, ...named(given),
    };
  }

  function traces(figure, theme) {
    return figure.traces.map((trace, number) => {
      const color = theme.series[figure.colors[number] % theme.series.length];
      if (trace.mode === "lines") return { ...trace, line: { ...trace.line, color } };
      const dressed = { ...trace, marker: { ...trace.marker, color } };
      for (const error of ["error_x", "error_y"]) {
        const shown = trace.type === "bar" ? theme.text : color;
        if (trace[error]) dressed[error] = { ...trace[error], color: shown };
      }
      return dressed;
    });
  }

  function layout(figure, theme, page) {
    const given = figure.layout;
    const size = page && { width: page.width, height: Math.min(given.height, page.height) };
    return {
      ...given, ...size,
      margin: FRAME, hovermode: "closest", dragmode: "ontouchstart" in window ? false : "zoom",
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: theme.text, size: 13, family: "system-ui, sans-serif" },
      hoverlabel: { bgcolor: theme.background, bordercolor: theme.text, align: "left",
        font: { color: theme.text } },
      legend: { orientation: "h", y: 1, yanchor: "bottom", x: 0 },
      xaxis: axis(given.xaxis, theme), yaxis: axis(given.yaxis, theme),
    };
  }

  function draw(box, theme, page) {
    const figure = figures[Number(box.dataset.figure)];
    box.dataset.drawn = "yes";
    return Plotly.react(box, traces(figure, theme), layout(figure, theme, page), config);
  }

  const current = () => (dark.matches ? palette.dark : palette.light);

  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      watcher.unobserve(entry.target);
      if (!entry.target.dataset.drawn) draw(entry.target, current());
    }
  }, { rootMargin: "500px" });
  boxes.forEach((box) => watcher.observe(box));

  const drawn = () => boxes.filter((box) => box.dataset.drawn);
  dark.addEventListener("change", () => drawn().forEach((box) => draw(box, current())));
  window.addEventListener("beforeprint", () => {
    boxes.forEach((box) => draw(box, palette.light, PRINTED));
  });
  window.addEventListener("afterprint", () => boxes.forEach((box) => draw(box, current())));
})();
