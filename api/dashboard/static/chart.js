// Draws the charts of a page from the specification beside each, also of parts that come later. Without it, or if it
// fails, the server's picture shows.

const OPTIONS = {
  mode: "vega-lite",
  ast: true, // no code is made from text, so the page needs no 'unsafe-eval'
  actions: false,
  renderer: "svg",
  defaultStyle: false,
  logLevel: 1, // errors; an empty layer is no cause for a warning
  tooltip: { disableDefaultStyle: true },
};

async function draw(figure) {
  const plot = figure.querySelector(".plot");
  plot.setAttribute("aria-busy", "true");
  const waiting = setTimeout(() => plot.append("Loading the chart …"), 1000);
  try {
    const { vegaEmbed } = await import(figure.dataset.bundle);
    const spec = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
    const place = document.createElement("div");
    place.className = "drawn";
    clearTimeout(waiting);
    plot.replaceChildren(place);
    drawn.set(figure, await vegaEmbed(place, spec, OPTIONS));
    place.querySelector("svg").setAttribute("aria-hidden", "true"); // its place is named; its marks are read in the table
  } catch (error) {
    console.warn("The chart is shown as a picture:", error);
    clearTimeout(waiting);
    plot.replaceChildren(figure.querySelector("template").content.cloneNode(true));
  } finally {
    plot.removeAttribute("aria-busy");
  }
}

const drawn = new WeakMap();

function drawAll(root) {
  const figures = [...root.querySelectorAll("figure.chart")];
  if (root.matches?.("figure.chart")) figures.push(root);
  for (const figure of figures) if (!figure.dataset.drawn) { figure.dataset.drawn = "yes"; draw(figure); }
}

drawAll(document);
document.addEventListener("htmx:load", (event) => drawAll(event.detail.elt));
document.addEventListener("htmx:beforeCleanupElement", (event) => drawn.get(event.detail.elt)?.finalize());
