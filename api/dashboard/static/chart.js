// Draws the charts of a page from the specification beside each. Without it, or if it fails, the server's picture shows.

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
    await vegaEmbed(place, spec, OPTIONS);
  } catch (error) {
    console.warn("The chart is shown as a picture:", error);
    clearTimeout(waiting);
    plot.replaceChildren(figure.querySelector("template").content.cloneNode(true));
  } finally {
    plot.removeAttribute("aria-busy");
  }
}

for (const figure of document.querySelectorAll("figure.chart")) draw(figure);
